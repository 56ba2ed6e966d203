//! The keys of `receivers.otlp`.

use super::AdmissionLimits;
use crate::auth::ServerAuthSettings;
use crate::net::Address;
use crate::otlp::Limits;
use crate::setting::{Amount, Count, Interval, Report, Size, Validate, key_path};
use crate::tls::ServerTlsSettings;
use axum::http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// Headers that belong to a connection, beside those of bodies and of gRPC.
const OWN_HEADERS: [&str; 6] = [
    "connection",
    "host",
    "keep-alive",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// OTLP over gRPC and HTTP: the section `receivers.otlp`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// OTLP/gRPC.
    pub grpc: GrpcSettings,
    /// OTLP/HTTP, protobuf and JSON.
    pub http: HttpSettings,
    /// Maximum size of a request on the wire.
    #[serde(with = "Size")]
    pub max_request_bytes: usize,
    /// Maximum size of a request after decompression.
    #[serde(with = "Size")]
    pub max_decompressed_bytes: usize,
    /// Maximum number of attributes, events or links of a span. A span with more is rejected.
    #[serde(with = "Count")]
    pub max_attributes: usize,
    /// Maximum nesting depth of an attribute value. A span with a deeper value is rejected.
    #[serde(with = "Count")]
    pub max_depth: usize,
    /// Maximum number of requests that are decoded and appended at the same time. Further requests wait in a queue once their body has arrived.
    #[serde(with = "Count")]
    pub max_requests_in_flight: usize,
    /// Maximum time that a request waits in that queue. After it, the request is refused with a retryable status.
    #[serde(with = "Interval")]
    pub queue_timeout: Duration,
    /// Maximum number of bytes in flight, after decompression, from the first byte of a request to its answer. Above it, stalled uploads are cut; if that does not free enough, requests are refused with a retryable status. A size, or a percentage of the memory limit, which is never less than max_decompressed_bytes.
    pub max_bytes_in_flight: Amount,
    /// Maximum time in which the body of a request must arrive. A slower upload is cut and refused with a retryable status.
    #[serde(with = "Interval")]
    pub body_timeout: Duration,
    /// Maximum time without a byte while the body of a request arrives.
    #[serde(with = "Interval")]
    pub body_idle_timeout: Duration,
    /// Headers of requests that stay with them when they are forwarded, for example `x-scope-orgid`. They are stored in the spool.
    pub forward_headers: Vec<String>,
    /// How long senders are asked to wait before they retry a refused request.
    #[serde(with = "Interval")]
    pub retry_after: Duration,
}

/// The section `receivers.otlp.grpc`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrpcSettings {
    /// Address to listen on. Port 0 selects a free port, which is logged.
    #[serde(with = "Address")]
    pub endpoint: SocketAddr,
    /// Maximum number of open connections. At the limit, the longest idle connection is closed, and new connections wait. Reduced at start if the limit of open files is too low.
    #[serde(with = "Count")]
    pub max_connections: usize,
    /// TLS of this listener. Without it, the listener has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ServerTlsSettings>,
    /// Who may send requests to this listener. Without it, everyone who reaches it, unless tls.client_ca_file is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<ServerAuthSettings>,
}

/// The section `receivers.otlp.http`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// Address to listen on. Port 0 selects a free port, which is logged.
    #[serde(with = "Address")]
    pub endpoint: SocketAddr,
    /// Maximum number of open connections. At the limit, the longest idle connection is closed, and new connections wait. Reduced at start if the limit of open files is too low.
    #[serde(with = "Count")]
    pub max_connections: usize,
    /// TLS of this listener. Without it, the listener has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ServerTlsSettings>,
    /// Who may send requests to this listener. Without it, everyone who reaches it, unless tls.client_ca_file is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<ServerAuthSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            grpc: GrpcSettings::default(),
            http: HttpSettings::default(),
            max_request_bytes: limits.max_request_bytes,
            max_decompressed_bytes: limits.max_decompressed_bytes,
            max_attributes: limits.max_attributes,
            max_depth: limits.max_depth,
            max_requests_in_flight: 128,
            queue_timeout: Duration::from_secs(5),
            max_bytes_in_flight: Amount::Percent(10),
            body_timeout: Duration::from_secs(60),
            body_idle_timeout: Duration::from_secs(10),
            forward_headers: Vec::new(),
            retry_after: Duration::from_secs(5),
        }
    }
}

impl Default for GrpcSettings {
    fn default() -> Self {
        Self {
            endpoint: SocketAddr::from(([127, 0, 0, 1], 4317)),
            max_connections: 2048,
            tls: None,
            auth: None,
        }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            endpoint: SocketAddr::from(([127, 0, 0, 1], 4318)),
            max_connections: 2048,
            tls: None,
            auth: None,
        }
    }
}

impl Settings {
    /// The limits of one request.
    pub fn limits(&self) -> Limits {
        Limits {
            max_request_bytes: self.max_request_bytes,
            max_decompressed_bytes: self.max_decompressed_bytes,
            max_attributes: self.max_attributes,
            max_depth: self.max_depth,
        }
    }

    /// What requests may hold at once under a memory limit.
    pub fn admission_limits(&self, memory: u64) -> AdmissionLimits {
        AdmissionLimits {
            max_requests: self.max_requests_in_flight,
            max_bytes: self.bytes_in_flight(memory),
            body_timeout: self.body_timeout,
            body_idle_timeout: self.body_idle_timeout,
            queue_timeout: self.queue_timeout,
        }
    }

    /// Bytes of requests in flight under a memory limit. The largest request must be accepted in a small container too.
    pub fn bytes_in_flight(&self, memory: u64) -> usize {
        let bytes = self.max_bytes_in_flight.of(memory);
        bytes.max(self.max_decompressed_bytes)
    }
}

impl Validate for Settings {
    fn validate(&self, report: &mut Report<'_>) {
        for (listener, tls) in [("grpc.tls", &self.grpc.tls), ("http.tls", &self.http.tls)] {
            if let Some(tls) = tls {
                tls.validate(&mut report.below(listener));
            }
        }
        for (listener, auth) in [
            ("grpc.auth", &self.grpc.auth),
            ("http.auth", &self.http.auth),
        ] {
            if let Some(auth) = auth {
                auth.validate(&mut report.below(listener));
            }
        }
        report.not_longer(
            ("body_idle_timeout", self.body_idle_timeout),
            ("body_timeout", self.body_timeout),
        );
        for (place, name) in self.forward_headers.iter().enumerate() {
            let lower = name.to_ascii_lowercase();
            let is_own = OWN_HEADERS.contains(&&*lower)
                || ["content-", "grpc-"]
                    .iter()
                    .any(|own| lower.starts_with(own))
                || lower.ends_with("-bin");
            let key = key_path("forward_headers", place);
            if HeaderName::try_from(name.as_str()).is_err() {
                report.fault(&key, "is no name of a header");
            } else if is_own {
                report.fault(&key, "is a header that cannot be forwarded");
            }
        }
        let decompressed = ("max_decompressed_bytes", self.max_decompressed_bytes);
        report.not_more(("max_request_bytes", self.max_request_bytes), decompressed);
        // The largest request would never be accepted. What a share is in bytes, only the machine knows.
        if let Amount::Bytes(bytes) = self.max_bytes_in_flight {
            report.not_more(decompressed, ("max_bytes_in_flight", bytes));
        }
    }
}
