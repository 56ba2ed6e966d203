//! The table itself.

use super::{Cohorts, Description, Metric};
use crate::model::metric::FamilyKind;

/// Seconds of a conversation: from a tenth of a second to half an hour.
const WAIT: &[f64] = &[
    0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
];
/// Seconds of one step: from five milliseconds to two minutes.
const STEP: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
];
const USD: &[f64] = &[
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Most scores run from 0 to 1, some to 5, 10 or 100.
const SCORE: &[f64] = &[
    0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 100.0,
];

const RATIO: &[f64] = &[0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0];
const LENGTH: &[f64] = &[2.0, 3.0, 4.0, 6.0, 10.0];

/// Only sum and count: an average by many labels for the price of three series.
const MEAN: &[f64] = &[];
/// The dimensions that the choice of a model is judged by.
const TASK: Cohorts = Cohorts::Only(&["tier", "intent"]);

const fn counter(
    metric: Metric,
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Description {
    Description::counter(metric, name, unit, labels, help)
}

const fn own(
    metric: Metric,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Description {
    Description::own(metric, name, labels, help)
}

const fn histogram(
    metric: Metric,
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    bounds: &'static [f64],
    help: &'static str,
) -> Description {
    Description::histogram(metric, name, unit, labels, bounds, help)
}

/// All derived metrics, in the order of [`Metric`].
pub static CATALOGUE: &[Description] = &[
    counter(
        Metric::Sessions,
        "baton_sessions_total",
        "",
        &[],
        "Sessions: conversations or cases of one user, seen for the first time.",
    )
    .by(Cohorts::All),
    counter(
        Metric::Turns,
        "baton_turns_total",
        "",
        &["workflow", "result"],
        "Turns: one user input up to the final output. result is answered or failed.",
    )
    .by(Cohorts::All),
    histogram(
        Metric::TurnDuration,
        "baton_turn_duration_seconds",
        "seconds",
        &["workflow"],
        WAIT,
        "How long the user waited: from the first span of a turn to the end of its final answer.",
    )
    .by(Cohorts::All),
    histogram(
        Metric::TurnFirstToken,
        "baton_turn_first_token_seconds",
        "seconds",
        &["workflow"],
        WAIT,
        "From the first span of a turn to the first token of its final answer, where the spans say when that was.",
    ),
    histogram(
        Metric::TurnAgentDuration,
        "baton_turn_agent_duration_seconds",
        "seconds",
        &["workflow", "agent"],
        WAIT,
        "How long an agent had the user's turn. A delegate's time is its own and not that of who waits for it, so the sum over agents is at most the duration of the turn.",
    ),
    counter(
        Metric::Workflows,
        "baton_workflows_total",
        "",
        &["workflow", "outcome"],
        "Units of business work, closed. outcome is resolved (verified), escalated, failed, abandoned or unverified.",
    )
    .by(Cohorts::All),
    histogram(
        Metric::WorkflowDuration,
        "baton_workflow_duration_seconds",
        "seconds",
        &["workflow", "outcome"],
        WAIT,
        "From the first to the last activity of a closed workflow.",
    ),
    histogram(
        Metric::WorkflowCost,
        "baton_workflow_cost_usd",
        "usd",
        &["workflow", "outcome"],
        USD,
        "Money spent on a closed workflow: all its model calls, and the actions that have a price. Workflows of unknown cost are left out.",
    ),
    counter(
        Metric::WorkflowValue,
        "baton_workflow_value_usd_total",
        "usd",
        &["workflow", "outcome"],
        "Declared value of the business transactions of closed workflows. Value that is not resolved is value at risk.",
    )
    .by(Cohorts::All),
    counter(
        Metric::WorkflowSpend,
        "baton_workflow_spend_usd_total",
        "usd",
        &["workflow", "outcome"],
        "Money spent on closed workflows: all their model calls, and the actions that have a price. Divided by baton_workflows_total it is the cost per workflow.",
    )
    .by(Cohorts::All),
    counter(
        Metric::WorkflowElapsed,
        "baton_workflow_elapsed_seconds_total",
        "seconds",
        &["workflow", "outcome"],
        "Time from the first to the last activity of closed workflows, added up. Divided by baton_workflows_total it is the average duration.",
    )
    .by(Cohorts::All),
    counter(
        Metric::WorkflowCascades,
        "baton_workflow_cascades_total",
        "",
        &["workflow", "outcome"],
        "Closed workflows in which more than one model answered: a cascade from an inexpensive to an expensive one, or a division of labour.",
    ),
    counter(
        Metric::ModelWorkflows,
        "baton_model_workflows_total",
        "",
        &["workflow", "model", "outcome"],
        "Closed workflows in which this model answered a chat call; one of several models counts for each of them, so do not add models up.",
    )
    .by(TASK),
    counter(
        Metric::ModelWorkflowCost,
        "baton_model_workflow_cost_usd_total",
        "usd",
        &["workflow", "model", "outcome"],
        "The whole cost of the closed workflows in which this model answered, that of other models and of actions included; do not add models up.",
    )
    .by(TASK),
    counter(
        Metric::Recontacts,
        "baton_workflow_recontacts_total",
        "",
        &["workflow", "outcome"],
        "Closed workflows whose user came back with the same intent within the re-contact window. outcome is that of the earlier workflow; first-contact resolution is resolved minus re-contacted.",
    )
    .by(Cohorts::All),
    counter(
        Metric::FunnelSteps,
        "baton_funnel_steps_total",
        "",
        &["workflow", "step"],
        "Closed workflows that came to a step of the funnel, by the rules in rules.funnel; each counts once per step.",
    )
    .by(Cohorts::All),
    counter(
        Metric::Escalations,
        "baton_escalations_total",
        "",
        &["from"],
        "Handoffs to a human, by the agent that called for one.",
    ),
    counter(
        Metric::Handoffs,
        "baton_handoffs_total",
        "",
        &["from", "to", "kind", "result", "reason"],
        "Handoffs, each once. kind is transfer, delegation or resume; a failed one has reason dropped, target_error, rejected, bounced or context_lost.",
    ),
    histogram(
        Metric::HandoffDuration,
        "baton_handoff_duration_seconds",
        "seconds",
        &["from", "to"],
        STEP,
        "From the decision of the source to the first activity of the target.",
    )
    .with_detail(&["from"]),
    Description {
        kind: FamilyKind::Gauge,
        ..own(
            Metric::HandoffsPending,
            "baton_handoffs_pending",
            &[],
            "Handoffs whose target has not acted yet.",
        )
    },
    histogram(
        Metric::ContextRetention,
        "baton_handoff_context_retention_ratio",
        "ratio",
        &["from", "to", "evidence"],
        RATIO,
        "The share of what the source knew that the target received. evidence is declared, content (facts of the messages) or tokens (weak); where nothing tells, the handoff is left out.",
    )
    .with_detail(&["from"]),
    counter(
        Metric::WorkflowHandoffs,
        "baton_workflow_handoffs_total",
        "",
        &["workflow", "result", "reason"],
        "The handoffs of baton_handoffs_total, by the workflow of the turn they were made in instead of by agent.",
    )
    .by(Cohorts::All),
    histogram(
        Metric::WorkflowRetention,
        "baton_workflow_context_retention_ratio",
        "ratio",
        &["workflow", "evidence"],
        MEAN,
        "The observations of baton_handoff_context_retention_ratio, by the workflow of the turn the handoff was made in instead of by agent. By default it has no buckets: divide the sum by the count.",
    )
    .by(Cohorts::All),
    counter(
        Metric::HandoffIntents,
        "baton_handoff_intents_total",
        "",
        &["from", "to", "result"],
        "Handoffs with an intent of the user declared on both sides, or an evaluation of it. result is kept or changed; where a side does not say, the handoff is left out.",
    ),
    counter(
        Metric::PhantomHandoffs,
        "baton_phantom_handoffs_total",
        "",
        &["from", "to"],
        "Handoffs that a model asked for and that never ran; they are failed handoffs too.",
    ),
    counter(
        Metric::TransferLoops,
        "baton_transfer_loops_total",
        "",
        &["agent"],
        "Times that transfers led back, within one turn, to an agent that had given control away.",
    ),
    histogram(
        Metric::TransferLoopLength,
        "baton_transfer_loop_length",
        "",
        &[],
        LENGTH,
        "Transfers from giving control away to having it back.",
    ),
    counter(
        Metric::UserRepeats,
        "baton_user_repeats_total",
        "",
        &["workflow", "agent"],
        "Messages in which the user had to say again, after a handoff, what he had said before; by the agent that got the repetition.",
    )
    .by(Cohorts::All),
    counter(
        Metric::AgentInvocations,
        "baton_agent_invocations_total",
        "",
        &["agent", "status"],
        "Activations of agents. status is ok or error.",
    ),
    counter(
        Metric::LlmCalls,
        "baton_llm_calls_total",
        "",
        &["agent", "provider", "model", "operation", "status"],
        "Model calls, leaves only. operation is chat or embeddings, status ok or error.",
    ),
    histogram(
        Metric::LlmCallDuration,
        "baton_llm_call_duration_seconds",
        "seconds",
        &["agent", "provider", "model"],
        STEP,
        "Duration of model calls.",
    ),
    histogram(
        Metric::LlmFirstToken,
        "baton_llm_first_token_seconds",
        "seconds",
        &["agent", "provider", "model"],
        STEP,
        "From the start of a model call to its first token, where the span says when that was.",
    ),
    counter(
        Metric::LlmTokens,
        "baton_llm_tokens_total",
        "",
        &["agent", "provider", "model", "type"],
        "Tokens of model calls. type is input (cached included), output (reasoning included), cache_read, cache_write or reasoning; do not add the types up.",
    ),
    counter(
        Metric::LlmCost,
        "baton_llm_cost_usd_total",
        "usd",
        &["agent", "provider", "model", "source"],
        "Money spent on model calls. source is declared (by the span) or computed (tokens times the price catalogue).",
    ),
    counter(
        Metric::UnpricedTokens,
        "baton_unpriced_tokens_total",
        "",
        &["provider", "model", "type"],
        "Tokens of models that have no price: their cost is unknown and in no other figure. type is input (cached included) or output (reasoning included).",
    ),
    counter(
        Metric::UnconvertedAmounts,
        "baton_unconverted_amounts_total",
        "",
        &["currency"],
        "Spans that declare an amount in a currency without a rate in money.rates: the amount is unknown and in no other figure.",
    ),
    counter(
        Metric::ToolCalls,
        "baton_tool_calls_total",
        "",
        &["tool", "status"],
        "Tool calls that are not handoffs. status is ok or error.",
    ),
    counter(
        Metric::Retrievals,
        "baton_retrievals_total",
        "",
        &[],
        "Searches in knowledge bases that have a span of their own.",
    ),
    counter(
        Metric::ActionCost,
        "baton_action_cost_usd_total",
        "usd",
        &["kind", "name"],
        "Money spent on tool calls, retrievals and people, by the prices in prices.tools, prices.retrieval and prices.escalation. kind is tool, retrieval or escalation; name is the tool, the knowledge base or the agent that called a human in.",
    ),
    histogram(
        Metric::EvaluationScore,
        "baton_evaluation_score",
        "",
        &["name"],
        SCORE,
        "Scores of evaluations, by the name of the evaluation; users' own are in baton_feedback_score.",
    ),
    histogram(
        Metric::FeedbackScore,
        "baton_feedback_score",
        "",
        &["agent"],
        SCORE,
        "Scores that users gave, by the agent of the span they are attached to, or the one that answered where it is no agent's.",
    ),
    histogram(
        Metric::WorkflowFeedback,
        "baton_workflow_feedback_score",
        "",
        &["workflow"],
        MEAN,
        "The scores of baton_feedback_score, by workflow instead of by agent. By default it has no buckets: divide the sum by the count.",
    )
    .by(Cohorts::All),
    own(
        Metric::ObservedTurns,
        "baton_observed_turns_total",
        &["sampling"],
        "Turns that Baton saw, each once. sampling is weighted where the trace says how it was sampled, so that the turn stands for others in all other metrics, else unweighted.",
    ),
    own(
        Metric::LateEvents,
        "baton_late_events_total",
        &[],
        "Spans that came after their turn was decided; they count only where they add up.",
    ),
    own(
        Metric::DuplicateEvents,
        "baton_duplicate_events_total",
        &[],
        "Spans that came more than once; they count once.",
    ),
    own(
        Metric::Shed,
        "baton_shed_total",
        &["reason"],
        "Turns or sessions decided early because a limit was reached.",
    ),
    own(
        Metric::SeriesOverflow,
        "baton_series_overflow_total",
        &["metric", "label"],
        "Values that went to an overflow series: which metric, and which of its labels had too many values.",
    ),
];
