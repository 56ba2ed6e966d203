//! AgentOps: `agentops.span.kind`. It shows what the agents report and, beside them, the calls of the client with their tokens.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "agentops",
    title: "AgentOps",
    recognised_by: "`agentops.span.kind`, scope `agentops*`, `instrumentation.name` = `agentops`",
    reading: "agents and tools by `agent.name` and `tool.name`; the model calls are those of the client, which have tokens",
    vocabulary: &[
        terms(Topic::HandoffSource, SDK, &["from_agent"]),
        terms(Topic::HandoffTarget, SDK, &["to_agent"]),
        terms(Topic::ToolArguments, SDK, &["tool.parameters"]),
        terms(Topic::ToolCallId, SDK, &["tool.call.id"]),
        own(&[
            "agent.name",
            "agentops.session.end_state",
            "agentops.span.kind",
            "instrumentation.name",
            "tool.name",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("agentops")
        || source.str(key!("agentops.span.kind")).is_some()
        || source.str(key!("instrumentation.name")) == Some("agentops")
}

fn read(source: &SpanReader<'_>, event: &mut Event) {
    let (kind, span) = (source.str(key!("agentops.span.kind")), source.span.name);
    event.kind = match kind {
        Some("session") => {
            event.error |= source.str(key!("agentops.session.end_state")) == Some("Error");
            Kind::Workflow
        }
        // What the model asks for, as a span of its own below the call: nobody works there.
        _ if span.starts_with("tool_call.") => Kind::Structure,
        Some("agent") => {
            if let Some(agent) = source.str(key!("agent.name")) {
                build::agent(source, event, agent, false);
            }
            return;
        }
        Some("tool") => source
            .str(key!("tool.name"))
            .map_or(Kind::Structure, |tool| build::tool(source, tool)),
        Some("llm") => call(source),
        _ if span == "handoff" => build::handoff_kind(source, None),
        _ => Kind::Structure,
    };
}

/// The agents report each call too, without tokens; the client's own span beside them has them.
fn call(source: &SpanReader<'_>) -> Kind {
    match build::model_kind(source) {
        Kind::Model(call) if call.usage.is_none() => Kind::Structure,
        kind => kind,
    }
}
