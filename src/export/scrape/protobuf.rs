//! The protobuf exposition of Prometheus (`io.prometheus.client`, delimited): the only one that carries native histograms.
//! The messages are written by hand, as they are few and fixed; field numbers are those of `metrics.proto` of client_model.

use crate::model::metric::{self, Family, FamilyKind, Point, Series};
use crate::model::native::{BucketCounts, Native, ZERO_THRESHOLD};
use crate::model::time::Timestamp;
use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub struct MetricFamily {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub help: String,
    #[prost(int32, tag = "3")]
    pub kind: i32,
    #[prost(message, repeated, tag = "4")]
    pub metric: Vec<MetricMessage>,
    #[prost(string, tag = "5")]
    pub unit: String,
}

/// The values of `MetricType`.
pub const COUNTER: i32 = 0;
pub const GAUGE: i32 = 1;
pub const HISTOGRAM: i32 = 4;

#[derive(Clone, PartialEq, Message)]
pub struct MetricMessage {
    #[prost(message, repeated, tag = "1")]
    pub label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    pub gauge: Option<ValueMessage>,
    #[prost(message, optional, tag = "3")]
    pub counter: Option<CounterMessage>,
    #[prost(message, optional, tag = "7")]
    pub histogram: Option<HistogramMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub struct LabelPair {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `Gauge`. Proto2 tells 0 from nothing, so it is written.
#[derive(Clone, PartialEq, Message)]
pub struct ValueMessage {
    #[prost(double, optional, tag = "1")]
    pub value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CounterMessage {
    #[prost(double, optional, tag = "1")]
    pub value: Option<f64>,
    #[prost(message, optional, tag = "2")]
    pub exemplar: Option<ExemplarMessage>,
    #[prost(message, optional, tag = "3")]
    pub created: Option<Time>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistogramMessage {
    #[prost(uint64, optional, tag = "1")]
    pub count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    pub sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    pub bucket: Vec<BucketMessage>,
    #[prost(sint32, optional, tag = "5")]
    pub schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    pub zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    pub zero_count: Option<u64>,
    #[prost(message, repeated, tag = "9")]
    pub negative_span: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "10")]
    pub negative_delta: Vec<i64>,
    #[prost(message, repeated, tag = "12")]
    pub positive_span: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "13")]
    pub positive_delta: Vec<i64>,
    #[prost(message, optional, tag = "15")]
    pub created: Option<Time>,
}

#[derive(Clone, PartialEq, Message)]
pub struct BucketMessage {
    #[prost(uint64, optional, tag = "1")]
    pub cumulative_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    pub upper_bound: Option<f64>,
    #[prost(message, optional, tag = "3")]
    pub exemplar: Option<ExemplarMessage>,
}

/// Buckets that follow each other; `offset` is how many without a count lie before them.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct BucketSpan {
    #[prost(sint32, tag = "1")]
    pub offset: i32,
    #[prost(uint32, tag = "2")]
    pub length: u32,
}

