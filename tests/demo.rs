//! What Baton derives from the demo's traffic equals what the demo's script knows.

use baton::app::App;
use baton::clock::Clock;
use baton::config::Config;
use baton::demo::{Desk, Sender, Truth};
use baton::model::metric::{Family, Point};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn total(families: &[Family], name: &str, wanted: &[(&str, &str)]) -> u64 {
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
        .map(|s| match s.point {
            Point::Counter { value, .. } => value as u64,
            _ => panic!("{name} is a counter"),
        })
        .sum()
}

fn derived(f: &[Family]) -> Truth {
    let handoffs = |key, value| total(f, "baton_handoffs_total", &[(key, value)]);
    let outcome = |outcome| total(f, "baton_workflows_total", &[("outcome", outcome)]);
    let value = |outcomes: &[&str]| {
        let of =
            |outcome: &&str| total(f, "baton_workflow_value_usd_total", &[("outcome", outcome)]);
        outcomes.iter().map(of).sum()
    };
    Truth {
        sessions: total(f, "baton_sessions_total", &[]),
        turns: total(f, "baton_turns_total", &[]),
        model_calls: total(f, "baton_llm_calls_total", &[]),
        model_errors: total(f, "baton_llm_calls_total", &[("status", "error")]),
        tool_calls: total(f, "baton_tool_calls_total", &[]),
        tool_errors: total(f, "baton_tool_calls_total", &[("status", "error")]),
        handoffs_succeeded: handoffs("result", "success"),
        handoffs_dropped: handoffs("reason", "dropped"),
        handoffs_rejected: handoffs("reason", "rejected"),
        handoffs_target_error: handoffs("reason", "target_error"),
        escalations: total(f, "baton_escalations_total", &[]),
        resolved: outcome("resolved"),
        escalated: outcome("escalated"),
        failed: outcome("failed"),
        unverified: outcome("unverified"),
        value_completed: value(&["resolved"]),
        value_at_risk: value(&["escalated", "failed", "abandoned", "unverified"]),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_understood_to_the_last_handoff() {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config {
        grpc: free,
        http: free,
        server: free,
        state_log: baton::config::LogKind::Memory,
        ..Config::default()
    };
    let nanos = Arc::new(AtomicU64::new(1_800_000_000_000_000_000));
    let clock = Clock::Manual(Arc::clone(&nanos));
    let app = App::start(&config, clock.clone()).await.expect("it starts");
    let sender = Sender::connect(app.grpc).expect("an exporter");
    let mut truth = Truth::default();
    for number in 0..300 {
        let session = Desk::new(7).session(number);
        tokio::task::block_in_place(|| sender.send(&session, clock.now())).expect("taken");
        truth += session.truth;
    }
    nanos.fetch_add(3600 * 1_000_000_000, Ordering::AcqRel);
    while !app.engine().is_settled() {
        app.engine().wake();
        tokio::task::yield_now().await;
    }
    assert_eq!(derived(&app.engine().gather()), truth);
    assert!(app.stop().await);
}
