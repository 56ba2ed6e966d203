//! Koog: standard names, an agent by its id alone. The messages of a call are span events in the order of the conversation, earlier
//! answers among them; a call that failed has neither status nor answer.

use super::vocabulary::own;
use super::{Dialect, build, otel_genai};
use crate::model::event::{Event, Kind, ModelCall};
use crate::normalise::messages::{self, ModelOutput};
use crate::normalise::{SpanReader, json};
use crate::otlp::attribute_key::key;
use crate::otlp::view::SpanEvent;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "koog",
    title: "Koog",
    recognised_by: "`koog.node.name`, scope `ai.koog*`, span names `run.*`, `llm.*`, `tool.*`",
    reading: "standard names; the agent by `gen_ai.agent.id`; of the messages those behind the last input are the answer",
    vocabulary: &[own(&[
        "content",
        "gen_ai.agent.id",
        "koog.node.name",
        "tool_calls",
    ])],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    let has = |key| source.attributes().get(key).is_some();
    let span = source.span.name;
    // The scope has the name of the user's service.
    source.scope.name.starts_with("ai.koog")
        || has(key!("koog.node.name"))
        || (span.starts_with("agent.") || span.starts_with("run."))
            && has(key!("gen_ai.agent.id"))
            && !has(key!("gen_ai.agent.name"))
        || span.starts_with("llm.") && source.operation().is_some()
        || span.starts_with("tool.") && has(key!("gen_ai.tool.name"))
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    let id = source.str(key!("gen_ai.agent.id"));
    match (&mut event.kind, id) {
        (Kind::Model(call), _) => answer(source, call),
        (Kind::Workflow, Some(id)) if source.operation() == Some("invoke_agent") => {
            event.workflow = None;
            build::agent(source, event, id, false);
        }
        _ => {}
    }
}

/// Reads the answer, which stands behind the last message that the model got.
fn answer(source: &SpanReader<'_>, call: &mut ModelCall) {
    let events = &source.span.events;
    let is_answer =
        |event: &SpanEvent<'_>| matches!(event.name, "gen_ai.choice" | "gen_ai.assistant.message");
    let mut given = events.iter().rev().take_while(|event| is_answer(event));
    let Some(last) = given.next() else {
        let says_nothing = call.usage.is_none() && !has_finished(source);
        call.failed |= says_nothing && !events.is_empty();
        return;
    };
    let mut whole = output(source, last);
    for event in given {
        let more = output(source, event);
        whole.requests.extend(more.requests);
        whole.answered = whole.answered.max(more.answered);
    }
    (call.requests, call.answered) = (whole.requests, whole.answered);
}

fn output(source: &SpanReader<'_>, event: &SpanEvent<'_>) -> ModelOutput {
    let calls = event.attributes.str(key!("tool_calls"));
    match calls.and_then(json::parse) {
        Some(calls) => messages::output_in(&calls, source.context),
        None => {
            let text = event.attributes.str(key!("content")).unwrap_or_default();
            messages::output_of_text(text, source.context)
        }
    }
}

/// Whether the model said why it stopped.
fn has_finished(source: &SpanReader<'_>) -> bool {
    build::stopped(source, |_| true)
}
