//! BeeAI through OpenInference: the framework's events become spans too, beside those of the runs that sent them.

use super::openinference;
use crate::model::event::Event;
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

pub(super) fn speaks(source: &SpanReader<'_>) -> bool {
    source.scope.name.ends_with("instrumentation.beeai")
        && source.str(key!("openinference.span.kind")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    // An event has the kind of its run (`error` inside a model call is LLM), but it is nobody's work.
    if source.str(key!("metadata.path")).is_none() {
        openinference::read(source, event);
    }
}
