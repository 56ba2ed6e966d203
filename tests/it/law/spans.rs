//! Spans as a story writes them, and the events that Baton makes of them.

use baton::model::event::Event;
use baton::model::ids::Link;
use baton::model::ids::{SpanId, TraceId};
use baton::model::sampling::Threshold;
use baton::model::time::Timestamp;
use baton::normalise::{Normaliser, Scratch};
use baton::otlp::view::{
    Attributes, Caller, LogRecord, Scope, ScopeBatch, Span, SpanEvent, Status, Value,
};

pub type Attribute = (&'static str, Held);

/// What an attribute holds.
#[derive(Clone, Debug)]
pub enum Held {
    Text(String),
    Count(i64),
    Number(f64),
}

pub fn text(key: &'static str, value: impl Into<String>) -> Attribute {
    (key, Held::Text(value.into()))
}

pub fn count(key: &'static str, value: u64) -> Attribute {
    (
        key,
        Held::Count(i64::try_from(value).expect("a small number")),
    )
}

pub fn number(key: &'static str, value: f64) -> Attribute {
    (key, Held::Number(value))
}

/// A span that is not ended yet.
#[derive(Debug)]
pub struct Draft {
    pub trace: TraceId,
    pub id: SpanId,
    pub parent: Option<SpanId>,
    pub name: String,
    pub start: u64,
    pub attributes: Vec<Attribute>,
    /// The status is an error, with this message.
    pub error: Option<&'static str>,
    pub scores: Vec<Vec<Attribute>>,
    pub links: Vec<Link>,
    /// It serves a request.
    pub serves: bool,
    pub threshold: Option<Threshold>,
    /// The instrumentation that shows it.
    pub scope: &'static str,
}

impl Draft {
    pub fn link(&self) -> Link {
        Link {
            trace: self.trace,
            span: self.id,
        }
    }
}

/// What the process that runs the agents says of itself.
pub type Resource = Vec<Attribute>;

fn attributes(pairs: &[Attribute]) -> Attributes<'_> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, held)| match held {
            Held::Text(text) => (*key, Value::Str(text)),
            Held::Count(count) => (*key, Value::Int(*count)),
            Held::Number(number) => (*key, Value::Double(*number)),
        })
        .collect()
}

fn group<'r>(resource: &'r Resource, scope: &'static str) -> ScopeBatch<'r> {
    ScopeBatch {
        resource: attributes(resource),
        scope: Scope {
            name: scope,
            version: "1",
        },
        ..ScopeBatch::default()
    }
}

fn evaluation(time: u64, score: &[Attribute]) -> SpanEvent<'_> {
    SpanEvent {
        name: "gen_ai.evaluation.result",
        time: Timestamp(time),
        attributes: attributes(score),
    }
}

impl Draft {
    /// The event of the span, ended now.
    pub fn ended(self, end: u64, resource: &Resource, normaliser: &Normaliser) -> Vec<Event> {
        let span = Span {
            trace: self.trace,
            id: self.id,
            parent: self.parent,
            name: &self.name,
            threshold: self.threshold,
            caller: Caller {
                is_request: self.serves,
                ..Caller::default()
            },
            start: Timestamp(self.start),
            end: Timestamp(end),
            status: self.error.map_or(Status::Unset, |_| Status::Error),
            status_message: self.error.unwrap_or_default(),
            attributes: attributes(&self.attributes),
            events: self
                .scores
                .iter()
                .map(|score| evaluation(end, score))
                .collect(),
            links: self.links,
        };
        let mut group = group(resource, self.scope);
        group.spans.push(span);
        unboxed(normaliser.normalise(&group, &mut Scratch::default()))
    }
}

/// The event of a log record about a span.
pub fn log(
    trace: TraceId,
    span: SpanId,
    at: u64,
    score: &[Attribute],
    resource: &Resource,
    normaliser: &Normaliser,
) -> Vec<Event> {
    let mut group = group(resource, "law");
    group.logs.push(LogRecord {
        event_name: "gen_ai.evaluation.result",
        time: Timestamp(at),
        trace: Some(trace),
        span: Some(span),
        body: Value::Empty,
        attributes: attributes(score),
    });
    unboxed(normaliser.normalise(&group, &mut Scratch::default()))
}

fn unboxed(events: Vec<Box<Event>>) -> Vec<Event> {
    events.into_iter().map(|event| *event).collect()
}

pub fn transfer(target: &str) -> &'static str {
    match target {
        "triage" => "transfer_to_triage",
        "billing" => "transfer_to_billing",
        "refunds" => "transfer_to_refunds",
        _ => "transfer_to_shipping",
    }
}

pub fn delegate(target: &str) -> &'static str {
    match target {
        "triage" => "delegate_to_triage",
        "billing" => "delegate_to_billing",
        "refunds" => "delegate_to_refunds",
        _ => "delegate_to_shipping",
    }
}

pub fn said(words: &str) -> String {
    let part = serde_json::json!({"type": "text", "content": words});
    serde_json::json!([{"role": "user", "parts": [part]}]).to_string()
}

/// The same, and what a tool returned since.
pub fn returned(words: &str) -> String {
    let asks =
        serde_json::json!({"type": "tool_call", "id": "c", "name": "lookup", "arguments": {}});
    let result = serde_json::json!({"type": "tool_call_response", "id": "c", "result": "yes"});
    let mut messages: serde_json::Value = serde_json::from_str(&said(words)).expect("JSON");
    let more = [("assistant", asks), ("tool", result)];
    let more = more.map(|(role, part)| serde_json::json!({"role": role, "parts": [part]}));
    messages.as_array_mut().expect("messages").extend(more);
    messages.to_string()
}

pub fn output(asks: Option<&str>, call: u64) -> String {
    let part = match asks {
        Some(tool) => {
            serde_json::json!({"type": "tool_call", "id": format!("call-{call}"), "name": tool, "arguments": {}})
        }
        None => serde_json::json!({"type": "text", "content": "Done."}),
    };
    serde_json::json!([{"role": "assistant", "parts": [part]}]).to_string()
}
