//! Pipecat: a conversation is one trace, each `turn` in it an exchange; services for speech stand beside the model.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build};
use crate::model::event::{Event, Kind};
use crate::normalise::handoff;
use crate::normalise::{SpanReader, json};
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "pipecat",
    title: "Pipecat",
    recognised_by: "scope `pipecat*`, `turn.number`",
    reading: "`turn` is an exchange; `llm` and `llm_response` are model calls, speech is none; `metrics.ttfb` is in seconds",
    vocabulary: &[
        terms(Topic::FirstTokenSeconds, SDK, &["metrics.ttfb"]),
        terms(Topic::ToolCallId, SDK, &["tool.call_id"]),
        terms(Topic::ToolArguments, SDK, &["tool.arguments"]),
        own(&[
            "function_calls.all_names",
            "input",
            "output",
            "response.status",
            "tool.function_name",
            "tool.result_status",
            "turn.number",
            "turn.was_interrupted",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("pipecat")
        || source.span.name == "turn" && source.attributes().get(key!("turn.number")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let attributes = source.attributes();
    let span = source.span.name;
    let flow = source.operation().unwrap_or(span);
    match (span, flow) {
        ("conversation", _) => build::workflow(source, event, None),
        ("turn", _) => {
            event.kind = Kind::Structure;
            event.rare.is_exchange = true;
        }
        ("llm" | "llm_response", _) | (_, "llm_response") => event.kind = call(source),
        (_, "chat") => event.kind = call(source),
        ("llm_tool_result", _) => {
            if let Some(tool) = source.str(key!("tool.function_name")) {
                event.kind = build::tool(source, tool);
                if let Kind::Tool(tool) = &mut event.kind {
                    tool.failed |= source.str(key!("tool.result_status")) == Some("error");
                }
            }
        }
        _ => event.kind = Kind::Structure,
    }
    if let Kind::Model(_) = event.kind {
        let status = source.str(key!("response.status"));
        event.rare.cancelled = status == Some("cancelled")
            || attributes.bool(key!("turn.was_interrupted")) == Some(true);
    }
}

fn call(source: &SpanReader<'_>) -> Kind {
    let mut kind = build::model_kind(source);
    if let Kind::Model(call) = &mut kind {
        let output = source.str(key!("output"));
        let output = output.filter(|text| json::parse(text).is_none_or(|v| !v.is_object()));
        if output.is_some_and(|text| !text.trim().is_empty()) {
            call.answered = Some(true);
        } else if source.str(key!("input")).is_some() {
            // Contents are recorded, and it said nothing: it asked for tools.
            call.answered.get_or_insert(false);
        }
        // What a model that speaks asked for is told by name only.
        let names = source.str(key!("function_calls.all_names"));
        for tool in names.into_iter().flat_map(|names| names.split(',')) {
            call.requests
                .extend(handoff::request(tool.trim(), None, || None, source.context));
            call.answered.get_or_insert(false);
        }
        call.failed |= source.str(key!("response.status")) == Some("failed");
    }
    kind
}
