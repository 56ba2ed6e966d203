//! Known answers of the dialects: one span in, what its event says out. Recordings of whole runs are in `tests/it/truth`.

mod any_input;
mod business;
mod cohort;
mod content;
mod conversation;
mod declared;
mod dialect;
mod dialect_events;
mod dialect_json;
mod dialect_platforms;
mod edges;
mod emitters;
mod frame;
mod handoff;
mod json_tape;
mod left_out;
mod money;
mod nesting;
mod outcome_report;
mod output;
mod pause;
mod record;
mod sdks;
mod span_context;
mod structured;
mod taught;
mod totals;
mod unseen;
mod usage;

use super::*;
use crate::model::event::{Cost, Operation, Target};
use crate::model::ids::SpanId;
use crate::model::ids::TraceId;
use crate::model::time::Timestamp;
use crate::otlp::view::{Attributes, Scope, Span, SpanEvent, Status, Value};

/// A text for as long as the tests run: what was received is borrowed from its request.
pub(super) fn kept(text: &str) -> &'static str {
    text.to_owned().leak()
}

/// A span of a scope with text attributes; numbers are written as text, which the views read as numbers.
pub(super) fn event(scope: &str, span: &str, attributes: &[(&str, &str)]) -> Event {
    with(scope, span, attributes, |_| {})
}

pub(super) fn with(
    scope: &str,
    span: &str,
    attributes: &[(&str, &str)],
    change: impl FnOnce(&mut Span<'static>),
) -> Event {
    let group = group(scope, span, attributes, change);
    let normaliser = Normaliser::new(Settings::default(), Arc::new(PriceBook::default()));
    *normaliser
        .normalise(&group, &mut Scratch::default())
        .remove(0)
}

pub(super) fn group(
    scope: &str,
    span: &str,
    attributes: &[(&str, &str)],
    change: impl FnOnce(&mut Span<'static>),
) -> ScopeBatch<'static> {
    let attributes = attributes.iter();
    let attributes = attributes.map(|(k, v)| (kept(k), Value::Str(kept(v))));
    let mut made = Span {
        trace: TraceId::new(&[1; 16]).expect("not zero"),
        id: SpanId::new(&[1; 8]).expect("not zero"),
        parent: SpanId::new(&[2; 8]),
        threshold: None,
        caller: crate::otlp::view::Caller::default(),
        name: kept(span),
        start: Timestamp(1_000_000_000),
        end: Timestamp(3_000_000_000),
        status: Status::Unset,
        status_message: "",
        attributes: attributes.collect(),
        events: Vec::new(),
        links: Vec::new(),
    };
    change(&mut made);
    ScopeBatch {
        scope: Scope {
            name: kept(scope),
            version: "",
        },
        spans: vec![made].into(),
        ..ScopeBatch::default()
    }
}

fn target(target: &Target) -> String {
    match target {
        Target::Agent(name) => name.to_string(),
        Target::Human => "HUMAN".into(),
        Target::Unknown => "?".into(),
    }
}

/// The event in one line.
pub(super) fn told(event: &Event) -> String {
    let agent = event.agent.as_deref().unwrap_or("-");
    let requests = |requests: &[crate::model::event::HandoffRequest]| {
        let list: Vec<String> = requests.iter().map(|r| target(&r.target)).collect();
        list.join(",")
    };
    match &event.kind {
        Kind::Structure => format!(
            "structure of {agent} refused[{}]",
            requests(&event.rare.refused)
        ),
        Kind::Workflow => format!("workflow {}", event.workflow.as_deref().unwrap_or("-")),
        Kind::Agent { inferred } => {
            format!("agent {agent}{}", if *inferred { " inferred" } else { "" })
        }
        Kind::Model(call) => format!(
            "call {}/{} of {agent} in {} out {} asks[{}]{}{}{}",
            call.provider.as_deref().unwrap_or("-"),
            call.model.as_deref().unwrap_or("-"),
            call.usage.map_or(0, |u| u.input),
            call.usage.map_or(0, |u| u.output),
            requests(&call.requests),
            if call.operation == Operation::Embeddings {
                " embeds"
            } else {
                ""
            },
            if call.is_agent { " agent" } else { "" },
            if call.failed { " failed" } else { "" },
        ),
        Kind::Tool(tool) => format!(
            "tool {} of {agent}{}{}{}",
            tool.name,
            tool.hands_to
                .as_ref()
                .map(|t| format!(" to {}", target(t)))
                .unwrap_or_default(),
            if tool.is_tool_call() { "" } else { " only" },
            if tool.failed { " failed" } else { "" },
        ),
        Kind::Handoff(h) => format!(
            "handoff {} to {}",
            h.from.as_deref().unwrap_or("-"),
            target(&h.to)
        ),
        Kind::Retrieval { .. } => "retrieval".into(),
        Kind::Note(_) => "note".into(),
        Kind::Guardrail { triggered } => format!("guardrail {triggered}"),
    }
}
