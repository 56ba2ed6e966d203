//! Model Context Protocol: the SDK's client and server spans show one tool call again; sessions here are of the transport.

use super::vocabulary::own;
use super::{Dialect, build};
use crate::model::event::Event;
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "mcp",
    title: "MCP",
    recognised_by: "`mcp.method.name`",
    reading: "`tools/call`; a call that agent, client and server report counts once",
    vocabulary: &[own(&["mcp.method.name"])],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
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
