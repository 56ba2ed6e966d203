//! Semantic Kernel: standard names; a function is called by its plugin and its name, `Desk-look_up`.

use super::{Dialect, build, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "semantic_kernel",
    title: "Semantic Kernel",
    recognised_by: "scope `semantic_kernel*`",
    reading: "standard names; functions without the name of their plugin",
    vocabulary: &[],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
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
