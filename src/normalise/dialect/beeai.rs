//! BeeAI through OpenInference: the framework's events become spans too, beside those of the runs that sent them.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, openinference};
use crate::model::event::Event;
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "beeai",
    title: "BeeAI",
    recognised_by: "scope of OpenInference",
    reading: "spans of its events, which lie beside the spans of the runs, are not work",
    vocabulary: &[
        terms(
            Topic::CacheReadTokens,
            SDK,
            &["metadata.usage.cached_prompt_tokens"],
        ),
        terms(
            Topic::CacheWriteTokens,
            SDK,
            &["metadata.usage.cached_creation_tokens"],
        ),
        own(&["metadata.path"]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.ends_with("instrumentation.beeai")
        && source.str(key!("openinference.span.kind")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    // An event has the kind of its run (`error` inside a model call is LLM), but it is nobody's work.
    if source.str(key!("metadata.path")).is_none() {
        openinference::read(source, event);
    }
}
