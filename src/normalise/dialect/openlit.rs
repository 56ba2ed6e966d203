//! OpenLIT: standard names, but a handoff is an `invoke_agent` without length, and the turns of an agent are nameless ones.

use super::vocabulary::own;
use super::{Dialect, build, langgraph, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::{SpanReader, handoff};
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "openlit",
    title: "OpenLIT",
    recognised_by: "scope `openlit*`, `telemetry.sdk.name` = `openlit`",
    reading: "`invoke_agent` with `gen_ai.agent.source` is a handoff; one without a name is structure; nodes of LangGraph are agents by position only",
    vocabulary: &[own(&["gen_ai.agent.source", "telemetry.sdk.name"])],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("openlit")
        || source.str(key!("telemetry.sdk.name")) == Some("openlit")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    if source.operation() != Some("invoke_agent") {
        return;
    }
    let agent = source.str(key!("gen_ai.agent.name"));
    match (source.str(key!("gen_ai.agent.source")), agent) {
        (Some(from), Some(to)) if from != to => {
            let mut kind = build::handoff_kind(source, Some(handoff::named(to, source.context)));
            if let Kind::Handoff(handoff) = &mut kind {
                handoff.from = Some(source.name(from));
            }
            (event.agent, event.kind) = (Some(source.name(from)), kind);
        }
        (_, Some(node)) if source.scope.name.contains("langgraph") => {
            if langgraph::is_generic(node) {
                (event.agent, event.kind) = (None, Kind::Structure);
            } else {
                build::agent(source, event, node, true);
            }
        }
        // A turn, or the whole run, of the agent around it.
        (_, None) if source.span.parent.is_some() => {
            (event.agent, event.workflow, event.kind) = (None, None, Kind::Structure);
        }
        _ => {}
    }
}
