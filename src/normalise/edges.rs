//! What names, ids, texts and words must not be taken for: each of these answers was wrong once.

use super::tests::{event, told, with};
use super::*;
use crate::model::event::{HandoffRequest, Outcome, Target};
use crate::model::otlp::Value;

fn tool(name: &str, arguments: &str) -> String {
    told(&event(
        "app",
        "x",
        &[
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.name", name),
            ("gen_ai.tool.call.arguments", arguments),
        ],
    ))
}

fn session(attributes: &[(&str, &str)]) -> Option<String> {
    event("app", "x", attributes)
        .session
        .map(|s| s.id.to_string())
}

fn refused(message: &str) -> Vec<HandoffRequest> {
    let message = message.to_owned();
    with("app", "x", &[], move |s| {
        s.status = Status::Error;
        s.status_message = message.into();
    })
    .refused
}

fn output(messages: &str) -> String {
    told(&event(
        "app",
        "chat",
        &[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.output.messages", messages),
        ],
    ))
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

#[test]
fn ordinary_tools_stay_tools() {
    for name in [
        "transferTokens",
        "transfertoken",
        "return_to_stock",
        "handofftool",
        "transfer_to_user_group",
    ] {
        let said = tool(name, "{}");
        assert!(said.starts_with("tool "), "{name}: {said}");
        if name != "transfer_to_user_group" {
            assert_eq!(said, format!("tool {name} of -"));
        }
    }
    assert_eq!(
        tool("transferToDesk", "{}"),
        "tool transferToDesk of - to Desk only"
    );
}

#[test]
fn delegation_waits() {
    for (name, args) in [
        ("delegate_to_desk", "{}"),
        ("delegate_work", r#"{"coworker":"desk"}"#),
    ] {
        let e = event(
            "app",
            "x",
            &[
                ("gen_ai.operation.name", "execute_tool"),
                ("gen_ai.tool.name", name),
                ("gen_ai.tool.call.arguments", args),
            ],
        );
        let Kind::Tool(t) = e.kind else {
            panic!("of another kind")
        };
        assert!(t.delegates, "{name}");
        assert_eq!(t.hands_to, Some(Target::Agent("desk".into())), "{name}");
    }
}

#[test]
fn escalation_anywhere_in_the_name() {
    assert_eq!(
        tool("desk_escalate_to_human", "{}"),
        "tool desk_escalate_to_human of - to HUMAN"
    );
}

#[test]
fn arguments_skip_empty() {
    assert_eq!(
        tool("transfer_to_agent", r#"{"agent_name":"","target":"desk"}"#),
        "tool transfer_to_agent of - to desk only"
    );
}

#[test]
fn refusals_are_not_read_into_other_errors() {
    assert_eq!(refused("Order not found; escalated to the desk"), vec![]);
    assert_eq!(refused("Agent 'desk' failed: order not found"), vec![]);
    assert_eq!(
        refused("ValueError: Transfer target agent 'desk' not found.").len(),
        1
    );
    assert_eq!(refused("Error: Agent 'desk' not found in swarm").len(), 1);
    assert_eq!(
        refused("Tool transfer_to_desk not found in agent front").len(),
        1
    );
    assert_eq!(
        refused("Tool not found: {'tool_name': 'transfer_to_desk'}").len(),
        1
    );
}

#[test]
fn output_encodings() {
    let two = r#"[{"role":"assistant","parts":[{"type":"text","content":"[ResponseFunctionToolCall(arguments='{}', call_id='a', name='look_up', type='function_call'), ResponseFunctionToolCall(arguments='{}', call_id='b', name='transfer_to_desk', type='function_call')]"}]}]"#;
    assert_eq!(output(two), "call -/- of - in 0 out 0 asks[desk]");
    let flip = r#"[{"role":"assistant","parts":[{"type":"text","content":"ResponseFunctionToolCall(arguments='{}', call_id='b', name='transfer_to_desk', type='function_call')\nResponseFunctionToolCall(arguments='{}', call_id='a', name='look_up', type='function_call')"}]}]"#;
    assert_eq!(output(flip), "call -/- of - in 0 out 0 asks[desk]");
    let result = r#"[{"role":"tool","content":[{"type":"tool-result","toolName":"transfer_to_desk","toolCallId":"c","output":{}}]}]"#;
    assert_eq!(output(result), "call -/- of - in 0 out 0 asks[]");
}

#[test]
fn the_same_request_without_id_in_two_attributes_is_one() {
    let m = r#"[{"role":"assistant","parts":[{"type":"tool_call","name":"transfer_to_desk","arguments":{}}]}]"#;
    let e = event(
        "app",
        "chat",
        &[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.output.messages", m),
            ("traceloop.entity.output", m),
        ],
    );
    assert_eq!(told(&e), "call -/- of - in 0 out 0 asks[desk]");
}
