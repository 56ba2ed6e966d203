//! LangChain4j in Quarkus: services by their interface, tools by the name of the span, calls without an operation.

use super::{Dialect, build, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

const SERVICES: &str = "langchain4j.aiservices.";
const TOOLS: &str = "langchain4j.tools.";

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "langchain4j",
    title: "LangChain4j",
    recognised_by: "span name `langchain4j.*`; scope `*langchain4j*`",
    reading: "an AI service is an agent by the name of its interface; `completion MODEL` is a call",
    vocabulary: &[],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    let span = source.span.name;
    if source.str(key!("openinference.span.kind")).is_some() {
        return false;
    }
    span.starts_with("langchain4j.")
        || source.scope.name.contains("langchain4j")
        || source.operation().is_none()
            && (span.starts_with("completion ") || span.starts_with("embedding "))
            && source.str(key!("gen_ai.request.model")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let span = source.span.name;
    if let Some(service) = span.strip_prefix(SERVICES) {
        // `com.acme.SupportDesk.chat`: the interface stands before the method.
        let interface = service.rsplit('.').nth(1).unwrap_or(service);
        return build::agent(source, event, interface, false);
    }
    if let Some(tool) = span.strip_prefix(TOOLS) {
        let named = source.str(key!("gen_ai.tool.name"));
        event.kind = build::tool(source, named.unwrap_or(tool));
        return;
    }
    let has_model = source.str(key!("gen_ai.request.model")).is_some();
    event.kind = match source.operation().unwrap_or_default() {
        "" if has_model && span.starts_with("embedding") => build::embeddings_kind(source),
        "" if has_model => build::model_kind(source),
        "" => Kind::Structure,
        _ => return otel_genai::read(source, event),
    };
}
