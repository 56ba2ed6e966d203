//! The ids of the derived metrics, in the order of their table.

use super::{DERIVED, Description};

/// One derived metric: its place in [`DERIVED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    Sessions,
    Turns,
    TurnsWithoutText,
    TurnDuration,
    TurnFirstToken,
    TurnAgentDuration,
    Workflows,
    WorkflowDuration,
    WorkflowCost,
    WorkflowValue,
    WorkflowSpend,
    WorkflowElapsed,
    WorkflowCalls,
    WorkflowsWithoutUser,
    WorkflowsWithoutValue,
    WorkflowCascades,
    ModelWorkflows,
    ModelWorkflowCost,
    Recontacts,
    Corrections,
    ValueCorrections,
    OutcomeReports,
    ForgottenWorkflows,
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
    LlmCallsWithoutUsage,
    LlmCallsWithoutPrice,
    LlmCallDuration,
    LlmFirstToken,
    LlmTokens,
    LlmCost,
    LlmCacheSavings,
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
    IgnoredEvents,
    Shed,
    SeriesOverflow,
}

impl Metric {
    /// Its row of the catalogue.
    pub fn description(self) -> &'static Description {
        &DERIVED[self as usize]
    }
}
