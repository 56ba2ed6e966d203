//! Logfire's instrumentation of the OpenAI Agents SDK: span names are templates, attributes have plain names.

use super::{build, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::{Source, json};

pub(super) fn speaks(source: &Source<'_>) -> bool {
    source.scope.name.starts_with("logfire")
}

pub(super) fn read(source: &Source<'_>, event: &mut Event) {
    let template = source
        .str("logfire.msg_template")
        .unwrap_or(&source.span.name);
    let named = source.str("name");
    let begins = |text: &str| template.starts_with(text) || source.span.name.starts_with(text);
    if begins("Agent run") {
        match named {
            Some(agent) => build::agent(event, agent, false),
            None => otel_genai::read(source, event),
        }
    } else if begins("Handoff") {
        event.kind = build::handoff_kind(source, None);
    } else if begins("Function") {
        let tool = named
            .or_else(|| source.str("gen_ai.tool.name"))
            .unwrap_or(&source.span.name);
        event.kind = with_error(source, build::tool(source, tool));
    } else if begins("Responses API") || begins("Chat completion") || begins("Chat Completion") {
        event.kind = with_error(source, build::model_kind(source));
    } else if begins("Guardrail") {
        event.kind = Kind::Guardrail {
            triggered: source.attributes().bool("triggered") == Some(true),
        };
    } else if begins("OpenAI Agents trace") {
        build::workflow(event, named);
    } else if begins("Turn") {
        // Repeats the usage of the call inside it: structure only.
        event.kind = Kind::Structure;
    } else {
        otel_genai::read(source, event);
    }
}

/// An error may stand in the attribute `error` alone.
fn with_error(source: &Source<'_>, mut kind: Kind) -> Kind {
    let failed = source
        .str("error")
        .is_some_and(|error| json::parse(error).is_some_and(|e| !e.is_null()));
    match &mut kind {
        Kind::Tool(tool) => tool.failed |= failed,
        Kind::Model(call) => call.failed |= failed,
        _ => {}
    }
    kind
}
