//! What is reused from request to request: interners and the context that was read last. It makes no difference to any result.

use super::dialect::DIALECTS;
use super::interner::NameInterners;
use super::span_context::LastContext;

/// The memory of a [`Normaliser`](super::Normaliser) from one piece of a request to the next, and from request to request.
///
/// Whoever runs the normaliser owns it, and uses it for one request at a time.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) names: NameInterners,
    pub(super) last_context: LastContext,
    /// Written for each span, read and cleared by [`Scratch::take_span_counts`].
    pub(super) spans: SpanCounts,
}

impl Scratch {
    /// How many spans were read since this was called last.
    pub fn take_span_counts(&mut self) -> SpanCounts {
        std::mem::take(&mut self.spans)
    }
}

/// The label of spans that no dialect recognises.
const UNRECOGNISED: &str = "none";

/// Numbers of spans by their dialects, in the order of the table; the last is that of spans of none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanCounts([u64; DIALECTS.len() + 1]);

impl SpanCounts {
    /// The labels of all counts.
    pub fn dialects() -> impl Iterator<Item = &'static str> {
        let dialects = DIALECTS.iter().map(|dialect| dialect.name);
        dialects.chain([UNRECOGNISED])
    }

    /// The counts, in the order of [`SpanCounts::dialects`].
    pub fn counts(&self) -> &[u64] {
        &self.0
    }

    /// Counts one span of the dialect of this number.
    pub(super) fn add(&mut self, dialect: Option<usize>) {
        self.0[dialect.unwrap_or(DIALECTS.len())] += 1;
    }
}
