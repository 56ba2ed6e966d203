//! Metrics as OTLP: what is sent, and what is remembered of it.

mod changes;
mod encode;
mod store;

use super::checkpoint::Checkpoint;
use super::encode::{HistogramAggregation, metrics};
use crate::model::metric::{Bucket, Family, FamilyKind, Histogram, Point, Series};
use crate::model::native::Native;
use crate::model::time::Timestamp;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
};

/// A second, in nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// A family with series by the value of their label.
fn family(
    name: &'static str,
    kind: FamilyKind,
    series: impl IntoIterator<Item = (&'static str, Point, u64)>,
) -> Family {
    let series = series.into_iter().map(|(label, point, start)| Series {
        expired: false,
        labels: vec![("k".into(), label.to_owned())],
        point,
        start: Timestamp(start * SECOND),
    });
    Family {
        name: name.into(),
        help: "Things.",
        kind,
        unit: "".into(),
        series: series.collect(),
    }
}

/// A counter with series by the value of their label, each with its value and the second of its start.
fn counter(series: &[(&'static str, f64, u64)]) -> Family {
    let series = series.iter().map(|(label, value, start)| {
        let point = Point::Counter {
            value: *value,
            exemplar: None,
        };
        (*label, point, *start)
    });
    family("x_total", FamilyKind::Counter, series)
}

/// A histogram of these values with one bound, 1.
fn histogram(values: &[f64]) -> Histogram {
    let mut native = Native::default();
    values.iter().for_each(|value| native.observe(*value, 1));
    let below = values.iter().filter(|value| **value <= 1.0).count() as u64;
    let counts = [below, values.len() as u64 - below];
    Histogram {
        bounds: [1.0].into(),
        buckets: counts
            .map(|count| Bucket {
                count,
                exemplar: None,
            })
            .to_vec(),
        sum: values.iter().sum(),
        native: Some(native),
    }
}

/// What these families are at a second.
fn checkpoint(families: &[Family], second: u64, aggregation: HistogramAggregation) -> Checkpoint {
    let at = Timestamp(second * SECOND);
    Checkpoint {
        at,
        metrics: metrics(families, at, aggregation),
    }
}

fn numbers(metric: &Metric) -> &[NumberDataPoint] {
    match &metric.data {
        Some(Data::Sum(sum)) => &sum.data_points,
        Some(Data::Gauge(gauge)) => &gauge.data_points,
        other => panic!("{other:?}"),
    }
}

fn by_bounds(metric: &Metric) -> &[HistogramDataPoint] {
    match &metric.data {
        Some(Data::Histogram(found)) => &found.data_points,
        other => panic!("{other:?}"),
    }
}

fn by_exponent(metric: &Metric) -> &[ExponentialHistogramDataPoint] {
    match &metric.data {
        Some(Data::ExponentialHistogram(found)) => &found.data_points,
        other => panic!("{other:?}"),
    }
}

fn value(point: &NumberDataPoint) -> f64 {
    match point.value {
        Some(Value::AsDouble(value)) => value,
        other => panic!("{other:?}"),
    }
}
