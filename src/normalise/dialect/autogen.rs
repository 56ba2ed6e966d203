//! AutoGen: native spans by the standard names, among very many messaging spans; OpenInference's spans on top of them.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build, openinference, otel_genai};
use crate::model::event::{Event, Kind, ModelCall};
use crate::normalise::{SpanReader, handoff, messages, usage};
use crate::otlp::attribute_key::key;
use serde_json::Value;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "autogen",
    title: "AutoGen",
    recognised_by: "scope `autogen*`, scope of OpenInference",
    reading: "standard names among messaging spans",
    vocabulary: &[
        terms(Topic::FrameworkAsProvider, SDK, &["autogen"]),
        own(&["participant_names"]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("autogen")
        || source.scope.name.contains("instrumentation.autogen")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    if source.str(key!("openinference.span.kind")).is_none() {
        otel_genai::read(source, event);
        return;
    }
    openinference::read(source, event);
    let span = source.span.name;
    // `writer.transfer_to_editor`: the agent stands before the tool.
    let (agent, rest) = handoff::qualified(span, source.context.names);
    let is_agent = source.str(key!("openinference.span.kind")) == Some("AGENT") && !is_team(source);
    match &mut event.kind {
        Kind::Model(call) => result(source, call),
        Kind::Tool(_) => {
            let tool = source.str(key!("tool.name")).unwrap_or(span);
            event.kind = build::tool(source, handoff::qualified(tool, source.context.names).1);
            event.agent = event.agent.take().or(agent);
        }
        Kind::Agent { .. } if !is_agent => build::workflow(source, event, Some(span)),
        Kind::Workflow | Kind::Structure if is_agent => {
            if let Some(agent) = agent.filter(|_| rest.starts_with("on_messages")) {
                build::agent(source, event, &agent, false);
            }
        }
        _ => {}
    }
}

/// A team runs agents and is none itself; only a team lists its participants.
fn is_team(source: &SpanReader<'_>) -> bool {
    source.attributes().get(key!("participant_names")).is_some()
        || ["Team.", "Swarm.", "GroupChat."]
            .iter()
            .any(|class| source.span.name.contains(class))
}

/// The model client's result is one JSON object: nothing of it is in attributes of its own.
fn result(source: &SpanReader<'_>, call: &mut ModelCall) {
    let Some(result) = source.json(key!("output.value")) else {
        return;
    };
    if call.usage.is_none() {
        call.usage = result.get("usage").and_then(usage::of_json);
    }
    if call.answered.is_none() {
        let put_out = match result.get("content") {
            Some(Value::String(text)) => messages::output_of_text(text, source.context),
            Some(content) => messages::output_in(content, source.context),
            None => return,
        };
        call.requests = put_out.requests;
        call.answered = put_out.answered;
    }
}
