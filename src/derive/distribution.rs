//! The value of a histogram: its buckets as plain counts, with few exemplars beside them.

use super::merge::latest;
use super::units::BUCKETS_PER_EXEMPLAR;
use crate::model::metric::{Bucket, Exemplar};
use crate::model::native::Native;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Distribution {
    /// One longer than the bounds; not cumulative.
    counts: Box<[u64]>,
    /// In billionths.
    pub(super) sum: i128,
    /// In the order of their values.
    exemplars: Vec<Exemplar>,
    pub(super) native: Option<Native>,
}

impl Distribution {
    pub(super) fn new(bounds: &[f64], native: bool) -> Self {
        Self {
            counts: vec![0; bounds.len() + 1].into(),
            sum: 0,
            exemplars: Vec::new(),
            native: native.then(Native::default),
        }
    }

    /// A histogram of a snapshot. `None`: its bounds are others, and what was counted between those cannot be told apart.
    pub(super) fn of_buckets(stored: &[f64], buckets: &[Bucket], bounds: &[f64]) -> Option<Self> {
        let mut found = Self::new(bounds, false);
        if !bounds.iter().all(|bound| stored.contains(bound)) {
            return None;
        }
        let uppers = stored.iter().copied().chain([f64::INFINITY]);
        for (upper, bucket) in uppers.zip(buckets) {
            found.counts[place(upper, bounds)] += bucket.count;
            if let Some(exemplar) = bucket.exemplar {
                found.remember(exemplar, bounds);
            }
        }
        Some(found)
    }

    pub(super) fn observe(&mut self, value: f64, (nano, count): (i128, u64), bounds: &[f64]) {
        self.sum = self.sum.saturating_add(nano);
        self.counts[place(value, bounds)] += count;
        if let Some(native) = &mut self.native {
            native.observe(value, count);
        }
    }

    /// Keeps an exemplar, if it is the latest of its neighbours.
    pub(super) fn remember(&mut self, exemplar: Exemplar, bounds: &[f64]) {
        let group = |value: f64| place(value, bounds) / BUCKETS_PER_EXEMPLAR;
        let own = group(exemplar.value);
        match self
            .exemplars
            .binary_search_by_key(&own, |e| group(e.value))
        {
            Ok(known) => {
                let newer = latest(Some(self.exemplars[known]), Some(exemplar));
                self.exemplars[known] = newer.unwrap_or(exemplar);
            }
            Err(place) => self.exemplars.insert(place, exemplar),
        }
    }

    pub(super) fn join(&mut self, other: &Self, bounds: &[f64]) {
        self.sum = self.sum.saturating_add(other.sum);
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        for exemplar in &other.exemplars {
            self.remember(*exemplar, bounds);
        }
        if let (Some(native), Some(more)) = (&mut self.native, &other.native) {
            native.join(more);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Its buckets with the exemplars in their places.
    pub(super) fn buckets(&self, bounds: &[f64]) -> Vec<Bucket> {
        let bucket = |count: &u64| Bucket {
            count: *count,
            exemplar: None,
        };
        let mut buckets: Vec<Bucket> = self.counts.iter().map(bucket).collect();
        for exemplar in &self.exemplars {
            buckets[place(exemplar.value, bounds)].exemplar = Some(*exemplar);
        }
        buckets
    }

    /// Whether it has as many buckets as these bounds.
    pub(super) fn fits(&self, bounds: &[f64]) -> bool {
        self.counts.len() == bounds.len() + 1
    }

    /// Bytes behind it that grow with what it is told.
    pub(super) fn grown(&self) -> usize {
        let native = self.native.as_ref().map_or(0, Native::len);
        self.exemplars.len() * size_of::<Exemplar>() + native * size_of::<(i32, u64)>()
    }

    /// Bytes behind it from its beginning.
    pub(super) fn fixed(&self) -> usize {
        size_of::<Self>() + self.counts.len() * size_of::<u64>()
    }
}

fn place(value: f64, bounds: &[f64]) -> usize {
    bounds.partition_point(|bound| *bound < value)
}
