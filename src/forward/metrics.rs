//! What a destination counts.

use super::DroppedReason;
use super::record::OutboundRequest;
use crate::catalogue::InternalMetric;
use crate::client::SendFailure;
use crate::model::request::Signal;
use crate::telemetry::counter;
use metrics::Counter;

/// Of one destination.
pub(super) struct ExporterMetrics {
    sent: [Counter; Signal::ALL.len()],
    rejected_items: [Counter; Signal::ALL.len()],
    sent_bytes: Counter,
    quarantined: Counter,
    failed: [Counter; SendFailure::ALL.len()],
    dropped: [Counter; DroppedReason::ALL.len()],
}

impl ExporterMetrics {
    /// Registers with the recorder in whose scope it is called.
    pub(super) fn new(exporter: &str) -> Self {
        let by_signal =
            |metric| Signal::ALL.map(|signal| counter(metric, &[exporter, signal.as_str()]));
        Self {
            sent: by_signal(InternalMetric::ExporterSent),
            rejected_items: by_signal(InternalMetric::ExporterRejectedItems),
            sent_bytes: counter(InternalMetric::ExporterSentBytes, &[exporter]),
            quarantined: counter(InternalMetric::ExporterQuarantined, &[exporter]),
            failed: SendFailure::ALL.map(|reason| {
                counter(InternalMetric::ExporterFailed, &[exporter, reason.as_str()])
            }),
            dropped: DroppedReason::ALL.map(|reason| {
                counter(
                    InternalMetric::ExporterDropped,
                    &[exporter, reason.as_str()],
                )
            }),
        }
    }

    pub(super) fn sent(&self, request: &OutboundRequest, rejected_items: u64) {
        let signal = request.signal as usize;
        self.sent[signal].increment(1);
        self.sent_bytes.increment(request.body.len() as u64);
        self.rejected_items[signal].increment(rejected_items);
    }

    pub(super) fn failed(&self, reason: SendFailure) {
        self.failed[reason as usize].increment(1);
    }

    pub(super) fn quarantined(&self) {
        self.quarantined.increment(1);
    }

    pub(super) fn dropped(&self, reason: DroppedReason) {
        self.dropped[reason as usize].increment(1);
    }
}
