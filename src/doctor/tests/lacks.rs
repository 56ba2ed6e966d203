//! What counters say is missing.

use super::*;
use crate::catalogue::{DERIVED, INTERNAL};
use crate::doctor::lacks::metrics;
use crate::model::fact::Ignored;
use crate::model::metric::FamilyKind;
use std::collections::BTreeSet;

/// Counters of what went well, and those that repeat what another says.
const NOT_LACKS: &[&str] = &[
    "baton_action_cost_usd_total",
    "baton_agent_invocations_total",
    "baton_connections_accepted_total",
    "baton_escalations_total",
    // What is still in the quarantine is told, by a gauge: see `forwarding.rs`.
    "baton_exporter_quarantined_requests_total",
    "baton_exporter_sent_bytes_total",
    "baton_exporter_sent_requests_total",
    // About systems that report outcomes, and not about what agents send.
    "baton_forgotten_workflows_total",
    "baton_outcome_reports_total",
    "baton_workflow_corrections_total",
    "baton_workflow_value_corrections_usd_total",
    "baton_funnel_steps_total",
    "baton_handoff_intents_total",
    "baton_ledger_rows_total",
    "baton_llm_cache_savings_usd_total",
    "baton_llm_cost_usd_total",
    "baton_llm_tokens_total",
    "baton_log_commits_total",
    "baton_log_events_total",
    // The requests that it refuses are counted as failed, with the limit as reason.
    "baton_log_full_total",
    "baton_model_workflow_cost_usd_total",
    "baton_model_workflows_total",
    "baton_observed_turns_total",
    // A fault of the agents, which the boards show, and not of what is sent.
    "baton_phantom_handoffs_total",
    "baton_push_sent_points_total",
    "baton_receiver_bytes_total",
    "baton_receiver_log_records_total",
    // Failed ones are counted with their reason.
    "baton_receiver_requests_total",
    // By its own reading in `instance.rs`.
    "baton_receiver_spans_total",
    "baton_retrievals_total",
    "baton_sessions_total",
    // An alert tells of certificates, which have nothing to do with what is sent. The credentials of senders are in the requests that are rejected.
    "baton_auth_reload_failures_total",
    "baton_tls_reload_failures_total",
    "baton_tool_calls_total",
    "baton_transfer_loops_total",
    "baton_turns_total",
    "baton_tenant_refused_requests_total",
    "baton_unauthenticated_requests_total",
    // Of the calls without a price, which are counted.
    "baton_unpriced_tokens_total",
    "baton_user_repeats_total",
    "baton_verdicts_total",
    "baton_workflow_cascades_total",
    "baton_workflow_elapsed_seconds_total",
    "baton_workflow_handoffs_total",
    "baton_workflow_llm_calls_total",
    "baton_workflow_recontacts_total",
    "baton_workflow_spend_usd_total",
    "baton_workflow_value_usd_total",
];

#[test]
fn every_counter_of_the_catalogue_says_what_is_missing_or_is_known_not_to() {
    let derived = DERIVED.iter().map(|one| (one.name, one.kind));
    let internal = INTERNAL.iter().map(|one| (one.name, one.kind));
    let counters = derived.chain(internal);
    let counters = counters.filter(|(_, kind)| *kind == FamilyKind::Counter);
    let counters: BTreeSet<&str> = counters.map(|(name, _)| name).collect();
    let told: BTreeSet<&str> = metrics().chain(NOT_LACKS.iter().copied()).collect();
    assert_eq!(counters, told);
    let twice = NOT_LACKS
        .iter()
        .filter(|name| metrics().any(|known| known == **name));
    assert_eq!(twice.count(), 0);
}

#[test]
fn every_reason_of_what_is_ignored_is_told() {
    for reason in Ignored::ALL.map(Ignored::as_str) {
        let line = format!("baton_ignored_events_total{{reason=\"{reason}\"}} 1\n");
        let diagnosis = told(&line);
        let found = diagnosis.findings.iter().chain(&diagnosis.notes);
        assert_eq!(found.count(), 1, "{reason}");
    }
}

