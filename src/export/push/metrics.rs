//! What an exporter that pushes counts.

use crate::catalogue::InternalMetric;
use crate::client::SendFailure;
use crate::model::time::Timestamp;
use crate::telemetry::{counter, gauge};
use metrics::{Counter, Gauge};

/// Why points do not reach their receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PushDropped {
    /// The receiver does not take them.
    Rejected,
    /// `retry_on_failure` allows no further attempt.
    RetryLimit,
    /// Newer ones took their place in the queue.
    QueueFull,
    /// Baton stopped, and the receiver did not take them then.
    Shutdown,
}

impl PushDropped {
    pub(super) const ALL: [Self; 4] = [
        Self::Rejected,
        Self::RetryLimit,
        Self::QueueFull,
        Self::Shutdown,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::RetryLimit => "retry_limit",
            Self::QueueFull => "queue_full",
            Self::Shutdown => "shutdown",
        }
    }
}

/// Of one exporter.
pub(super) struct PushMetrics {
    sent: Counter,
    waiting: Gauge,
    last_success: Gauge,
    dropped: [Counter; PushDropped::ALL.len()],
    failed: [Counter; SendFailure::ALL.len()],
}

impl PushMetrics {
    /// Registers with the recorder in whose scope it is called. `begun`: the age of the last success counts from here until there is one.
    pub(super) fn new(exporter: &str, begun: Timestamp) -> Self {
        let metrics = Self {
            sent: counter(InternalMetric::PushSent, &[exporter]),
            waiting: gauge(InternalMetric::PushWaiting, &[exporter]),
            last_success: gauge(InternalMetric::PushLastSuccess, &[exporter]),
            dropped: PushDropped::ALL
                .map(|reason| counter(InternalMetric::PushDropped, &[exporter, reason.as_str()])),
            failed: SendFailure::ALL
                .map(|reason| counter(InternalMetric::PushFailed, &[exporter, reason.as_str()])),
        };
        metrics.succeeded(begun);
        metrics
    }

    pub(super) fn queued(&self, points: u64) {
        self.waiting.increment(points as f64);
    }

    /// Points of a request that is settled.
    pub(super) fn settled(&self, points: u64) {
        self.waiting.decrement(points as f64);
    }

    pub(super) fn sent(&self, points: u64) {
        self.sent.increment(points);
    }

    pub(super) fn succeeded(&self, at: Timestamp) {
        self.last_success.set(at.as_seconds());
    }

    pub(super) fn failed(&self, reason: SendFailure) {
        self.failed[reason as usize].increment(1);
    }

    pub(super) fn dropped(&self, reason: PushDropped, points: u64) {
        self.dropped[reason as usize].increment(points);
    }
}
