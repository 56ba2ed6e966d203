//! AG2: standard names, and beside each call a span that keeps the accounts.

use super::vocabulary::own;
use super::{Dialect, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "ag2",
    title: "AG2",
    recognised_by: "`ag2.span.type`",
    reading: "standard names; summary spans beside the calls are not calls",
    vocabulary: &[own(&["ag2.span.type", "ag2.usage.kind"])],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
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
