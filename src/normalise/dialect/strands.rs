//! Strands Agents: the target of a handoff is in a span event, the first-token time is in milliseconds.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build, otel_genai};
use crate::model::Name;
use crate::model::event::{Event, Kind, Target};
use crate::normalise::handoff::{self, ToolMeaning};
use crate::normalise::{SpanReader, json};
use crate::otlp::attribute_key::key;
use serde_json::Value;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "strands",
    title: "Strands",
    recognised_by: "scope `strands*`, `gen_ai.system` = `strands-agents`, `gen_ai.event.start_time`",
    reading: "handoff targets from span events, or from the tool `strands_structured_output` by which a swarm answers; first-token times are in milliseconds",
    vocabulary: &[
        terms(Topic::FrameworkAsProvider, SDK, &["strands-agents"]),
        terms(Topic::InstructionFrame, SDK - 1, &["User Request: "]),
        own(&["gen_ai.event.start_time", "tool.status"]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("strands")
        || source.str(key!("gen_ai.system")) == Some("strands-agents")
        // The SDK for TypeScript names its scope and its system after the service.
        || source.str(key!("gen_ai.event.start_time")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    match &mut event.kind {
        Kind::Model(call) => {
            let is_service = |name: &Name| name.eq_ignore_ascii_case(source.scope.name);
            call.provider = call.provider.take().filter(|name| !is_service(name));
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
        // A swarm of the SDK for TypeScript answers or hands over by this tool.
        Kind::Structure if handoff::is_structured_output(tool_name(source)) => {
            event.kind = build::tool_with(source, tool_name(source), || in_events(source));
        }
        _ => {}
    }
}

fn tool_name<'s>(source: &SpanReader<'s>) -> &'s str {
    source.str(key!("gen_ai.tool.name")).unwrap_or_default()
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
