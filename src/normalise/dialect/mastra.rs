//! Mastra: standard names. A subagent is a tool named after it; a call that Mastra does not run itself is a span of its own kind.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::{SpanReader, handoff};
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "mastra",
    title: "Mastra",
    recognised_by: "`mastra.span.type`",
    reading: "standard names; tools named `agent-*` are subagents; user metadata under `mastra.metadata.`",
    vocabulary: &[
        terms(Topic::Outcome, SDK, &["mastra.metadata.outcome"]),
        terms(Topic::Metadata, SDK - 1, &["mastra.metadata"]),
        own(&["mastra.span.type"]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.str(key!("mastra.span.type")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    if let Some(tool) = source.span.name.strip_prefix("client_tool_call ") {
        event.kind = build::tool(source, tool);
    }
    if let Kind::Tool(tool) = &mut event.kind
        && let Some(agent) = tool.name.strip_prefix("agent-")
    {
        tool.hands_to = Some(handoff::known(agent, source.context));
        (tool.does_work, tool.delegates) = (false, true);
    }
}
