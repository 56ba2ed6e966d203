//! The keys of `spool`.

use crate::setting::{AutoSize, Interval, Report, Size, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// Requests that wait for the destinations in `exporters`: the section `spool`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Directory of the spool on disk, which holds requests as they were received, with prompts and answers. Default: `spool` in the state directory. If `state.log` is memory, the spool is in memory too.
    #[schemars(with = "Option<String>")]
    pub directory: Option<PathBuf>,
    /// Maximum size of the spool. auto: on disk, a quarter of the free space of the volume and the spool together, at most 8GiB; in memory, 10 % of the memory limit. It is at least receivers.otlp.max_decompressed_bytes, and on disk twice that.
    #[serde(with = "AutoSize")]
    pub max_size: Option<u64>,
    /// Size of one segment (file) of the spool on disk. A segment is removed when every destination has all of it.
    #[serde(with = "Size")]
    pub segment_size: u64,
    /// Maximum age of a request that waits for a destination. An older one is not sent. 0s: no limit.
    #[serde(with = "Interval")]
    pub max_age: Duration,
    /// Maximum size of the quarantine on disk: requests that a destination rejected permanently, for `baton spool requeue`. When it is full, or in memory, they are dropped.
    #[serde(with = "Size")]
    pub max_quarantine_size: u64,
    /// What happens when the spool is full. refuse: requests are refused with a retryable status. drop_oldest: the oldest requests are not forwarded. drop_newest: new requests are not forwarded. Dropped requests still count in all business metrics.
    pub when_full: WhenFull,
}

/// What happens when the spool is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum WhenFull {
    Refuse,
    DropOldest,
    DropNewest,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            directory: None,
            max_size: None,
            segment_size: 16 << 20,
            max_age: Duration::ZERO,
            max_quarantine_size: 64 << 20,
            when_full: WhenFull::Refuse,
        }
    }
}

impl Validate for Settings {
    fn validate(&self, report: &mut Report<'_>) {
        if let Some(max_size) = self.max_size {
            report.not_more(("segment_size", self.segment_size), ("max_size", max_size));
        }
    }
}
