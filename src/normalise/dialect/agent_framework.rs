//! Microsoft Agent Framework: standard names; every participant gets `executor.process` broadcasts, but only an
//! `invoke_agent` span is an agent at work, and handoffs are only in the model's output.

use super::{build, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

pub(super) fn speaks(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("agent_framework")
        || source.scope.name.starts_with("Microsoft.Agents")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    let span = source.span.name;
    if span.starts_with("workflow.run") || span.starts_with("workflow_invoke") {
        build::workflow(event, source.str(key!("workflow.name")));
    } else if [
        "executor.process",
        "message.send",
        "edge_group",
        "workflow.build",
    ]
    .iter()
    .any(|plumbing| span.starts_with(plumbing))
    {
        event.kind = Kind::Structure;
        event.agent = None;
    }
}
