//! Known answers of what a model put out: the handoffs it asks for, with the ids of the calls, and whether there is text for the reader.

use super::{kept, with};
use crate::model::event::Target;
use crate::normalise::*;
use crate::otlp::view::{Attributes, SpanEvent, Value};

/// The targets asked for with their ids, and whether it answered.
fn read(attributes: &[(&str, &str)], events: &[(&str, &str, &str)]) -> (String, Option<bool>) {
    let mut all = vec![("gen_ai.operation.name", "chat")];
    all.extend(attributes);
    let call = with("app", "chat", &all, |span| {
        let event = |(name, key, text): &(&str, &str, &str)| SpanEvent {
            name: kept(name),
            time: span.end,
            attributes: Attributes::from_iter([(kept(key), Value::Str(kept(text)))]),
        };
        span.events = events.iter().map(event).collect();
    });
    let Kind::Model(call) = call.kind else {
        panic!("a call")
    };
    let requests = call.requests.iter().map(|request| {
        let id = request.call_id.as_deref().unwrap_or("-");
        match &request.target {
            Target::Agent(name) => format!("{name}#{id}"),
            other => format!("{other:?}#{id}"),
        }
    });
    (requests.collect::<Vec<_>>().join(" "), call.answered)
}

/// One attribute with the output.
fn output(key: &str, text: &str) -> (String, Option<bool>) {
    read(&[(key, text)], &[])
}

fn is(requests: &str, answered: Option<bool>) -> (String, Option<bool>) {
    (requests.to_owned(), answered)
}

const MESSAGES: &str = "gen_ai.output.messages";
const ASKS: &str = r#"[{"type":"tool_call","id":"c","name":"transfer_to_desk"}]"#;

#[test]
fn output_that_was_not_captured_is_unknown_and_an_empty_one_is_no_answer() {
    assert_eq!(read(&[], &[]), is("", None));
    for key in [MESSAGES, "gen_ai.completion", "ai.response.toolCalls"] {
        assert_eq!(output(key, "[]"), is("", Some(false)), "{key}");
        assert_eq!(output(key, ASKS), is("desk#c", Some(false)), "{key}");
    }
    assert_eq!(output("ai.response.text", "Done."), is("", Some(true)));
    assert_eq!(output("ai.response.text", " "), is("", None));
    let does_work = r#"[{"type":"tool_call","id":"c","name":"look_up"}]"#;
    assert_eq!(output(MESSAGES, does_work), is("", Some(false)));
}

