//! AutoGen: native spans by the standard names, among very many messaging spans; OpenInference's spans on top of them.

use super::{build, openinference, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::{Source, handoff};

pub(super) fn speaks(source: &Source<'_>) -> bool {
    source.scope.name.starts_with("autogen")
        || source.scope.name.contains("instrumentation.autogen")
}

pub(super) fn read(source: &Source<'_>, event: &mut Event) {
    if source.str("openinference.span.kind").is_none() {
        otel_genai::read(source, event);
        return;
    }
    openinference::read(source, event);
    let span = source.span.name.as_ref();
    // `writer.transfer_to_editor`: the agent stands before the tool.
    let (agent, rest) = handoff::qualified(span);
    match event.kind {
        Kind::Tool(_) => {
            event.kind = build::tool(
                source,
                handoff::qualified(source.str("tool.name").unwrap_or(span)).1,
            );
            event.agent = event.agent.take().or(agent);
        }
        Kind::Workflow | Kind::Structure => {
            let works = rest.starts_with("on_messages") || rest.starts_with("run");
            let team = ["Team", "Swarm", "GroupChat"]
                .iter()
                .any(|t| span.contains(t));
            if let Some(agent) = agent.filter(|_| works && !team) {
                build::agent(event, &agent, false);
            }
        }
        _ => {}
    }
}
