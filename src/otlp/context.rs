//! What every item of a request is read with: the limits, the sink that asks for attributes, and the names met so far.

use super::Limits;
use super::name_cache::{Lookup, NameCache};
use crate::model::reject::{RejectReason, UnreadCounts};
use crate::otlp::view::{Attributes, SpanSink, Value};

/// What is read of an item, or the reason for which the item is rejected.
pub(super) type ItemResult<T> = Result<T, RejectReason>;

/// Shared by both decoders, so that they pass over the same attributes and reject for the same reasons.
pub(super) struct DecodeContext<'t, 'a> {
    pub(super) limits: &'t Limits,
    pub(super) sink: &'t dyn SpanSink,
    /// Lives as long as the request.
    pub(super) names: &'t mut NameCache<'a>,
    /// What is left out of items that are accepted.
    pub(super) unread: &'t mut UnreadCounts,
}

impl<'a> DecodeContext<'_, 'a> {
    /// Whether an attribute of this name is read. One that nobody asks for is passed over, whatever its value is.
    #[inline]
    pub(super) fn look_up(&mut self, name: &'a [u8]) -> Lookup<'a> {
        self.names.look_up(name, self.sink)
    }
}

/// Another attribute, event or link is within the limit.
#[inline]
pub(super) fn check_count(count: usize, limits: &Limits) -> ItemResult<()> {
    if count >= limits.max_attributes {
        return Err(RejectReason::TooLarge);
    }
    Ok(())
}

/// Adds an attribute that is asked for.
#[inline]
pub(super) fn push_asked<'a>(
    into: &mut Attributes<'a>,
    lookup: Lookup<'a>,
    value: Value<'a>,
) -> ItemResult<()> {
    match lookup {
        Lookup::Known(key) => into.push_known(key, value),
        Lookup::Asked(hash, name) => into.push_other(hash, name, value),
        Lookup::InvalidUtf8 => return Err(RejectReason::InvalidUtf8),
        Lookup::Unasked => {}
    }
    Ok(())
}
