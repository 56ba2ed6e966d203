//! What the engine measures of itself.

use crate::catalogue::InternalMetric;
use crate::telemetry::{counter, gauge};
use metrics::{Counter, Gauge};

/// What the engine tells of itself.
pub(super) struct EngineMetrics {
    pub(super) backlog: Gauge,
    pub(super) keys: Gauge,
    pub(super) bytes: Gauge,
    pub(super) snapshots: Counter,
    pub(super) failed_snapshots: Counter,
    pub(super) damaged_snapshots: Counter,
}

impl EngineMetrics {
    pub(super) fn new() -> Self {
        let snapshots = |result| counter(InternalMetric::Snapshots, &[result]);
        Self {
            backlog: gauge(InternalMetric::LogBacklog, &[]),
            keys: gauge(InternalMetric::PartitionKeys, &[]),
            bytes: gauge(InternalMetric::PartitionBytes, &[]),
            snapshots: snapshots("kept"),
            failed_snapshots: snapshots("failed"),
            damaged_snapshots: snapshots("damaged"),
        }
    }
}
