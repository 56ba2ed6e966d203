//! OpenLLMetry (Traceloop): `traceloop.span.kind` beside the names of OpenTelemetry.

use super::{build, langgraph, otel_genai};
use crate::model::event::{Event, Kind, ToolCall};
use crate::normalise::{SpanReader, id, json, name};
use crate::otlp::attribute_key::key;

/// Beginnings of the names that it alone writes.
pub(in crate::normalise) const OWN: &[&str] = &["traceloop.", "langgraph."];

pub(super) fn speaks(source: &SpanReader<'_>) -> bool {
    let attributes = source.attributes();
    attributes.get(key!("traceloop.span.kind")).is_some()
        || attributes.get(key!("traceloop.workflow.name")).is_some()
        || (source
            .scope
            .name
            .starts_with("opentelemetry.instrumentation.")
            && (attributes.get(key!("llm.request.type")).is_some()
                || attributes
                    .iter()
                    .any(|(name, _)| OWN.iter().any(|own| name.starts_with(own)))))
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    let place = langgraph::place(source);
    if event.agent.is_none() {
        event.agent = place.as_ref().and_then(|p| p.agent.as_deref()).map(name);
    }
    let entity = source.str(key!("traceloop.entity.name"));
    let span = source.span.name;
    match source.str(key!("traceloop.span.kind")).unwrap_or_default() {
        "workflow" => {
            let named = source
                .str(key!("traceloop.workflow.name"))
                .or(entity)
                .unwrap_or(span);
            build::workflow(
                event,
                Some(named.strip_suffix(".workflow").unwrap_or(named)),
            );
        }
        "agent" if !matches!(event.kind, Kind::Agent { .. }) => {
            let agent = source
                .str(key!("gen_ai.agent.name"))
                .or(entity)
                .unwrap_or_else(|| span.strip_suffix(".agent").unwrap_or(span));
            build::agent(event, agent, false);
        }
        "tool" => {
            let tool = source
                .str(key!("gen_ai.tool.name"))
                .or(entity)
                .unwrap_or_else(|| span.strip_suffix(".tool").unwrap_or(span));
            event.kind = build::tool(source, tool);
        }
        "handoff" => event.kind = build::handoff_kind(source, None),
        "task" if matches!(event.kind, Kind::Structure) => {
            if span.starts_with("vector_db_retrieve") {
                event.kind = Kind::Retrieval { source: None };
            } else if place.is_some_and(|p| p.is_node) {
                event.kind = Kind::Agent { inferred: true };
            }
        }
        _ if matches!(event.kind, Kind::Tool(_))
            && source.str(key!("gen_ai.tool.name")).is_none() =>
        {
            if let Some(kind) = answered(source) {
                event.kind = kind;
            }
        }
        _ => {}
    }
}

/// The tool call that a span of LangChain for JavaScript shows, which is named after the tool's class: the message with which
/// the tool answers has its name. One that hands over shows nobody's work after it, so nothing says what became of that.
fn answered(source: &SpanReader<'_>) -> Option<Kind> {
    let answer = json::parse(source.str(key!("traceloop.entity.output"))?)?;
    let message = match answer.pointer("/update/messages") {
        Some(messages) => messages.as_array()?.last()?,
        None => &answer,
    };
    let message = message.get("kwargs")?;
    let call = message.get("tool_call_id")?.as_str()?;
    match build::tool(source, message.get("name")?.as_str()?) {
        Kind::Tool(tool) if tool.does_work => Some(Kind::Tool(ToolCall {
            call_id: Some(id(call)),
            ..tool
        })),
        _ => Some(Kind::Structure),
    }
}
