//! Model Context Protocol: the SDK's client and server spans show one tool call again; sessions here are of the transport.

use super::build;
use crate::model::event::Event;
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

pub(super) fn speaks(source: &SpanReader<'_>) -> bool {
    source.str(key!("mcp.method.name")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    if source.str(key!("mcp.method.name")) != Some("tools/call") {
        return;
    }
    let tool = source
        .str(key!("gen_ai.tool.name"))
        .or_else(|| source.span.name.strip_prefix("tools/call "));
    if let Some(tool) = tool {
        event.kind = build::tool(source, tool);
    }
}
