//! From a failure to the conversation: the sessions of a running Baton, as someone follows them from an alert or an exemplar.

use super::file;
use crate::support::http::answer;
use crate::support::process::{self, Endpoints, Running};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A running process, stopped when it is done with.
struct Desk {
    _process: Running,
    endpoints: Endpoints,
}

/// Turns are finalized soon.
const CONFIG: &[u8] = b"stitch: {settle: 100ms, bind_timeout: 100ms, trace_timeout: 200ms, drop_timeout: 200ms, idle_timeout: 1s}\nmetrics: {zero_hold: 1ms}\n";

impl Desk {
    fn start() -> Self {
        let config = file("sessions.yaml", CONFIG);
        let mut command = process::baton();
        let command = process::run(&mut command).args(["--state-log", "memory", "--config"]);
        let (process, endpoints) = process::spawn(command.arg(config));
        Self {
            _process: process,
            endpoints,
        }
    }

    /// The status, the head and the body of an answer.
    fn ask(&self, path: &str, header: &str) -> (u16, String, String) {
        let request = format!("GET {path} HTTP/1.0\r\n{header}\r\n");
        answer(self.endpoints.server, request.as_bytes())
    }

    fn get(&self, path: &str) -> (u16, String) {
        let (status, _, body) = self.ask(path, "");
        (status, body)
    }

    fn json(&self, path: &str) -> Value {
        let (status, head, body) = self.ask(path, "Accept: application/json\r\n");
        assert_eq!(status, 200, "{path}: {body}");
        assert!(
            head.to_lowercase()
                .contains("content-type: application/json"),
            "{head}"
        );
        serde_json::from_str(&body).expect("JSON")
    }

    fn send(&self, media: &str, body: &[u8]) {
        let length = body.len();
        let head = format!(
            "POST /v1/traces HTTP/1.0\r\nContent-Type: {media}\r\nContent-Length: {length}\r\n\r\n"
        );
        let (status, _, told) = answer(self.endpoints.http, &[head.as_bytes(), body].concat());
        assert_eq!(status, 200, "{told}");
    }
}

/// An id that no path, query or table takes as it is.
const ODD: &str = "a/b ?&#%\u{fc}..";

/// One answered turn of a session with an odd id.
fn odd_session() -> Value {
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let span = json!({
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": "b7ad6b7169203331",
        "name": "invoke_agent helper",
        "startTimeUnixNano": "1769860800000000000",
        "endTimeUnixNano": "1769860801000000000",
        "attributes": [
            attribute("gen_ai.operation.name", "invoke_agent"),
            attribute("gen_ai.agent.name", "helper"),
            attribute("gen_ai.conversation.id", ODD),
        ],
    });
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
}

/// Baton with three sessions, all of them told.
fn told() -> Desk {
    let running = Desk::start();
    let (status, empty) = running.get("/sessions");
    assert_eq!(status, 200);
    assert!(empty.contains("No session is known yet"), "{empty}");
    for i in 1..=6 {
        let root = env!("CARGO_MANIFEST_DIR");
        let path = format!("{root}/tests/fixtures/pydantic-ai/support-delegation-v2/00{i}.pb");
        running.send(
            "application/x-protobuf",
            &std::fs::read(path).expect("recorded"),
        );
    }
    running.send("application/json", odd_session().to_string().as_bytes());
    // Each look is a request: it gives way to the workers.
    while !is_told(&running.json("/sessions")) {
        std::thread::yield_now();
    }
    running
}

fn is_told(list: &Value) -> bool {
    let sessions = list["sessions"].as_array().into_iter().flatten();
    let closed = |s: &&Value| s["workflows"].as_array().is_some_and(|w| !w.is_empty());
    let failed: u64 = sessions
        .clone()
        .filter_map(|s| s["failed_handoffs"].as_u64())
        .sum();
    sessions.filter(closed).count() == 3 && failed == 2
}

/// The last word of the line about a session: where its story is.
fn link(list: &str, session: &str) -> String {
    let line = list
        .lines()
        .find(|line| line.starts_with(session))
        .expect(session);
    line.split_whitespace()
        .next_back()
        .expect("a link")
        .to_owned()
}

