//! Spans as a story writes them, and the events that Baton makes of them.

use baton::model::event::Event;
use baton::model::ids::{SpanId, TraceId};
use baton::model::otlp::{
    Attributes, Group, Link, LogRecord, Scope, Span, SpanEvent, Status, Value,
};
use baton::model::sampling::Threshold;
use baton::model::time::Timestamp;
use baton::normalise::Normaliser;
use std::borrow::Cow;

pub type Attribute = (&'static str, Value<'static>);

pub fn text(key: &'static str, value: impl Into<String>) -> Attribute {
    (key, Value::Str(Cow::Owned(value.into())))
}

pub fn count(key: &'static str, value: u64) -> Attribute {
    (
        key,
        Value::Int(i64::try_from(value).expect("a small number")),
    )
}

pub fn number(key: &'static str, value: f64) -> Attribute {
    (key, Value::Double(value))
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

fn attributes(pairs: &[Attribute]) -> Attributes<'static> {
    let pairs = pairs.iter().cloned();
    pairs
        .map(|(key, value)| (Cow::Borrowed(key), value))
        .collect()
}

fn group(resource: &Resource, scope: &'static str) -> Group<'static> {
    Group {
        resource: attributes(resource),
        scope: Scope {
            name: scope.into(),
            version: "1".into(),
        },
        ..Group::default()
    }
}

impl Draft {
    /// The event of the span, ended now.
    pub fn ended(self, end: u64, resource: &Resource, normaliser: &Normaliser) -> Vec<Event> {
        let event = |attributes_of: &Vec<Attribute>| SpanEvent {
            name: "gen_ai.evaluation.result".into(),
            time: Timestamp(end),
            attributes: attributes(attributes_of),
        };
        let span = Span {
            trace: self.trace,
            id: self.id,
            parent: self.parent,
            name: self.name.into(),
            threshold: self.threshold,
            start: Timestamp(self.start),
            end: Timestamp(end),
            status: self.error.map_or(Status::Unset, |_| Status::Error),
            status_message: self.error.unwrap_or_default().into(),
            attributes: attributes(&self.attributes),
            events: self.scores.iter().map(event).collect(),
            links: self.links,
        };
        let mut group = group(resource, self.scope);
        group.spans.push(span);
        normaliser.normalise(&group)
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
        event_name: "gen_ai.evaluation.result".into(),
        time: Timestamp(at),
        trace: Some(trace),
        span: Some(span),
        body: Value::Empty,
        attributes: attributes(score),
    });
    normaliser.normalise(&group)
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

pub fn output(asks: Option<&str>, call: u64) -> String {
    let part = match asks {
        Some(tool) => {
            serde_json::json!({"type": "tool_call", "id": format!("call-{call}"), "name": tool, "arguments": {}})
        }
        None => serde_json::json!({"type": "text", "content": "Done."}),
    };
    serde_json::json!([{"role": "assistant", "parts": [part]}]).to_string()
}
