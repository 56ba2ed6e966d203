//! Tests of names, IDs, texts and words that are easily misread. Each of these cases was wrong once.

use super::{event, kept, told, with};
use crate::model::List;
use crate::model::event::{HandoffRequest, Outcome, Target};
use crate::normalise::*;
use crate::otlp::view::{Attributes, SpanEvent, Status, Value};

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
        .context
        .session
        .clone()
        .map(|s| s.id.to_string())
}

fn refused(message: &str) -> List<HandoffRequest> {
    with("app", "x", &[], |s| {
        s.status = Status::Error;
        s.status_message = kept(message);
    })
    .rare
    .refused
    .clone()
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
        s.attributes.push("session.id", Value::Int(42))
    });
    assert_eq!(
        e.context
            .session
            .clone()
            .map(|s| s.id.to_string())
            .as_deref(),
        Some("42")
    );
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
        let r = Attributes::from_iter([("session.id", Value::Str("tab")), (key, Value::Str(v))]);
        let names = interner::NameInterners::default();
        let context = ReadContext {
            settings: &Settings::default(),
            names: &names,
        };
        let session = session::of_attributes(&none, &[], &r, context);
        assert_eq!(session, None, "{key}");
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
        assert_eq!(event("app", "x", &a).rare.outcome, None, "{a:?}");
    }
    for a in [
        vec![("outcome", "success")],
        vec![("outcome", "resolved"), ("http.request.method", "POST")],
        vec![
            ("app.outcome", "resolved"),
            ("gen_ai.operation.name", "chat"),
        ],
    ] {
        let o = event("app", "support_turn", &a).rare.outcome.clone();
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
    for refusal in [
        "ValueError: Transfer target agent 'desk' not found.",
        "Error: Agent 'desk' not found in swarm",
        "Tool transfer_to_desk not found in agent front",
        "Tool not found: {'tool_name': 'transfer_to_desk'}",
        "The model called an unknown tool 'transfer_to_desk'.",
        "No ToolCallback found for tool name: transfer_to_desk",
    ] {
        assert_eq!(refused(refusal).len(), 1, "{refusal}");
    }
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

#[test]
fn langgraph_generic_nodes_inside() {
    let a = [
        ("langsmith.span.kind", "llm"),
        (
            "langsmith.metadata.langgraph_checkpoint_ns",
            "desk:1|agent:2|tools:3",
        ),
    ];
    assert_eq!(event("langsmith", "m", &a).agent.as_deref(), Some("desk"));
}

#[test]
fn logfire_users_own_spans() {
    assert!(matches!(
        event("logfire", "Function check of books", &[]).kind,
        Kind::Structure
    ));
    let pending = [
        ("logfire.span_type", "pending_span"),
        ("logfire.msg_template", "Function: {name}"),
        ("name", "t"),
    ];
    assert!(matches!(
        event("logfire.openai_agents", "Function: {name}", &pending).kind,
        Kind::Structure
    ));
}

#[test]
fn a_failure_text_with_an_accent() {
    let scope = "openinference.instrumentation.crewai";
    let text = format!("Error executing tool. {}é not found", "x".repeat(41));
    let a = [
        ("openinference.span.kind", "TOOL"),
        ("input.value", r#"{"coworker":"Desk"}"#),
        ("output.value", &text),
    ];
    assert_eq!(
        told(&event(scope, "Delegate work to coworker.run", &a)),
        "tool Delegate work to coworker of - to desk only failed"
    );
}

#[test]
fn an_exception_without_status_fails_the_call() {
    let e = with("app", "x", &[("gen_ai.operation.name", "chat")], |s| {
        s.events.push(SpanEvent {
            name: "exception",
            time: s.end,
            attributes: Attributes::default(),
        });
    });
    assert!(told(&e).ends_with("failed"), "{}", told(&e));
}

#[test]
fn langfuse_control_flow_and_langgraph() {
    let a = [
        ("langfuse.observation.type", "span"),
        ("langfuse.observation.level", "ERROR"),
        (
            "langfuse.observation.status_message",
            "ParentCommand(Command(graph='__parent__'))",
        ),
    ];
    assert!(!event("langfuse-sdk", "desk", &a).error);
    let a = [
        ("langfuse.observation.type", "generation"),
        (
            "langfuse.observation.metadata.langgraph_checkpoint_ns",
            "desk:1|agent:2",
        ),
    ];
    assert_eq!(
        event("langfuse-sdk", "m", &a).agent.as_deref(),
        Some("desk")
    );
}

#[test]
fn langfuse_buckets_that_add_up_to_the_total() {
    let a = [
        ("langfuse.observation.type", "generation"),
        (
            "langfuse.observation.usage_details",
            r#"{"input":8,"input_cached_tokens":4,"output":3,"total":15}"#,
        ),
    ];
    assert_eq!(
        told(&event("langfuse-sdk", "m", &a)),
        "call -/- of - in 12 out 3 asks[]"
    );
    let a = [
        ("langfuse.observation.type", "generation"),
        (
            "langfuse.observation.usage_details",
            r#"{"input":12,"input_cached_tokens":4,"output":3,"total":15}"#,
        ),
    ];
    assert_eq!(
        told(&event("langfuse-sdk", "m", &a)),
        "call -/- of - in 12 out 3 asks[]"
    );
}

#[test]
fn autogen_teams_are_runs() {
    let scope = "openinference.instrumentation.autogen_agentchat";
    let team = [
        ("openinference.span.kind", "CHAIN"),
        ("participant_names", "[]"),
    ];
    for span in ["Swarm.run_stream", "Desk.run_stream"] {
        let said = told(&event(scope, span, &team));
        assert!(!said.starts_with("agent"), "{span}: {said}");
    }
    let agent = [
        ("openinference.span.kind", "AGENT"),
        ("graph.node.id", "desk"),
    ];
    assert_eq!(
        told(&event(scope, "desk.on_messages_stream", &agent)),
        "agent desk"
    );
    assert_eq!(
        told(&event(scope, "desk.on_messages_stream", &agent[..1])),
        "agent desk"
    );
}

#[test]
fn autogen_results() {
    let scope = "openinference.instrumentation.autogen_agentchat";
    let result = r#"{"finish_reason":"function_calls","content":[{"id":"c","arguments":"{}","name":"transfer_to_desk"}],"usage":{"prompt_tokens":9,"completion_tokens":2},"cached":false}"#;
    let call = [("openinference.span.kind", "LLM"), ("output.value", result)];
    assert_eq!(
        told(&event(scope, "Client.create", &call)),
        "call -/- of - in 9 out 2 asks[desk]"
    );
    let result = r#"{"finish_reason":"stop","content":"Done.","usage":{"prompt_tokens":9,"completion_tokens":2}}"#;
    let call = [("openinference.span.kind", "LLM"), ("output.value", result)];
    let Kind::Model(call) = event(scope, "Client.create", &call).kind else {
        panic!("of another kind")
    };
    assert_eq!(call.answered, Some(true));
}
