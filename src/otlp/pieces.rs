//! Counts the items of a request while its batches are handed over.

use crate::model::reject::{RejectReason, UnreadCounts};
use crate::otlp::view::{ScopeBatch, SpanSink};

/// How many items of a request were accepted, and why the others were rejected.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub spans: u64,
    pub log_records: u64,
    /// The reason of each rejected item.
    pub rejects: Vec<RejectReason>,
    /// What of the accepted items cannot be read.
    pub unread: UnreadCounts,
}

impl Counts {
    /// Counts a rejected item, and nothing of what was left out of it.
    pub(super) fn reject(&mut self, reason: RejectReason, unread_before: UnreadCounts) {
        self.rejects.push(reason);
        self.unread = unread_before;
    }

    /// Counts a batch, hands it over and clears it for the next one.
    pub(super) fn hand_over(&mut self, batch: &mut ScopeBatch<'_>, sink: &mut dyn SpanSink) {
        self.spans += batch.spans.len() as u64;
        self.log_records += batch.logs.len() as u64;
        sink.add(batch);
        batch.spans.clear();
        batch.logs.clear();
    }
}
