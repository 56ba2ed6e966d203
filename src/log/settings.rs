//! The keys of `state`.

use crate::setting::{AutoSize, Interval, Report, Size, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// Where acknowledged events and the state of sessions and metrics are stored: the section `state`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// disk: acknowledged spans survive a crash. memory: they are lost when the process ends, for example for a sidecar.
    pub log: LogKind,
    /// Directory of the log on disk. Only one process can use it. Default: $STATE_DIRECTORY, then $XDG_STATE_HOME/baton, then ~/.local/state/baton.
    #[schemars(with = "Option<String>")]
    pub directory: Option<PathBuf>,
    /// Maximum size of the log on disk. Above it, requests are refused with a retryable status until a snapshot succeeds. auto: half of the free space of the volume and the log together, at most 8GiB; it follows the volume.
    #[serde(with = "AutoSize")]
    pub max_log_size: Option<u64>,
    /// Size of one segment (file) of the log.
    #[serde(with = "Size")]
    pub segment_size: u64,
    /// Maximum age of the current segment, so that segments covered by snapshots can be removed.
    #[serde(with = "Interval")]
    pub segment_age: Duration,
    /// Interval between snapshots. Snapshots allow old segments to be removed and make restarts fast.
    #[serde(with = "Interval")]
    pub snapshot_interval: Duration,
}

/// Where the log of events is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogKind {
    Disk,
    Memory,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            log: LogKind::Disk,
            directory: None,
            max_log_size: None,
            segment_size: 64 << 20,
            segment_age: Duration::from_secs(60 * 60),
            snapshot_interval: Duration::from_secs(60),
        }
    }
}

impl Validate for Settings {
    fn validate(&self, report: &mut Report<'_>) {
        if let Some(max_log_size) = self.max_log_size {
            report.not_more(
                ("segment_size", self.segment_size),
                ("max_log_size", max_log_size),
            );
        }
    }
}
