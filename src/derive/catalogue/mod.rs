//! The one table of derived metrics. `docs/metrics.md` is written from it.

mod labels;
mod table;

pub use labels::{Cohorts, Labels, Preset};
pub use table::CATALOGUE;

use crate::model::metric::FamilyKind;

/// One derived metric: its place in [`CATALOGUE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    Sessions,
    Turns,
    TurnDuration,
    TurnFirstToken,
    TurnAgentDuration,
    Workflows,
    WorkflowDuration,
    WorkflowCost,
    WorkflowValue,
    WorkflowSpend,
    WorkflowElapsed,
    WorkflowCascades,
    ModelWorkflows,
    ModelWorkflowCost,
    Recontacts,
    FunnelSteps,
    Escalations,
    Handoffs,
    HandoffDuration,
    HandoffsPending,
    ContextRetention,
    WorkflowHandoffs,
    WorkflowRetention,
    HandoffIntents,
    PhantomHandoffs,
    TransferLoops,
    TransferLoopLength,
    UserRepeats,
    AgentInvocations,
    LlmCalls,
    LlmCallDuration,
    LlmFirstToken,
    LlmTokens,
    LlmCost,
    UnpricedTokens,
    UnconvertedAmounts,
    UnknownOutcomes,
    ToolCalls,
    Retrievals,
    ActionCost,
    EvaluationScore,
    FeedbackScore,
    WorkflowFeedback,
    ObservedTurns,
    LateEvents,
    DuplicateEvents,
    Shed,
    SeriesOverflow,
}

/// What is known of a metric before it has values.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    pub metric: Metric,
    pub name: &'static str,
    pub help: &'static str,
    pub kind: FamilyKind,
    /// As OpenMetrics wants it; empty when there is none. `usd` stands for the configured currency, here and in names.
    pub unit: &'static str,
    /// All its own labels.
    pub labels: &'static [&'static str],
    /// Those of its own labels that only the preset `full` keeps.
    pub detail: &'static [&'static str],
    /// The cohort dimensions that it carries under the preset `standard`.
    pub cohorts: Cohorts,
    /// Whether it describes the business: then the weights of sampling apply, and it can carry cohort dimensions. A metric of
    /// Baton's own work has neither.
    pub is_business: bool,
    /// Upper bounds of a histogram's buckets. None: only its sum and its count.
    pub bounds: &'static [f64],
}

impl Description {
    /// It carries cohort dimensions under the preset `standard`.
    const fn by(self, cohorts: Cohorts) -> Self {
        Self { cohorts, ..self }
    }

    /// Some of its own labels are kept by the preset `full` only.
    const fn with_detail(self, detail: &'static [&'static str]) -> Self {
        Self { detail, ..self }
    }

    /// Whether a counter adds up amounts (money, seconds), which it keeps in billionths, and not things.
    pub fn is_amount(&self) -> bool {
        !self.unit.is_empty()
    }
}
