//! How deep messages are looked into, in every way they nest. What is deeper says nothing: it must not cost a stack.

use super::event;
use crate::normalise::*;
use serde_json::json;

/// A way to nest, once.
type Wrap = fn(&str) -> String;

fn nested(wrap: Wrap, times: usize, inner: &str) -> String {
    (0..times).fold(inner.to_owned(), |text, _| wrap(&text))
}

const ARRAY: Wrap = |text| format!("[{text}]");
const OBJECT: Wrap = |text| format!(r#"{{"message":{text}}}"#);
/// A list with a string that is a value: two levels, as the next one.
const STRING: Wrap = |text| json!([text]).to_string();
/// A list in the string that is a message's content.
const CONTENT: Wrap = |text| json!({ "content": format!("[{text}]") }).to_string();

#[test]
fn a_request_is_found_twelve_levels_deep() {
    let asks = |messages: &str| {
        let chat = ("gen_ai.operation.name", "chat");
        let output = ("gen_ai.output.messages", messages);
        match event("app", "chat", &[chat, output]).kind {
            Kind::Model(call) => call.requests.len(),
            other => panic!("no call: {other:?}"),
        }
    };
    let call = r#"{"type":"tool_call","name":"transfer_to_desk"}"#;
    for (wrap, most) in [(ARRAY, 12), (OBJECT, 12), (STRING, 6), (CONTENT, 6)] {
        let shown = wrap("…");
        assert_eq!(asks(&nested(wrap, most, call)), 1, "{shown}");
        assert_eq!(asks(&nested(wrap, most + 1, call)), 0, "{shown}");
    }
}

#[test]
fn a_fact_is_found_twelve_levels_deep() {
    let has_facts = |messages: &str| {
        let chat = ("gen_ai.operation.name", "chat");
        let input = ("gen_ai.input.messages", messages);
        event("app", "chat", &[chat, input]).content.is_some()
    };
    // The fact itself is a level too.
    for (wrap, most) in [(ARRAY, 11), (OBJECT, 11), (STRING, 5)] {
        let shown = wrap("…");
        let fact = |times| nested(wrap, times, "\"A-4711\"");
        assert!(has_facts(&fact(most)), "{shown}");
        assert!(!has_facts(&fact(most + 1)), "{shown}");
    }
}

#[test]
fn a_text_beyond_four_mebibytes_is_not_looked_into() {
    let session = |blanks: usize| {
        let metadata = format!(r#"{{"session_id":"s"{}}}"#, " ".repeat(blanks));
        let length = metadata.len();
        let found = event("app", "x", &[("metadata", &metadata)])
            .context
            .session
            .clone();
        (length, found.is_some())
    };
    let most = 4 << 20;
    assert_eq!(session(most - 18), (most, true));
    assert_eq!(session(most - 17), (most + 1, false));
}
