//! Metric families as OTLP metrics with cumulative temporality.

use crate::model::metric::{self, Family, FamilyKind, Point, Series};
use crate::model::native::{BucketCounts, Native, ZERO_THRESHOLD};
use crate::model::time::Timestamp;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge,
    Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum, exemplar, number_data_point,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How histograms are sent. The names are those of `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum HistogramAggregation {
    ExplicitBucketHistogram,
    Base2ExponentialBucketHistogram,
}

/// The families that have series, as they are at this time.
pub(super) fn metrics(
    families: &[Family],
    at: Timestamp,
    aggregation: HistogramAggregation,
) -> Vec<Metric> {
    let shown = families.iter().filter(|family| !family.series.is_empty());
    shown
        .map(|family| metric(family, at, aggregation))
        .collect()
}

/// The name stays as Prometheus has it, `_total` and unit included, as the OpenTelemetry specification wants it of metrics of Prometheus. A
/// receiver that adds suffixes finds them there.
fn metric(family: &Family, at: Timestamp, aggregation: HistogramAggregation) -> Metric {
    Metric {
        name: family.name.clone().into_owned(),
        description: family.help.to_owned(),
        unit: unit(&family.unit),
        metadata: Vec::new(),
        data: Some(data(family, at, aggregation)),
    }
}

/// The unit in UCUM. Money has none there, so that its currency is an annotation, which receivers do not add to names.
fn unit(unit: &str) -> String {
    match unit {
        "" => String::new(),
        "seconds" => "s".to_owned(),
        "bytes" => "By".to_owned(),
        "ratio" => "1".to_owned(),
        currency => format!("{{{}}}", currency.to_ascii_uppercase()),
    }
}

fn data(family: &Family, at: Timestamp, aggregation: HistogramAggregation) -> Data {
    let series = || family.series.iter();
    let cumulative = AggregationTemporality::Cumulative.into();
    match family.kind {
        FamilyKind::Counter => Data::Sum(Sum {
            data_points: series().filter_map(|one| number(one, at)).collect(),
            aggregation_temporality: cumulative,
            is_monotonic: true,
        }),
        FamilyKind::Gauge => Data::Gauge(Gauge {
            data_points: series().filter_map(|one| number(one, at)).collect(),
        }),
        FamilyKind::Histogram => {
            let exponential = aggregation == HistogramAggregation::Base2ExponentialBucketHistogram;
            match exponential && series().all(|one| native(one).is_some()) {
                true => Data::ExponentialHistogram(ExponentialHistogram {
                    data_points: series().filter_map(|one| by_exponent(one, at)).collect(),
                    aggregation_temporality: cumulative,
                }),
                false => Data::Histogram(Histogram {
                    data_points: series().filter_map(|one| by_bounds(one, at)).collect(),
                    aggregation_temporality: cumulative,
                }),
            }
        }
    }
}

fn number(series: &Series, at: Timestamp) -> Option<NumberDataPoint> {
    let (value, exemplar, start) = match &series.point {
        Point::Counter { value, exemplar } => (*value, exemplar.as_ref(), start(series, at)),
        // A level has no beginning.
        Point::Gauge(value) => (*value, None, 0),
        Point::Histogram(_) => return None,
    };
    Some(NumberDataPoint {
        attributes: attributes(series),
        start_time_unix_nano: start,
        time_unix_nano: at.0,
        exemplars: exemplar.into_iter().map(self::exemplar).collect(),
        flags: 0,
        value: Some(number_data_point::Value::AsDouble(value)),
    })
}

fn by_bounds(series: &Series, at: Timestamp) -> Option<HistogramDataPoint> {
    let Point::Histogram(found) = &series.point else {
        return None;
    };
    let bucket_counts: Vec<u64> = found.buckets.iter().map(|bucket| bucket.count).collect();
    Some(HistogramDataPoint {
        attributes: attributes(series),
        start_time_unix_nano: start(series, at),
        time_unix_nano: at.0,
        count: bucket_counts.iter().sum(),
        sum: Some(found.sum),
        bucket_counts,
        explicit_bounds: found.bounds.to_vec(),
        exemplars: exemplars(found),
        flags: 0,
        min: None,
        max: None,
    })
}

fn by_exponent(series: &Series, at: Timestamp) -> Option<ExponentialHistogramDataPoint> {
    let Point::Histogram(found) = &series.point else {
        return None;
    };
    let native = native(series)?;
    Some(ExponentialHistogramDataPoint {
        attributes: attributes(series),
        start_time_unix_nano: start(series, at),
        time_unix_nano: at.0,
        count: native.count(),
        sum: Some(found.sum),
        scale: native.schema,
        zero_count: native.zero,
        positive: Some(buckets(&native.positive)),
        negative: Some(buckets(&native.negative)),
        flags: 0,
        exemplars: exemplars(found),
        min: None,
        max: None,
        zero_threshold: ZERO_THRESHOLD,
    })
}

fn native(series: &Series) -> Option<&Native> {
    match &series.point {
        Point::Histogram(found) => found.native.as_ref(),
        _ => None,
    }
}

/// Bucket `i` of Prometheus ends where that of OTLP begins: its number there is one less.
fn buckets(counts: &BucketCounts) -> Buckets {
    let Some((first, _)) = counts.first() else {
        return Buckets::default();
    };
    let mut bucket_counts = Vec::new();
    for (bucket, count) in counts {
        let place = usize::try_from(bucket - first).unwrap_or(0);
        bucket_counts.resize(place, 0);
        bucket_counts.push(*count);
    }
    Buckets {
        offset: first - 1,
        bucket_counts,
    }
}

/// When a series began to count. Log time may be a little ahead of the time of the points.
fn start(series: &Series, at: Timestamp) -> u64 {
    series.start.min(at).0
}

fn attributes(series: &Series) -> Vec<KeyValue> {
    let labels = series.labels.iter();
    let attributes = labels.map(|(name, value)| attribute(name, value));
    attributes.collect()
}

/// An attribute with a text.
pub(super) fn attribute(name: &str, value: &str) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

fn exemplars(histogram: &metric::Histogram) -> Vec<Exemplar> {
    let found = histogram.buckets.iter();
    let found = found.filter_map(|bucket| bucket.exemplar.as_ref());
    found.map(exemplar).collect()
}

fn exemplar(exemplar: &metric::Exemplar) -> Exemplar {
    Exemplar {
        filtered_attributes: Vec::new(),
        time_unix_nano: exemplar.at.0,
        span_id: Vec::new(),
        trace_id: exemplar.trace.as_bytes().to_vec(),
        value: Some(exemplar::Value::AsDouble(exemplar.value)),
    }
}
