//! The first increment of a sparse counter: Prometheus' `increase()` does not see it unless the series was 0 before.
//! So a series that appears is shown as 0 until some time after it was first scraped.

use crate::model::metric::{Bucket, Family, Point};
use crate::model::time::Timestamp;
use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

type Labels = Vec<(Cow<'static, str>, String)>;

/// Which series were scraped when first.
#[derive(Debug, Default)]
pub(super) struct FirstScrapes {
    seen: HashMap<(Cow<'static, str>, Labels), Timestamp>,
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
                let key = (family.name.clone(), series.labels.clone());
                let known = self.seen.remove(&key);
                if known.is_none_or(|first| now.since(first) < hold) {
                    zero(&mut series.point);
                }
                still.insert(key, known.unwrap_or(now));
            }
        }
        // What is left in `seen` has expired.
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
