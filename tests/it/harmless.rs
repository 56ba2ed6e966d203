//! Names that agents send reach nobody as they are: whatever Unicode has, no label, table or story holds a sign that a terminal
//! obeys, that turns text around, or that nobody sees.

use baton::app;
use baton::config;
use baton::engine::Offline;
use baton::export::scrape::{ScrapeFormat, text};
use baton::export::sessions::{SessionFilter, SessionList, story};
use baton::export::{json, table};
use baton::ingest::Recording;
use baton::otlp;
use proptest::prelude::*;
use regex::Regex;
use serde_json::{Value, json};
use std::path::Path;

/// What no text may hold, by Unicode's own tables; line breaks of our own are looked at apart.
const HARM: &str = r"[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}--[\n\u{200d}\u{fe0e}\u{fe0f}]]";
/// A joiner or a selector that stands beside no emoji.
const STRAY: &str = "[a-z ][\u{200d}\u{fe0e}\u{fe0f}]";
/// A line of Prometheus' text format.
const LINE: &str =
    r#"^(# (HELP|TYPE) .*|[a-z_]+(\{([a-z_]+="([^"\\\n]|\\[\\n"])*",?)*\})? [-+0-9.eInf]+)$"#;

fn attributes(pairs: &[(&str, &str)]) -> Value {
    pairs
        .iter()
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
        .collect()
}

/// One span, with that text wherever a name may stand.
fn span(text: &str, number: u8, end: u64, pairs: &[(&str, &str)]) -> Value {
    let id = |number: u8| format!("{number:016x}");
    let common = [
        ("session.id", text),
        ("user.id", text),
        ("customer.tier", text),
        ("user.intent", text),
        ("transaction.value", "12"),
        ("transaction.currency", text),
        ("gen_ai.evaluation.name", text),
        ("gen_ai.evaluation.score.value", "0.5"),
        ("gen_ai.evaluation.score.label", text),
    ];
    json!({
        "traceId": "0102030405060708090a0b0c0d0e0f10",
        "spanId": id(number),
        "parentSpanId": if number == 1 { String::new() } else { id(1) },
        "name": text,
        "startTimeUnixNano": (1_800_000_000_000_000_000_u64 + u64::from(number)).to_string(),
        "endTimeUnixNano": (1_800_000_000_000_000_000_u64 + end).to_string(),
        "attributes": attributes(&[&common[..], pairs].concat()),
    })
}

/// A turn of one agent that calls a model, a tool and another agent, with that text wherever a name may stand.
fn request(text: &str) -> Vec<u8> {
    let span = |number, end, pairs: &[(&str, &str)]| span(text, number, end, pairs);
    let spans = json!([
        span(
            1,
            90,
            &[
                ("gen_ai.operation.name", "invoke_workflow"),
                ("gen_ai.workflow.name", text)
            ]
        ),
        span(
            2,
            80,
            &[
                ("gen_ai.operation.name", "invoke_agent"),
                ("gen_ai.agent.name", text)
            ]
        ),
        span(
            3,
            10,
            &[
                ("gen_ai.operation.name", "chat"),
                ("gen_ai.provider.name", text),
                ("gen_ai.request.model", text),
                ("gen_ai.usage.input_tokens", "3"),
                ("gen_ai.agent.name", text),
                ("gen_ai.usage.cost", "1"),
                ("gen_ai.usage.cost.currency", text),
            ]
        ),
        span(
            4,
            20,
            &[
                ("gen_ai.operation.name", "execute_tool"),
                ("gen_ai.tool.name", text),
                ("gen_ai.agent.name", text)
            ]
        ),
        span(
            5,
            30,
            &[
                ("gen_ai.operation.name", "handoff"),
                ("gen_ai.handoff.to_agent", text),
                ("gen_ai.handoff.from_agent", "desk")
            ]
        ),
        span(
            6,
            40,
            &[
                ("mastra.span.type", "tool"),
                ("gen_ai.operation.name", "execute_tool"),
                ("gen_ai.tool.name", &format!("agent-{text}"))
            ]
        ),
    ]);
    let request =
        json!({"resourceSpans": [{"scopeSpans": [{"scope": {"name": "app"}, "spans": spans}]}]});
    request.to_string().into_bytes()
}

/// All that is told of it: the metrics in every form, and the story.
fn told(text: &str) -> (String, [String; 3]) {
    let config = config::of_text("", Path::new("."), &|_| None).expect("the defaults");
    let normaliser = app::normaliser(&config, 1);
    let mut recording = Recording::new(normaliser);
    let limits = config.receivers.otlp.limits();
    let counts = otlp::json::traces(&request(text), &limits, &mut recording).expect("OTLP");
    assert!(counts.rejects.is_empty());
    let settings = app::engine_settings(&config);
    let mut engine = Offline::new(&settings);
    engine.remember();
    let families = engine.replay(recording.into_frames(settings.partitions));
    let display = app::display(&config);
    let stories = engine.story(text);
    // Sessions are listed by the same names.
    let list = SessionList::of(&SessionFilter::all(), &display, |visit| {
        engine.stories(visit)
    });
    let story: String = stories
        .iter()
        .map(|(key, facts)| story::write(key, facts, "USD"))
        .chain([list.text(&display, true)])
        .collect();
    let prometheus = text::write(&families, ScrapeFormat::Text);
    (
        prometheus,
        [
            json::write(&families),
            table::write(&families, &config.money.currency),
            story,
        ],
    )
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn nothing_that_is_told_does_harm(
        text in "[a-c\u{1b}\n\t\\\\u{}\u{202e}\u{2066}\u{200b}\u{200d}\u{feff}\u{e0041}\u{85}]{1,8}|\\p{any}{1,6}|x\\p{Cf}y",
    ) {
        let (prometheus, others) = told(&text);
        let (harm, stray, line) = (pattern(HARM), pattern(STRAY), pattern(LINE));
        for told in others.iter().chain([&prometheus]) {
            prop_assert!(!harm.is_match(told), "{:?}", harm.find(told));
            prop_assert!(!stray.is_match(told), "{:?}", stray.find(told));
        }
        for told in prometheus.lines() {
            prop_assert!(line.is_match(told), "{told:?}");
        }
        let parsed: Result<Value, _> = serde_json::from_str(&others[0]);
        prop_assert!(parsed.is_ok());
    }
}

#[test]
fn a_session_is_found_by_its_id_as_it_was_sent_and_as_it_is_shown() {
    let (prometheus, [_, table, story]) = told("desk\u{202e}\n7");
    let shown = "desk\\u{202e}\\u{a}7";
    assert!(story.starts_with(&format!("Session {shown}\n")), "{story}");
    // In a name, a line break is a blank.
    let named = "desk\\u{202e} 7";
    assert!(table.contains(named), "{table}");
    let label = format!("agent=\"{}\"", named.replace('\\', "\\\\"));
    assert!(prometheus.contains(&label), "{prometheus}");
    // A subagent whose name is taken from that of a tool was made harmless once, not twice.
    assert!(!prometheus.contains("u{5c}"), "{prometheus}");
}
