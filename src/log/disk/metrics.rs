//! What the log on disk counts.

use super::space::VolumeUsage;
use crate::catalogue::InternalMetric;
use crate::model::limit::Limit;
use crate::telemetry::{counter, gauge};
use metrics::{Counter, Gauge};

pub(super) struct LogMetrics {
    pub(super) commits: Counter,
    full_disk: Counter,
    full_log: Counter,
    bytes: Gauge,
    max_bytes: Gauge,
    free: Gauge,
    reserve: Gauge,
}

impl std::fmt::Debug for LogMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogMetrics")
    }
}

impl LogMetrics {
    pub(super) fn new() -> Self {
        let full = |limit: Limit| counter(InternalMetric::LogFull, &[limit.as_str()]);
        Self {
            commits: counter(InternalMetric::LogCommits, &[]),
            full_disk: full(Limit::Disk),
            full_log: full(Limit::LogSize),
            bytes: gauge(InternalMetric::LogBytes, &[]),
            max_bytes: gauge(InternalMetric::LogMaxBytes, &[]),
            free: gauge(InternalMetric::VolumeFreeBytes, &[]),
            reserve: gauge(InternalMetric::VolumeReserveBytes, &[]),
        }
    }

    /// A group was refused.
    pub(super) fn full(&self, limit: Limit) {
        match limit {
            Limit::LogSize => self.full_log.increment(1),
            _ => self.full_disk.increment(1),
        }
    }

    pub(super) fn look(&self, usage: VolumeUsage, max_log: u64) {
        self.bytes.set(usage.log as f64);
        self.max_bytes.set(max_log as f64);
        self.reserve.set(usage.reserve() as f64);
        if let Some(free) = usage.free {
            self.free.set(free as f64);
        }
    }
}
