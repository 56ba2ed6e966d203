//! Known answers of content: whose words they are, which of several messages counts, and where the same fact is spelt in two ways.

use super::{kept, with};
use crate::model::sketch::{Content, Sketch};
use crate::normalise::*;
use crate::otlp::view::{Attributes, SpanEvent, Value};
use serde_json::json;

fn call(attributes: &[(&str, &str)], events: &[(&str, &str)]) -> Event {
    let mut all = vec![("gen_ai.operation.name", "chat")];
    all.extend(attributes);
    with("app", "chat", &all, |span| {
        let event = |(name, text): &(&str, &str)| SpanEvent {
            name: kept(name),
            time: span.end,
            attributes: Attributes::from_iter([("content", Value::Str(kept(text)))]),
        };
        span.events = events.iter().map(event).collect();
    })
}

fn content(attributes: &[(&str, &str)]) -> Content {
    let content = call(attributes, &[]).content;
    content.map_or_else(Content::default, |content| *content)
}

/// The content of a call with these messages as its input.
fn input(messages: &serde_json::Value) -> Content {
    content(&[("gen_ai.input.messages", &messages.to_string())])
}

/// The sketch of the facts of one plain text.
fn facts(text: &str) -> Option<Sketch> {
    content(&[("input.value", text)]).input
}

/// What the user asked with these words.
fn asked(text: &str) -> Option<Sketch> {
    let asked = input(&json!([{"role": "user", "content": text}])).asked;
    assert!(asked.is_some(), "{text}");
    asked
}

const SAYS: &str = "this is order A-4711 again";
const EARLIER: &str = "an earlier question about B-12";

#[test]
fn what_has_no_content_has_none_at_all() {
    assert_eq!(call(&[], &[]).content, None);
    assert_eq!(call(&[("input.value", "well then")], &[]).content, None);
    assert!(call(&[("input.value", SAYS)], &[]).content.is_some());
}

