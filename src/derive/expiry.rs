//! Series expire: alone where there is one partition, else as a whole.

use super::store::Store;
use super::value::Accumulator;
use super::values::entry_weight;
use crate::catalogue::{DERIVED, Description, Metric};
use crate::model::metric::FamilyKind;
use crate::model::time::Timestamp;
use rapidhash::RapidHashSet as HashSet;
use rapidhash::v3::rapidhash_v3;

impl Store {
    /// Tells the time, without looking for what expired.
    pub(super) fn tell(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// Removes single series that had no value for long. Gauges stay. Where a series may have a part in another partition too, it
    /// only expires, and stays until no part lives: see [`Store::forget_expired`].
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        if now < self.next_expiry {
            return;
        }
        if !self.settings.shared {
            self.remove(|_, _, _| true);
        }
        let wait = self.settings.expire_after;
        let mut next = Timestamp::MAX;
        self.expired = 0;
        for (values, description) in self.metrics.iter().zip(DERIVED) {
            if description.kind == FamilyKind::Gauge {
                continue;
            }
            for value in values.series.values() {
                if value.touched + wait > now {
                    next = next.min(value.touched + wait);
                } else {
                    self.expired += 1;
                }
            }
        }
        self.next_expiry = next;
    }

    /// Removes those of these series that are still expired: no partition has a part of them that lives.
    pub(super) fn forget_expired(&mut self, dead: &HashSet<u64>, now: Timestamp) {
        self.now = self.now.max(now);
        self.remove(|store, metric, key| dead.contains(&store.id(metric, key)));
    }

    /// Removes expired series that are among those meant.
    fn remove(&mut self, meant: impl Fn(&Self, Metric, &[u8]) -> bool) {
        for description in DERIVED {
            let metric = description.metric;
            let gone = |(_, (key, value)): &(usize, (&Vec<u8>, &Accumulator))| {
                self.is_expired(description, value) && meant(self, metric, key)
            };
            let series = self.metrics[metric as usize].series.iter();
            let gone: Vec<usize> = series.enumerate().filter(gone).map(|(i, _)| i).collect();
            let values = &mut self.metrics[metric as usize];
            // From the end: what takes the place of one that goes was looked at.
            for place in gone.iter().rev() {
                if let Some((key, value)) = values.series.swap_remove_index(*place) {
                    let labels = values.known.forget(&key);
                    self.weight -= entry_weight(&key, &value.number) + labels;
                }
            }
            self.expired = self.expired.saturating_sub(gone.len());
            if !gone.is_empty() {
                self.rows.forget();
            }
        }
    }

    pub(super) fn is_expired(&self, description: &Description, value: &Accumulator) -> bool {
        description.kind != FamilyKind::Gauge
            && value.touched + self.settings.expire_after <= self.now
    }

    /// The series that are expired, and those that are not, each by a number that is the same in all partitions.
    pub(super) fn lives(&self) -> impl Iterator<Item = (u64, bool)> + '_ {
        DERIVED.iter().flat_map(move |description| {
            let values = &self.metrics[description.metric as usize];
            values.series.iter().map(move |(key, value)| {
                let lives = !self.is_expired(description, value);
                (self.id(description.metric, key), lives)
            })
        })
    }

    /// Whether any series is expired.
    pub(super) fn has_expired(&self) -> bool {
        self.expired > 0
    }

    /// A number for a label set of a metric.
    fn id(&self, metric: Metric, key: &[u8]) -> u64 {
        let name = rapidhash_v3(DERIVED[metric as usize].name.as_bytes());
        rapidhash_v3(key).wrapping_add(name.rotate_left(1))
    }

    /// When a series may expire next.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        (self.next_expiry < Timestamp::MAX).then_some(self.next_expiry)
    }
}
