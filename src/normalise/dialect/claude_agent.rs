//! Claude Agent SDK through OpenInference: no spans of model calls; a subagent lies in the tool that calls it and bears that tool's name.

use super::{Dialect, openinference};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "claude_agent_sdk",
    title: "Claude Agent SDK",
    recognised_by: "scope of OpenInference",
    reading: "a subagent by `subagent_type` of the surrounding tool; it emits no spans for model calls",
    vocabulary: &[],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source
        .scope
        .name
        .ends_with("instrumentation.claude_agent_sdk")
        && source.str(key!("openinference.span.kind")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    openinference::read(source, event);
    // Which agent it is stands in the arguments of the tool; the outermost one has no name.
    if source.str(key!("openinference.span.kind")) == Some("AGENT")
        && matches!(event.kind, Kind::Agent { .. } | Kind::Workflow)
    {
        event.agent = None;
        event.kind = Kind::Agent { inferred: false };
    }
}
