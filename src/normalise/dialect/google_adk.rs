//! Google ADK, native and under OpenInference. The target of `transfer_to_agent` is seldom on its span; log records or the
//! next agent tell it.

use super::vocabulary::{SDK, Topic, terms};
use super::{Dialect, build, openinference, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "google_adk",
    title: "Google ADK",
    recognised_by: "scope `gcp.vertex.agent*`, scope of OpenInference",
    reading: "standard names; handoff targets from log records or from the next agent",
    vocabulary: &[
        terms(Topic::Session, SDK, &["gcp.vertex.agent.session_id"]),
        terms(Topic::User, SDK, &["gcp.vertex.agent.user_id"]),
        terms(
            Topic::ToolArguments,
            SDK - 2,
            &["gcp.vertex.agent.tool_call_args"],
        ),
        terms(
            Topic::InputMessages,
            SDK - 1,
            &["gcp.vertex.agent.llm_request"],
        ),
        terms(
            Topic::OutputMessages,
            SDK - 1,
            &["gcp.vertex.agent.llm_response"],
        ),
        terms(
            Topic::RequestingMessages,
            SDK - 2,
            &["gcp.vertex.agent.llm_response"],
        ),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("gcp.vertex.agent")
        || source.scope.name.contains("instrumentation.google_adk")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let span = source.span.name;
    if let Some(agent) = bracketed(span, "agent_run [") {
        return build::agent(source, event, agent, false);
    }
    if let Some(app) = bracketed(span, "invocation [") {
        return build::workflow(source, event, Some(app));
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
            build::agent(source, event, agent, false);
        }
        let mut call = build::model(source, crate::model::event::Operation::Chat);
        call.is_agent = true;
        event.kind = Kind::Model(Box::new(call));
        return;
    }
    match operation {
        "" if marked.is_some() => openinference::read(source, event),
        "" if span == "call_llm" => event.kind = build::model_kind(source),
        "" if span == "invocation" => build::workflow(source, event, None),
        _ => otel_genai::read(source, event),
    }
}

fn bracketed<'s>(span: &'s str, prefix: &str) -> Option<&'s str> {
    span.strip_prefix(prefix)?.strip_suffix(']')
}
