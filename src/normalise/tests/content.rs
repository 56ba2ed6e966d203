//! Known answers of content: which facts a text has, and that every encoding tells the same ones.

use super::kept;
use crate::model::ids::{SpanId, TraceId};
use crate::model::sketch::{Content, Sketch};
use crate::model::time::Timestamp;
use crate::normalise::content::{of_log, of_span};
use crate::normalise::interner::NameInterners;
use crate::normalise::tokens::{HashSalt, TokenHasher};
use crate::normalise::{ReadContext, Settings, SpanReader};
use crate::otlp::view::{Attributes, LogRecord, Scope, Span, SpanEvent, Status, Value};

type Pairs = [(&'static str, String)];

const SYSTEM: &str = "You are Agent 007 of ACME Corp, policy 99-1.";
const ASKS: &str = "Hello, I am Jane Doe and want 49.90 back for order A-4711.";
const SAYS: &str = "Ticket 8812 is open.";

fn attributes(pairs: &Pairs) -> Attributes<'static> {
    let pair = |(key, text): &(&'static str, String)| (*key, Value::Str(kept(text)));
    pairs.iter().map(pair).collect()
}

fn read(pairs: &Pairs, events: Vec<SpanEvent<'static>>) -> Content {
    let span = Span {
        trace: TraceId::new(&[1; 16]).expect("not zero"),
        id: SpanId::new(&[1; 8]).expect("not zero"),
        parent: None,
        threshold: None,
        caller: crate::otlp::view::Caller::default(),
        name: "chat",
        start: Timestamp(1),
        end: Timestamp(2),
        status: Status::Unset,
        status_message: "",
        attributes: attributes(pairs),
        events,
        links: Vec::new(),
    };
    let (settings, names) = (Settings::default(), NameInterners::default());
    let context = ReadContext {
        settings: &settings,
        names: &names,
    };
    let scope = Scope::default();
    let source = SpanReader::new(context, &scope, &span);
    of_span(&source, &TokenHasher::new(&HashSalt::new(1))).0
}

fn event(name: &'static str, pairs: &Pairs) -> SpanEvent<'static> {
    SpanEvent {
        name,
        time: Timestamp(1),
        attributes: attributes(pairs),
    }
}

/// The sketch of the facts of one plain text.
fn facts(text: &str) -> Option<Sketch> {
    read(&[("input.value", text.to_owned())], Vec::new()).input
}

#[test]
fn facts_are_what_a_customer_would_have_to_say_again() {
    for (text, same) in [
        ("order A-4711!", "the parcel a-4711 is late"),
        ("$1,234.50 and $99", "1234.5 or 99.00"),
        ("write to Jane.Doe@example.com", "jane.doe@example.com"),
        ("my name is Jane", "this is jane's friend Jane"),
        ("on 2026-03-14", "2026-03-14."),
    ] {
        let (text, same) = (facts(text), facts(same));
        assert!(text.is_some(), "{same:?}");
        let (text, same) = (text.expect("facts"), same.expect("facts"));
        assert!(text.resemblance(&same) > 0.0);
    }
    for text in [
        "Sorry to hear that. Please wait, we look into it.",
        "1. first 2. second",
        "I want my money back",
        "",
    ] {
        assert_eq!(facts(text), None, "{text}");
    }
}

fn pair(key: &'static str, text: &str) -> (&'static str, String) {
    (key, text.to_owned())
}

fn list(messages: &[serde_json::Value]) -> String {
    serde_json::Value::from(messages).to_string()
}

/// One exchange in attributes of numbered messages, or of OpenTelemetry.
fn in_attributes() -> Vec<Content> {
    let parts = |role: &str, text: &str| serde_json::json!({"role": role, "parts": [{"type": "text", "content": text}]});
    vec![
        read(
            &[
                (
                    "gen_ai.input.messages",
                    list(&[parts("system", SYSTEM), parts("user", ASKS)]),
                ),
                ("gen_ai.output.messages", list(&[parts("assistant", SAYS)])),
            ],
            Vec::new(),
        ),
        read(
            &[
                pair("llm.input_messages.0.message.role", "system"),
                pair("llm.input_messages.0.message.content", SYSTEM),
                pair("llm.input_messages.1.message.role", "user"),
                pair("llm.input_messages.1.message.content", ASKS),
                pair("llm.output_messages.0.message.role", "assistant"),
                pair("llm.output_messages.0.message.content", SAYS),
            ],
            Vec::new(),
        ),
        read(
            &[
                pair("gen_ai.prompt.0.role", "system"),
                pair("gen_ai.prompt.0.content", SYSTEM),
                pair("gen_ai.prompt.1.role", "user"),
                pair("gen_ai.prompt.1.content", ASKS),
                pair("gen_ai.completion.0.content", SAYS),
            ],
            Vec::new(),
        ),
    ]
}

/// The same exchange as JSON of SDKs, and in span events.
fn in_json_and_events() -> Vec<Content> {
    let plain = |role: &str, text: &str| serde_json::json!({"role": role, "content": text});
    let input = [plain("system", SYSTEM), plain("user", ASKS)];
    let langchain = serde_json::json!({"messages": [[
        {"lc": 1, "id": ["langchain", "SystemMessage"], "kwargs": {"content": SYSTEM, "type": "system"}},
        {"lc": 1, "id": ["langchain", "HumanMessage"], "kwargs": {"content": ASKS, "type": "human"}},
    ]]});
    let gemini = serde_json::json!({
        "model": "m-1", "config": {"system_instruction": SYSTEM},
        "contents": [{"role": "user", "parts": [{"text": ASKS}]}],
    });
    vec![
        read(
            &[
                ("ai.prompt.messages", list(&input)),
                pair("ai.response.text", SAYS),
            ],
            Vec::new(),
        ),
        read(
            &[
                ("gen_ai.prompt", langchain.to_string()),
                ("gen_ai.completion", list(&[plain("assistant", SAYS)])),
            ],
            Vec::new(),
        ),
        read(
            &[
                ("gcp.vertex.agent.llm_request", gemini.to_string()),
                (
                    "gcp.vertex.agent.llm_response",
                    list(&[plain("model", SAYS)]),
                ),
            ],
            Vec::new(),
        ),
        read(
            &[],
            vec![
                event("gen_ai.system.message", &[pair("content", SYSTEM)]),
                event("gen_ai.user.message", &[pair("content", ASKS)]),
                event("gen_ai.choice", &[pair("message", SAYS)]),
            ],
        ),
        read(
            &[],
            vec![event(
                "gen_ai.client.inference.operation.details",
                &[
                    ("gen_ai.input.messages", list(&input)),
                    ("gen_ai.output.messages", list(&[plain("assistant", SAYS)])),
                ],
            )],
        ),
    ]
}

#[test]
fn every_encoding_tells_the_same_facts_and_the_system_prompt_none() {
    let contents = Vec::from_iter(in_attributes().into_iter().chain(in_json_and_events()));
    for (i, content) in contents.iter().enumerate() {
        assert_eq!(content, &contents[0], "encoding {i}");
    }
    assert_eq!(contents[0].input, facts(ASKS));
    assert_eq!(contents[0].output, facts(SAYS));
    assert_eq!(contents[0].asked.as_ref().map(Sketch::len), Some(12));
}

#[test]
fn the_last_message_of_the_user_is_what_he_asked_and_results_of_tools_are_facts() {
    let history = serde_json::json!([
        {"role": "user", "content": "an earlier question about something else"},
        {"role": "assistant", "tool_calls": [{"id": "call_123", "function": {"name": "find_1", "arguments": "{\"order\": 4711}"}}]},
        {"role": "tool", "tool_call_id": "call_123", "content": "{\"total\": 88.20}"},
        {"role": "user", "content": "and where is my parcel now"},
    ]);
    let content = read(
        &[("gen_ai.input.messages", history.to_string())],
        Vec::new(),
    );
    assert_eq!(content.input, facts("4711 88.20"));
    let last = serde_json::json!([{"role": "user", "content": "and where is my parcel now"}]);
    let alone = read(&[("gen_ai.input.messages", last.to_string())], Vec::new());
    assert_eq!(content.asked, alone.asked);
    assert!(alone.asked.is_some());
}

#[test]
fn log_records_tell_the_same_and_another_key_hashes_otherwise() {
    let record = |name: &'static str, text: &'static str| LogRecord {
        event_name: name,
        time: Timestamp(1),
        trace: None,
        span: None,
        body: Value::Map(Box::new(attributes(&[("content", text.to_owned())]))),
        attributes: Attributes::default(),
    };
    let key = HashSalt::new(1);
    let known = TokenHasher::new(&key);
    assert_eq!(
        of_log(&record("gen_ai.user.message", ASKS), &known).input,
        facts(ASKS)
    );
    assert!(of_log(&record("gen_ai.system.message", SYSTEM), &known).is_empty());
    let other = of_log(
        &record("gen_ai.user.message", ASKS),
        &TokenHasher::new(&HashSalt::new(2)),
    );
    assert_ne!(other.input, facts(ASKS));
}

#[test]
fn a_call_printed_in_python_tells_its_arguments_only() {
    let printed = "ResponseFunctionToolCall(arguments='{\"order\": \"A-4711\"}', call_id='call_f3', name='look_1', id='fc_9')";
    let message =
        serde_json::json!([{"role": "assistant", "parts": [{"type": "text", "content": printed}]}]);
    let content = read(
        &[("gen_ai.output.messages", message.to_string())],
        Vec::new(),
    );
    assert_eq!(content.output, facts("A-4711"));
}

#[test]
fn the_words_of_a_framework_around_the_users_are_not_his() {
    let framed = |said: &str| {
        let text = format!("Context:\nUser Request: {said}\n\nOther agents available: helper_2.");
        let message = serde_json::json!([{"role": "user", "content": text}]);
        read(
            &[("gen_ai.input.messages", message.to_string())],
            Vec::new(),
        )
        .asked
    };
    let plain = serde_json::json!([{"role": "user", "content": "where is my parcel now"}]);
    let plain = read(&[("gen_ai.input.messages", plain.to_string())], Vec::new()).asked;
    assert_eq!(framed("where is my parcel now"), plain);
    assert_ne!(framed("what about my other bill"), plain);
}

#[test]
fn the_record_of_a_whole_call_is_read_only_where_it_is_all_there_is() {
    let pair = |key: &'static str, text: &str| (key, text.to_owned());
    let content = read(
        &[
            pair("llm.input_messages.0.message.role", "user"),
            pair("llm.input_messages.0.message.content", "where is it"),
            pair("input.value", "{\"request\": \"req-99-1\"}"),
            pair("output.value", "{\"run\": \"run-12-3\"}"),
        ],
        Vec::new(),
    );
    // What the user said names no fact, and that is known.
    assert_eq!(content.input, Some(Sketch::from_iter([])));
    assert_eq!(content.output, None);
}

/// The facts of a text, looked for word by word as `docs/semantics.md` says.
fn plainly(text: &str) -> Option<Sketch> {
    let between = |c: char| c.is_whitespace() || "()[]{}<>\"`,;|\\".contains(c);
    let (mut begins, mut facts) = (true, Vec::new());
    for raw in text.split(between) {
        let word = raw.trim_matches(|c: char| !c.is_alphanumeric());
        if word.is_empty() {
            continue;
        }
        let letters = word.chars().count();
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let points = word.matches('.').count();
        let is_number = digits + points == letters && points <= 1;
        let is_identifier = digits > 0 && letters >= 3;
        let is_address = word.contains('@') && word.contains('.');
        let is_name = !begins && word.starts_with(char::is_uppercase) && letters >= 3;
        let is_word = is_identifier || is_address || is_name;
        if is_number && digits >= 2 || !is_number && is_word {
            facts.push(HashSalt::new(1).hash_of_token(word));
        }
        begins = raw.ends_with(['.', '!', '?', ':']);
    }
    (!facts.is_empty()).then(|| facts.into_iter().collect())
}

proptest::proptest! {
    /// Passing over what cannot be a fact loses none, and takes no word for another.
    #[test]
    fn the_fast_look_finds_what_the_plain_one_finds(
        text in "([a-z]{1,20}|[A-Za-z0-9.,:@!?-]{0,9}|[ .:\n-]{1,20}|[A-ZÄé0-9\u{a0}\u{2003}]{0,4}| ){0,30}",
    ) {
        let text = format!("x {text}");
        proptest::prop_assert_eq!(facts(&text), plainly(&text));
    }
}
