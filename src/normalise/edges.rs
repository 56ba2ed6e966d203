//! What names, ids, texts and words must not be taken for: each of these answers was wrong once.

use super::tests::{event, told, with};
use super::*;
use crate::model::event::Outcome;
use crate::model::otlp::Value;

fn session(attributes: &[(&str, &str)]) -> Option<String> {
    event("app", "x", attributes)
        .session
        .map(|s| s.id.to_string())
}

#[test]
fn long_ids_that_begin_alike_stay_apart() {
    let (a, b) = (
        format!("{}a", "x".repeat(300)),
        format!("{}b", "x".repeat(300)),
    );
    assert_ne!(
        session(&[("session.id", &a)]),
        session(&[("session.id", &b)])
    );
    let c = "y".repeat(200);
    assert_eq!(session(&[("session.id", &c)]).as_deref(), Some(&*c));
}

#[test]
fn an_empty_or_blank_id_is_none() {
    assert_eq!(session(&[("metadata", r#"{"session_id": ""}"#)]), None);
    assert_eq!(session(&[("session.id", "  ")]), None);
}

#[test]
fn metadata_tries_the_next_key() {
    let text = r#"{"session_id": "[Scrubbed due to 'session']", "thread_id": "t"}"#;
    assert_eq!(session(&[("metadata", text)]).as_deref(), Some("t"));
    assert_eq!(
        session(&[("metadata", r#"{"session_id": 42}"#)]).as_deref(),
        Some("42")
    );
}

#[test]
fn a_number_is_an_id() {
    let e = with("app", "x", &[], |s| {
        s.attributes.0.push(("session.id".into(), Value::Int(42)))
    });
    assert_eq!(e.session.map(|s| s.id.to_string()).as_deref(), Some("42"));
}

#[test]
fn names_are_trimmed() {
    let a = [
        ("traceloop.span.kind", "agent"),
        ("gen_ai.agent.name", "desk\n"),
    ];
    assert_eq!(
        told(&event(
            "opentelemetry.instrumentation.crewai",
            "desk\n.agent",
            &a
        )),
        "agent desk"
    );
}

#[test]
fn browser_resource() {
    let none = Attributes::default();
    for key in ["browser.platform", "telemetry.sdk.language"] {
        let v = if key == "telemetry.sdk.language" {
            "webjs"
        } else {
            "x"
        };
        let r = Attributes(vec![
            ("session.id".into(), Value::Str("tab".into())),
            (key.into(), Value::Str(v.into())),
        ]);
        assert_eq!(
            session::of_attributes(&none, &r, &Settings::default()),
            None,
            "{key}"
        );
    }
}

#[test]
fn the_outcome_of_a_request_or_tool_is_not_the_business_result() {
    for a in [
        vec![("outcome", "SUCCESS"), ("http.request.method", "POST")],
        vec![
            ("outcome", "SUCCESS"),
            ("method", "POST"),
            ("uri", "/x"),
            ("status", "200"),
        ],
        vec![("outcome", "success"), ("db.system", "postgresql")],
        vec![
            ("outcome", "error"),
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.name", "t"),
        ],
        vec![("outcome", "success"), ("gen_ai.operation.name", "chat")],
    ] {
        assert_eq!(event("app", "x", &a).outcome, None, "{a:?}");
    }
    for a in [
        vec![("outcome", "success")],
        vec![("outcome", "resolved"), ("http.request.method", "POST")],
        vec![
            ("app.outcome", "resolved"),
            ("gen_ai.operation.name", "chat"),
        ],
    ] {
        let o = event("app", "support_turn", &a).outcome;
        assert_eq!(o.map(|o| o.outcome), Some(Outcome::Resolved), "{a:?}");
    }
}
