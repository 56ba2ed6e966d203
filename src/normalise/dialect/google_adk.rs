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
            Topic::ToolResult,
            SDK - 2,
            &["gcp.vertex.agent.tool_response"],
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
        terms(Topic::Response, SDK - 2, &["gcp.vertex.agent.llm_response"]),
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
        "" if span == "call_llm" => event.kind = call(source),
        "" if span == "invocation" => build::workflow(source, event, None),
        _ => otel_genai::read(source, event),
    }
}

/// A call of the model. ADK for JavaScript sets no status: what came back is all that it writes, and the last part of an answer that
/// broke off is one of several.
fn call(source: &SpanReader<'_>) -> Kind {
    let mut kind = build::model_kind(source);
    if let Kind::Model(call) = &mut kind {
        let nothing_came = source.str(key!("gen_ai.request.model")).is_none();
        let response = source.document(key!("gcp.vertex.agent.llm_response"));
        let is_part = response.is_some_and(|response| {
            let response = response.root();
            let partial = response
                .get("partial")
                .and_then(|partial| partial.to_owned());
            partial == Some(true.into()) && response.get("finishReason").is_none()
        });
        call.failed |= nothing_came || is_part;
    }
    kind
}

fn bracketed<'s>(span: &'s str, prefix: &str) -> Option<&'s str> {
    span.strip_prefix(prefix)?.strip_suffix(']')
}
