//! What counters say is missing: one table for running instances and for recordings that were replayed, so that both count what the metrics count.

use super::figures::{Figures, Only};
use super::finding::{Finding, FindingKind, TEACH_PAGE, percent};
use crate::model::harmless::harmless;

/// What a counter above 0 says.
#[derive(Debug)]
struct Lack {
    kind: FindingKind,
    metric: &'static str,
    /// The series of the metric that say so.
    only: Only,
    /// The labels whose values are listed.
    by: &'static [&'static str],
    /// What it is a part of. Empty: nothing.
    of: (&'static str, Only),
    /// What is counted.
    what: &'static str,
    /// What follows from it, and what to do.
    advice: &'static str,
    see: &'static str,
    /// Whether it is no fault.
    is_note: bool,
}

const ALL: Only = ("", &[]);
const NOTHING: (&str, Only) = ("", ALL);
const CALLS: (&str, Only) = ("baton_llm_calls_total", ALL);
const WORKFLOWS: (&str, Only) = ("baton_workflows_total", ALL);

impl Lack {
    const fn new(
        kind: FindingKind,
        metric: &'static str,
        what: &'static str,
        advice: &'static str,
        see: &'static str,
    ) -> Self {
        Self {
            kind,
            metric,
            only: ALL,
            by: &[],
            of: NOTHING,
            what,
            advice,
            see,
            is_note: false,
        }
    }

    const fn only(mut self, label: &'static str, values: &'static [&'static str]) -> Self {
        self.only = (label, values);
        self
    }

    const fn by(mut self, labels: &'static [&'static str]) -> Self {
        self.by = labels;
        self
    }

