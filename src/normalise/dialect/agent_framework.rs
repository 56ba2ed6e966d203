//! Microsoft Agent Framework: standard names; every participant gets `executor.process` broadcasts, but only an
//! `invoke_agent` span is an agent at work, and handoffs are only in the model's output.

use super::vocabulary::{SDK, Topic, terms};
use super::{Dialect, build, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "agent_framework",
    title: "Microsoft Agent Framework",
    recognised_by: "scope `agent_framework*`, `Microsoft.Agents*`, `Experimental.Microsoft.Agents*`",
    reading: "handoffs from the output of the model; broadcasts are not activity",
    vocabulary: &[terms(
        Topic::FrameworkAsProvider,
        SDK,
        &["microsoft.agent_framework"],
    )],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    let scope = source.scope.name;
    let scope = scope.strip_prefix("Experimental.").unwrap_or(scope);
    scope.starts_with("agent_framework") || scope.starts_with("Microsoft.Agents")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    let span = source.span.name;
    if span.starts_with("workflow.run") || span.starts_with("workflow_invoke") {
        build::workflow(source, event, source.str(key!("workflow.name")));
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
    } else if let Some(named) = span.strip_prefix("invoke_agent ")
        && let (Kind::Agent { .. }, None) = (&event.kind, source.str(key!("gen_ai.agent.name")))
    {
        // .NET: `invoke_agent Desk(3f2a…)`.
        let name = named.split_once('(').map_or(named, |(name, _)| name);
        event.agent = Some(source.name(name));
    }
}
