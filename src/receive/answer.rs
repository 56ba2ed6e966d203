//! Answers to export requests: status codes as the OTLP specification requires, and partial success.

use super::{Counts, Refusal, Signal};
use crate::model::limit::Limit;
use crate::model::reject::RejectReason;
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
    Malformed,
    TooLarge,
    BadCompression,
    UnknownEncoding,
    UnknownType,
    Refused(Refusal),
}

impl Fault {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Malformed => {
                "the request is not a valid OTLP export request; the sender is at fault, do not retry"
            }
            Self::TooLarge => {
                "the request is larger than the limit of this receiver; send smaller batches, do not retry this one"
            }
            Self::BadCompression => {
                "the request body cannot be decompressed; the sender is at fault, do not retry"
            }
            Self::UnknownEncoding => {
                "the content encoding is not supported; use gzip, zstd or none, do not retry as it is"
            }
            Self::UnknownType => {
                "the content type is not supported; use application/x-protobuf or application/json, do not retry as it is"
            }
            Self::Refused(Refusal::Overloaded) => {
                "the receiver is overloaded; nothing was taken, retry later"
            }
            Self::Refused(Refusal::Full(limit)) => full(limit),
            Self::Refused(Refusal::Stopping) => {
                "the receiver is stopping; nothing was taken, retry elsewhere or later"
            }
            Self::Refused(Refusal::Unsure) => {
                "the log of this receiver failed, and whether the request was taken is not known; send it to this receiver again, which tells duplicates"
            }
            Self::Refused(Refusal::TooLarge) => {
                "the request holds more items than the log of this receiver; send smaller batches, do not retry this one"
            }
        }
    }

    pub(super) fn retryable(self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal != Refusal::TooLarge)
    }

    pub(super) fn code(self) -> Code {
        match self {
            Self::TooLarge | Self::Refused(Refusal::TooLarge) => Code::ResourceExhausted,
            Self::Refused(_) => Code::Unavailable,
            _ => Code::InvalidArgument,
        }
    }

    pub(super) fn http(self) -> u16 {
        match self {
            Self::Malformed | Self::BadCompression => 400,
            Self::TooLarge | Self::Refused(Refusal::TooLarge) => 413,
            Self::UnknownEncoding | Self::UnknownType => 415,
            Self::Refused(_) => 503,
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

/// Which limit is reached. Numbers and directories are told to operators only: in the log and by `/readyz`.
fn full(limit: Limit) -> &'static str {
    match limit {
        Limit::Queue => {
            "too many events wait in this receiver (engine.queue_events); nothing was taken, retry later"
        }
        Limit::Memory => {
            "the sessions of this receiver take all the memory they may (engine.soft_state_size); nothing was taken, retry later"
        }
        Limit::Disk => "the disk of this receiver is nearly full; nothing was taken, retry later",
        Limit::LogSize => {
            "the log of this receiver has its greatest size (state.max_log_size); nothing was taken, retry later"
        }
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
