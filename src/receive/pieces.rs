//! How what is decoded of a request is handed over: a piece at a time.

use crate::model::otlp::Group;
use crate::model::reject::RejectReason;

/// Gets what is decoded of a request, piece by piece: a request that was decoded as a whole would not stay in the caches.
pub type Take<'t> = &'t mut dyn FnMut(&Group<'_>);

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
    pub(super) fn hand_over(&mut self, group: &mut Group<'_>, take: Take<'_>) {
        self.spans += group.spans.len() as u64;
        self.log_records += group.logs.len() as u64;
        take(group);
        group.spans.clear();
        group.logs.clear();
    }
}
