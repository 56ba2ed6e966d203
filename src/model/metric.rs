//! Metric families with their values at one moment: the output of `derive` and the input of exporters.

use super::ids::TraceId;
use super::native::Native;
use super::time::Timestamp;
use std::borrow::Cow;
use std::sync::Arc;

/// What a label value becomes when the label has too many.
pub const OVERFLOW: &str = "_overflow";

/// One metric with all its series.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The full name as Prometheus shows it, with `_total` for counters.
    pub name: Cow<'static, str>,
    pub help: &'static str,
    pub kind: FamilyKind,
    /// `seconds`, `usd`, … as OpenMetrics wants it; empty when there is none.
    pub unit: Cow<'static, str>,
    pub series: Vec<Series>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyKind {
    Counter,
    Gauge,
    Histogram,
}

/// One label set with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// It had no new value for long. Another partition may have one, and then it is shown with all that was counted.
    pub expired: bool,
    pub labels: Vec<(Cow<'static, str>, String)>,
    pub point: Point,
    /// When the series began to count.
    pub start: Timestamp,
}

/// The value of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Point {
    Counter {
        value: f64,
        exemplar: Option<Exemplar>,
    },
    Gauge(f64),
    Histogram(Histogram),
}

impl Point {
    /// The point before anything was counted. A gauge counts nothing and stays as it is.
    #[must_use]
    pub fn zero(&self) -> Self {
        match self {
            Self::Counter { .. } => Self::Counter {
                value: 0.0,
                exemplar: None,
            },
            Self::Gauge(value) => Self::Gauge(*value),
            Self::Histogram(histogram) => Self::Histogram(Histogram {
                bounds: Arc::clone(&histogram.bounds),
                buckets: vec![Bucket::default(); histogram.buckets.len()],
                sum: 0.0,
                native: histogram.native.as_ref().map(|_| Native::default()),
            }),
        }
    }
}

/// A classic histogram; `buckets[i]` counts the values up to `bounds[i]` and above the bound before; the last one is `+Inf`.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    pub bounds: Arc<[f64]>,
    /// Not cumulative; one longer than `bounds`.
    pub buckets: Vec<Bucket>,
    pub sum: f64,
    /// The same values in exponential buckets, where Baton keeps them.
    pub native: Option<Native>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bucket {
    pub count: u64,
    pub exemplar: Option<Exemplar>,
}

/// One observed value with the trace it came from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    pub trace: TraceId,
    pub value: f64,
    /// Event time.
    pub at: Timestamp,
}
