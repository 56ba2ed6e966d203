//! The value of one series.

use super::catalogue::Description;
use super::merge::{self, latest};
use super::store::NANO;
use crate::model::metric::{Bucket, Exemplar, FamilyKind, Histogram, Point};
use crate::model::time::Timestamp;

#[derive(Debug)]
pub(super) struct Value {
    pub(super) start: Timestamp,
    pub(super) touched: Timestamp,
    pub(super) number: Number,
}

#[derive(Debug)]
pub(super) enum Number {
    /// Plain counts, or billionths where it adds up amounts.
    Counter(u128, Option<Exemplar>),
    Gauge(i64),
    Histogram {
        buckets: Vec<Bucket>,
        sum: i128,
    },
}

impl Number {
    /// Whether it is a number of this metric.
    pub(super) fn fits(&self, description: &Description) -> bool {
        match (self, description.kind) {
            (Self::Counter(..), FamilyKind::Counter) | (Self::Gauge(_), FamilyKind::Gauge) => true,
            (Self::Histogram { buckets, .. }, FamilyKind::Histogram) => {
                buckets.len() == description.bounds.len() + 1
            }
            _ => false,
        }
    }

    pub(super) fn zero(description: &Description) -> Self {
        match description.kind {
            FamilyKind::Counter => Self::Counter(0, None),
            FamilyKind::Gauge => Self::Gauge(0),
            FamilyKind::Histogram => Self::Histogram {
                buckets: vec![Bucket::default(); description.bounds.len() + 1],
                sum: 0,
            },
        }
    }
}

impl Value {
    /// Something new is counted or shown.
    pub(super) fn take(&mut self, change: impl FnOnce(&mut Self), now: Timestamp) {
        self.touched = self.touched.max(now);
        change(self);
    }

    pub(super) fn join(&mut self, other: Self) {
        self.start = self.start.min(other.start);
        self.touched = self.touched.max(other.touched);
        match (&mut self.number, other.number) {
            (Number::Counter(total, exemplar), Number::Counter(more, newer)) => {
                *total = total.saturating_add(more);
                *exemplar = latest(*exemplar, newer);
            }
            (Number::Gauge(level), Number::Gauge(more)) => *level += more,
            (
                Number::Histogram { buckets, sum },
                Number::Histogram {
                    buckets: more,
                    sum: other,
                },
            ) => {
                *sum = sum.saturating_add(other);
                merge::add_buckets(buckets, &more);
            }
            // A number fits its description.
            _ => debug_assert!(false, "a metric has one kind"),
        }
    }
}

impl Number {
    pub(super) fn point(&self, description: &Description) -> Point {
        match self {
            Self::Counter(total, exemplar) => Point::Counter {
                value: if description.is_amount() {
                    *total as f64 / NANO
                } else {
                    *total as f64
                },
                exemplar: *exemplar,
            },
            Self::Gauge(level) => Point::Gauge(*level as f64),
            Self::Histogram { buckets, sum } => Point::Histogram(Histogram {
                bounds: description.bounds,
                buckets: buckets.clone(),
                sum: *sum as f64 / NANO,
            }),
        }
    }
}
