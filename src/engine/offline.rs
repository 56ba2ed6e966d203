//! Processes a recording with the same partitions as live data, in the time of the recording.

use super::stories::{self, Stories};
use super::{Partition, Settings, addressed};
use crate::derive;
use crate::model::fact::Fact;
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::metric::Family;
use crate::model::record::Frame;
use crate::model::time::Timestamp;
use std::time::Duration;

/// An engine without threads, log or clock.
#[derive(Debug)]
pub struct Offline {
    partitions: Vec<Partition>,
    /// Deliveries so far.
    position: u64,
    stories: Stories,
}

impl Offline {
    pub fn new(settings: &Settings) -> Self {
        // A recording is looked at as a whole: nothing of it is old.
        let mut settings = settings.clone();
        settings.derive.expire_after = Duration::MAX;
        // Nor is it read by Prometheus.
        settings.derive.zero_hold = Duration::ZERO;
        Self {
            partitions: (0..settings.partitions)
                .map(|_| Partition::new(&settings))
                .collect(),
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
        let names = self.stories.other_names();
        let names = names.map(|(from, to)| (from.clone(), to.clone())).collect();
        stories::joined(&names, keys, |key| self.stories.facts(key).to_vec())
    }

    /// Shows every session that is remembered.
    pub fn stories(&self, visit: &mut dyn FnMut(&PartitionKey, &[Fact])) {
        for key in self.stories.keys() {
            visit(&key, self.stories.facts(&key));
        }
    }

    /// Applies the frames of a recording, in their order, lets all timers run out, and returns the metrics.
    pub fn replay(&mut self, frames: impl Iterator<Item = Frame>) -> Vec<Family> {
        for frame in frames {
            self.pass_until(frame.arrival);
            self.settle(frame);
        }
        self.pass_until(Timestamp::MAX);
        derive::merge(self.partitions.iter().map(Partition::families).collect())
    }

    /// Runs the timers up to a time one after the other, so that what one of them sends meets the others in time, in whichever
    /// partition they are and however long nothing else comes.
    fn pass_until(&mut self, now: Timestamp) {
        let next = |partitions: &[Partition]| {
            let due = partitions.iter().filter_map(Partition::next_deadline);
            due.min().filter(|due| *due <= now)
        };
        while let Some(due) = next(&self.partitions) {
            self.settle(Frame::of(None, due, None));
        }
    }

    /// Applies a frame, and steps all partitions until none has anything to send or a timer to run.
    fn settle(&mut self, mut frame: Frame) {
        let now = frame.arrival;
        let count = self.partitions.len();
        loop {
            for (index, partition) in self.partitions.iter().enumerate() {
                if partition.is_due(now) && !frame.parts.iter().any(|(known, _)| *known == index) {
                    frame.parts.push((index, Vec::new()));
                }
            }
            if frame.parts.is_empty() {
                return;
            }
            self.position += 1;
            let mut sends = Vec::new();
            for (index, delivery) in frame.deliveries(self.position) {
                self.stories.note(&delivery.entries);
                let out = self.partitions[index].apply(delivery);
                sends.extend(addressed(out.sends, count));
                self.stories.take(out.facts);
            }
            frame = Frame::of(sends, now, None);
        }
    }
}
