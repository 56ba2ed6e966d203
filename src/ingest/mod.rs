//! Ingest: the way of an OTLP export request from its bytes to the log.
//!
//! ```text
//! ExportRequest ─► decode (otlp) ─► normalise ─► route ─► log.append ─► Counts, or IngestError
//! ```
//!
//! Receivers know [`Ingest`] alone: they hand over the bytes of a request and learn what became of it. They know neither decoders nor dialects.
//!
//! | File | Content |
//! |---|---|
//! | `pipeline.rs` | the ingest of a running process |
//! | `appender.rs` | appends the events of a request to the log, within the limit of memory |
//! | `route.rs` | the partition key of each event, and how a trace learns its session |
//! | `recording.rs` | the same for a recording: frames in the order of event time, without a log |
//! | `tenant_registry.rs` | which tenants have a place |
//! | `tenant_stamp.rs` | gives the events of a request the tenant of its sender |
//! | `scratch_pool.rs` | the scratches of the normaliser that no request uses |
//! | `span_counters.rs` | the metric of accepted spans, by dialect |

mod appender;
mod pipeline;
mod recording;
mod route;
mod scratch_pool;
mod span_counters;
mod tenant_registry;
mod tenant_stamp;

#[cfg(test)]
mod tests;

pub use crate::model::request::{Encoding, Signal};
pub use appender::Appender;
pub use pipeline::Pipeline;
pub use recording::{RecordedEvents, Recording};
pub use tenant_registry::{TenantEvidence, TenantRegistry};

use crate::log::LogError;
use crate::model::Name;
use crate::model::limit::Limit;
use crate::model::outcome_report::OutcomeFault;
use crate::otlp::view::SpanSink;
use crate::otlp::{Counts, Limits, Malformed, json, protobuf};
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;

/// Takes in export requests: all of a request that can be decoded, or nothing of it.
pub trait Ingest: Send + Sync + 'static {
    /// Submits a request. It is decoded before this returns; the future ends when the log has taken it or refused it.
    fn submit(&self, request: ExportRequest) -> SubmitFuture;

    /// Submits a request with reported outcomes, in JSON: all of them or none.
    fn submit_outcomes(&self, request: OutcomeRequest) -> ReportFuture;
}

/// One request with reported outcomes, decompressed.
#[derive(Clone, Debug)]
pub struct OutcomeRequest {
    /// Whose it is, where its sender was authenticated as a tenant.
    pub tenant: Option<Name>,
    pub body: Bytes,
}

/// A request with outcomes under way. `Ok`: so many of them are as durable as the log promises.
pub type ReportFuture = Pin<Box<dyn Future<Output = Result<u64, IngestError>> + Send>>;

/// A request under way. `Ok`: its events are as durable as the log promises. Dropping it does not take the request back.
pub type SubmitFuture = Pin<Box<dyn Future<Output = Result<Counts, IngestError>> + Send>>;

/// One OTLP export request as it was received, decompressed.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    pub signal: Signal,
    pub encoding: Encoding,
    /// Whose it is, where its sender was authenticated as a tenant. No attribute says otherwise.
    pub tenant: Option<Name>,
    /// The headers that stay with the request when it is forwarded.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// Why nothing of a request was taken, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IngestError {
    /// It cannot be decoded: sending it again does not help.
    Malformed,
    /// An item of a request with outcomes is none: sending it again does not help.
    InvalidOutcome(OutcomeFault),
    /// It has more events than the log can ever take at once: sending it again does not help.
    TooManyItems,
    /// A limit is reached: the sender should retry.
    Full(Limit),
    /// The process is stopping: the sender should retry, elsewhere or later.
    Stopping,
    /// The log failed while it was written. The outcome is not known: the sender should retry, and what was taken counts once.
    Indeterminate,
}

impl From<LogError> for IngestError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Full(limit) => Self::Full(limit),
            LogError::TooLarge => Self::TooManyItems,
            LogError::Closed => Self::Stopping,
            _ => Self::Indeterminate,
        }
    }
}

impl From<Malformed> for IngestError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl ExportRequest {
    /// Decodes the request into a sink. Metrics are not read.
    ///
    /// # Errors
    /// When it is not a request of its signal and encoding: what the sink was given does not count.
    pub fn decode(&self, limits: &Limits, sink: &mut dyn SpanSink) -> Result<Counts, Malformed> {
        let decode = match (self.signal, self.encoding) {
            (Signal::Traces, Encoding::Protobuf) => protobuf::traces,
            (Signal::Logs, Encoding::Protobuf) => protobuf::logs,
            (Signal::Traces, Encoding::Json) => json::traces,
            (Signal::Logs, Encoding::Json) => json::logs,
            (Signal::Metrics, _) => return Ok(Counts::default()),
        };
        decode(&self.body, limits, sink)
    }
}
