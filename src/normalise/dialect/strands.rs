//! Strands Agents: the target of a handoff is in a span event, the first-token time is in milliseconds.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, otel_genai};
use crate::model::event::{Event, Kind, Target};
use crate::normalise::handoff::{self, ToolMeaning};
use crate::normalise::{SpanReader, json};
use crate::otlp::attribute_key::key;
use serde_json::Value;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "strands",
    title: "Strands",
    recognised_by: "scope `strands*`, `gen_ai.system` = `strands-agents`",
    reading: "handoff targets from span events; first-token times are in milliseconds",
    vocabulary: &[
        terms(Topic::FrameworkAsProvider, SDK, &["strands-agents"]),
        terms(Topic::InstructionFrame, SDK - 1, &["User Request: "]),
        own(&["tool.status"]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("strands")
        || source.str(key!("gen_ai.system")) == Some("strands-agents")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    match &mut event.kind {
        Kind::Model(call) => {
            // Under this name OpenTelemetry means seconds; Strands writes milliseconds.
            call.first_token_seconds = source
                .attributes()
                .f64(key!("gen_ai.server.time_to_first_token"))
                .map(|milliseconds| milliseconds / 1000.0);
        }
        Kind::Tool(tool) if tool.hands_to == Some(Target::Unknown) => {
            let meaning = handoff::meaning(&tool.name, || in_events(source), source.context);
            if let ToolMeaning::HandsOver { target, .. } = meaning {
                tool.hands_to = Some(target);
            }
        }
        _ => {}
    }
}

/// The arguments of a tool call as its first message event shows them.
fn in_events(source: &SpanReader<'_>) -> Option<Value> {
    source.span.events.iter().find_map(|event| {
        let attributes = &event.attributes;
        match event.name {
            "gen_ai.tool.message" => json::parse(attributes.str(key!("content"))?),
            "gen_ai.client.inference.operation.details" => {
                let messages = json::parse(attributes.str(key!("gen_ai.input.messages"))?)?;
                arguments_in(&messages, 0)
            }
            _ => None,
        }
    })
}

/// The first `arguments` of any nesting.
fn arguments_in(value: &Value, depth: usize) -> Option<Value> {
    if depth > 8 {
        return None;
    }
    match value {
        Value::Array(items) => items.iter().find_map(|item| arguments_in(item, depth + 1)),
        Value::Object(object) => object
            .get("arguments")
            .or_else(|| object.get("input"))
            .map(json::unwrap)
            .or_else(|| {
                object
                    .values()
                    .find_map(|item| arguments_in(item, depth + 1))
            }),
        _ => None,
    }
}
