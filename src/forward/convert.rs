//! OTLP/JSON as protobuf, for destinations that know no JSON. Fields that OTLP 1.x does not have are lost.

use crate::model::request::Signal;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde::de::DeserializeOwned;

/// The request in protobuf; `None`: it is no request of its signal.
pub(super) fn protobuf(body: &[u8], signal: Signal) -> Option<Bytes> {
    match signal {
        Signal::Traces => converted::<ExportTraceServiceRequest>(body),
        Signal::Logs => converted::<ExportLogsServiceRequest>(body),
        Signal::Metrics => converted::<ExportMetricsServiceRequest>(body),
    }
}

fn converted<M: Message + DeserializeOwned>(body: &[u8]) -> Option<Bytes> {
    let request: M = serde_json::from_slice(body).ok()?;
    Some(request.encode_to_vec().into())
}
