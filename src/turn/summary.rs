//! What turns add up to: one turn, or all turns of a workflow, in one type with one merge.

use super::cost::TotalCost;
use crate::model::Name;
use crate::model::cohort::Cohort;
use crate::model::event::Outcome;
use crate::model::fact::TurnResult;
use crate::model::ids::{SpanId, TraceId};
use crate::model::sampling::Threshold;
use crate::model::small_map::SmallSet;
use crate::model::time::Timestamp;

/// Models of one workflow that are remembered.
pub(super) const MAX_MODELS_PER_WORKFLOW: usize = 16;

/// A verdict on the business result. The latest one counts; of two of the same time, that of a rule (W-1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Verdict {
    pub at: Timestamp,
    /// The rule of the operator that says so. `None`: a span declares it.
    pub rule: Option<Name>,
    pub outcome: Outcome,
}

/// The declared value of a business transaction in nano-dollars, with the time at which it was declared.
pub type DeclaredValue = (Timestamp, i128);

/// Summary of the work on one workflow: by one turn, or by all turns that were merged into it.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowSummary {
    /// The name and the trace of the turn that began first.
    pub name: Name,
    pub trace: TraceId,
    /// The first span of that turn. `None`: an older Baton did not keep it.
    pub span: Option<SpanId>,
    /// The ID that the application gives it.
    pub id: Option<Name>,
    /// Event time, from the first request to the last answer.
    pub start: Timestamp,
    pub end: Timestamp,
    pub cost: TotalCost,
    /// The latest verdict.
    pub outcome: Option<Verdict>,
    /// Funnel steps that it reached, each once.
    pub steps: SmallSet<Name>,
    pub agents: SmallSet<Name>,
    /// Models that answered a chat call.
    pub models: SmallSet<Name>,
    pub turns: u64,
    /// Handoffs whose result is known, and how many of them failed.
    pub handoffs: u64,
    pub failed_handoffs: u64,
    /// A human was called in.
    pub escalated: bool,
    /// The result of the last turn. `None`: nobody was asked anything (an indexing job).
    pub last_result: Option<TurnResult>,
    /// Whether an error or a lost handoff is the reason for it (T-8).
    pub last_broke: bool,
    /// The smallest sampling threshold of the turns, `None` if one has none: the workflow was observed as surely as the turn that
    /// was most likely to be kept.
    pub threshold: Option<Threshold>,
    pub cohort: Cohort,
    pub user: Option<Name>,
    pub tenant: Option<Name>,
    /// What the user wants.
    pub intent: Option<Name>,
    /// The value declared last.
    pub value: Option<DeclaredValue>,
}

impl WorkflowSummary {
    /// Adds the summary of other turns, in any order: of two names that differ, the greater one stays (S-3, S-8).
    ///
    /// Commutative and associative, so that sessions which meet in any order have the same workflow.
    pub fn merge(&mut self, other: Self) {
        let Self {
            name,
            trace,
            span,
            id,
            start,
            end,
            cost,
            outcome,
            steps,
            agents,
            models,
            turns,
            handoffs,
            failed_handoffs,
            escalated,
            last_result,
            last_broke,
            threshold,
            cohort,
            user,
            tenant,
            intent,
            value,
        } = other;
        if (start, trace, &name, span) < (self.start, self.trace, &self.name, self.span) {
            (self.start, self.trace, self.name, self.span) = (start, trace, name, span);
        }
        if (end, last_broke, last_result) > (self.end, self.last_broke, self.last_result) {
            (self.end, self.last_broke, self.last_result) = (end, last_broke, last_result);
        }
        self.id = self.id.take().max(id);
        self.cost.merge(cost);
        self.outcome = self.outcome.take().max(outcome);
        self.steps.extend(steps);
        self.agents.extend(agents);
        self.models.extend(models);
        // The first ones by name, so that the result does not depend on their order.
        self.models.truncate(MAX_MODELS_PER_WORKFLOW);
        self.turns += turns;
        self.handoffs += handoffs;
        self.failed_handoffs += failed_handoffs;
        self.escalated |= escalated;
        self.threshold = self.threshold.min(threshold);
        self.cohort = self.cohort.joined(&cohort);
        self.user = self.user.take().max(user);
        self.tenant = self.tenant.take().max(tenant);
        self.intent = self.intent.take().max(intent);
        self.value = self.value.max(value);
    }

    /// Adds the turn that is decided next. Its order is known, so the order settles what [`merge`](Self::merge) would settle by
    /// size: the workflow keeps its name and user, and has the intent, cohort and result of its last turn (W-3).
    pub fn append(&mut self, mut turn: Self) {
        let (last_result, last_broke) = (turn.last_result, turn.last_broke);
        turn.name.clone_from(&self.name);
        (turn.trace, turn.span) = (self.trace, self.span);
        turn.user = self.user.clone().or(turn.user);
        turn.tenant = self.tenant.clone().or(turn.tenant);
        self.intent = turn.intent.clone().or(self.intent.take());
        // A workflow may begin with a greeting: what it turned out to be about is declared later.
        self.cohort = turn.cohort.or(&self.cohort);
        turn.cohort.clone_from(&self.cohort);
        self.merge(turn);
        (self.last_result, self.last_broke) = (last_result, last_broke);
    }

    /// A handoff of it found no target.
    pub fn lose_handoff(&mut self) {
        self.handoffs += 1;
        self.failed_handoffs += 1;
    }

    /// The declared value in units of the configured currency.
    pub fn value_amount(&self) -> Option<f64> {
        self.value.map(|(_, nano)| nano as f64 / 1e9)
    }

    /// Keeps the models that a workflow remembers: a turn alone knows all of its own.
    pub fn limit_models(&mut self) {
        self.models.truncate(MAX_MODELS_PER_WORKFLOW);
    }
}
