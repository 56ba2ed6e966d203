//! How many series a large installation has: 50 agents, four cohort dimensions of five values each, default settings.

use super::scrape::{bytes_of, get, serve, shown};
use super::sessions::resident;
use super::{drain, engine, say, submit, told};
use baton::model::metric::Family;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const AGENTS: u64 = 50;
const VALUES: u64 = 5;
const MODELS: [&str; 2] = ["gpt-4o", "gpt-4o-mini"];
const SCRAPES: usize = 9;

/// Plays so many sessions and says what their metrics take. `settings` is YAML, empty for the defaults.
pub fn cohorts(sessions: u64, settings: &str) {
    let text = format!("state: {{log: memory}}\n{settings}");
    let config = baton::config::of_text(&text, Path::new("."), &|_| None).expect("valid");
    let (engine, ingest, mut workers, time) = engine(&config);
    let engine = Arc::new(engine);
    let mut pass = |wait: Duration| {
        time.fetch_add(wait.as_nanos() as u64, Ordering::Relaxed);
        for _ in 0..2 {
            for worker in &mut workers {
                drain(&engine, worker);
            }
        }
    };
    let empty = resident();
    for number in 0..sessions {
        let start = told(&time).0;
        submit(&ingest, session(number, start).encode_to_vec().into());
        pass(Duration::from_millis(200));
    }
    // All workflows close, and all series are revealed.
    for _ in 0..40 {
        pass(Duration::from_secs(60));
    }
    let held = resident() - empty;
    let families = engine.exposition();
    let sets: usize = families.iter().map(|family| family.series.len()).sum();
    say(&format!(
        "{sessions} sessions: {} series in {sets} label sets; {} KiB resident, of which the estimate knows {} KiB",
        shown(&families),
        held >> 10,
        engine.weight() >> 10
    ));
    largest(&families);
    drop(families);
    let (address, _runtime) = serve(Arc::clone(&engine));
    let mut took: Vec<Duration> = (0..SCRAPES).map(|_| get(address)).collect();
    took.sort();
    say(&format!(
        "a scrape: {} KiB, median {:?}, slowest {:?} of {SCRAPES}; {} KiB resident afterwards",
        bytes_of(address) >> 10,
        took[SCRAPES / 2],
        took[SCRAPES - 1],
        (resident() - empty) >> 10,
    ));
}

/// The metrics that have most series.
fn largest(families: &[Family]) {
    let count = |family: &Family| (shown(std::slice::from_ref(family)), family.name.to_string());
    let mut all: Vec<(usize, String)> = families.iter().map(count).collect();
    all.sort();
    for (count, name) in all.iter().rev().take(14) {
        say(&format!("{count:>8} {name}"));
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

fn number(key: &str, value: f64) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::DoubleValue(value)),
        }),
        ..KeyValue::default()
    }
}

/// One session: an agent asks a model and hands over to another one, which answers; the case is closed and rated.
fn session(n: u64, start: u64) -> ExportTraceServiceRequest {
    let dice = |salt, sides| dice(n, salt, sides);
    let [from, to] = [1, 2].map(|salt| format!("agent-{}", dice(salt, AGENTS)));
    let model = MODELS[dice(3, 2) as usize];
    let trace = (u128::from(n) + 1).to_be_bytes().to_vec();
    let id = |i: u64| (n * 8 + i + 1).to_be_bytes().to_vec();
    let cohort = [
        "customer.tier",
        "user.intent",
        "customer.channel",
        "tenant.name",
    ];
    let cohort = cohort.iter().enumerate();
    let cohort =
        cohort.map(|(i, key)| text(key, &format!("value-{}", dice(10 + i as u64, VALUES))));
    let mut common: Vec<KeyValue> = cohort.collect();
    common.push(text("gen_ai.conversation.id", &format!("session-{n}")));
    common.push(text("workflow.name", "support"));
    let span = |i: u64, parent: u64, name: &str, (from, to): (u64, u64), own: Vec<KeyValue>| Span {
        trace_id: trace.clone(),
        span_id: id(i),
        parent_span_id: if i == parent { Vec::new() } else { id(parent) },
        name: name.to_owned(),
        start_time_unix_nano: start + from * 1_000_000,
        end_time_unix_nano: start + to * 1_000_000,
        attributes: common.iter().cloned().chain(own).collect(),
        ..Span::default()
    };
    let wait = 500 + dice(4, 20_000);
    let operation = |name: &str| text("gen_ai.operation.name", name);
    let agent = |name: &str| vec![operation("invoke_agent"), text("gen_ai.agent.name", name)];
    let chat = |agent: &str| {
        vec![
            operation("chat"),
            text("gen_ai.agent.name", agent),
            text("gen_ai.provider.name", "openai"),
            text("gen_ai.request.model", model),
            number("gen_ai.usage.input_tokens", 900.0),
            number("gen_ai.usage.output_tokens", 80.0),
        ]
    };
    let tool = vec![
        operation("execute_tool"),
        text("gen_ai.tool.name", &format!("transfer_to_{to}")),
    ];
    let outcomes = ["resolved", "resolved", "escalated", "failed", "abandoned"];
    let mut last = span(4, 4, "invoke_agent", (500, 500 + wait), agent(&to));
    last.parent_span_id.clear();
    let outcome = outcomes[dice(5, outcomes.len() as u64) as usize];
    last.attributes.push(text("app.outcome", outcome));
    last.attributes.push(number("app.transaction.value", 20.0));
    last.events.push(Event {
        name: "gen_ai.evaluation.result".to_owned(),
        time_unix_nano: start + 600_000_000,
        attributes: vec![
            text("gen_ai.evaluation.name", "user_feedback"),
            number("gen_ai.evaluation.score.value", 0.5),
        ],
        ..Event::default()
    });
    request(vec![
        span(0, 0, "invoke_agent", (0, 480), agent(&from)),
        span(1, 0, "chat", (10, 400), chat(&from)),
        span(2, 0, "execute_tool", (410, 460), tool),
        span(5, 4, "chat", (510, 490 + wait), chat(&to)),
        last,
    ])
}

/// The same numbers for a session in every run.
fn dice(n: u64, salt: u64, sides: u64) -> u64 {
    let own = (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = own ^ (salt + 1).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((mixed ^ mixed >> 29).wrapping_mul(0x94D0_49BB_1331_11EB) >> 33) % sides
}

fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope = ScopeSpans {
        spans,
        ..ScopeSpans::default()
    };
    let resource = ResourceSpans {
        scope_spans: vec![scope],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![resource],
    }
}
