//! Limits of a request and of each span or log record, the same for every encoding.

use crate::model::reject::RejectReason;
use crate::model::time::Timestamp;
use crate::otlp::attribute_key::key;
use crate::otlp::view::LogRecord;

/// Limits of one request.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes on the wire.
    pub max_request_bytes: usize,
    /// Bytes after decompression.
    pub max_decompressed_bytes: usize,
    /// Attributes, events or links of one span.
    pub max_attributes: usize,
    /// Levels of one attribute value.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_request_bytes: 16 << 20,
            max_decompressed_bytes: 64 << 20,
            max_attributes: 1024,
            max_depth: 32,
        }
    }
}

/// The request as a whole cannot be decoded; sending it again does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// A span has a start, and its end is not before it.
pub(super) fn check_times(start: Timestamp, end: Timestamp) -> Result<(), RejectReason> {
    if start.0 == 0 || end < start {
        return Err(RejectReason::InvalidTime);
    }
    Ok(())
}

/// Older SDKs put the event name into an attribute and leave the time to the collector.
pub(super) fn complete_log(log: &mut LogRecord<'_>, observed: Timestamp) {
    if log.event_name.is_empty()
        && let Some(name) = log.attributes.str(key!("event.name"))
    {
        log.event_name = name;
    }
    if log.time.0 == 0 {
        log.time = observed;
    }
}
