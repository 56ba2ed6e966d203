//! What is reused from request to request: interners and the context that was read last. It makes no difference to any result.

use super::dialect::DIALECTS;
use super::interner::NameInterners;
use super::span_context::LastContext;
use super::taught::TaughtCounts;
use crate::model::reject::{Unread, UnreadCounts};
use crate::otlp::view::ScopeBatch;

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
pub(super) const UNRECOGNISED: &str = "none";

/// Numbers of spans by their dialects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanCounts {
    /// In the order of the table; the last is that of spans of none.
    built_in: [u64; DIALECTS.len() + 1],
    /// Of dialects of the configuration, in their order; empty before the first span.
    taught: Vec<TaughtCounts>,
    /// What was not read of them, and log records that say nothing.
    pub(super) unread: UnreadCounts,
}

// The standard library has this for arrays of up to 32 elements only.
impl Default for SpanCounts {
    fn default() -> Self {
        Self {
            built_in: [0; DIALECTS.len() + 1],
            taught: Vec::new(),
            unread: UnreadCounts::default(),
        }
    }
}

impl SpanCounts {
    /// The labels of [`SpanCounts::counts`].
    pub fn dialects() -> impl Iterator<Item = &'static str> {
        let dialects = DIALECTS.iter().map(|dialect| dialect.name);
        dialects.chain([UNRECOGNISED])
    }

    /// The counts, in the order of [`SpanCounts::dialects`].
    pub fn counts(&self) -> &[u64] {
        &self.built_in
    }

    /// The numbers of the dialects of the configuration, in their order; empty where no span came.
    pub fn of_taught(&self) -> &[TaughtCounts] {
        &self.taught
    }

    /// What was not read of spans and log records.
    pub fn unread(&self) -> &UnreadCounts {
        &self.unread
    }

    /// The numbers of so many dialects of the configuration, to be added to.
    pub(super) fn taught(&mut self, dialects: usize) -> &mut [TaughtCounts] {
        self.taught.resize(dialects, TaughtCounts::default());
        &mut self.taught
    }

    /// Counts a batch of verdicts: spans of no dialect, and log records, none of which is read.
    pub(super) fn add_verdicts(&mut self, batch: &ScopeBatch<'_>) {
        batch.spans.iter().for_each(|_| self.add(None));
        let verdicts = batch.spans.iter().count() + batch.logs.iter().count();
        self.unread.add(Unread::Verdict, verdicts as u64);
    }

    /// Counts one span of the dialect of this number.
    pub(super) fn add(&mut self, dialect: Option<usize>) {
        self.built_in[dialect.unwrap_or(DIALECTS.len())] += 1;
    }
}