#[test]
fn a_choice_among_the_events_of_a_span_is_output_and_a_message_is_not() {
    let event = |name, key, text| read(&[], &[(name, key, text)]);
    for name in ["gen_ai.choice", "gen_ai.assistant.message.output"] {
        for (key, text, expected) in [
            ("message", "Done.", is("", Some(true))),
            ("content", "42", is("", Some(true))),
            ("content", r#"[{"text":"Done."}]"#, is("", Some(true))),
            ("tool_calls", ASKS, is("desk#c", Some(false))),
            ("role", "assistant", is("", None)),
        ] {
            assert_eq!(event(name, key, text), expected, "{name} {key} {text}");
        }
    }
    let history = event("gen_ai.assistant.message", "tool_calls", ASKS);
    assert_eq!(history, is("", None));
    let details = "gen_ai.client.inference.operation.details";
    assert_eq!(event(details, MESSAGES, ASKS), is("desk#c", Some(false)));
}

#[test]
fn two_encodings_of_one_output_ask_once() {
    let asks = |target: &str, id: &str| {
        format!(r#"[{{"type":"tool_call","id":"{id}","name":"transfer_to_{target}"}}]"#)
    };
    for (one, other, expected) in [
        (asks("a", "1"), asks("a", "1"), "a#1"),
        (asks("a", ""), asks("a", "1"), "a#1"),
        (asks("a", "1"), asks("a", ""), "a#1"),
        (asks("a", ""), asks("a", ""), "a#-"),
        (asks("a", "1"), asks("a", "2"), "a#1 a#2"),
        (asks("a", ""), asks("b", ""), "a#- b#-"),
    ] {
        let both = [(MESSAGES, &*one), ("traceloop.entity.output", &*other)];
        assert_eq!(read(&both, &[]).0, expected, "{one} {other}");
    }
}

#[test]
fn a_call_of_a_tool_without_a_type_is_known_by_its_arguments() {
    for (call, expected) in [
        (r#"{"name":"transfer_to_desk","args":{}}"#, "desk#-"),
        (r#"{"name":"transfer_to_desk","arguments":"{}"}"#, "desk#-"),
        (r#"{"name":"transfer_to_desk"}"#, ""),
        // A message by that name, and a part of another type.
        (r#"{"name":"transfer_to_desk","args":{},"content":"x"}"#, ""),
        (r#"{"type":"text","name":"transfer_to_desk","args":{}}"#, ""),
        (r#"{"name":"transfer_to_desk","content":"x"}"#, ""),
    ] {
        assert_eq!(output(MESSAGES, &format!("[{call}]")).0, expected, "{call}");
    }
}

#[test]
fn content_may_be_a_list_in_a_string_and_text_is_text() {
    let message = |key: &str| serde_json::json!([{ "role": "assistant", key: ASKS }]).to_string();
    let asked = output(MESSAGES, &message("content"));
    assert_eq!(asked, is("desk#c", Some(false)));
    assert_eq!(output(MESSAGES, &message("text")), is("", Some(true)));
}

#[test]
fn a_list_of_events_ends_with_its_output() {
    const SAYS: &str = r#"{"role":"assistant","content":"Done."}"#;
    const CALLS: &str = r#"{"role":"assistant","tool_calls":[{"type":"function","id":"c","function":{"name":"transfer_to_desk"}}]}"#;
    const ASKED: &str = r#"{"event.name":"gen_ai.user.message","role":"user","content":"hi"}"#;
    let choice = |message: &str| format!(r#"{{"event.name":"gen_ai.choice","message":{message}}}"#);
    for (events, expected) in [
        (vec![ASKED, SAYS, CALLS], is("desk#c", Some(false))),
        (vec![CALLS, ASKED, SAYS], is("", Some(true))),
        (vec![CALLS, SAYS, ASKED], is("", Some(false))),
        (vec![ASKED, &choice(CALLS), SAYS], is("desk#c", Some(false))),
        (
            vec![&choice(CALLS), &choice(SAYS), ASKED],
            is("", Some(true)),
        ),
    ] {
        let list = format!("[{}]", events.join(","));
        for key in ["events", "all_messages_events"] {
            assert_eq!(output(key, &list), expected, "{key} {list}");
        }
    }
}

#[test]
fn flattened_output_is_read_key_by_key() {
    const OPENINFERENCE: &str = "llm.output_messages.0.message.tool_calls.0.tool_call";
    const OPENLLMETRY: &str = "gen_ai.completion.0.tool_calls.0";
    for (stem, name, arguments) in [
        (OPENINFERENCE, ".function.name", ".function.arguments"),
        (OPENLLMETRY, ".name", ".arguments"),
    ] {
        let key = |end: &str| format!("{stem}{end}");
        let (name, id, arguments) = (key(name), key(".id"), key(arguments));
        let desk = (&*arguments, r#"{"agent_name":"desk"}"#);
        let asks = [(&*name, "transfer_to_agent"), (&*id, "c"), desk];
        assert_eq!(read(&asks, &[]), is("desk#c", Some(false)), "{stem}");
        assert_eq!(read(&asks[1..], &[]).0, "", "{stem}");
    }
    // A name that is no tool's.
    let name = ("gen_ai.completion.0.name", "transfer_to_desk");
    assert_eq!(read(&[name], &[]), is("", None));
    for (field, expected) in [
        ("message.role", Some(false)),
        ("message.content", Some(true)),
        ("message.contents.0.message_content.text", Some(true)),
    ] {
        let key = format!("llm.output_messages.1.{field}");
        assert_eq!(output(&key, "Done."), is("", expected), "{key}");
    }
}
