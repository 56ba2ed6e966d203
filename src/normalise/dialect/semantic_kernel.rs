//! Semantic Kernel: standard names; a function is called by its plugin and its name, `Desk-look_up`.

use super::{build, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;

pub(super) fn speaks(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("semantic_kernel")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    if let Kind::Tool(tool) = &event.kind
        && let Some((_, function)) = tool.name.split_once('-')
    {
        event.kind = build::tool(source, function);
    }
}
