//! The messages of answers, as the OTLP specification requires: success, partial success, status.

use super::error::ReceiveError;
use crate::ingest::Signal;
use crate::model::reject::RejectReason;
use crate::otlp::Counts;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use std::time::Duration;

/// `google.rpc.Status`, with `RetryInfo` where a retry helps.
pub(super) fn status(error: ReceiveError, retry_after: Duration) -> RpcStatus {
    let details = error.retryable().then(|| {
        let wait = RetryInfo {
            retry_delay: Some(ProtobufDuration {
                seconds: i64::try_from(retry_after.as_secs()).unwrap_or(i64::MAX),
                nanos: i32::try_from(retry_after.subsec_nanos()).unwrap_or(0),
            }),
        };
        Any {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".into(),
            value: wait.encode_to_vec(),
        }
    });
    RpcStatus {
        code: error.code() as i32,
        message: error.text().into(),
        details: details.into_iter().collect(),
    }
}

/// The message of a partial success: how many items of which fault. Empty when all were taken.
pub(super) fn partial(counts: &Counts) -> (i64, String) {
    let rejected = i64::try_from(counts.rejects.len()).unwrap_or(i64::MAX);
    let mut parts = Vec::new();
    for reason in RejectReason::ALL {
        let count = counts.rejects.iter().filter(|r| **r == reason).count();
        if count > 0 {
            parts.push(format!("{count} {}", reason.as_str()));
        }
    }
    if parts.is_empty() {
        return (0, String::new());
    }
    let message = format!(
        "rejected: {}; the sender is at fault, do not retry them",
        parts.join(", ")
    );
    (rejected, message)
}

/// The response to a request that was taken, in protobuf.
pub(super) fn success(counts: &Counts, signal: Signal) -> Vec<u8> {
    let (rejected, message) = partial(counts);
    match signal {
        Signal::Traces => ExportTraceServiceResponse {
            partial_success: (rejected > 0).then_some(ExportTracePartialSuccess {
                rejected_spans: rejected,
                error_message: message,
            }),
        }
        .encode_to_vec(),
        Signal::Logs => ExportLogsServiceResponse {
            partial_success: (rejected > 0).then_some(ExportLogsPartialSuccess {
                rejected_log_records: rejected,
                error_message: message,
            }),
        }
        .encode_to_vec(),
        // Nothing of metrics is read, so nothing of them is rejected.
        Signal::Metrics => Vec::new(),
    }
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

impl RpcStatus {
    /// The same in protobuf's JSON.
    pub(super) fn to_json(&self) -> String {
        serde_json::json!({"code": self.code, "message": self.message}).to_string()
    }
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<ProtobufDuration>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
struct ProtobufDuration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}
