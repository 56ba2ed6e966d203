//! The messages of remote write. They are written by hand, as they are few and fixed. Field numbers are those of `io/prometheus/write/v2/types.proto`
//! (2.0) and of `types.proto` and `remote.proto` (1.0) of Prometheus.

use crate::export::scrape::protobuf::BucketSpan;
use prost::Message;

/// `io.prometheus.write.v2.Request`. All its texts are references to `symbols`, whose first one is empty.
#[derive(Clone, PartialEq, Message)]
pub struct RemoteWriteRequest {
    #[prost(string, repeated, tag = "4")]
    pub symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    pub timeseries: Vec<TimeSeries>,
}

/// One series with its points.
#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries {
    /// Names and values in turn, in the order of the names.
    #[prost(uint32, repeated, tag = "1")]
    pub labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub histograms: Vec<NativeHistogram>,
    #[prost(message, repeated, tag = "4")]
    pub exemplars: Vec<ExemplarRefs>,
    #[prost(message, optional, tag = "5")]
    pub metadata: Option<SeriesMetadata>,
}

/// `Sample` of both versions. Times are in milliseconds; 1.0 has no start.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Sample {
    #[prost(double, tag = "1")]
    pub value: f64,
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
    #[prost(int64, tag = "3")]
    pub start_timestamp: i64,
}

/// `Histogram` of both versions, with whole counts. 1.0 has no start.
#[derive(Clone, PartialEq, Message)]
pub struct NativeHistogram {
    #[prost(uint64, optional, tag = "1")]
    pub count: Option<u64>,
    #[prost(double, tag = "3")]
    pub sum: f64,
    #[prost(sint32, tag = "4")]
    pub schema: i32,
    #[prost(double, tag = "5")]
    pub zero_threshold: f64,
    #[prost(uint64, optional, tag = "6")]
    pub zero_count: Option<u64>,
    #[prost(message, repeated, tag = "8")]
    pub negative_spans: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "9")]
    pub negative_deltas: Vec<i64>,
    #[prost(message, repeated, tag = "11")]
    pub positive_spans: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "12")]
    pub positive_deltas: Vec<i64>,
    #[prost(int64, tag = "15")]
    pub timestamp: i64,
    /// The upper bounds of custom buckets, without `+Inf`.
    #[prost(double, repeated, tag = "16")]
    pub custom_values: Vec<f64>,
    #[prost(int64, tag = "17")]
    pub start_timestamp: i64,
}

/// `Exemplar` of 2.0.
#[derive(Clone, PartialEq, Message)]
pub struct ExemplarRefs {
    #[prost(uint32, repeated, tag = "1")]
    pub labels_refs: Vec<u32>,
    #[prost(double, tag = "2")]
    pub value: f64,
    #[prost(int64, tag = "3")]
    pub timestamp: i64,
}

/// `Metadata`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct SeriesMetadata {
    #[prost(int32, tag = "1")]
    pub kind: i32,
    #[prost(uint32, tag = "3")]
    pub help_ref: u32,
    #[prost(uint32, tag = "4")]
    pub unit_ref: u32,
}

/// The values of `MetricType`.
pub const COUNTER: i32 = 1;
pub const GAUGE: i32 = 2;
pub const HISTOGRAM: i32 = 3;

/// `prometheus.WriteRequest` (1.0).
#[derive(Clone, PartialEq, Message)]
pub struct LegacyRequest {
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<LegacySeries>,
}

/// `prometheus.TimeSeries`.
#[derive(Clone, PartialEq, Message)]
pub struct LegacySeries {
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<LegacyLabel>,
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub exemplars: Vec<LegacyExemplar>,
    #[prost(message, repeated, tag = "4")]
    pub histograms: Vec<NativeHistogram>,
}

/// `prometheus.Label`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct LegacyLabel {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `prometheus.Exemplar`.
#[derive(Clone, PartialEq, Message)]
pub struct LegacyExemplar {
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<LegacyLabel>,
    #[prost(double, tag = "2")]
    pub value: f64,
    #[prost(int64, tag = "3")]
    pub timestamp: i64,
}