#[test]
fn the_first_attribute_that_holds_something_is_the_input() {
    let (best, next) = (r#"["A-4711"]"#, r#"["B-12"]"#);
    let (empty, whole) = ("[]", ("input.value", "C-77"));
    let messages = |text| ("gen_ai.input.messages", text);
    let prompt = |text| ("ai.prompt.messages", text);
    for (attributes, expected) in [
        (vec![messages(best), prompt(next), whole], "A-4711"),
        (vec![messages(empty), prompt(next), whole], "B-12"),
        (vec![messages(empty), prompt(empty), whole], "C-77"),
        // Words without a fact are something too.
        (
            vec![messages(r#"["well then"]"#), prompt(next), whole],
            "well",
        ),
    ] {
        assert_eq!(
            content(&attributes).input,
            facts(expected),
            "{attributes:?}"
        );
    }
}

#[test]
fn roles_in_every_spelling() {
    for user in [
        json!({"role": "user", "content": SAYS}),
        json!({"role": "Human", "content": SAYS}),
        json!({"event.name": "gen_ai.user.message", "content": SAYS}),
        json!({"type": "human", "content": SAYS}),
        json!({"id": ["langchain", "HumanMessage"], "kwargs": {"content": SAYS}}),
    ] {
        let found = input(&json!([user]));
        assert_eq!(found.asked, asked(SAYS), "{user}");
        assert_eq!(found.input, facts(SAYS), "{user}");
    }
    for other in [
        json!({"role": "assistant", "content": SAYS}),
        json!({"event.name": "gen_ai.assistant.message", "content": SAYS}),
        json!({"type": "ai", "content": SAYS}),
        json!({"id": ["langchain", "AIMessage"], "kwargs": {"content": SAYS}}),
    ] {
        let found = input(&json!([other]));
        assert_eq!((found.asked, found.input), (None, facts(SAYS)), "{other}");
    }
    for system in [
        json!({"role": "developer", "content": SAYS}),
        json!({"event.name": "gen_ai.system.message", "content": SAYS}),
        json!({"type": "system", "content": SAYS}),
        json!({"id": ["langchain", "SystemMessage"], "kwargs": {"content": SAYS}}),
        // What came out, at the end of a list of events.
        json!({"event.name": "gen_ai.choice", "message": {"content": SAYS}}),
    ] {
        assert_eq!(input(&json!([system])), Content::default(), "{system}");
    }
}

#[test]
fn messages_among_the_events_of_a_span_are_input() {
    for name in ["gen_ai.assistant.message", "gen_ai.tool.message"] {
        let found = call(&[], &[(name, SAYS)]).content.expect("content");
        assert_eq!((found.asked, found.input), (None, facts(SAYS)), "{name}");
    }
    let user = "gen_ai.user.message";
    let both = call(&[], &[(user, EARLIER), (user, SAYS)]).content;
    assert_eq!(both.expect("content").asked, asked(SAYS));
}

#[test]
fn of_flattened_messages_the_last_of_the_user_counts_with_all_its_parts() {
    let key = |number: u8, field: &str| format!("llm.input_messages.{number}.message.{field}");
    let part = |number, part: u8| key(number, &format!("contents.{part}.message_content.text"));
    // Roles may come after texts, and a later message before an earlier one.
    let flat = [
        (part(2, 0), "this is order"),
        (part(2, 1), "A-4711 again"),
        (key(0, "content"), EARLIER),
        (key(0, "role"), "user"),
        (key(1, "role"), "tool"),
        (key(1, "content"), "C-77"),
        (key(2, "role"), "user"),
        // Not what anyone said.
        (key(1, "name"), "tool-99"),
        (key(1, "tool_call_id"), "call-99"),
    ];
    let flat: Vec<(&str, &str)> = flat.iter().map(|(key, text)| (&**key, *text)).collect();
    let found = content(&flat);
    assert_eq!(found.asked, asked(SAYS));
    assert_eq!(found.input, facts("A-4711 B-12 C-77"));
}

#[test]
fn an_inner_message_begins_anew_what_is_being_said() {
    let nested =
        json!([{"role": "user", "content": EARLIER, "then": {"role": "user", "content": SAYS}}]);
    assert_eq!(input(&nested).asked, asked(SAYS));
}

#[test]
fn a_message_is_recognised_by_four_to_a_hundred_and_twenty_words() {
    let asked = |words: usize| {
        let text = "well ".repeat(words);
        input(&json!([{"role": "user", "content": text}])).asked
    };
    assert!(asked(3).is_none() && asked(4).is_some());
    assert!(asked(120).is_some() && asked(121).is_none());
    let blank_first = " well".repeat(120);
    let most = input(&json!([{"role": "user", "content": blank_first}]));
    assert!(most.asked.is_some());
}

#[test]
fn words_end_at_any_separator() {
    let spaced = asked("where is my parcel now");
    assert_eq!(asked("where,is(my)parcel|now"), spaced);
    assert_eq!(asked("where\u{a0}is\u{2003}my parcel now"), spaced);
    assert_eq!(asked("où,est(mon)colis"), asked("où est mon colis"));
}

#[test]
fn one_fact_in_two_spellings_is_one() {
    for (one, other) in [
        ("\"order ÉCOLE-9\"", "order école-9"),
        ("\"order SCHOOL-9\"", "order school-9"),
        ("[100.0]", "100"),
        ("[1e2]", "100"),
        ("[4711]", "4711"),
        ("[1234567890123456789]", "1234567890123456789"),
        ("[123456789012345678901234]", "123456789012345678901234"),
    ] {
        let found = content(&[("gen_ai.input.messages", one)]).input;
        assert!(found.is_some(), "{one}");
        assert_eq!(found, facts(other), "{one}");
    }
}

#[test]
fn a_sign_alone_makes_no_address() {
    for text in [
        "ask @support about it",
        "ask me@home about it",
        "Node.js it is",
    ] {
        assert_eq!(facts(text), None, "{text}");
    }
    assert!(facts("ask me@support.example about it").is_some());
}

#[test]
fn arguments_printed_in_python_are_read_wherever_they_stand() {
    let first = r#"ResponseFunctionToolCall(arguments='{"order_1": "A-4711"}', call_id='call_f3', name='look_1')"#;
    let later = r#"ResponseFunctionToolCall(id='fc_9', arguments='{"order_1": "A-4711"}', call_id='call_f3', name='look_1')"#;
    for printed in [first, later] {
        let found = content(&[("ai.response.text", printed)]);
        assert_eq!(found.output, facts("A-4711"), "{printed}");
    }
}

#[test]
fn the_key_of_the_hashes_is_not_shown() {
    let settings = Settings {
        content_seed: 471_147_114_711,
        ..Settings::default()
    };
    let normaliser = Normaliser::new(settings, Arc::new(PriceBook::default()));
    let shown = format!("{normaliser:?}");
    assert!(shown.contains("salt: HashSalt,"));
    assert!(!shown.contains("471147114711"));
}
