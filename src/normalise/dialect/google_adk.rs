//! Google ADK, native and under OpenInference. The target of `transfer_to_agent` is seldom on its span; log records or the
//! next agent tell it.

use super::{build, openinference, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

pub(super) fn speaks(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("gcp.vertex.agent")
        || source.scope.name.contains("instrumentation.google_adk")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let span = source.span.name;
    if let Some(agent) = bracketed(span, "agent_run [") {
        return build::agent(event, agent, false);
    }
    if let Some(app) = bracketed(span, "invocation [") {
        return build::workflow(event, Some(app));
    }
    let marked = source.str(key!("openinference.span.kind"));
    let operation = source.operation().unwrap_or_default();
    // OpenInference 1.0 marks native agent spans as model calls and loses the calls themselves: the span is both.
    if marked == Some("LLM") && (operation == "invoke_agent" || span.starts_with("invoke_agent")) {
        otel_genai::read(source, event);
        if let Some(agent) = span
            .strip_prefix("invoke_agent ")
            .filter(|_| event.agent.is_none())
        {
            build::agent(event, agent, false);
        }
        let mut call = build::model(source, crate::model::event::Operation::Chat);
        call.is_agent = true;
        event.kind = Kind::Model(Box::new(call));
        return;
    }
    match operation {
        "" if marked.is_some() => openinference::read(source, event),
        "" if span == "call_llm" => event.kind = build::model_kind(source),
        "" if span == "invocation" => build::workflow(event, None),
        _ => otel_genai::read(source, event),
    }
}

fn bracketed<'s>(span: &'s str, prefix: &str) -> Option<&'s str> {
    span.strip_prefix(prefix)?.strip_suffix(']')
}