    const fn of(mut self, all: (&'static str, Only)) -> Self {
        self.of = all;
        self
    }

    /// It is no fault, and yet good to know.
    const fn note(mut self) -> Self {
        self.is_note = true;
        self
    }
}

/// What arrived and cannot be counted as it should.
const OF_FIGURES: &[Lack] = &[
    Lack::new(
        FindingKind::NoUsage,
        "baton_llm_calls_without_usage_total",
        "Model calls without tokens",
        "Their cost is unknown. For streamed calls, set `stream_options={\"include_usage\": true}` in the request, or what the section of your SDK names; otherwise record the usage of the response",
        "docs/sdks.md#streamed-calls",
    )
    .by(&["model"])
    .of(CALLS),
    Lack::new(
        FindingKind::NoPrice,
        "baton_llm_calls_without_price_total",
        "Model calls without a price",
        "Their cost is unknown. Add the models to your price catalog (`prices.file`); `baton prices MODEL` shows what is known",
        "docs/runbooks/cost-unknown.md",
    )
    .by(&["model"])
    .of(CALLS),
    Lack::new(
        FindingKind::NoAgentName,
        "baton_llm_calls_total",
        "Model calls of no agent",
        "They count for the agent `unknown`. Give your agents names, or set `gen_ai.agent.name` on a span around the calls",
        "docs/sdks.md#spans-of-your-own",
    )
    .only("agent", &["unknown"])
    .of(CALLS),
    Lack::new(
        FindingKind::NoOutcome,
        "baton_workflows_total",
        "Workflows without a declared outcome",
        "None of them can count as resolved. Set `baton.outcome` to `resolved`, `escalated`, `failed` or `abandoned` on a span of the session, or write a rule in `rules.outcomes`",
        "docs/instrument.md#declare-an-outcome",
    )
    .only("evidence", &["inferred"])
    .by(&["outcome"])
    .of(WORKFLOWS),
    Lack::new(
        FindingKind::OutcomeWord,
        "baton_unknown_outcomes_total",
        "Outcomes in a word that Baton does not know",
        "They declare nothing. `/sessions/ID` names the word; use `resolved`, `escalated`, `failed` or `abandoned`",
        "docs/instrument.md#words-for-outcomes",
    ),
    Lack::new(
        FindingKind::LateOutcome,
        "baton_ignored_events_total",
        "Outcomes that arrived after their workflow was closed",
        "They change no figure. Declare an outcome before `stitch.idle_timeout` has passed without activity, or raise it",
        "docs/semantics.md#workflows",
    )
    .only("reason", &["outcome_after_close"]),
    Lack::new(
        FindingKind::NoScore,
        "baton_ignored_events_total",
        "Evaluations without a score, whose label no rule reads",
        "They change no figure. Send `gen_ai.evaluation.score.value`, or a label that says yes or no, or write a rule that reads `event.labels`",
        "docs/instrument.md",
    )
    .only("reason", &["evaluation_without_score"]),
    Lack::new(
        FindingKind::Currency,
        "baton_unconverted_amounts_total",
        "Amounts in a currency without a rate",
        "They are in no figure. Add the rate to `money.rates`",
        "docs/semantics.md#currency",
    )
    .by(&["currency"]),
    Lack::new(
        FindingKind::UnknownHandoffs,
        "baton_handoffs_total",
        "Handoffs whose result is unknown",
        "They are in no rate. Set the names of agents on their spans",
        "docs/semantics.md#handoff-success-rate",
    )
    .only("result", &["unknown"])
    .by(&["to"])
    .of(("baton_handoffs_total", ALL)),
    Lack::new(
        FindingKind::Late,
        "baton_late_events_total",
        "Spans that arrived after their turn was finalized",
        "They count in totals and change no result. Export spans earlier, or raise `stitch.settle`",
        "docs/architecture.md#when-results-become-final",
    ),
    Lack::new(
        FindingKind::Shed,
        "baton_shed_total",
        "Turns and sessions that were finalized early because a limit was reached",
        "Fix the session ID at its source, shorten `stitch.idle_timeout`, or raise the limit",
        "docs/runbooks/baton-shedding.md",
    )
    .by(&["reason"]),
    Lack::new(
        FindingKind::Overflow,
        "baton_series_overflow_total",
        "Values that are counted without their label, because it has too many",
        "The usual cause is an ID in the name of an agent, tool or workflow. Fix the name at its source, or raise `metrics.max_label_values`, `metrics.max_series` or `cohorts.max_values`",
        "docs/runbooks/series-overflow.md",
    )
    .by(&["metric", "label"]),
    Lack::new(
        FindingKind::NoUser,
        "baton_workflows_without_user_total",
        "Workflows without a user ID",
        "Their repeat contacts cannot be detected. Set `user.id`",
        "docs/sdks.md#a-span-for-each-turn",
    )
    .of(WORKFLOWS)
    .note(),
    Lack::new(
        FindingKind::NoValue,
        "baton_workflows_without_value_total",
        "Workflows without a business value",
        "They are in neither the value completed nor the value at risk. Set `transaction.value`, where a workflow has one",
        "docs/sdks.md#a-span-for-each-turn",
    )
    .of(WORKFLOWS)
    .note(),
    Lack::new(
        FindingKind::NoText,
        "baton_turns_without_text_total",
        "Answered turns without a recorded text",
        "The answers are assumed, and the context that a handoff passes is not known by its content. Let your SDK record messages",
        "docs/semantics.md#answer-rate",
    )
    .of(("baton_turns_total", ("result", &["answered"])))
    .note(),
    Lack::new(
        FindingKind::Ignored,
        "baton_ignored_events_total",
        "Spans and log records whose trace shows no work of agents",
        "They change no figure",
        "docs/dialects.md",
    )
    .only("reason", &["not_about_agents"])
    .note(),
    Lack::new(
        FindingKind::Ignored,
        "baton_ignored_events_total",
        "Spans around the work for several sessions",
        "They belong to no session, and what they declare is in no figure. Declare outcomes and scores on spans of one session",
        "docs/semantics.md#sessions",
    )
    .only("reason", &["of_several_sessions"])
    .note(),
    Lack::new(
        FindingKind::Ignored,
        "baton_ignored_events_total",
        "Links and closed workflows above a limit",
        "Of one trace 64 links are followed, and of one user 64 closed workflows are compared with later ones. An ID that many users share is the usual cause",
        "docs/metrics.md",
    )
    .only("reason", &["links_over_limit", "contacts_over_limit"])
    .by(&["reason"]),
    Lack::new(
        FindingKind::Duplicate,
        "baton_duplicate_events_total",
        "Duplicate spans",
        "They are counted once",
        "docs/semantics.md#model-and-tool-calls",
    )
    .note(),
];

/// What Baton could not take.
const OF_RECEIVER: &[Lack] = &[
    Lack::new(
        FindingKind::Misreadings,
        "baton_dialect_misreadings_total",
        "Expressions of your dialects that gave nothing",
        "The list names dialect, key and reason. The value is missing on these spans",
        TEACH_PAGE,
    )
    .by(&["dialect", "key", "reason"]),
    Lack::new(
        FindingKind::Rejected,
        "baton_receiver_rejected_total",
        "Spans and log records that were rejected",
        "They are missing from every metric. Fix the sender, or raise the limit that the reason names",
        "docs/runbooks/baton-rejecting.md",
    )
    .by(&["reason"]),
    Lack::new(
        FindingKind::Unread,
        "baton_receiver_unread_total",
        "Parts of accepted spans and log records that were not read",
        "They cannot be read, or a limit was reached. Fix the sender",
        "docs/metrics.md",
    )
    .only(
        "reason",
        &[
            "resource",
            "scope",
            "link",
            "links_over_limit",
            "verdicts_over_limit",
            "evaluation_without_name",
            "amount_out_of_range",
        ],
    )
    .by(&["reason"]),
    Lack::new(
        FindingKind::Unread,
        "baton_receiver_unread_total",
        "Spans and log records of an operator that count for no tenant",
        "The name of their tenant is not allowed, or there are as many tenants as there may be: correct it at its source, or raise `tenants.max_tenants`",
        "docs/tenants.md",
    )
    .only("reason", &["invalid_tenant", "tenant_over_limit"])
    .by(&["reason"]),
    Lack::new(
        FindingKind::Ignored,
        "baton_receiver_unread_total",
        "Log records that say nothing about agents",
        "They change no figure",
        "docs/dialects.md",
    )
    .only("reason", &["log_without_trace", "log_not_about_agents"])
    .by(&["reason"])
    .note(),
    Lack::new(
        FindingKind::Ignored,
        "baton_receiver_unread_total",
        "Verdicts of a Baton",
        "They change no figure",
        "docs/forwarding.md#verdicts",
    )
    .only("reason", &["verdict"])
    .by(&["reason"])
    .note(),
    Lack::new(
        FindingKind::Rejected,
        "baton_receiver_failed_requests_total",
        "Export requests that were not accepted",
        "The page says for each reason what to do",
        "docs/operations.md#log-messages-about-refused-requests",
    )
    .by(&["listener", "reason"]),
    Lack::new(
        FindingKind::Connections,
        "baton_connections_closed_total",
        "Connections that Baton closed because of a limit",
        "Raise the limit, or let fewer senders export at once",
        "docs/operations.md#limits-of-requests-and-connections",
    )
    .only("reason", &["connection_limit", "request_timeout", "slow_upload", "unread_answer"])
    .by(&["listener", "reason"]),
    Lack::new(
        FindingKind::Connections,
        "baton_connection_limit_reached_total",
        "Times that a listener reached `max_connections`",
        "Raise the limit, or let fewer senders connect",
        "docs/operations.md#limits-of-requests-and-connections",
    )
    .by(&["listener"]),
    Lack::new(
        FindingKind::Connections,
        "baton_connection_accept_errors_total",
        "Connections that could not be accepted",
        "Raise the limit of open files",
        "docs/operations.md#limits-of-requests-and-connections",
    )
    .by(&["listener"]),
    Lack::new(
        FindingKind::Snapshots,
        "baton_snapshots_total",
        "Snapshots that failed or are damaged",
        "Free space or repair the volume of `state.directory`",
        "docs/runbooks/baton-state.md",
    )
    .only("result", &["failed", "damaged"])
    .by(&["result"]),
    Lack::new(
        FindingKind::Snapshots,
        "baton_ledger_failed_writes_total",
        "Files of the ledger that could not be written",
        "Snapshots wait for them. Free space or repair the volume of `ledger.directory`",
        "docs/ledger.md#each-row-once",
    ),
    Lack::new(
        FindingKind::Forwarding,
        "baton_exporter_dropped_requests_total",
        "Requests that a destination does not get",
        "The page says for each reason what to do",
        "docs/forwarding.md#delivery",
    )
    .by(&["exporter", "reason"]),
    Lack::new(
        FindingKind::Forwarding,
        "baton_exporter_rejected_items_total",
        "Spans, log records and data points that a destination rejected",
        "Its own log says why",
        "docs/forwarding.md#delivery",
    )
    .by(&["exporter", "signal"]),
    Lack::new(
        FindingKind::Forwarding,
        "baton_verdicts_dropped_total",
        "Verdicts that no destination gets",
        "The spool was full, and its policy is to drop",
        "docs/forwarding.md#when-the-spool-is-full",
    )
    .by(&["reason"]),
    Lack::new(
        FindingKind::Forwarding,
        "baton_spool_damaged_total",
        "Damaged parts of the spool",
        "Requests in them are not forwarded. Check the volume of `spool.directory`",
        "docs/forwarding.md#damage",
    ),
    Lack::new(
        FindingKind::Forwarding,
        "baton_exporter_failed_requests_total",
        "Attempts to forward a request that failed",
        "Requests that are not rejected are sent again",
        "docs/forwarding.md#delivery",
    )
    .by(&["exporter", "reason"])
    .note(),
    Lack::new(
        FindingKind::Forwarding,
        "baton_push_dropped_points_total",
        "Points of pushed metrics that the receiver does not get",
        "The page says for each reason what to do",
        "docs/push.md#when-the-receiver-does-not-answer",
    )
    .by(&["exporter", "reason"]),
    Lack::new(
        FindingKind::Forwarding,
        "baton_push_failed_requests_total",
        "Attempts to push metrics that failed",
        "Requests that are not rejected are sent again",
        "docs/push.md#when-the-receiver-does-not-answer",
    )
    .by(&["exporter", "reason"])
    .note(),
];

/// The counters that say what is missing, or hold it beside what is there.
#[cfg(test)]
pub(super) fn metrics() -> impl Iterator<Item = &'static str> {
    OF_RECEIVER.iter().chain(OF_FIGURES).map(|lack| lack.metric)
}

