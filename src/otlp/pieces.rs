//! Passes on the decoded spans of a request a piece at a time.

use crate::model::reject::RejectReason;
use crate::otlp::view::{ScopeBatch, SpanSink};

/// What was in a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub spans: u64,
    pub log_records: u64,
    /// What could not be decoded, one entry an item.
    pub rejects: Vec<RejectReason>,
}

impl Counts {
    /// Hands a piece over and makes room for the next one.
    pub(super) fn hand_over(&mut self, group: &mut ScopeBatch<'_>, take: &mut dyn SpanSink) {
        self.spans += group.spans.len() as u64;
        self.log_records += group.logs.len() as u64;
        take.add(group);
        group.spans.clear();
        group.logs.clear();
    }
}
