//! What the engine measures of itself.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

/// What the engine tells of itself.
pub(super) struct Metrics {
    pub(super) backlog: Gauge,
    pub(super) keys: Gauge,
    pub(super) bytes: Gauge,
    pub(super) snapshots: Counter,
    pub(super) failed_snapshots: Counter,
    pub(super) damaged_snapshots: Counter,
}

impl Metrics {
    pub(super) fn new() -> Self {
        describe_gauge!(
            "baton_log_backlog",
            "Events and messages in the log that the partitions have not processed yet."
        );
        describe_gauge!(
            "baton_partition_keys",
            "Keys (sessions, traces and users) held in memory by all partitions."
        );
        describe_gauge!(
            "baton_partition_bytes",
            "Estimated memory of all sessions, traces and metric series."
        );
        describe_counter!(
            "baton_snapshots_total",
            "Snapshots of partitions. result is kept (written), failed (not written) or damaged (unreadable at the start)."
        );
        Self {
            backlog: gauge!("baton_log_backlog"),
            keys: gauge!("baton_partition_keys"),
            bytes: gauge!("baton_partition_bytes"),
            snapshots: counter!("baton_snapshots_total", "result" => "kept"),
            failed_snapshots: counter!("baton_snapshots_total", "result" => "failed"),
            damaged_snapshots: counter!("baton_snapshots_total", "result" => "damaged"),
        }
    }
}
