//! Logfire's instrumentation of the OpenAI Agents SDK: span names are templates, attributes have plain names.

use super::vocabulary::{SDK, STANDARD, Topic, own, terms};
use super::{Dialect, build, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::{SpanReader, json, session};
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "logfire",
    title: "Logfire",
    recognised_by: "scope `logfire*`",
    reading: "names of templates, plain attributes",
    vocabulary: &[
        terms(Topic::RawUsage, STANDARD, &["gen_ai.usage.raw"]),
        terms(Topic::RawUsage, SDK, &["usage"]),
        terms(Topic::HandoffSource, SDK, &["from_agent"]),
        terms(Topic::HandoffTarget, SDK, &["to_agent"]),
        terms(Topic::InputMessages, SDK + 1, &["events"]),
        terms(Topic::RequestingMessages, SDK - 1, &["events"]),
        terms(Topic::EventList, SDK, &["events"]),
        terms(Topic::ToolArguments, SDK + 2, &["input"]),
        terms(Topic::ToolResult, SDK + 2, &["output"]),
        own(&[
            "group_id",
            "name",
            "logfire.msg_template",
            "logfire.span_type",
            "triggered",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("logfire")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    // A placeholder for a span that has begun; the span itself follows.
    if source.str(key!("logfire.span_type")) == Some("pending_span") {
        return;
    }
    let template = source
        .str(key!("logfire.msg_template"))
        .unwrap_or(source.span.name);
    let begins = |text: &str| template.starts_with(text) || source.span.name.starts_with(text);
    if begins("Responses API") || begins("Chat completion") || begins("Chat Completion") {
        event.kind = with_error(source, build::model_kind(source));
    } else if source.scope.name.contains("agents") {
        of_agents(source, event, &begins);
    } else {
        // A user's own span may be called "Function ..." or "Turn ...".
        otel_genai::read(source, event);
    }
}

/// The templates of the OpenAI Agents SDK's instrumentation.
fn of_agents(source: &SpanReader<'_>, event: &mut Event, begins: &dyn Fn(&str) -> bool) {
    let named = source.str(key!("name"));
    match named {
        Some(agent) if begins("Agent run") => build::agent(source, event, agent, false),
        _ if begins("Handoff") => event.kind = build::handoff_kind(source, None),
        _ if begins("Function") => {
            let tool = named.or_else(|| source.str(key!("gen_ai.tool.name")));
            let tool = tool.unwrap_or(source.span.name);
            event.kind = with_error(source, build::tool(source, tool));
        }
        _ if begins("Guardrail") => {
            event.kind = Kind::Guardrail {
                triggered: source.attributes().bool(key!("triggered")) == Some(true),
            };
        }
        _ if begins("OpenAI Agents trace") => {
            build::workflow(source, event, named);
            // The group is the conversation; the scrubber takes away every `session.id`.
            let group = source.attributes().get(key!("group_id"));
            if let Some(session) =
                group.and_then(|value| session::named(value, source.context.names))
            {
                event.context.session = Some(session);
            }
        }
        // Repeats the usage of the call inside it: structure only.
        _ if begins("Turn") => event.kind = Kind::Structure,
        _ => otel_genai::read(source, event),
    }
}

/// An error may stand in the attribute `error` alone.
fn with_error(source: &SpanReader<'_>, mut kind: Kind) -> Kind {
    let failed = source
        .str(key!("error"))
        .is_some_and(|error| json::parse(error).is_some_and(|e| !e.is_null()));
    match &mut kind {
        Kind::Tool(tool) => tool.failed |= failed,
        Kind::Model(call) => call.failed |= failed,
        _ => {}
    }
    kind
}
