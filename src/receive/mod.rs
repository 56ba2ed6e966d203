//! Receives OTLP over gRPC and HTTP, as protobuf and JSON. Decodes it within limits and answers with the status that the OTLP specification requires.
//!
//! | File | Content |
//! |---|---|
//! | `grpc.rs` | OTLP/gRPC: the trace and log services over raw bytes, and the health service |
//! | `http.rs` | OTLP/HTTP: `POST /v1/traces` and `/v1/logs` |
//! | `body.rs` | HTTP bodies, decompressed within limits |
//! | `door.rs` | the way of a request through both: admission, decoding, answer, metrics and log |
//! | `admission.rs` | limits of bytes and requests in flight, timeouts of uploads, the queue |
//! | `measure.rs` | metrics of the receiver |
//! | `answer.rs` | the status of each answer, and partial success |

mod admission;
mod answer;
mod body;
mod door;
mod grpc;
mod http;
mod measure;

pub use admission::{Admission, Room};
pub use grpc::Grpc;
pub use http::Http;
pub use measure::Metrics;

use crate::model::limit::Limit;
use crate::net::Server;
use crate::otlp::view::SpanSink;
use crate::otlp::{Counts, Limits, Malformed, json, protobuf};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// What the door is told.
#[derive(Clone, Debug)]
pub struct Settings {
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    pub limits: Limits,
    /// How long a sender is asked to wait before it retries.
    pub retry_after: Duration,
    /// What requests may hold at once, at all doors together.
    pub admission: Arc<Admission>,
    pub grpc_server: Server,
    pub http_server: Server,
}

/// Why a decoded request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No room now: retry.
    Overloaded,
    /// A limit of the state behind the door is reached: retry.
    Full(Limit),
    /// The process stops: retry, elsewhere or later.
    Stopping,
    /// The log failed while it was written: it may be in the log or not.
    Unsure,
    /// It can never be taken in one piece.
    TooLarge,
}

/// An offer under way; `Ok` once the items are as safe as the log promises.
pub type Taking = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>>;

/// Who takes what the door lets in.
pub trait Intake: Send + Sync + 'static {
    /// Room for what one request holds.
    fn open(&self) -> Box<dyn Offer + '_>;
}

/// What was decoded of one request. Dropped, it was never there.
pub trait Offer: SpanSink {
    /// Offers it, all or nothing.
    fn close(self: Box<Self>) -> Taking;
}

/// What kind of items a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Traces,
    Logs,
}

/// Decodes a request.
type Decode = fn(&[u8], &Limits, &mut dyn SpanSink) -> Result<Counts, Malformed>;

impl Signal {
    fn protobuf(self) -> Decode {
        match self {
            Self::Traces => protobuf::traces,
            Self::Logs => protobuf::logs,
        }
    }

    fn json(self) -> Decode {
        match self {
            Self::Traces => json::traces,
            Self::Logs => json::logs,
        }
    }
}
