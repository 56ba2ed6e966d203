//! One partition: a stitcher and the metrics derived from its facts. No I/O: entries in, records for others out.

use super::Settings;
use crate::derive::Deriver;
use crate::model::ids::Key;
use crate::model::metric::Family;
use crate::model::record::{Entry, Record};
use crate::model::time::Timestamp;
use crate::stitch::{Output, Stitcher};

/// The state of one partition.
#[derive(Debug)]
pub struct Partition {
    stitcher: Stitcher,
    deriver: Deriver,
}

impl Partition {
    pub fn new(settings: &Settings) -> Self {
        Self {
            stitcher: Stitcher::new(settings.stitch.clone()),
            deriver: Deriver::new(settings.derive.clone()),
        }
    }

    /// Applies entries in log order, with the timers between them, then the timers up to `now`.
    pub fn step(&mut self, entries: Vec<Entry>, now: Timestamp) -> Vec<(Key, Record)> {
        let mut out = Output::default();
        for entry in entries {
            self.stitcher.advance(entry.arrival, &mut out);
            self.stitcher.apply(entry, &mut out);
        }
        self.stitcher.advance(now, &mut out);
        for fact in &out.facts {
            self.deriver.apply(fact, now);
        }
        self.deriver.expire(now);
        out.sends
    }

    pub fn families(&self) -> Vec<Family> {
        self.deriver.families()
    }

    pub fn keys(&self) -> usize {
        self.stitcher.keys()
    }

    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.stitcher.next_deadline()
    }
}
