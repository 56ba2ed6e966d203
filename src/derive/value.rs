//! The value of one series.

use super::distribution::Distribution;
use super::merge::latest;
use super::units::NANO;
use crate::catalogue::Description;
use crate::model::metric::{Exemplar, FamilyKind, Histogram, Point};
use crate::model::time::Timestamp;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Accumulator {
    pub(super) start: Timestamp,
    pub(super) touched: Timestamp,
    pub(super) number: Number,
}

#[derive(Debug)]
pub(super) enum Number {
    /// Plain counts, or billionths where it adds up amounts.
    Counter(u128, Option<Exemplar>),
    Gauge(i64),
    /// Boxed, because most series are counters.
    Histogram(Box<Distribution>),
}

impl Number {
    /// Whether it is a number of this metric.
    pub(super) fn fits(&self, kind: FamilyKind, bounds: &[f64]) -> bool {
        match (self, kind) {
            (Self::Counter(..), FamilyKind::Counter) | (Self::Gauge(_), FamilyKind::Gauge) => true,
            (Self::Histogram(known), FamilyKind::Histogram) => known.fits(bounds),
            _ => false,
        }
    }

    pub(super) fn zero(kind: FamilyKind, bounds: &[f64], native: bool) -> Self {
        match kind {
            FamilyKind::Counter => Self::Counter(0, None),
            FamilyKind::Gauge => Self::Gauge(0),
            FamilyKind::Histogram => Self::Histogram(Box::new(Distribution::new(bounds, native))),
        }
    }

    /// Roughly the bytes that it holds behind it, of which some grow with what it is told.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Counter(..) | Self::Gauge(_) => 0,
            Self::Histogram(known) => known.fixed() + known.grown(),
        }
    }
}

impl Accumulator {
    /// Something new is counted or shown. Returns by how many bytes it grew.
    pub(super) fn take(
        &mut self,
        change: impl FnOnce(&mut Self) -> usize,
        now: Timestamp,
    ) -> usize {
        self.touched = self.touched.max(now);
        change(self)
    }

    pub(super) fn join(&mut self, other: Self, bounds: &[f64]) {
        self.start = self.start.min(other.start);
        self.touched = self.touched.max(other.touched);
        match (&mut self.number, other.number) {
            (Number::Counter(total, exemplar), Number::Counter(more, newer)) => {
                *total = total.saturating_add(more);
                *exemplar = latest(*exemplar, newer);
            }
            (Number::Gauge(level), Number::Gauge(more)) => *level += more,
            (Number::Histogram(known), Number::Histogram(more)) => known.join(&more, bounds),
            // A number fits its description.
            _ => debug_assert!(false, "a metric has one kind"),
        }
    }
}

impl Number {
    pub(super) fn point(&self, description: &Description, bounds: &Arc<[f64]>) -> Point {
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
            Self::Histogram(known) => Point::Histogram(Histogram {
                bounds: Arc::clone(bounds),
                buckets: known.buckets(bounds),
                sum: known.sum as f64 / NANO,
                native: known.native.clone(),
            }),
        }
    }
}
