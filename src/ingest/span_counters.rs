//! The metrics of accepted spans by dialect, and of what of them and of log records was not read.

use crate::catalogue::InternalMetric;
use crate::model::reject::{Unread, UnreadCounts};
use crate::normalise::{Misreading, Normaliser, SpanCounts};
use crate::telemetry::counter;
use metrics::Counter;
use std::sync::Arc;

/// A counter for each dialect, in the order of [`SpanCounts::dialects`].
#[derive(Clone, Debug)]
pub(super) struct SpanCounters {
    built_in: Arc<[Counter]>,
    taught: Arc<[TaughtCounters]>,
    /// In the order of [`Unread::ALL`].
    unread: Arc<[Counter]>,
}

/// Counters of a dialect of the configuration.
#[derive(Debug)]
struct TaughtCounters {
    spans: Counter,
    /// By the key of the expression and the reason.
    misreadings: Vec<(&'static str, Misreading, Counter)>,
}

impl SpanCounters {
    /// Registers with the telemetry in whose scope it is called.
    pub(super) fn new(normaliser: &Normaliser) -> Self {
        let spans = |dialect: &str| counter(InternalMetric::ReceiverSpans, &[dialect]);
        let taught = normaliser.taught().zip(normaliser.taught_misreadings());
        let taught = taught.map(|(dialect, possible)| TaughtCounters {
            spans: spans(dialect),
            misreadings: possible
                .into_iter()
                .map(|(key, reason)| {
                    let labels = [dialect, key, reason.as_str()];
                    (
                        key,
                        reason,
                        counter(InternalMetric::DialectMisreadings, &labels),
                    )
                })
                .collect(),
        });
        Self {
            built_in: SpanCounts::dialects().map(spans).collect(),
            taught: taught.collect(),
            unread: Unread::ALL
                .iter()
                .map(|what| counter(InternalMetric::ReceiverUnread, &[what.as_str()]))
                .collect(),
        }
    }

    /// Adds the spans of an accepted request, and what the decoder left out of it.
    pub(super) fn add(&self, counts: &SpanCounts, undecoded: &UnreadCounts) {
        for (counter, what) in self.unread.iter().zip(Unread::ALL) {
            counter.increment(counts.unread().of(what) + undecoded.of(what));
        }
        let built_in = self.built_in.iter().zip(counts.counts());
        for (counter, count) in built_in.filter(|(_, count)| **count > 0) {
            counter.increment(*count);
        }
        for (counters, counts) in self.taught.iter().zip(counts.of_taught()) {
            counters.spans.increment(counts.spans);
            for (key, reason, count) in counts.misreadings() {
                let mut known = counters.misreadings.iter();
                if let Some((.., counter)) = known.find(|one| (one.0, one.1) == (key, reason)) {
                    counter.increment(count);
                }
            }
        }
    }
}