/// All that the counters say: findings first, then what is no fault.
pub(super) fn lacks(figures: &Figures) -> (Vec<Finding>, Vec<Finding>) {
    let (mut findings, mut notes) = (Vec::new(), Vec::new());
    for lack in OF_RECEIVER.iter().chain(OF_FIGURES) {
        let found = lack.found(figures);
        if lack.is_note {
            notes.extend(found);
        } else {
            findings.extend(found);
        }
    }
    findings.extend(no_calls(figures));
    (findings, notes)
}

/// Agents at work, and no model call at all.
fn no_calls(figures: &Figures) -> Option<Finding> {
    let agents = figures.sum("baton_agent_invocations_total", ALL);
    if agents == 0 || figures.sum("baton_llm_calls_total", ALL) > 0 {
        return None;
    }
    let message = format!("Activations of agents: {agents}, and no model call. {NO_CALLS}");
    let see = "docs/sdks.md";
    Some(Finding::new(
        FindingKind::NoModelCalls,
        (agents, agents),
        message,
        see,
    ))
}

/// What follows where nobody shows model calls.
pub(super) const NO_CALLS: &str = "Without spans of model calls there are no tokens, no cost and no models, and whether the user was answered is assumed: instrument the client of the model too";

impl Lack {
    fn found(&self, figures: &Figures) -> Option<Finding> {
        let count = figures.sum(self.metric, self.only);
        if count == 0 {
            return None;
        }
        let (of, share) = match self.of {
            ("", _) => (count, String::new()),
            (metric, only) => {
                let of = figures.sum(metric, only).max(count);
                (of, format!(" of {of} ({} %)", percent(count, of)))
            }
        };
        let which = if self.by.is_empty() {
            String::new()
        } else {
            let parts = figures.by(self.metric, self.only, self.by);
            format!(": {}", listed(&parts))
        };
        let message = format!("{}: {count}{share}{which}. {}", self.what, self.advice);
        Some(Finding::new(self.kind, (count, of), message, self.see))
    }
}

/// Names with their numbers, as many as fit a line.
fn listed(parts: &[(String, u64)]) -> String {
    const MAX_LISTED: usize = 8;
    let shown = parts.iter().take(MAX_LISTED);
    let shown = shown.map(|(name, count)| format!("`{}` {count}", harmless(name)));
    let mut shown: Vec<String> = shown.collect();
    let more = parts.len().saturating_sub(MAX_LISTED);
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join(", ")
}
