//! The metric of accepted spans, by dialect.

use crate::catalogue::InternalMetric;
use crate::normalise::SpanCounts;
use crate::telemetry::counter;
use metrics::Counter;
use std::sync::Arc;

/// A counter for each dialect, in the order of [`SpanCounts::dialects`].
#[derive(Clone, Debug)]
pub(super) struct SpanCounters(Arc<[Counter]>);

impl SpanCounters {
    /// Registers with the telemetry in whose scope it is called.
    pub(super) fn new() -> Self {
        let spans = |dialect| counter(InternalMetric::ReceiverSpans, &[dialect]);
        Self(SpanCounts::dialects().map(spans).collect())
    }

    /// Adds the spans of an accepted request.
    pub(super) fn add(&self, counts: &SpanCounts) {
        let counts = self.0.iter().zip(counts.counts());
        for (counter, count) in counts.filter(|(_, count)| **count > 0) {
            counter.increment(*count);
        }
    }
}
