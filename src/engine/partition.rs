//! One partition: a stitcher and the metrics derived from its facts. No I/O: entries in, records for others out.

use super::Settings;
use crate::derive::Deriver;
use crate::model::ids::Key;
use crate::model::metric::Family;
use crate::model::record::{Delivery, Record};
use crate::model::time::Timestamp;
use crate::stitch::{Output, Stitcher};

/// The state of one partition: a fold over its deliveries, and over nothing else.
#[derive(Debug)]
pub struct Partition {
    stitcher: Stitcher,
    deriver: Deriver,
    /// The last delivery applied; 0 before the first.
    position: u64,
    /// The last delivery of each partition that sent something here, which tells what is sent again.
    seen: Vec<u64>,
}

impl Partition {
    pub fn new(settings: &Settings) -> Self {
        Self {
            stitcher: Stitcher::new(settings.stitch.clone()),
            deriver: Deriver::new(settings.derive.clone()),
            position: 0,
            seen: vec![0; settings.partitions],
        }
    }

    /// Applies one delivery: the timers up to its arrival, then its entries. Returns what goes to other keys. What was applied
    /// already, by its place or by its origin, changes nothing.
    pub fn apply(&mut self, delivery: Delivery) -> Vec<(Key, Record)> {
        if delivery.position <= self.position {
            return Vec::new();
        }
        self.position = delivery.position;
        if let Some(origin) = delivery.origin {
            let seen = &mut self.seen[origin.partition];
            if origin.position <= *seen {
                return Vec::new();
            }
            *seen = origin.position;
        }
        let mut out = Output::default();
        self.stitcher.advance(delivery.arrival, &mut out);
        for entry in delivery.entries {
            self.stitcher.apply(entry, delivery.arrival, &mut out);
        }
        for fact in &out.facts {
            self.deriver.apply(fact, delivery.arrival);
        }
        self.deriver.expire(delivery.arrival);
        out.sends
    }

    pub fn families(&self) -> Vec<Family> {
        self.deriver.families()
    }

    pub fn keys(&self) -> usize {
        self.stitcher.keys()
    }

    /// Whether it wants to be told the time now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_deadline().is_some_and(|due| due <= now)
    }

    /// When it wants to be told the time.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let expiry = self.deriver.next_expiry();
        self.stitcher
            .next_deadline()
            .into_iter()
            .chain(expiry)
            .min()
    }
}
