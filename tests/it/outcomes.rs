//! Outcomes that other systems report, from the HTTP request to the figures of the next process.

use crate::support::http::answer;
use crate::support::process::{
    Endpoints, Running, at_the_end, baton, client, folder, listening, now, session, spawn,
};
use baton::app::App;
use baton::clock::Clock;
use baton::config;
use baton::ingest::{Encoding, ExportRequest, OutcomeRequest, Signal};
use baton::model::metric::{Family, Point, Series};
use prost::Message;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn start(state: &Path) -> (Running, Endpoints) {
    spawn(listening(&mut baton(), state, &[]))
}

/// Posts a body; the status and the body of the answer.
fn post(http: SocketAddr, media: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let request = format!(
        "POST /v1/outcomes HTTP/1.0\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let (status, _, body) = answer(http, request.as_bytes());
    (status, body)
}

fn report(session: &str, outcome: &str, value: u32, id: &str) -> String {
    format!(
        r#"{{"session_id": "{session}", "outcome": "{outcome}", "value": {value}, "source": "crm", "id": "{id}"}}"#
    )
}

/// The sum of the series of a counter that have all these labels.
fn sum(families: &[Family], name: &str, labels: &[(&str, &str)]) -> f64 {
    let family = families.iter().find(|family| family.name == name);
    let series = family.iter().flat_map(|family| &family.series);
    let has = |series: &Series, (key, value): &(&str, &str)| {
        let mut own = series.labels.iter();
        own.any(|(known, is)| known == key && is == value)
    };
    let values = series.filter_map(|series| match &series.point {
        Point::Counter { value, .. } if labels.iter().all(|label| has(series, label)) => {
            Some(*value)
        }
        _ => None,
    });
    values.sum()
}

/// Workflows by outcome, and their value, with all corrections.
fn corrected(families: &[Family], outcome: &str) -> (f64, f64) {
    let of = |name: &str, key: &str| sum(families, name, &[(key, outcome)]);
    let value = |direction: &str| {
        let labels = [("outcome", outcome), ("direction", direction)];
        sum(
            families,
            "baton_workflow_value_corrections_usd_total",
            &labels,
        )
    };
    let count = of("baton_workflows_total", "outcome")
        + of("baton_workflow_corrections_total", "to")
        - of("baton_workflow_corrections_total", "from");
    let worth = of("baton_workflow_value_usd_total", "outcome") + value("in") - value("out");
    (count, worth)
}

#[tokio::test]
async fn what_is_acknowledged_moves_the_figures_though_the_process_is_killed() {
    let state = folder("outcomes-killed");
    let (running, endpoints) = start(&state);
    let mut spans = client(endpoints.grpc).await;
    for n in 1..=3 {
        // The second and the third one: before its session, and never.
        let body = report(
            &format!("conversation {n}"),
            "resolved",
            10 * n,
            &n.to_string(),
        );
        if n == 2 {
            assert_eq!(post(endpoints.http, "application/json", &body).0, 200);
        }
        let request = session(u64::from(n), now() - 1_000_000_000);
        spans.export(request).await.expect("taken");
        if n == 1 {
            for _ in 0..2 {
                let (status, answer) = post(endpoints.http, "application/json", &body);
                assert_eq!((status, &*answer), (200, r#"{"accepted":1}"#));
            }
        }
    }
    running.stop("-KILL");
    let families = at_the_end(&state).await;
    assert_eq!(corrected(&families, "resolved"), (2.0, 30.0));
    assert_eq!(corrected(&families, "unverified"), (1.0, 0.0));
    let reports = |result| {
        let labels = [("source", "crm"), ("result", result)];
        sum(&families, "baton_outcome_reports_total", &labels)
    };
    assert_eq!((reports("accepted"), reports("duplicate")), (2.0, 1.0));
    // A day later, when everything is closed: a correction.
    let (running, endpoints) = start(&state);
    let late = [
        report("conversation 1", "failed", 1, "later"),
        report("conversation 3", "resolved", 5, "later"),
    ];
    let late = format!("[{}]", late.join(","));
    let (status, answer) = post(endpoints.http, "application/json", &late);
    assert_eq!((status, &*answer), (200, r#"{"accepted":2}"#));
    running.stop("-KILL");
    let families = at_the_end(&state).await;
    assert_eq!(corrected(&families, "resolved"), (2.0, 25.0));
    assert_eq!(corrected(&families, "failed"), (1.0, 1.0));
    assert_eq!(corrected(&families, "unverified"), (0.0, 0.0));
    let moved = [("from", "unverified"), ("to", "resolved")];
    let moved = sum(&families, "baton_workflow_corrections_total", &moved);
    assert_eq!(moved, 1.0);
}

#[test]
fn a_list_with_a_wrong_item_is_refused_as_a_whole_and_the_item_is_named() {
    let state = folder("outcomes-refused");
    let (running, endpoints) = start(&state);
    let good = report("s", "resolved", 1, "1");
    let list = format!(r#"[{good}, {{"session_id": "s", "outcome": "secret", "source": "crm"}}]"#);
    let (status, body) = post(endpoints.http, "application/json", &list);
    assert_eq!(status, 400);
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["code"], 3);
    assert_eq!(
        body["message"],
        "item 2, field outcome: must be one of resolved, escalated, failed, abandoned and unverified; nothing was accepted; the sender is at fault, correct it and do not retry it unchanged"
    );
    let (status, body) = post(endpoints.http, "application/json", "{");
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("the body is neither"), "{body}");
    let (status, body) = post(endpoints.http, "application/x-protobuf", &good);
    assert_eq!(status, 415, "{body}");
    assert!(body.contains("application/json"), "{body}");
    let scrape = answer(endpoints.server, b"GET /metrics HTTP/1.0\r\n\r\n").2;
    assert!(
        !scrape.contains("baton_outcome_reports_total{"),
        "nothing was taken"
    );
    let refused =
        r#"baton_receiver_failed_requests_total{listener="http",reason="invalid_outcome"} 2"#;
    assert!(scrape.contains(refused), "{scrape}");
    running.stop("-TERM");
}

/// No tenant reaches sessions of another, whatever its items say.
#[tokio::test]
async fn a_report_reaches_only_sessions_of_its_tenant() {
    let free = "127.0.0.1:0";
    let text = format!(
        "receivers: {{otlp: {{grpc: {{endpoint: \"{free}\"}}, http: {{endpoint: \"{free}\"}}}}}}\nserver: {{endpoint: \"{free}\"}}\nstate: {{log: memory}}\n"
    );
    let config = config::of_text(&text, Path::new("."), &|_| None).expect("valid");
    let nanos = Arc::new(AtomicU64::new(now()));
    let app = App::start(&config, Clock::manual(Arc::clone(&nanos))).await;
    let app = app.expect("it starts");
    let at = nanos.load(Ordering::Acquire) - 1_000_000_000;
    let spans = ExportRequest {
        signal: Signal::Traces,
        encoding: Encoding::Protobuf,
        tenant: Some("a".into()),
        headers: Vec::new(),
        body: session(1, at).encode_to_vec().into(),
    };
    app.ingest().submit(spans).await.expect("taken");
    let body =
        r#"{"session_id": "conversation 1", "tenant": "a", "outcome": "OUTCOME", "source": "crm"}"#;
    for (tenant, outcome) in [("b", "failed"), ("a", "resolved")] {
        let request = OutcomeRequest {
            tenant: Some(tenant.into()),
            body: body.replace("OUTCOME", outcome).into(),
        };
        let taken = app.ingest().submit_outcomes(request).await;
        assert_eq!(taken, Ok(1));
    }
    nanos.fetch_add(100 * 3600 * 1_000_000_000, Ordering::AcqRel);
    app.settle().await;
    let families = app.engine().gather();
    assert_eq!(corrected(&families, "resolved"), (1.0, 0.0));
    assert_eq!(corrected(&families, "failed"), (0.0, 0.0));
    let unmatched = [("result", "unmatched")];
    assert_eq!(
        sum(&families, "baton_outcome_reports_total", &unmatched),
        1.0
    );
    assert!(app.stop().await);
}