#[test]
fn an_alert_leads_to_the_sessions_and_an_exemplar_to_its_own() {
    let running = told();
    let (_, paths) = running.get("/");
    for path in [
        "/metrics",
        "/summary",
        "/sessions",
        "/sessions/by-trace/TRACE_ID",
        "/healthz",
        "/readyz",
    ] {
        assert!(paths.contains(path), "{paths}");
    }
    // By the result and the reason, as runbooks do.
    let (_, list) = running.get("/sessions?result=failed&reason=target_error");
    assert!(
        list.starts_with("1 of 1 matching sessions, 3 remembered"),
        "{list}"
    );
    let (status, story) = running.get(&link(&list, "sess-pydantic-ai-B"));
    assert_eq!(status, 200);
    assert!(
        story.starts_with("Session sess-pydantic-ai-B\n\nTurn 1, "),
        "{story}"
    );
    assert!(story.contains("the target's first step failed"), "{story}");
    let story = running.json("/sessions/sess-pydantic-ai-B");
    assert_eq!(
        story["sessions"][0]["story"].as_array().map(Vec::len),
        Some(3)
    );
    // By cohort.
    let (_, gold) = running.get("/sessions?tier=gold&limit=5");
    assert!(
        gold.contains("sess-pydantic-ai-A") && !gold.contains("sess-pydantic-ai-B"),
        "{gold}"
    );
    // Every exemplar finds a session.
    // A new series is 0 at first, and has none.
    let traces = loop {
        let (_, _, metrics) = running.ask("/metrics", "Accept: application/openmetrics-text\r\n");
        let traces: BTreeSet<String> = metrics
            .split("trace_id=\"")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
            .collect();
        if traces.len() >= 3 {
            break traces;
        }
    };
    for trace in traces {
        let (status, head, _) = running.ask(&format!("/sessions/by-trace/{trace}"), "");
        assert_eq!(status, 303, "{trace}");
        let to = head
            .lines()
            .find_map(|line| line.strip_prefix("location: ../.."));
        let (status, story) = running.get(to.expect("a location"));
        assert_eq!(status, 200);
        assert!(story.starts_with("Session "), "{story}");
    }
}

#[test]
fn odd_ids_are_linked_and_wrong_questions_are_answered() {
    let running = told();
    let (_, list) = running.get("/sessions?agent=helper");
    let place = link(&list, "a/b");
    let (status, story) = running.get(&place);
    assert_eq!(status, 200, "{place}");
    assert!(story.starts_with(&format!("Session {ODD}\n")), "{story}");
    let found = running.json("/sessions?id=a%2Fb+%3F%26%23%25%C3%BC..");
    assert_eq!(found["matching"], 1);
    for (path, status, expected) in [
        (
            "/sessions/nobody",
            404,
            "no such session: it has no finalized turn yet, or it is not remembered any more",
        ),
        ("/sessions/no/body", 404, "baton replay --explain ID FILE"),
        (
            "/sessions/by-trace/0af7651916cd43dd8448eb211c80319d",
            404,
            "no such session of this trace",
        ),
        (
            "/sessions/by-trace/xyz",
            400,
            "expected a trace ID: 32 hexadecimal digits",
        ),
        ("/sessions?agnt=x", 400, "known parameters:\n  id "),
        (
            "/sessions?outcome=lost",
            400,
            "outcome: expected one of resolved,",
        ),
        ("/sessions?format=xml", 400, "format: expected text or json"),
        (
            "/sessions/sess-pydantic-ai-A?agent=x",
            400,
            "known parameters:\n  tenant",
        ),
        (
            "/sessions/sess-pydantic-ai-A?tenant=other",
            404,
            "no such session",
        ),
        ("/summary?format=xml", 400, "format: expected text or json"),
    ] {
        let (answered, body) = running.get(path);
        assert_eq!(answered, status, "{path}: {body}");
        assert!(body.contains(expected), "{path}: {body}");
    }
    // The figures as they are, whether or not they were scraped before.
    let summary = running.json("/summary");
    assert_eq!(
        (&summary["sessions"], &summary["handoffs"]),
        (&3.0.into(), &7.0.into())
    );
    assert_eq!(running.json("/summary?format=json"), summary);
    let (_, table) = running.get("/summary");
    assert!(
        table.contains("Resolution rate") && table.contains("Handoffs\n"),
        "{table}"
    );
}
