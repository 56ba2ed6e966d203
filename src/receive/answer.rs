//! Answers to export requests: status codes as the OTLP specification requires, and partial success.

use crate::ingest::{IngestError, Signal};
use crate::model::limit::Limit;
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
use tonic::Code;

/// Why a request was not taken. The text says what, whose fault, and whether to retry; it never repeats the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The connection ended, or broke, before the body did.
    Aborted,
    TooLarge,
    BadCompression,
    UnknownEncoding,
    UnknownType,
    /// Not a path of OTLP.
    UnknownPath,
    /// The body did not arrive in time.
    SlowBody,
    Overloaded(Overload),
    /// The ingest did not take the request.
    Ingest(IngestError),
}

const OVERLOADED: &str = "the receiver is overloaded; nothing was accepted, retry later";

/// What is full at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overload {
    /// Bytes of requests in flight.
    Bytes,
    /// Places for requests: none became free while it waited.
    Queue,
}

/// What is said of a fault: to the operator, and to the sender.
struct Words {
    /// The label of metrics and of the log.
    reason: &'static str,
    /// To the sender.
    text: &'static str,
    /// To the operator.
    advice: &'static str,
}

impl Fault {
    pub(super) const MALFORMED: Self = Self::Ingest(IngestError::Malformed);
    pub(super) const STOPPING: Self = Self::Ingest(IngestError::Stopping);

    pub(super) const ALL: [Self; 17] = [
        Self::MALFORMED,
        Self::Aborted,
        Self::TooLarge,
        Self::BadCompression,
        Self::UnknownEncoding,
        Self::UnknownType,
        Self::UnknownPath,
        Self::SlowBody,
        Self::Overloaded(Overload::Bytes),
        Self::Overloaded(Overload::Queue),
        Self::Ingest(IngestError::Full(Limit::Queue)),
        Self::Ingest(IngestError::Full(Limit::Memory)),
        Self::Ingest(IngestError::Full(Limit::Disk)),
        Self::Ingest(IngestError::Full(Limit::LogSize)),
        Self::STOPPING,
        Self::Ingest(IngestError::Indeterminate),
        Self::Ingest(IngestError::TooManyItems),
    ];

    fn words(self) -> Words {
        let (reason, text, advice) = match self {
            Self::Aborted => (
                "aborted",
                "the connection ended before the request body was complete; nothing was accepted, send the request again",
                "check the sender, and proxies between it and Baton, for timeouts and restarts",
            ),
            Self::TooLarge => (
                "too_large",
                "the request is larger than the limit of this receiver; send smaller batches, do not retry this one",
                "send smaller batches, or raise receivers.otlp.max_request_bytes and max_decompressed_bytes",
            ),
            Self::BadCompression => (
                "bad_compression",
                "the request body cannot be decompressed; the sender is at fault, do not retry",
                "check the compression that the sender, or a proxy between it and Baton, declares",
            ),
            Self::UnknownEncoding => (
                "unknown_encoding",
                "the content encoding is not supported; use gzip, zstd or none, do not retry it unchanged",
                "set the compression of the sender to gzip, zstd or none",
            ),
            Self::UnknownType => (
                "unknown_type",
                "the content type is not supported; use application/x-protobuf or application/json, do not retry it unchanged",
                "set the protocol of the sender to http/protobuf or http/json",
            ),
            Self::UnknownPath => (
                "unknown_path",
                "Baton receives OTLP/HTTP at /v1/traces and /v1/logs only, and no metrics; correct the endpoint of the exporter",
                "correct the endpoint of the sender, or turn its metrics exporter off",
            ),
            Self::SlowBody => (
                "slow_body",
                "the request body did not arrive in time; nothing was accepted, retry later",
                "check the network of the sender, or raise receivers.otlp.body_timeout and body_idle_timeout",
            ),
            Self::Overloaded(Overload::Bytes) => (
                "bytes_in_flight",
                OVERLOADED,
                "raise receivers.otlp.max_bytes_in_flight, or let fewer senders export at once",
            ),
            Self::Overloaded(Overload::Queue) => (
                "queue_timeout",
                OVERLOADED,
                "give Baton more cores or a faster disk, or raise receivers.otlp.queue_timeout",
            ),
            Self::Ingest(error) => not_taken(error),
        };
        Words {
            reason,
            text,
            advice,
        }
    }

