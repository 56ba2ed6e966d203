//! Merges the metric families of several partitions.

use super::units::{BUCKETS_PER_EXEMPLAR, NANO};
use crate::model::metric::{Bucket, Exemplar, Family, Point, Series};

/// Nine million: below it a double holds every billionth.
const EXACT: f64 = 9e6;

/// Adds up series of equal labels: counts and sums add, the earliest start and the latest exemplar stay.
pub fn merge(parts: Vec<Vec<Family>>) -> Vec<Family> {
    let mut parts = parts.into_iter();
    let mut families = parts.next().unwrap_or_default();
    for part in parts {
        // One catalogue makes all families: their places agree.
        for (family, more) in families.iter_mut().zip(part) {
            family.series.extend(more.series);
        }
    }
    for family in &mut families {
        // The series of each part are in order: the sort merges them.
        family.series.sort_by(|a, b| a.labels.cmp(&b.labels));
        family.series.dedup_by(|next, known| {
            let is_same = next.labels == known.labels;
            if is_same {
                add(known, next);
            }
            is_same
        });
        family.series.retain(|series| !series.expired);
    }
    families
}

fn add(known: &mut Series, other: &mut Series) {
    known.start = known.start.min(other.start);
    known.expired &= other.expired;
    match (&mut known.point, &mut other.point) {
        (
            Point::Counter { value, exemplar },
            Point::Counter {
                value: more,
                exemplar: newer,
            },
        ) => {
            *value = sum(*value, *more);
            *exemplar = latest(*exemplar, *newer);
        }
        (Point::Gauge(level), Point::Gauge(more)) => *level += *more,
        (Point::Histogram(known), Point::Histogram(other)) => {
            known.sum = sum(known.sum, other.sum);
            add_buckets(&mut known.buckets, &other.buckets);
            if let (Some(native), Some(more)) = (&mut known.native, &other.native) {
                native.join(more);
            }
        }
        // One catalogue makes all families: their kinds agree.
        _ => debug_assert!(false, "a family has one kind"),
    }
}

/// Parts are whole billionths, and so is their sum: how many partitions it came from does not show in its last digit.
/// Above what a double can tell apart in billionths, the digit is lost in the parts already.
fn sum(a: f64, b: f64) -> f64 {
    let sum = a + b;
    if sum < EXACT {
        (sum * NANO).round() / NANO
    } else {
        sum
    }
}

/// Adds the counts of buckets with the same bounds. Neighbours share one exemplar, as in each part: how many parts there are does not show.
fn add_buckets(known: &mut [Bucket], more: &[Bucket]) {
    for (known, more) in known
        .chunks_mut(BUCKETS_PER_EXEMPLAR)
        .zip(more.chunks(BUCKETS_PER_EXEMPLAR))
    {
        let both = known.iter().chain(more);
        let newest = both.map(|bucket| bucket.exemplar).reduce(latest).flatten();
        for (bucket, more) in known.iter_mut().zip(more) {
            bucket.count += more.count;
            let own = latest(bucket.exemplar, more.exemplar);
            bucket.exemplar = own.filter(|_| own == newest);
        }
    }
}

/// The exemplar with the latest event time; of equal ones that of the greater trace id and value, so that order does not show.
pub(super) fn latest(a: Option<Exemplar>, b: Option<Exemplar>) -> Option<Exemplar> {
    a.into_iter().chain(b).max_by(|x, y| {
        (x.at, x.trace)
            .cmp(&(y.at, y.trace))
            .then(x.value.total_cmp(&y.value))
    })
}
