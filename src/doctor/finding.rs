//! What is missing, how much of it, and what to do.

use serde::Serialize;

/// What is missing or not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Spans that may be the work of agents and are of no known dialect.
    UnknownSpans,
    /// Expressions of a dialect of the configuration that gave nothing.
    Misreadings,
    /// Traces that name no session.
    NoSession,
    /// Model calls in traces in which nobody names an agent.
    NoAgentName,
    /// Model calls without tokens.
    NoUsage,
    /// Models without a price.
    NoPrice,
    /// A tool that sounds like a handoff and is not read as one.
    HandoffTool,
    /// No workflow declares how it ended, and no rule says so.
    NoOutcome,
    /// Words that declare an outcome and are none.
    OutcomeWord,
    /// Amounts in a currency without a rate.
    Currency,
    /// Spans and log records that cannot be taken.
    Rejected,
    /// Nothing at all came.
    NoSpans,
    /// The instance that was asked does not do what it should.
    Instance,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub kind: FindingKind,
    /// How many are concerned.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// What is the matter, and what to do.
    pub message: String,
    /// Where more about it is written.
    pub see: &'static str,
}

impl Finding {
    pub(super) fn new(
        kind: FindingKind,
        (count, of): (u64, u64),
        message: impl Into<String>,
        see: &'static str,
    ) -> Self {
        Self {
            kind,
            count,
            of,
            message: message.into(),
            see,
        }
    }

    /// A finding about the instance as a whole.
    pub fn of_instance(message: impl Into<String>) -> Self {
        Self::new(FindingKind::Instance, (1, 1), message, "docs/operations.md")
    }
}

/// A share in whole per cent. What is there is never shown as 0, what is missing never as 100.
pub(super) fn percent(count: u64, of: u64) -> u64 {
    match count * 100 / of.max(1) {
        0 if count > 0 => 1,
        100 if count < of => 99,
        percent => percent,
    }
}
