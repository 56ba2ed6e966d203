//! The true results, for comparison with the metrics that Baton derives.

use std::ops::AddAssign;

/// A struct of counts, and their sum.
macro_rules! counts {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$doc])* pub $field: u64,)*
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                $(self.$field += other.$field;)*
            }
        }
    };
}

counts! {
    /// Counts of everything that the script makes happen.
    Truth {
        sessions,
        turns,
        /// Turns that gave the customer an answer.
        answered,
        /// Milliseconds that customers waited, all turns together.
        waited,
        model_calls,
        model_errors,
        /// Calls of which no span says what they took; their money is in no count.
        calls_without_usage,
        tool_calls,
        tool_errors,
        retrievals,
        /// Billionths of a dollar spent on model calls, tools, searches and people.
        spent_nano_usd,
        handoffs_succeeded,
        handoffs_dropped,
        handoffs_rejected,
        handoffs_target_error,
        handoffs_context_lost,
        loops,
        repeats,
        escalations,
        /// Scores that customers gave, and their sum.
        scores,
        score_points,
        evaluations,
        resolved,
        escalated,
        failed,
        abandoned,
        unverified,
        /// Of the resolved ones, those that only a rule finds.
        resolved_by_rule,
        /// Resolved ones of customers who are not signed in.
        resolved_without_user,
        /// Resolved and other ones whose business has no declared value.
        resolved_without_value,
        open_without_value,
        /// Milliseconds from the first to the last activity of resolved cases, all together.
        resolved_elapsed,
        /// Dollars of business, resolved and not.
        value_completed,
        value_at_risk,
        /// Cases that came to a step of the funnel.
        asked,
        reached_specialist,
        acted,
        solved,
    }
}

impl Truth {
    pub fn workflows(&self) -> u64 {
        self.resolved + self.escalated + self.failed + self.abandoned + self.unverified
    }

    pub fn handoffs(&self) -> u64 {
        self.handoffs_succeeded
            + self.handoffs_dropped
            + self.handoffs_rejected
            + self.handoffs_target_error
            + self.handoffs_context_lost
    }
}
