//! The metrics that `derive` makes from business facts.

use super::buckets::{LENGTH, MEAN, RATIO, SCORE, STEP, USD, WAIT};
use super::{Cohorts, Description, Metric};
use crate::model::metric::FamilyKind;

/// The dimensions that the choice of a model is judged by.
const TASK: Cohorts = Cohorts::Only(&["tier", "intent"]);

const fn counter(
    metric: Metric,
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Description {
    let plain = Description::counter(metric, name, help);
    Description {
        is_business: true,
        ..plain.in_unit(unit).with_labels(labels)
    }
}

/// A counter of Baton's own work.
const fn own(
    metric: Metric,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Description {
    Description::counter(metric, name, help).with_labels(labels)
}

const fn histogram(
    metric: Metric,
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    bounds: &'static [f64],
    help: &'static str,
) -> Description {
    Description {
        kind: FamilyKind::Histogram,
        bounds,
        ..counter(metric, name, unit, labels, help)
    }
}

/// All derived metrics, in the order of [`Metric`].
pub static DERIVED: &[Description] = &[
    counter(
        Metric::Sessions,
        "baton_sessions_total",
        "",
        &[],
        "Sessions (conversations of one user) that Baton has seen for the first time.",
    )
    .by(Cohorts::All),
    counter(
        Metric::Turns,
        "baton_turns_total",
        "",
        &["workflow", "result"],
        "Turns: one user input up to the final output that answers it. result is answered or failed.",
    )
    .by(Cohorts::All),
    counter(
        Metric::TurnsWithoutText,
        "baton_turns_without_text_total",
        "",
        &["workflow"],
        "Answered turns whose spans show no text for the user, so that the answer is assumed. Their messages are not recorded, or their last step is no model call.",
    )
    .by(Cohorts::All),
    histogram(
        Metric::TurnDuration,
        "baton_turn_duration_seconds",
        "seconds",
        &["workflow"],
        WAIT,
        "Response time: from the first span of a turn to the end of its final answer.",
    )
    .by(Cohorts::All),
    histogram(
        Metric::TurnFirstToken,
        "baton_turn_first_token_seconds",
        "seconds",
        &["workflow"],
        WAIT,
        "Time from the first span of a turn to the first token of its final answer, if the spans contain it.",
    ),
    histogram(
        Metric::TurnAgentDuration,
        "baton_turn_agent_duration_seconds",
        "seconds",
        &["workflow", "agent"],
        WAIT,
        "Response time by agent: how long an agent worked on the turn. The time of a delegate does not count for the agent that waits for it, so the sum over all agents is at most the duration of the turn.",
    ),
    counter(
        Metric::Workflows,
        "baton_workflows_total",
        "",
        &["workflow", "outcome", "evidence"],
        "Closed workflows (units of business work). outcome is resolved (with proof), escalated, failed, abandoned or unverified. evidence says what the outcome rests on: declared (a span or an evaluation), rule (a rule in your configuration) or inferred (Baton's own rules).",
    )
    .by(Cohorts::All),
    histogram(
        Metric::WorkflowDuration,
        "baton_workflow_duration_seconds",
        "seconds",
        &["workflow", "outcome"],
        WAIT,
        "Time from the first to the last activity of a closed workflow.",
    ),
    histogram(
        Metric::WorkflowCost,
        "baton_workflow_cost_usd",
        "usd",
        &["workflow", "outcome"],
        USD,
        "Cost of a closed workflow: all its model calls, and its actions that have a price. Workflows with an unknown cost are excluded.",
    ),
    counter(
        Metric::WorkflowValue,
        "baton_workflow_value_usd_total",
        "usd",
        &["workflow", "outcome"],
        "Declared value of the business transactions of closed workflows. The value of workflows that are not resolved is at risk.",
    )
    .by(Cohorts::All),
    counter(
        Metric::WorkflowSpend,
        "baton_workflow_spend_usd_total",
        "usd",
        &["workflow", "outcome"],
        "Cost of closed workflows: all their model calls, and their actions that have a price. Divided by baton_workflows_total, it is the average cost of a workflow.",
    )
    .by(Cohorts::All),
    counter(
        Metric::WorkflowElapsed,
        "baton_workflow_elapsed_seconds_total",
        "seconds",
        &["workflow", "outcome"],
        "Sum of the durations of closed workflows, from the first to the last activity. Divided by baton_workflows_total, it is the average duration.",
    )
    .by(Cohorts::All),
    counter(
        Metric::WorkflowCalls,
        "baton_workflow_llm_calls_total",
        "",
        &["workflow", "cost"],
        "Model calls of closed workflows. cost is known, no_usage (nobody knows their tokens and cost) or no_price (their tokens have no price). The share of known says how much of the money that workflows spent is known.",
    )
    .by(Cohorts::All),
    counter(
        Metric::WorkflowsWithoutUser,
        "baton_workflows_without_user_total",
        "",
        &["workflow", "outcome"],
        "Closed workflows whose user no span names, so that a repeat contact cannot be recognized.",
    )
    .by(Cohorts::All),
    counter(
        Metric::WorkflowsWithoutValue,
        "baton_workflows_without_value_total",
        "",
        &["workflow", "outcome"],
        "Closed workflows that declare no value. They are not part of baton_workflow_value_usd_total.",
    )
    .by(Cohorts::All),
    counter(
        Metric::WorkflowCascades,
        "baton_workflow_cascades_total",
        "",
        &["workflow", "outcome"],
        "Closed workflows in which more than one model answered, for example first an inexpensive and then an expensive one.",
    ),
    counter(
        Metric::ModelWorkflows,
        "baton_model_workflows_total",
        "",
        &["workflow", "model", "outcome"],
        "Closed workflows in which this model answered at least one chat call. A workflow with several models counts for each of them, so do not sum over models.",
    )
    .by(TASK),
    counter(
        Metric::ModelWorkflowCost,
        "baton_model_workflow_cost_usd_total",
        "usd",
        &["workflow", "model", "outcome"],
        "Total cost of the closed workflows in which this model answered, including other models and actions. Do not sum over models.",
    )
    .by(TASK),
    counter(
        Metric::Recontacts,
        "baton_workflow_recontacts_total",
        "",
        &["workflow", "outcome"],
        "Repeat contacts: closed workflows after which the same user started another one with the same intent within stitch.recontact_window. outcome is that of the earlier workflow.",
    )
    .by(Cohorts::All),
    counter(
        Metric::Corrections,
        "baton_workflow_corrections_total",
        "",
        &["workflow", "from", "to"],
        "Closed workflows whose outcome was reported from outside after they were counted, and moved from one outcome to another. baton_workflows_total by outcome, plus the corrections to this outcome, minus those from it, is the corrected number.",
    )
    .by(Cohorts::All),
    counter(
        Metric::ValueCorrections,
        "baton_workflow_value_corrections_usd_total",
        "usd",
        &["workflow", "outcome", "direction"],
        "Value of closed workflows that a correction moved. baton_workflow_value_usd_total by outcome, plus what went in, minus what went out, is the corrected value.",
    )
    .by(Cohorts::All),
    counter(
        Metric::OutcomeReports,
        "baton_outcome_reports_total",
        "",
        &["source", "result"],
        "Outcomes reported from outside, by the system that reports them. result is accepted, duplicate, or over_limit (too many of one session) when a report arrives. An accepted report counts again as unmatched if no workflow came within outcomes.window, or as forgotten if memory was short before.",
    ),
    counter(
        Metric::ForgottenWorkflows,
        "baton_forgotten_workflows_total",
        "",
        &[],
        "Closed workflows that were forgotten before outcomes.window passed, because memory was short or their session has too many. Reports about them match nothing.",
    ),
    counter(
        Metric::FunnelSteps,
        "baton_funnel_steps_total",
        "",
        &["workflow", "step"],
        "Closed workflows that reached a step of the funnel, as defined in rules.funnel. A workflow counts once per step.",
    )
    .by(Cohorts::All),
    counter(
        Metric::Escalations,
        "baton_escalations_total",
        "",
        &["from"],
        "Escalations: handoffs to a human, by the agent that calls in the human.",
    ),
    counter(
        Metric::Handoffs,
        "baton_handoffs_total",
        "",
        &["from", "to", "kind", "result", "reason", "evidence"],
        "Handoffs, each counted once. kind is transfer, delegation or resume. result is success or failed. reason of a failed handoff is dropped, target_error, rejected, bounced or context_lost. evidence says what identifies it as a handoff: declared (a span or an attribute), rule (a name in your configuration) or inferred (Baton's own rules).",
    ),
    histogram(
        Metric::HandoffDuration,
        "baton_handoff_duration_seconds",
        "seconds",
        &["from", "to"],
        STEP,
        "Time from the request of the source to the first activity of the target.",
    )
    .with_detail(&["from"]),
    Description::gauge(
        Metric::HandoffsPending,
        "baton_handoffs_pending",
        "Handoffs whose target has not started yet.",
    ),
    histogram(
        Metric::ContextRetention,
        "baton_handoff_context_retention_ratio",
        "ratio",
        &["from", "to", "evidence"],
        RATIO,
        "Share of the salient tokens known to the source of a handoff that the target received. evidence is declared, content (salient tokens of the messages) or tokens (number of input tokens, weak). Handoffs without evidence are excluded.",
    )
    .with_detail(&["from"]),
    counter(
        Metric::WorkflowHandoffs,
        "baton_workflow_handoffs_total",
        "",
        &["workflow", "result", "reason"],
        "Handoffs, by the workflow of their turn instead of by agent. Same events as baton_handoffs_total.",
    )
    .by(Cohorts::All),
    histogram(
        Metric::WorkflowRetention,
        "baton_workflow_context_retention_ratio",
        "ratio",
        &["workflow", "evidence"],
        MEAN,
        "Context retention of handoffs, by the workflow of their turn instead of by agent. Has no buckets by default: divide the sum by the count. Same observations as baton_handoff_context_retention_ratio.",
    )
    .by(Cohorts::All),
    counter(
        Metric::HandoffIntents,
        "baton_handoff_intents_total",
        "",
        &["from", "to", "result"],
        "Handoffs with an intent that both sides declare or that is evaluated. result is kept or changed. Other handoffs are excluded.",
    ),
    counter(
        Metric::PhantomHandoffs,
        "baton_phantom_handoffs_total",
        "",
        &["from", "to"],
        "Handoffs that a model requested and the application never executed. They also count as failed handoffs.",
    ),
    counter(
        Metric::TransferLoops,
        "baton_transfer_loops_total",
        "",
        &["agent"],
        "Transfer loops: within one turn, transfers returned control to an agent that had given it away.",
    ),
    histogram(
        Metric::TransferLoopLength,
        "baton_transfer_loop_length",
        "",
        &[],
        LENGTH,
        "Number of transfers until an agent that had given control away has it again.",
    ),
    counter(
        Metric::UserRepeats,
        "baton_user_repeats_total",
        "",
        &["workflow", "agent"],
        "Messages in which a user repeated an earlier message after a handoff, by the agent that received the repetition.",
    )
    .by(Cohorts::All),
    counter(
        Metric::AgentInvocations,
        "baton_agent_invocations_total",
        "",
        &["agent", "status"],
        "Activations of agents: continuous stretches of work in a turn. status is ok, error or cancelled.",
    ),
    counter(
        Metric::LlmCalls,
        "baton_llm_calls_total",
        "",
        &["agent", "provider", "model", "operation", "status"],
        "Model calls. operation is chat or embeddings. status is ok, error or cancelled. Spans that contain another call of the same agent are excluded.",
    ),
    counter(
        Metric::LlmCallsWithoutUsage,
        "baton_llm_calls_without_usage_total",
        "",
        &["provider", "model"],
        "Model calls whose tokens and cost nobody knows: neither their own spans nor the agent or run around them tells these. Calls that failed before they began to answer are excluded, because they cost nothing.",
    ),
    counter(
        Metric::LlmCallsWithoutPrice,
        "baton_llm_calls_without_price_total",
        "",
        &["provider", "model"],
        "Model calls whose tokens are known, by themselves or as part of those of their agent or run, and have no price. The tokens are in baton_unpriced_tokens_total.",
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
        "Time from the start of a model call to its first token, if the span contains it.",
    ),
    counter(
        Metric::LlmTokens,
        "baton_llm_tokens_total",
        "",
        &["agent", "provider", "model", "type"],
        "Tokens of model calls. type is input (including cached), output (including reasoning), cache_read, cache_write or reasoning. Cached tokens are part of input and reasoning tokens are part of output, so do not sum over types.",
    ),
    counter(
        Metric::LlmCost,
        "baton_llm_cost_usd_total",
        "usd",
        &["agent", "provider", "model", "source"],
        "Cost of model calls. source is declared (by the span) or computed (tokens times the price catalog).",
    ),
    counter(
        Metric::LlmCacheSavings,
        "baton_llm_cache_savings_usd_total",
        "usd",
        &["agent", "provider", "model", "direction"],
        "What the cached tokens of model calls would have cost as plain input, compared with what they cost at the prices of the catalog. direction is saved, or added where a call wrote to the cache at a higher price. saved minus added is the net effect.",
    ),
    counter(
        Metric::UnpricedTokens,
        "baton_unpriced_tokens_total",
        "",
        &["provider", "model", "type"],
        "Tokens of models without a price. Their cost is unknown and not part of any other metric. type is input (including cached) or output (including reasoning).",
    ),
    counter(
        Metric::UnconvertedAmounts,
        "baton_unconverted_amounts_total",
        "",
        &["currency"],
        "Spans that declare an amount in a currency without a rate in money.rates. The amount is unknown and not part of any other metric.",
    ),
    counter(
        Metric::UnknownOutcomes,
        "baton_unknown_outcomes_total",
        "",
        &[],
        "Spans that declare an outcome with a word that Baton does not know, which declares nothing. The story of the session shows the word.",
    ),
    counter(
        Metric::ToolCalls,
        "baton_tool_calls_total",
        "",
        &["tool", "status"],
        "Tool calls that are not handoffs. status is ok, error or cancelled.",
    ),
    counter(
        Metric::Retrievals,
        "baton_retrievals_total",
        "",
        &[],
        "Searches in knowledge bases that have their own span.",
    ),
    counter(
        Metric::ActionCost,
        "baton_action_cost_usd_total",
        "usd",
        &["kind", "name"],
        "Cost of tool calls, retrievals and escalations, by the prices in prices.tools, prices.retrieval and prices.escalation. kind is tool, retrieval or escalation. name is the tool, the knowledge base, or the agent that escalated.",
    ),
    histogram(
        Metric::EvaluationScore,
        "baton_evaluation_score",
        "",
        &["name"],
        SCORE,
        "Scores of evaluations, by the name of the evaluation. Ratings of users are in baton_feedback_score.",
    ),
    histogram(
        Metric::FeedbackScore,
        "baton_feedback_score",
        "",
        &["agent"],
        SCORE,
        "Ratings by users, by the agent of the span that carries the rating. If the span belongs to no agent, it is the agent that answered.",
    ),
    histogram(
        Metric::WorkflowFeedback,
        "baton_workflow_feedback_score",
        "",
        &["workflow"],
        MEAN,
        "Ratings by users, by workflow instead of by agent. Has no buckets by default: divide the sum by the count. Same observations as baton_feedback_score.",
    )
    .by(Cohorts::All),
    own(
        Metric::ObservedTurns,
        "baton_observed_turns_total",
        &["sampling"],
        "Turns that Baton received, each counted once. sampling is weighted if the trace contains a sampling threshold, so that the turn stands for several in all other metrics, otherwise unweighted.",
    ),
    own(
        Metric::LateEvents,
        "baton_late_events_total",
        &[],
        "Spans that arrived after their turn was finalized. They add to totals such as tokens and cost, and change no result.",
    ),
    own(
        Metric::DuplicateEvents,
        "baton_duplicate_events_total",
        &[],
        "Duplicate spans. They are not counted again in any other metric.",
    ),
    own(
        Metric::IgnoredEvents,
        "baton_ignored_events_total",
        &["reason"],
        "Spans, log records and parts of them that change no figure. reason is not_about_agents (nothing in their trace is about agents), of_several_sessions (they lie around the work for several sessions and belong to none), outcome_after_close (an outcome whose workflow was closed), evaluation_without_score (and without a label that says yes or no or that a rule reads), links_over_limit (links of one trace that are not followed) or contacts_over_limit (closed workflows of one user that are not compared with later ones).",
    ),
    own(
        Metric::Shed,
        "baton_shed_total",
        &["reason"],
        "Turns or sessions that were finalized early because a limit was reached. reason is the limit.",
    ),
    own(
        Metric::SeriesOverflow,
        "baton_series_overflow_total",
        &["metric", "label"],
        "Values that were counted in an overflow series. metric and label name the metric and the label that have too many values.",
    ),
];
