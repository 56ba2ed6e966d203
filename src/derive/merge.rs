//! The families of several partitions as one.

use super::store::NANO;
use crate::model::metric::{Bucket, Exemplar, Family, Point, Series};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Nine million: below it a double holds every billionth.
const EXACT: f64 = 9e6;

type Labels = Vec<(Cow<'static, str>, String)>;

/// Adds up series of equal labels: counts and sums add, the earliest start and the latest exemplar stay.
pub fn merge(parts: Vec<Vec<Family>>) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    let mut series: Vec<BTreeMap<Labels, Series>> = Vec::new();
    for part in parts {
        for (i, mut family) in part.into_iter().enumerate() {
            let incoming = std::mem::take(&mut family.series);
            if families.len() <= i {
                families.push(family);
                series.push(BTreeMap::new());
            }
            for one in incoming {
                match series[i].get_mut(&one.labels) {
                    Some(known) => add(known, one),
                    None => {
                        series[i].insert(one.labels.clone(), one);
                    }
                }
            }
        }
    }
    for (family, series) in families.iter_mut().zip(series) {
        family.series = series.into_values().collect();
    }
    families
}

fn add(known: &mut Series, other: Series) {
    known.start = known.start.min(other.start);
    match (&mut known.point, other.point) {
        (
            Point::Counter { value, exemplar },
            Point::Counter {
                value: more,
                exemplar: newer,
            },
        ) => {
            *value = sum(*value, more);
            *exemplar = latest(*exemplar, newer);
        }
        (Point::Gauge(level), Point::Gauge(more)) => *level += more,
        (Point::Histogram(known), Point::Histogram(other)) => {
            known.sum = sum(known.sum, other.sum);
            add_buckets(&mut known.buckets, other.buckets);
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

/// Adds the counts of buckets with the same bounds.
pub(super) fn add_buckets(known: &mut [Bucket], more: Vec<Bucket>) {
    for (bucket, more) in known.iter_mut().zip(more) {
        bucket.count += more.count;
        bucket.exemplar = latest(bucket.exemplar, more.exemplar);
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
