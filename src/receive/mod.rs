//! Receives OTLP over gRPC and HTTP, as protobuf and JSON. Hands the requests over to the ingest, within limits, and answers with the status that the OTLP
//! specification requires.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | addresses, limits and timeouts |
//! | `grpc.rs` | OTLP/gRPC: the services of all signals over raw bytes, and the health service |
//! | `http.rs` | OTLP/HTTP: `POST /v1/traces`, `/v1/logs` and `/v1/metrics` |
//! | `body.rs` | HTTP bodies, decompressed within limits |
//! | `handler.rs` | handles a request of either transport: admission, decompression, ingest, metrics and log |
//! | `admission.rs` | limits of bytes and requests in flight, timeouts of uploads, the queue |
//! | `tenant_limiter.rs` | limits of requests for each tenant |
//! | `measure.rs` | metrics of the receiver |
//! | `error.rs` | why a request is refused: reason, texts and status codes |
//! | `answer.rs` | the messages of answers: success, partial success, status |

mod admission;
mod answer;
mod body;
mod error;
mod grpc;
mod handler;
mod http;
mod measure;
mod settings;
mod tenant_limiter;

pub use admission::{Admission, AdmissionLimits};
pub use grpc::Grpc;
pub use http::Http;
pub use measure::Metrics;
pub use settings::{GrpcSettings, HttpSettings, Settings};
pub use tenant_limiter::TenantLimiter;

use crate::auth::AccessControl;
use crate::net::Server;
use std::sync::Arc;

/// What both transports are made of: the settings, and what they share.
#[derive(Clone, Debug)]
pub struct Listeners {
    pub settings: Settings,
    /// Whether requests of metrics are received: somebody takes them.
    pub takes_metrics: bool,
    /// What requests may hold at once, at all listeners together.
    pub admission: Arc<Admission>,
    /// Limits of each tenant.
    pub tenant_limiter: Arc<TenantLimiter>,
    pub grpc_server: Server,
    pub http_server: Server,
    /// Who may send requests.
    pub grpc_access: AccessControl,
    pub http_access: AccessControl,
}
