//! What the log on disk counts.

use super::room::Usage;
use crate::model::limit::Limit;
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

pub(super) struct Metrics {
    pub(super) commits: Counter,
    full_disk: Counter,
    full_log: Counter,
    bytes: Gauge,
    max_bytes: Gauge,
    free: Gauge,
    reserve: Gauge,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    pub(super) fn new() -> Self {
        describe_counter!(
            "baton_log_commits_total",
            "Group commits: groups of requests written to disk, with one fsync each."
        );
        describe_counter!(
            "baton_log_full_total",
            "Groups of requests that were refused because a limit was reached. limit is disk (free space of the volume) or log_size (state.max_log_size)."
        );
        describe_gauge!("baton_log_bytes", "Size of the log on disk.");
        describe_gauge!(
            "baton_log_max_bytes",
            "Size of the log above which requests are refused: the effective value of state.max_log_size."
        );
        describe_gauge!(
            "baton_volume_free_bytes",
            "Free space on the volume of state.directory."
        );
        describe_gauge!(
            "baton_volume_reserve_bytes",
            "Free space on the volume of state.directory below which requests are refused, so that snapshots can still be written."
        );
        let full = |limit: Limit| counter!("baton_log_full_total", "limit" => limit.as_str());
        Self {
            commits: counter!("baton_log_commits_total"),
            full_disk: full(Limit::Disk),
            full_log: full(Limit::LogSize),
            bytes: gauge!("baton_log_bytes"),
            max_bytes: gauge!("baton_log_max_bytes"),
            free: gauge!("baton_volume_free_bytes"),
            reserve: gauge!("baton_volume_reserve_bytes"),
        }
    }

    /// A group was refused.
    pub(super) fn full(&self, limit: Limit) {
        match limit {
            Limit::LogSize => self.full_log.increment(1),
            _ => self.full_disk.increment(1),
        }
    }

    pub(super) fn look(&self, usage: Usage, max_log: u64) {
        self.bytes.set(usage.log as f64);
        self.max_bytes.set(max_log as f64);
        self.reserve.set(usage.reserve() as f64);
        if let Some(free) = usage.free {
            self.free.set(free as f64);
        }
    }
}
