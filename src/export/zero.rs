//! The first increment of a sparse counter: Prometheus' `increase()` does not see it unless the series was 0 before.
//! So a series that appears is shown as 0 until some time after it was first scraped.

use crate::model::metric::{Bucket, Family, Point};
use crate::model::time::Timestamp;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Which series were scraped when first.
#[derive(Debug, Default)]
pub(super) struct FirstScrapes {
    /// By a hash of the name and the labels: should two ever share one, the later of them is not held at 0.
    seen: HashMap<u64, Timestamp>,
    hasher: RandomState,
}

impl FirstScrapes {
    /// Shows new series as 0. A second Prometheus that scrapes within `hold` of the first sees the 0 as well.
    pub(super) fn apply(&mut self, families: &mut [Family], hold: Duration, now: Timestamp) {
        let mut still = HashMap::with_capacity(self.seen.len());
        for family in families {
            for series in &mut family.series {
                if matches!(series.point, Point::Gauge(_)) {
                    continue;
                }
                let key = self.hasher.hash_one((&family.name, &series.labels));
                let known = self.seen.get(&key).copied();
                if known.is_none_or(|first| now.since(first) < hold) {
                    zero(&mut series.point);
                }
                still.insert(key, known.unwrap_or(now));
            }
        }
        // Who is not among them has expired.
        self.seen = still;
    }
}

fn zero(point: &mut Point) {
    match point {
        Point::Counter { value, exemplar } => {
            *value = 0.0;
            *exemplar = None;
        }
        Point::Gauge(_) => {}
        Point::Histogram(histogram) => {
            histogram.sum = 0.0;
            histogram.buckets.fill(Bucket::default());
        }
    }
}