    pub(super) fn text(self) -> &'static str {
        self.words().text
    }

    pub(super) fn reason(self) -> &'static str {
        self.words().reason
    }

    pub(super) fn advice(self) -> &'static str {
        self.words().advice
    }

    pub(super) fn retryable(self) -> bool {
        match self {
            Self::SlowBody | Self::Overloaded(_) => true,
            Self::Ingest(IngestError::Malformed | IngestError::TooManyItems) => false,
            Self::Ingest(_) => true,
            _ => false,
        }
    }

    pub(super) fn code(self) -> Code {
        match self {
            Self::TooLarge | Self::Ingest(IngestError::TooManyItems) => Code::ResourceExhausted,
            Self::UnknownPath => Code::Unimplemented,
            _ if self.retryable() => Code::Unavailable,
            _ => Code::InvalidArgument,
        }
    }

    pub(super) fn http(self) -> u16 {
        match self {
            Self::TooLarge | Self::Ingest(IngestError::TooManyItems) => 413,
            Self::UnknownPath => 404,
            Self::UnknownEncoding | Self::UnknownType => 415,
            _ if self.retryable() => 503,
            _ => 400,
        }
    }

    /// `google.rpc.Status`, with `RetryInfo` where a retry helps.
    pub(super) fn status(self, retry_after: Duration) -> RpcStatus {
        let details = self.retryable().then(|| {
            let wait = RetryInfo {
                retry_delay: Some(Wait {
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
            code: self.code() as i32,
            message: self.text().into(),
            details: details.into_iter().collect(),
        }
    }
}

impl From<IngestError> for Fault {
    fn from(error: IngestError) -> Self {
        Self::Ingest(error)
    }
}

/// The reason, the text to the sender and the advice to the operator where the ingest took nothing.
fn not_taken(error: IngestError) -> (&'static str, &'static str, &'static str) {
    match error {
        IngestError::Malformed => (
            "malformed",
            "the request is not a valid OTLP export request; the sender is at fault, do not retry",
            "check that the sender exports OTLP to this port: gRPC and HTTP have different ports",
        ),
        IngestError::Full(Limit::Queue) => (
            "event_queue_full",
            "too many events are waiting in this receiver (engine.queue_events); nothing was accepted, retry later",
            "give Baton more cores, or raise engine.queue_events",
        ),
        IngestError::Full(Limit::Memory) => (
            "memory_full",
            "the sessions of this receiver have reached their memory limit (engine.soft_state_size); nothing was accepted, retry later",
            "give Baton more memory, or lower stitch.idle_timeout",
        ),
        IngestError::Full(Limit::Disk) => (
            "disk_full",
            "the disk of this receiver is nearly full; nothing was accepted, retry later",
            "free space on the volume of state.directory",
        ),
        IngestError::Full(Limit::LogSize) => (
            "log_full",
            "the log of this receiver has reached its maximum size (state.max_log_size); nothing was accepted, retry later",
            "raise state.max_log_size, or check why snapshots fail: baton_snapshots_total",
        ),
        IngestError::Stopping => (
            "stopping",
            "the receiver is stopping; nothing was accepted, retry later or on another receiver",
            "no action is needed: senders retry, and lose nothing if Baton starts again in time",
        ),
        IngestError::Indeterminate => (
            "log_failed",
            "the log of this receiver failed, and it is unknown whether the request was accepted; send it to this receiver again, which detects duplicates",
            "check the disk of state.directory",
        ),
        IngestError::TooManyItems => (
            "too_many_items",
            "the request contains more items than engine.queue_events allows; send smaller batches, do not retry this one",
            "send smaller batches, or raise engine.queue_events",
        ),
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
    retry_delay: Option<Wait>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
struct Wait {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}
