//! What the doors count.

use super::answer::Fault;
use crate::model::reject::RejectReason;
use crate::otlp::Counts;
use metrics::{Counter, counter, describe_counter};
use std::collections::BTreeMap;

/// The names of the doors, as in labels and in the log.
pub(super) const LISTENERS: [&str; 2] = ["grpc", "http"];

/// What all doors count together, and each one's failures.
#[derive(Debug)]
pub struct Metrics {
    spans: Counter,
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
        describe_counter!(
            "baton_receiver_requests_total",
            "Export requests. result is ok, refused (the sender should retry) or malformed (rejected, whatever the reason)."
        );
        describe_counter!(
            "baton_receiver_failed_requests_total",
            "Export requests that were not accepted, by listener and reason."
        );
        describe_counter!("baton_receiver_spans_total", "Accepted spans.");
        describe_counter!("baton_receiver_log_records_total", "Accepted log records.");
        describe_counter!(
            "baton_receiver_rejected_total",
            "Spans and log records that were rejected while the rest of their request was accepted, by reason."
        );
        describe_counter!(
            "baton_receiver_bytes_total",
            "Bytes of request bodies after decompression."
        );
        let requests = |result| counter!("baton_receiver_requests_total", "result" => result);
        let rejected =
            |reason: &'static str| counter!("baton_receiver_rejected_total", "reason" => reason);
        let reasons = Fault::ALL.map(Fault::reason);
        let failures = LISTENERS
            .into_iter()
            .flat_map(|listener| reasons.map(|reason| (listener, reason)));
        Self {
            spans: counter!("baton_receiver_spans_total"),
            log_records: counter!("baton_receiver_log_records_total"),
            rejected: RejectReason::ALL
                .iter()
                .map(|reason| rejected(reason.as_str()))
                .collect(),
            bytes: counter!("baton_receiver_bytes_total"),
            requests_ok: requests("ok"),
            requests_refused: requests("refused"),
            requests_malformed: requests("malformed"),
            failed: failures
                .map(|(listener, reason)| {
                    let counter = counter!(
                        "baton_receiver_failed_requests_total",
                        "listener" => listener, "reason" => reason
                    );
                    ((listener, reason), counter)
                })
                .collect(),
        }
    }

    pub(super) fn taken(&self, counts: &Counts) {
        self.requests_ok.increment(1);
        self.spans.increment(counts.spans);
        self.log_records.increment(counts.log_records);
        for reason in &counts.rejects {
            let place = RejectReason::ALL.iter().position(|known| known == reason);
            if let Some(counter) = place.and_then(|i| self.rejected.get(i)) {
                counter.increment(1);
            }
        }
    }

    pub(super) fn failed(&self, listener: &'static str, fault: Fault) {
        if fault.retryable() {
            self.requests_refused.increment(1);
        } else {
            self.requests_malformed.increment(1);
        }
        if let Some(counter) = self.failed.get(&(listener, fault.reason())) {
            counter.increment(1);
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
