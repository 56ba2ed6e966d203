//! Processes a recording with the same partitions as live data, in the time of the recording.

use super::stories::Stories;
use super::{Partition, Settings, route::Router};
use crate::derive;
use crate::model::event::Event;
use crate::model::fact::Fact;
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::metric::Family;
use crate::model::record::Frame;
use crate::model::time::Timestamp;
use crate::normalise::Normaliser;
use crate::otlp::view::{ScopeBatch, SpanSink};
use std::time::Duration;

/// An engine without threads, log or clock.
#[derive(Debug)]
pub struct Offline {
    normaliser: Normaliser,
    router: Router,
    partitions: Vec<Partition>,
    events: Vec<Box<Event>>,
    /// Deliveries so far.
    position: u64,
    stories: Stories,
}

/// Takes what was recorded.
impl SpanSink for Offline {
    fn asks(&self, hash: u32, name: &[u8]) -> bool {
        self.normaliser.asks(hash, name)
    }

    fn add(&mut self, group: &ScopeBatch<'_>) {
        self.events.extend(self.normaliser.normalise(group));
    }
}

impl Offline {
    pub fn new(settings: &Settings, normaliser: Normaliser) -> Self {
        // A recording is looked at as a whole: nothing of it is old.
        let mut settings = settings.clone();
        settings.derive.expire_after = Duration::MAX;
        // Nor is it read by Prometheus.
        settings.derive.zero_hold = Duration::ZERO;
        Self {
            normaliser,
            router: Router::new(settings.partitions),
            partitions: (0..settings.partitions)
                .map(|_| Partition::new(&settings))
                .collect(),
            events: Vec::new(),
            position: 0,
            stories: Stories::new(0),
        }
    }

    /// Remembers how every session went.
    pub fn remember(&mut self) {
        self.stories = Stories::new(usize::MAX);
    }

    /// What is known of a session, by any id it goes by, or of a trace; one entry for each session meant.
    pub fn story(&self, id: &str) -> Vec<(PartitionKey, Vec<Fact>)> {
        let mut keys = self.stories.named(id);
        if keys.is_empty()
            && let Some(trace) = TraceId::from_hex(id)
        {
            keys = self.stories.with_trace(trace);
        }
        keys.sort();
        keys.dedup();
        let told = keys.into_iter().map(|key| {
            let facts = self.stories.facts(&key).to_vec();
            (key, facts)
        });
        told.filter(|(_, facts)| !facts.is_empty()).collect()
    }

    /// Shows every session that is remembered.
    pub fn stories(&self, visit: &mut dyn FnMut(&PartitionKey, &[Fact])) {
        for key in self.stories.keys() {
            visit(&key, self.stories.facts(&key));
        }
    }

    /// Plays all events in the order in which their spans ended, lets all timers run out, and returns the metrics.
    pub fn finish(&mut self) -> Vec<Family> {
        self.events
            .sort_by_key(|event| (event.end, event.trace, event.span));
        for event in std::mem::take(&mut self.events) {
            let now = event.end;
            let routed = self.router.route(vec![event]);
            self.router.taken(&routed.told);
            self.settle(routed.entries, now);
        }
        // Timers run out one after the other, so that what one of them sends meets the others in time.
        while let Some(due) = self
            .partitions
            .iter()
            .filter_map(Partition::next_deadline)
            .min()
        {
            self.settle(Vec::new(), due);
        }
        derive::merge(self.partitions.iter().map(Partition::families).collect())
    }

    /// Steps all partitions until none has anything to send or a timer to run.
    fn settle(&mut self, mut entries: super::Addressed, now: Timestamp) {
        loop {
            let mut frame = Frame::of(entries.drain(..), now, None);
            for (index, partition) in self.partitions.iter().enumerate() {
                if partition.is_due(now) && !frame.parts.iter().any(|(known, _)| *known == index) {
                    frame.parts.push((index, Vec::new()));
                }
            }
            if frame.parts.is_empty() {
                return;
            }
            self.position += 1;
            for (index, delivery) in frame.deliveries(self.position) {
                self.stories.note(&delivery.entries);
                let out = self.partitions[index].apply(delivery);
                entries.extend(self.router.address(out.sends));
                self.stories.take(out.facts);
            }
        }
    }
}
