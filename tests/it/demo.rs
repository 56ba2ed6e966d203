//! What Baton derives from the demo's traffic equals what the demo's script knows.

use baton::app::App;
use baton::clock::Clock;
use baton::config;
use baton::demo::{CONFIGURATION, Desk, Sender, Truth};
use baton::log::LogKind;
use baton::model::metric::{Family, Point};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const RESOLVED: [(&str, &str); 1] = [("outcome", "resolved")];

/// A counter's value, or how many a histogram counted.
fn sums(families: &[Family], name: &str, wanted: &[(&str, &str)]) -> (f64, f64) {
    let family = families
        .iter()
        .find(|f| f.name == name)
        .expect("a metric of the catalogue");
    let matches = |labels: &[(std::borrow::Cow<'static, str>, String)]| {
        wanted
            .iter()
            .all(|(k, v)| labels.iter().any(|(key, value)| key == k && value == v))
    };
    let series = family.series.iter().filter(|s| matches(&s.labels));
    series
        .map(|s| match &s.point {
            Point::Counter { value, .. } | Point::Gauge(value) => (*value, *value),
            Point::Histogram(h) => (h.buckets.iter().map(|b| b.count).sum::<u64>() as f64, h.sum),
        })
        .fold((0.0, 0.0), |(n, s), (count, sum)| (n + count, s + sum))
}

fn derived(f: &[Family]) -> Truth {
    let total = |name: &str, wanted: &[(&str, &str)]| sums(f, name, wanted).0 as u64;
    let sum = |name: &str, scale: f64| (sums(f, name, &[]).1 * scale).round() as u64;
    let handoffs = |key, value| total("baton_handoffs_total", &[(key, value)]);
    let outcome = |outcome| total("baton_workflows_total", &[("outcome", outcome)]);
    let step = |step| total("baton_funnel_steps_total", &[("step", step)]);
    let value = |outcomes: &[&str]| {
        let of = |outcome: &&str| total("baton_workflow_value_usd_total", &[("outcome", outcome)]);
        outcomes.iter().map(of).sum()
    };
    Truth {
        sessions: total("baton_sessions_total", &[]),
        turns: total("baton_turns_total", &[]),
        answered: total("baton_turns_total", &[("result", "answered")]),
        waited: sum("baton_turn_duration_seconds", 1e3),
        model_calls: total("baton_llm_calls_total", &[]),
        model_errors: total("baton_llm_calls_total", &[("status", "error")]),
        calls_without_usage: total("baton_llm_calls_without_usage_total", &[]),
        tool_calls: total("baton_tool_calls_total", &[]),
        tool_errors: total("baton_tool_calls_total", &[("status", "error")]),
        retrievals: total("baton_retrievals_total", &[]),
        spent_nano_usd: sum("baton_llm_cost_usd_total", 1e9)
            + sum("baton_action_cost_usd_total", 1e9),
        handoffs_succeeded: handoffs("result", "success"),
        handoffs_dropped: handoffs("reason", "dropped"),
        handoffs_rejected: handoffs("reason", "rejected"),
        handoffs_target_error: handoffs("reason", "target_error"),
        handoffs_context_lost: handoffs("reason", "context_lost"),
        loops: total("baton_transfer_loops_total", &[]),
        repeats: total("baton_user_repeats_total", &[]),
        escalations: total("baton_escalations_total", &[]),
        scores: total("baton_feedback_score", &[]),
        score_points: sum("baton_feedback_score", 1.0),
        evaluations: total("baton_evaluation_score", &[]),
        resolved: outcome("resolved"),
        escalated: outcome("escalated"),
        failed: outcome("failed"),
        abandoned: outcome("abandoned"),
        unverified: outcome("unverified"),
        resolved_by_rule: total(
            "baton_workflows_total",
            &[("outcome", "resolved"), ("evidence", "rule")],
        ),
        resolved_without_user: total("baton_workflows_without_user_total", &RESOLVED),
        resolved_without_value: total("baton_workflows_without_value_total", &RESOLVED),
        open_without_value: total("baton_workflows_without_value_total", &[])
            - total("baton_workflows_without_value_total", &RESOLVED),
        resolved_elapsed: (sums(
            f,
            "baton_workflow_elapsed_seconds_total",
            &[("outcome", "resolved")],
        )
        .0 * 1e3)
            .round() as u64,
        value_completed: value(&["resolved"]),
        value_at_risk: value(&["escalated", "failed", "abandoned", "unverified"]),
        asked: step("asked"),
        reached_specialist: step("reached a specialist"),
        acted: step("acted"),
        solved: step("solved"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_understood_to_the_last_handoff() {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = config::of_text(CONFIGURATION, Path::new("."), &|_| None);
    let mut config = config.expect("it is valid");
    config.receivers.otlp.grpc.endpoint = free;
    config.receivers.otlp.http.endpoint = free;
    config.server.endpoint = free;
    config.state.log = LogKind::Memory;
    let nanos = Arc::new(AtomicU64::new(1_800_000_000_000_000_000));
    let clock = Clock::manual(Arc::clone(&nanos));
    let app = App::start(&config, clock.clone()).await.expect("it starts");
    let sender = Sender::connect(app.grpc).expect("an exporter");
    let mut truth = Truth::default();
    for number in 0..300 {
        let session = Desk::new(7).session(number);
        tokio::task::block_in_place(|| sender.send(&session, clock.now())).expect("taken");
        truth += session.truth;
    }
    nanos.fetch_add(3600 * 1_000_000_000, Ordering::AcqRel);
    app.settle().await;
    assert_eq!(derived(&app.engine().gather()), truth);
    assert!(app.stop().await);
}
