//! LlamaIndex through OpenInference: a workflow's steps name their agent only inside the printed events that go in and out.

use super::{Dialect, openinference};
use crate::model::event::Event;
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::{AttributeKeys, key, keys};

/// How the events of a workflow are printed that say whose step it is.
const CURRENT: &str = "current_agent_name='";

/// What holds the state of a run, printed.
const PRINTED: AttributeKeys = &keys(["output.value", "input.value"]);

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "llama_index",
    title: "LlamaIndex",
    recognised_by: "scope of OpenInference",
    reading: "the agent of a step from the events recorded on it",
    vocabulary: &[],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.ends_with("instrumentation.llama_index")
        && source.str(key!("openinference.span.kind")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    openinference::read(source, event);
    if event.agent.is_none() && source.span.name.ends_with(".run_agent_step") {
        event.agent = PRINTED
            .iter()
            .filter_map(|key| current_agent(source.str(*key)?))
            .map(|text| source.name(text))
            .next();
    }
}

/// The last one printed: texts before it may hold the same words.
fn current_agent(text: &str) -> Option<&str> {
    let begin = text.rfind(CURRENT)? + CURRENT.len();
    let agent = text[begin..].split('\'').next()?;
    (!agent.is_empty()).then_some(agent)
}
