//! The data points in requests of OTLP metrics.

use crate::forward::server::{Arrived, OtlpServer};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, number_data_point};
use prost::Message;
use std::collections::BTreeMap;

/// The value of a point; a histogram has that of its count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Received {
    pub start: u64,
    pub time: u64,
    pub value: f64,
}

pub fn request(arrived: &Arrived) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest::decode(arrived.body.clone()).expect("metrics")
}

pub fn metrics(request: ExportMetricsServiceRequest) -> impl Iterator<Item = Metric> {
    let resources = request.resource_metrics.into_iter();
    let scopes = resources.flat_map(|resource| resource.scope_metrics);
    scopes.flat_map(|scope| scope.metrics)
}

/// A series as `/metrics` writes it; that of a histogram is its count.
fn series(name: &str, attributes: &[KeyValue]) -> String {
    let labels = attributes.iter().map(|attribute| {
        let value = attribute.value.clone().and_then(|value| value.value);
        let Some(Value::StringValue(value)) = value else {
            panic!("{attribute:?}");
        };
        format!("{}=\"{value}\"", attribute.key)
    });
    let labels: Vec<String> = labels.collect();
    match labels.is_empty() {
        true => name.to_owned(),
        false => format!("{name}{{{}}}", labels.join(",")),
    }
}

/// The points of a metric that counts, by series.
pub fn points(metric: &Metric) -> Vec<(String, Received)> {
    let name = &*metric.name;
    match &metric.data {
        Some(Data::Sum(sum)) => {
            let points = sum.data_points.iter().map(|point| {
                let Some(number_data_point::Value::AsDouble(value)) = point.value else {
                    panic!("{point:?}");
                };
                let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
                (
                    series(name, &point.attributes),
                    Received { start, time, value },
                )
            });
            points.collect()
        }
        Some(Data::Histogram(found)) => {
            let points = found.data_points.iter().map(|point| {
                let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
                let value = point.count as f64;
                let name = format!("{name}_count");
                (
                    series(&name, &point.attributes),
                    Received { start, time, value },
                )
            });
            points.collect()
        }
        _ => Vec::new(),
    }
}

/// What a receiver has of each series, in the order of arrival.
pub fn accepted(server: &OtlpServer) -> BTreeMap<String, Vec<Received>> {
    let mut all: BTreeMap<String, Vec<Received>> = BTreeMap::new();
    let arrived = server.arrived();
    for arrived in arrived.iter().filter(|arrived| arrived.accepted) {
        for metric in metrics(request(arrived)) {
            for (series, point) in points(&metric) {
                all.entry(series).or_default().push(point);
            }
        }
    }
    all
}
