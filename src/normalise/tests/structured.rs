//! Attributes that are structured, and texts of what is structured (C-11).

use super::{event, kept, told, with};
use crate::normalise::{json, python};
use crate::otlp::view::{Attributes, Value};
use serde_json::json;

fn text(text: &str) -> Value<'static> {
    Value::Str(kept(text))
}

fn map(pairs: &[(&str, Value<'static>)]) -> Value<'static> {
    let pairs = pairs.iter().cloned();
    let attributes: Attributes<'static> = pairs.map(|(k, v)| (kept(k), v)).collect();
    Value::Map(Box::new(attributes))
}

/// The output of a model that asks for a handoff.
fn output() -> Value<'static> {
    let call = map(&[
        ("type", text("tool_call")),
        ("id", text("c1")),
        ("name", text("transfer_to_vault")),
        ("arguments", map(&[])),
    ]);
    let parts = Value::Array(vec![call]);
    Value::Array(vec![map(&[("role", text("assistant")), ("parts", parts)])])
}

#[test]
fn structured_messages_are_read_as_their_json_is() {
    let chat = ("gen_ai.operation.name", "chat");
    let json = json::structured(&output()).to_string();
    let printed = "[{'role': 'assistant', 'parts': [{'type': 'tool_call', 'id': 'c1', 'name': 'transfer_to_vault', 'arguments': {}}]}]";
    let expected = "call -/- of - in 0 out 0 asks[vault]";
    for value in [output(), text(&json), text(printed)] {
        let found = with("app", "chat", &[chat], |span| {
            span.attributes.push("gen_ai.output.messages", value);
        });
        assert_eq!(told(&found), expected);
    }
}

#[test]
fn structured_arguments_usage_and_cost_are_read() {
    let tool = [
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", "delegate_work_to_coworker"),
    ];
    let to = map(&[("coworker", text("vault"))]);
    let found = with("app", "tool", &tool, |span| {
        span.attributes.push("gen_ai.tool.call.arguments", to);
    });
    let printed = ("gen_ai.tool.call.arguments", "{'coworker': 'vault'}");
    let same = event("app", "tool", &[tool[0], tool[1], printed]);
    assert_eq!(told(&found), told(&same));
    assert!(told(&found).contains("to vault"), "{}", told(&found));
    let usage = map(&[
        ("input_tokens", Value::Int(10)),
        ("output_tokens", Value::Double(5.0)),
    ]);
    let found = with(
        "app",
        "chat",
        &[("gen_ai.operation.name", "chat")],
        |span| {
            span.attributes.push("gen_ai.usage", usage);
        },
    );
    assert_eq!(told(&found), "call -/- of - in 10 out 5 asks[]");
}

#[test]
fn what_python_prints_is_read() {
    for (text, expected) in [
        (
            "{'a': 1, \"b\": 'it\\'s', 'c': None}",
            json!({"a": 1, "b": "it's", "c": null}),
        ),
        (
            "[True, False, -1.5, (1,), ()]",
            json!([true, false, -1.5, [1], []]),
        ),
        (
            "{'k': Part(text='x', n=2, o=[Decimal('3')])}",
            json!({"k": {"text": "x", "n": 2, "o": ["3"]}}),
        ),
        (
            "{'s': <State.DONE: 'done'>, 'r': Reason.STOP}",
            json!({"s": null, "r": "Reason.STOP"}),
        ),
        ("{1: '\\u00e9\\x41\\n'}", json!({"1": "éA\n"})),
    ] {
        assert_eq!(python::parse(text), Some(expected), "{text}");
    }
    for text in [
        "",
        "[see below] I am here",
        "{'a': }",
        "{'a' 1}",
        "['a'",
        "[1] and more",
        "{'a': '\\",
        "plain",
    ] {
        assert_eq!(python::parse(text), None, "{text}");
    }
    // Words in brackets are an answer.
    for text in ["[hello]", "(well)", "[DONE]"] {
        assert_eq!(python::printed(text), None, "{text}");
    }
    let deep = "[".repeat(100) + &"]".repeat(100);
    assert_eq!(python::parse(&deep), None);
}

/// S-6, S-10.
#[test]
fn ids_of_calls_are_no_placeholders_and_may_be_numbers() {
    let id = |value: Value<'static>| {
        let tool = [
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.name", "dig"),
        ];
        let found = with("app", "tool", &tool, |span| {
            span.attributes.push("gen_ai.tool.call.id", value);
        });
        match found.kind {
            crate::model::event::Kind::Tool(tool) => tool.call_id.map(|id| id.to_string()),
            _ => None,
        }
    };
    for placeholder in [
        "undefined",
        "None",
        "null",
        "N/A",
        "unknown",
        "nil",
        "-",
        "",
        "0",
        "0000-00",
    ] {
        assert_eq!(id(text(placeholder)), None, "{placeholder}");
    }
    let seven = Some("7".to_owned());
    assert_eq!(id(Value::Int(7)), seven);
    assert_eq!(id(Value::Double(7.0)), seven);
    assert_eq!(id(Value::Array(vec![text("7")])), seven);
    let asked = r#"[{"tool_calls":[{"type":"function","id":7,"name":"transfer_to_vault"},{"type":"function","id":"undefined","name":"transfer_to_cellar"}]}]"#;
    let found = event(
        "app",
        "chat",
        &[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.output.messages", asked),
        ],
    );
    let crate::model::event::Kind::Model(call) = found.kind else {
        panic!("a call")
    };
    let ids: Vec<Option<&str>> = call.requests.iter().map(|r| r.call_id.as_deref()).collect();
    assert_eq!(ids, [Some("7"), None]);
}

/// S-6.
#[test]
fn placeholders_are_no_names_of_agents_and_models() {
    for nobody in ["undefined", "None", "unknown", "N/A"] {
        let agent = ("gen_ai.agent.name", nobody);
        let run = event(
            "app",
            "x",
            &[("gen_ai.operation.name", "invoke_agent"), agent],
        );
        assert!(told(&run).starts_with("workflow"), "{}", told(&run));
        let call = [
            ("gen_ai.operation.name", "chat"),
            agent,
            ("gen_ai.request.model", nobody),
            ("gen_ai.response.model", "m"),
        ];
        assert_eq!(
            told(&event("app", "x", &call)),
            "call -/m of - in 0 out 0 asks[]"
        );
    }
}

#[test]
fn results_of_several_tools_in_one_span_are_no_tool() {
    let merged = [
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", "(merged tools)"),
    ];
    let found = event("gcp.vertex.agent", "execute_tool (merged tools)", &merged);
    assert!(told(&found).starts_with("structure"), "{}", told(&found));
}