#[derive(Clone, PartialEq, Message)]
pub struct ExemplarMessage {
    #[prost(message, repeated, tag = "1")]
    pub label: Vec<LabelPair>,
    #[prost(double, tag = "2")]
    pub value: f64,
    #[prost(message, optional, tag = "3")]
    pub timestamp: Option<Time>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Time {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// Writes all families that have series one after the other, each behind its length.
pub fn write(families: &[Family]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for family in families.iter().filter(|f| !f.series.is_empty()) {
        put(&self::family(family), &mut bytes);
    }
    bytes
}

fn put(family: &MetricFamily, bytes: &mut Vec<u8>) {
    bytes.reserve(family.encoded_len() + 10);
    // There is room, and nothing else can go wrong.
    let written = family.encode_length_delimited(bytes);
    debug_assert!(written.is_ok());
}

fn family(family: &Family) -> MetricFamily {
    MetricFamily {
        name: family.name.clone().into_owned(),
        help: family.help.to_owned(),
        kind: match family.kind {
            FamilyKind::Counter => COUNTER,
            FamilyKind::Gauge => GAUGE,
            FamilyKind::Histogram => HISTOGRAM,
        },
        metric: family.series.iter().map(metric).collect(),
        unit: family.unit.clone().into_owned(),
    }
}

fn metric(series: &Series) -> MetricMessage {
    let label = |(name, value): &(std::borrow::Cow<'static, str>, String)| LabelPair {
        name: name.clone().into_owned(),
        value: value.clone(),
    };
    let created = Some(time(series.start));
    let mut metric = MetricMessage {
        label: series.labels.iter().map(label).collect(),
        ..MetricMessage::default()
    };
    match &series.point {
        Point::Counter { value, exemplar } => {
            metric.counter = Some(CounterMessage {
                value: Some(*value),
                exemplar: exemplar.as_ref().map(self::exemplar),
                created,
            });
        }
        Point::Gauge(value) => {
            metric.gauge = Some(ValueMessage {
                value: Some(*value),
            })
        }
        Point::Histogram(found) => {
            metric.histogram = Some(HistogramMessage {
                created,
                ..histogram(found)
            });
        }
    }
    metric
}

fn histogram(found: &metric::Histogram) -> HistogramMessage {
    let uppers = found.bounds.iter().copied().chain([f64::INFINITY]);
    let mut count = 0;
    let bucket = |(upper, bucket): (f64, &metric::Bucket)| {
        count += bucket.count;
        BucketMessage {
            cumulative_count: Some(count),
            upper_bound: Some(upper),
            exemplar: bucket.exemplar.as_ref().map(exemplar),
        }
    };
    let bucket: Vec<BucketMessage> = uppers.zip(&found.buckets).map(bucket).collect();
    let classic = HistogramMessage {
        count: Some(count),
        sum: Some(found.sum),
        bucket,
        ..HistogramMessage::default()
    };
    match &found.native {
        Some(native) => with_native(classic, native),
        None => classic,
    }
}

fn with_native(classic: HistogramMessage, native: &Native) -> HistogramMessage {
    let (negative_span, negative_delta) = spans(&native.negative);
    let (mut positive_span, positive_delta) = spans(&native.positive);
    if positive_span.is_empty() && negative_span.is_empty() && native.zero == 0 {
        // An empty span says that it is a native histogram, though nothing is in it.
        positive_span.push(BucketSpan::default());
    }
    HistogramMessage {
        schema: Some(native.schema),
        zero_threshold: Some(ZERO_THRESHOLD),
        zero_count: Some(native.zero),
        negative_span,
        negative_delta,
        positive_span,
        positive_delta,
        ..classic
    }
}

/// Buckets as Prometheus wants them: runs without a gap, and each count as its difference from the one before.
pub(in crate::export) fn spans(counts: &BucketCounts) -> (Vec<BucketSpan>, Vec<i64>) {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut deltas = Vec::with_capacity(counts.len());
    let (mut next, mut last) = (0, 0);
    for (bucket, count) in counts {
        match spans.last_mut().filter(|_| *bucket == next) {
            Some(span) => span.length += 1,
            None => spans.push(BucketSpan {
                offset: *bucket - next,
                length: 1,
            }),
        }
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        deltas.push(count - last);
        (next, last) = (*bucket + 1, count);
    }
    (spans, deltas)
}

fn exemplar(exemplar: &metric::Exemplar) -> ExemplarMessage {
    ExemplarMessage {
        label: vec![LabelPair {
            name: "trace_id".to_owned(),
            value: exemplar.trace.to_string(),
        }],
        value: exemplar.value,
        timestamp: Some(time(exemplar.at)),
    }
}

fn time(at: Timestamp) -> Time {
    const NANOS: u64 = 1_000_000_000;
    Time {
        seconds: i64::try_from(at.0 / NANOS).unwrap_or(i64::MAX),
        nanos: i32::try_from(at.0 % NANOS).unwrap_or(0),
    }
}
