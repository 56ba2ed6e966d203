//! The metrics of the receiver.

use super::error::ReceiveError;
use crate::catalogue::InternalMetric;
use crate::model::reject::RejectReason;
use crate::otlp::Counts;
use crate::telemetry::counter;
use metrics::Counter;
use std::collections::BTreeMap;

/// The names of the listeners, as in labels and in the log.
pub(super) const LISTENERS: [&str; 2] = ["grpc", "http"];

/// Results of all listeners together, and failures by listener.
#[derive(Debug)]
pub struct Metrics {
    log_records: Counter,
    rejected: Vec<Counter>,
    pub(super) bytes: Counter,
    requests_ok: Counter,
    requests_refused: Counter,
    requests_malformed: Counter,
    /// By listener and reason.
    failed: BTreeMap<(&'static str, &'static str), Counter>,
}

impl Metrics {
    /// Registers with the recorder in whose scope it is called.
    pub fn new() -> Self {
        let requests = |result| counter(InternalMetric::ReceiverRequests, &[result]);
        let rejected = |reason| counter(InternalMetric::ReceiverRejected, &[reason]);
        let reasons = ReceiveError::ALL.map(ReceiveError::reason);
        let failures = LISTENERS
            .into_iter()
            .flat_map(|listener| reasons.map(|reason| (listener, reason)));
        Self {
            log_records: counter(InternalMetric::ReceiverLogRecords, &[]),
            rejected: RejectReason::ALL
                .iter()
                .map(|reason| rejected(reason.as_str()))
                .collect(),
            bytes: counter(InternalMetric::ReceiverBytes, &[]),
            requests_ok: requests("ok"),
            requests_refused: requests("refused"),
            requests_malformed: requests("malformed"),
            failed: failures
                .map(|(listener, reason)| {
                    let counter =
                        counter(InternalMetric::ReceiverFailedRequests, &[listener, reason]);
                    ((listener, reason), counter)
                })
                .collect(),
        }
    }

    pub(super) fn taken(&self, counts: &Counts) {
        self.requests_ok.increment(1);
        self.log_records.increment(counts.log_records);
        for reason in &counts.rejects {
            let place = RejectReason::ALL.iter().position(|known| known == reason);
            if let Some(counter) = place.and_then(|i| self.rejected.get(i)) {
                counter.increment(1);
            }
        }
    }

    pub(super) fn failed(&self, listener: &'static str, error: ReceiveError) {
        if error.retryable() {
            self.requests_refused.increment(1);
        } else {
            self.requests_malformed.increment(1);
        }
        if let Some(counter) = self.failed.get(&(listener, error.reason())) {
            counter.increment(1);
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
