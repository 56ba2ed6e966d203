//! Receives OTLP over gRPC and HTTP, as protobuf and JSON. Decodes it within limits and answers with the status that the OTLP specification requires.
//!
//! | File | Content |
//! |---|---|
//! | `grpc.rs` | OTLP/gRPC: the trace and log services over raw bytes, and the health service |
//! | `http.rs` | OTLP/HTTP: `POST /v1/traces` and `/v1/logs` |
//! | `body.rs` | HTTP bodies, decompressed within limits |
//! | `budget.rs` | limits of requests and bytes in flight |
//! | `answer.rs` | the status of each answer, and partial success |
//! | `wire.rs, fields.rs` | the protobuf decoder, which borrows from the request |
//! | `json.rs` | the OTLP/JSON decoder |
//! | `pieces.rs` | passes on decoded spans a few at a time |
//! | `names.rs` | attribute names and texts that repeat, predicted from the one before |
//! | `limits.rs` | limits of requests and of single spans |

mod answer;
mod body;
mod budget;
mod fields;
mod grpc;
mod http;
pub mod json;
mod limits;
mod names;
mod pieces;
pub mod recognise;
pub mod wire;

#[cfg(test)]
mod wire_tests;

pub use budget::Budget;
pub use grpc::Grpc;
pub use http::Http;
pub use limits::{Limits, Malformed};
pub use pieces::Counts;

use crate::model::limit::Limit;
use crate::model::otlp::Take;
use crate::model::reject::RejectReason;
use budget::Held;
use limits::{check_times, complete_log};
use metrics::{Counter, counter, describe_counter};
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
    /// What requests under way may take, at all doors together.
    pub budget: Arc<Budget>,
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
pub trait Offer: Take {
    /// Offers it, all or nothing.
    fn close(self: Box<Self>) -> Taking;
}

/// What the door counts.
#[derive(Debug)]
pub struct Metrics {
    spans: Counter,
    log_records: Counter,
    rejected: Vec<Counter>,
    bytes: Counter,
    requests_ok: Counter,
    requests_refused: Counter,
    requests_malformed: Counter,
}

impl Metrics {
    /// Registers with the recorder in whose scope it is called.
    pub fn new() -> Self {
        describe_counter!(
            "baton_receiver_requests_total",
            "Export requests, by result: ok, refused (to be retried) or malformed (not to be retried)."
        );
        describe_counter!("baton_receiver_spans_total", "Spans taken.");
        describe_counter!("baton_receiver_log_records_total", "Log records taken.");
        describe_counter!(
            "baton_receiver_rejected_total",
            "Spans and log records rejected alone, by reason."
        );
        describe_counter!(
            "baton_receiver_bytes_total",
            "Bytes of request bodies after decompression."
        );
        let requests = |result| counter!("baton_receiver_requests_total", "result" => result);
        Self {
            spans: counter!("baton_receiver_spans_total"),
            log_records: counter!("baton_receiver_log_records_total"),
            rejected: RejectReason::ALL
                .iter()
                .map(
                    |reason| counter!("baton_receiver_rejected_total", "reason" => reason.as_str()),
                )
                .collect(),
            bytes: counter!("baton_receiver_bytes_total"),
            requests_ok: requests("ok"),
            requests_refused: requests("refused"),
            requests_malformed: requests("malformed"),
        }
    }

    fn taken(&self, counts: &Counts) {
        self.requests_ok.increment(1);
        self.spans.increment(counts.spans);
        self.log_records.increment(counts.log_records);
        for reason in &counts.rejects {
            let place = RejectReason::ALL.iter().position(|known| known == reason);
            if let Some(counter) = place.and_then(|i| self.rejected.get(i)) {
                counter.increment(1);
            }
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// What kind of items a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Traces,
    Logs,
}

/// Decodes a request.
type Decode = fn(&[u8], &Limits, &mut dyn Take) -> Result<Counts, Malformed>;

impl Signal {
    fn protobuf(self) -> Decode {
        match self {
            Self::Traces => wire::traces,
            Self::Logs => wire::logs,
        }
    }

    fn json(self) -> Decode {
        match self {
            Self::Traces => json::traces,
            Self::Logs => json::logs,
        }
    }
}

/// A place for one request until it is answered.
fn admit(budget: &Arc<Budget>, metrics: &Metrics) -> Result<Arc<Held>, answer::Fault> {
    let place = budget.admit().map(Arc::new);
    place.ok_or_else(|| overloaded(metrics))
}

/// There is no room for the request.
fn overloaded(metrics: &Metrics) -> answer::Fault {
    metrics.requests_refused.increment(1);
    answer::Fault::Refused(Refusal::Overloaded)
}

/// The rest of the way of a decoded request, for both transports.
async fn take(
    decoded: Result<(Taking, Counts), Malformed>,
    metrics: &Metrics,
) -> Result<Counts, answer::Fault> {
    let Ok((taking, counts)) = decoded else {
        metrics.requests_malformed.increment(1);
        return Err(answer::Fault::Malformed);
    };
    match taking.await {
        Ok(()) => {
            metrics.taken(&counts);
            Ok(counts)
        }
        Err(refusal) => {
            metrics.requests_refused.increment(1);
            Err(answer::Fault::Refused(refusal))
        }
    }
}

/// Decodes a body and offers it; synchronous, since what is decoded borrows the body.
fn offer(
    decode: Decode,
    body: &[u8],
    limits: &Limits,
    intake: &dyn Intake,
) -> Result<(Taking, Counts), Malformed> {
    let mut offer = intake.open();
    let counts = decode(body, limits, &mut *offer)?;
    Ok((offer.close(), counts))
}