#[test]
fn every_reason_of_what_is_not_read_is_told() {
    for what in Unread::ALL {
        let reason = what.as_str();
        let line = format!("baton_receiver_unread_total{{reason=\"{reason}\"}} 1\n");
        let diagnosis = told(&line);
        assert_eq!(
            diagnosis.findings.len() + diagnosis.notes.len(),
            1,
            "{reason}"
        );
    }
}

fn told(text: &str) -> Diagnosis {
    of_metrics(&Figures::of_text(&format!(
        "baton_receiver_spans_total{{dialect=\"mastra\"}} 9\n{text}"
    )))
}

#[test]
fn a_running_instance_tells_what_its_counters_know() {
    for (metrics, kind, expected) in [
        (
            "baton_llm_calls_total{agent=\"a\"} 4\nbaton_llm_calls_without_usage_total{model=\"m\"} 1\n",
            FindingKind::NoUsage,
            "Model calls without tokens: 1 of 4 (25 %): `m` 1.",
        ),
        (
            "baton_llm_calls_total{agent=\"a\"} 4\nbaton_llm_calls_without_price_total{model=\"m\"} 3\nbaton_llm_calls_without_price_total{model=\"n\"} 1\n",
            FindingKind::NoPrice,
            "Model calls without a price: 4 of 4 (100 %): `m` 3, `n` 1.",
        ),
        (
            "baton_unknown_outcomes_total 2\n",
            FindingKind::OutcomeWord,
            "Outcomes in a word that Baton does not know: 2.",
        ),
        (
            "baton_workflows_total{outcome=\"resolved\",evidence=\"declared\"} 7\nbaton_workflows_total{outcome=\"unverified\",evidence=\"inferred\"} 2\nbaton_workflows_total{outcome=\"failed\",evidence=\"inferred\"} 1\n",
            FindingKind::NoOutcome,
            "Workflows without a declared outcome: 3 of 10 (30 %): `unverified` 2, `failed` 1.",
        ),
        (
            "baton_handoffs_total{to=\"b\",result=\"success\"} 1\nbaton_handoffs_total{to=\"b\",result=\"unknown\"} 1\n",
            FindingKind::UnknownHandoffs,
            "Handoffs whose result is unknown: 1 of 2 (50 %): `b` 1.",
        ),
        (
            "baton_ignored_events_total{reason=\"outcome_after_close\"} 2\n",
            FindingKind::LateOutcome,
            "Outcomes that arrived after their workflow was closed: 2.",
        ),
        (
            "baton_dialect_misreadings_total{dialect=\"acme\",key=\"cost\",reason=\"type\"} 2\nbaton_dialect_misreadings_total{dialect=\"acme\",key=\"when\",reason=\"type\"} 0\n",
            FindingKind::Misreadings,
            "Expressions of your dialects that gave nothing: 2: `acme cost type` 2.",
        ),
        (
            "baton_agent_invocations_total{agent=\"a\"} 3\n",
            FindingKind::NoModelCalls,
            "Activations of agents: 3, and no model call.",
        ),
        (
            "baton_snapshots_total{result=\"kept\"} 3\nbaton_snapshots_total{result=\"failed\"} 1\n",
            FindingKind::Snapshots,
            "Snapshots that failed or are damaged: 1: `failed` 1.",
        ),
    ] {
        let diagnosis = told(metrics);
        assert_eq!(found(&diagnosis), [kind], "{metrics}");
        let text = diagnosis.text();
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn what_is_no_fault_is_a_note() {
    let diagnosis = told(
        "baton_workflows_total{evidence=\"rule\"} 2\nbaton_workflows_without_value_total 1\nbaton_duplicate_events_total 4\n",
    );
    let text = diagnosis.text();
    assert_eq!(found(&diagnosis), []);
    assert!(
        text.contains("  - Workflows without a business value: 1 of 2 (50 %)."),
        "{text}"
    );
    assert!(text.ends_with("No findings, 2 notes.\n"), "{text}");
}

#[test]
fn the_test_conversation_leaves_no_findings() {
    let named = "workflow=\"baton-doctor\",evidence=\"inferred\"";
    let diagnosis = told(&format!("baton_workflows_total{{{named}}} 2\n"));
    assert_eq!(found(&diagnosis), []);
}
