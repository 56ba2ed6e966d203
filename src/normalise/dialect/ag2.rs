//! AG2: standard names, and beside each call a span that keeps the accounts.

use super::otel_genai;
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

pub(super) fn speaks(source: &SpanReader<'_>) -> bool {
    source.str(key!("ag2.span.type")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    // The tokens of a call, or of all calls of a subagent, again. Other kinds are calls that no other span shows.
    if matches!(
        source.str(key!("ag2.usage.kind")),
        Some("model_call" | "subtask")
    ) {
        event.kind = Kind::Structure;
    }
}
