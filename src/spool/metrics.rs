//! What the spool counts.

use crate::catalogue::InternalMetric;
use crate::telemetry::{counter, gauge};
use metrics::{Counter, Gauge};
use std::collections::BTreeMap;

pub(super) struct SpoolMetrics {
    pub(super) bytes: Gauge,
    pub(super) max_bytes: Gauge,
    pub(super) damaged: Counter,
    destinations: BTreeMap<String, DestinationGauges>,
}

/// Of one destination.
struct DestinationGauges {
    requests: Gauge,
    /// What it does not get because the spool was full.
    dropped: Counter,
}

impl std::fmt::Debug for SpoolMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SpoolMetrics")
    }
}

impl SpoolMetrics {
    /// Registers with the recorder in whose scope it is called.
    pub(super) fn new(destinations: &[String]) -> Self {
        let of = |name: &String| {
            let gauges = DestinationGauges {
                requests: gauge(InternalMetric::SpoolRequests, &[name]),
                dropped: counter(InternalMetric::ExporterDropped, &[name, "spool_full"]),
            };
            (name.clone(), gauges)
        };
        Self {
            bytes: gauge(InternalMetric::SpoolBytes, &[]),
            max_bytes: gauge(InternalMetric::SpoolMaxBytes, &[]),
            damaged: counter(InternalMetric::SpoolDamaged, &[]),
            destinations: destinations.iter().map(of).collect(),
        }
    }

    pub(super) fn waiting(&self, destination: &str, requests: u64) {
        if let Some(gauges) = self.destinations.get(destination) {
            gauges.requests.set(requests as f64);
        }
    }

    /// A destination does not get so many requests.
    pub(super) fn dropped(&self, destination: &str, requests: u64) {
        if let Some(gauges) = self.destinations.get(destination) {
            gauges.dropped.increment(requests);
        }
    }
}
