//! One partition: a stitcher and the metrics derived from its facts. No I/O: entries in, records for others out.

use super::Settings;
use crate::derive::{Deriver, Restored};
use crate::log::Position;
use crate::model::Name;
use crate::model::metric::Family;
use crate::model::record::Delivery;
use crate::model::tenant::HeldTenants;
use crate::model::time::Timestamp;
use crate::proto::Invalid;
use crate::proto::v1::{self, snapshot_part::Part};
use crate::stitch::{Output, Stitcher};
use std::collections::BTreeSet;

/// Slots or series in one part of a snapshot.
const MESSAGES_PER_PART: usize = 64;

/// The state of one partition: a fold over its deliveries, and over nothing else.
#[derive(Debug)]
pub struct Partition {
    stitcher: Stitcher,
    deriver: Deriver,
    /// The last delivery applied; 0 before the first.
    position: Position,
    /// Histograms of a snapshot that had other buckets and start anew.
    started_anew: BTreeSet<&'static str>,
    /// The latest arrival applied.
    log_time: Timestamp,
}

impl Partition {
    pub fn new(settings: &Settings) -> Self {
        Self {
            stitcher: Stitcher::new(settings.stitch.clone()),
            deriver: Deriver::new(settings.derive.clone()),
            position: 0,
            started_anew: BTreeSet::new(),
            log_time: Timestamp::default(),
        }
    }

    /// Applies one delivery: the timers up to its arrival, then its entries. Returns what was found out and what goes to other
    /// keys. What was applied already changes nothing.
    pub fn apply(&mut self, delivery: Delivery) -> Output {
        // In the long run as many facts come out as entries go in.
        let mut out = Output {
            facts: Vec::with_capacity(delivery.entries.len()),
            ..Output::default()
        };
        if delivery.position <= self.position {
            return out;
        }
        self.position = delivery.position;
        if let Some(since) = delivery.restart {
            self.deriver.restart(since);
        }
        // Sessions have the room that series leave. These have a limit of their own, so that something is left.
        self.stitcher.reserve(self.deriver.weight());
        self.stitcher.advance(delivery.arrival, &mut out);
        for entry in delivery.entries {
            self.stitcher.apply(entry, delivery.arrival, &mut out);
        }
        for fact in &out.facts {
            self.deriver.apply(fact, delivery.arrival);
        }
        self.deriver.advance(delivery.arrival);
        if !delivery.forget.is_empty() {
            let dead = delivery.forget.iter().copied().collect();
            self.deriver.forget_expired(&dead, delivery.arrival);
        }
        self.log_time = self.log_time.max(delivery.arrival);
        out
    }

    /// The last delivery applied; 0 before the first.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The whole state, as the parts of a snapshot.
    pub fn save(&self, index: usize) -> impl Iterator<Item = v1::SnapshotPart> + '_ {
        let head = v1::SnapshotHead {
            partition: index as u32,
            position: self.position,
            log_time: self.log_time.0,
            ..self.deriver.save_head()
        };
        let end = v1::SnapshotEnd {
            slots: self.stitcher.keys() as u64,
            series: self.deriver.series() as u64,
        };
        let slots = in_parts(self.stitcher.save(), |slots| {
            Part::Slots(v1::Slots { slots })
        });
        let series = in_parts(self.deriver.save(), |series| {
            Part::Series(v1::SeriesList { series })
        });
        std::iter::once(Part::Head(head))
            .chain(slots)
            .chain(series)
            .chain(std::iter::once(Part::End(end)))
            .map(|part| v1::SnapshotPart { part: Some(part) })
    }

    /// Takes one part of a snapshot into a new partition; `true` when it was the last of a whole one.
    ///
    /// # Errors
    /// When it is none that a Baton wrote.
    pub fn restore(&mut self, part: v1::SnapshotPart) -> Result<bool, Invalid> {
        match part.part.ok_or(Invalid("part"))? {
            Part::Head(head) => {
                self.position = head.position;
                self.log_time = Timestamp(head.log_time);
                self.deriver.restore_head(&head);
            }
            Part::Slots(list) => {
                for slot in list.slots {
                    self.stitcher.restore(slot)?;
                }
            }
            Part::Series(list) => {
                for series in list.series {
                    if let Restored::Anew(metric) = self.deriver.restore(series)? {
                        self.started_anew.insert(metric);
                    }
                }
            }
            // Series may be fewer: a newer catalogue, or other dimensions.
            Part::End(end) => return Ok(end.slots == self.stitcher.keys() as u64),
        }
        Ok(false)
    }

    /// Histograms of the snapshot that had other buckets and start anew.
    pub fn started_anew(&self) -> &BTreeSet<&'static str> {
        &self.started_anew
    }

    /// The metrics with their true values.
    pub fn families(&self) -> Vec<Family> {
        self.deriver.families()
    }

    /// The metrics as Prometheus is shown them.
    pub fn exposition(&self) -> Vec<Family> {
        self.deriver.exposition()
    }

    /// The latest arrival applied: no process that reads the same log may tell an earlier time.
    pub fn log_time(&self) -> Timestamp {
        self.log_time
    }

    /// Adds the tenants of which it keeps something.
    pub fn add_tenants(&self, held: &mut HeldTenants) {
        let series = self.deriver.tenants().map(Name::from);
        held.with_series.extend(series);
        let sessions = self.stitcher.tenants().cloned();
        held.with_sessions.extend(sessions);
    }

    pub fn keys(&self) -> usize {
        self.stitcher.keys()
    }

    /// Roughly the bytes that its sessions and series hold in memory.
    pub fn weight(&self) -> usize {
        self.stitcher.weight() + self.deriver.weight()
    }

    /// Its metrics, to be looked at.
    pub fn deriver(&self) -> &Deriver {
        &self.deriver
    }

    /// Whether more than sessions and users is remembered: a timer may tell another key something.
    pub fn has_open_work(&self) -> bool {
        self.stitcher.has_open_work()
    }

    /// Whether it wants to be told the time now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_deadline().is_some_and(|due| due <= now)
    }

    /// When it wants to be told the time.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let series = self.deriver.next_deadline();
        self.stitcher
            .next_deadline()
            .into_iter()
            .chain(series)
            .min()
    }
}

/// Puts several messages into one part.
fn in_parts<T>(
    mut all: impl Iterator<Item = T>,
    part: impl Fn(Vec<T>) -> Part,
) -> impl Iterator<Item = Part> {
    std::iter::from_fn(move || {
        let some: Vec<T> = all.by_ref().take(MESSAGES_PER_PART).collect();
        (!some.is_empty()).then(|| part(some))
    })
}
