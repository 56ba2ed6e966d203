//! Pydantic AI: standard names; older span names are `agent run` and `running tool`, so only attributes count.

use super::{build, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::{AttributeKeys, key, keys};

/// The agent that runs.
const AGENT: AttributeKeys = &keys(["gen_ai.agent.name", "agent_name"]);

pub(super) fn speaks(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("pydantic-ai") || source.scope.name.starts_with("pydantic_ai")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    let span = source.span.name;
    if !matches!(event.kind, Kind::Structure) {
        return;
    }
    // Instrumentation version 1 sets no operation on these.
    if let Some(agent) = source.attributes().first_str(AGENT)
        && span.ends_with(" run")
    {
        build::agent(event, agent, false);
    } else if let Some(tool) = source.str(key!("gen_ai.tool.name")) {
        event.kind = build::tool(source, tool);
    }
}
