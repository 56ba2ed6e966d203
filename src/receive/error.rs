//! Why a request is refused: the reason for metrics, the texts for sender and operator, and the status codes of both transports.

use crate::auth::Denial;
use crate::ingest::IngestError;
use crate::model::limit::Limit;
use crate::model::outcome_report::OutcomeFault;
use std::borrow::Cow;
use tonic::Code;

/// Why a request was not taken. The text says what, whose fault, and whether to retry; it never repeats the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReceiveError {
    /// The connection ended, or broke, before the body did.
    Aborted,
    TooLarge,
    BadCompression,
    UnknownEncoding,
    UnknownType,
    /// Outcomes that are not JSON.
    UnknownOutcomeType,
    /// Not a path of OTLP.
    UnknownPath,
    /// The body did not arrive in time.
    SlowBody,
    Overloaded(Overload),
    /// Its tenant, or the number of tenants, has reached a limit.
    Tenant(TenantOverload),
    /// Its credentials are not accepted.
    Denied(Denial),
    /// The ingest did not take the request.
    Ingest(IngestError),
}

const OVERLOADED: &str = "the receiver is overloaded; nothing was accepted, retry later";

/// The limit of the admission that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overload {
    /// Bytes in flight.
    Bytes,
    /// Requests in flight: no permit became free within the queue timeout.
    Queue,
}

/// The limit that a tenant, or the number of tenants, has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TenantOverload {
    RequestRate,
    IngestionRate,
    BytesInFlight,
    /// There are as many tenants as there may be, and it is none of them.
    MaxTenants,
}

impl TenantOverload {
    pub(super) const ALL: [Self; 4] = [
        Self::RequestRate,
        Self::IngestionRate,
        Self::BytesInFlight,
        Self::MaxTenants,
    ];

    pub(super) fn reason(self) -> &'static str {
        self.texts().0
    }

    /// The reason, the text to the sender and the advice to the operator.
    fn texts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::RequestRate => (
                "tenant_request_rate",
                "the tenant sends more requests than it may (tenants.limits.request_rate); nothing was accepted, retry later",
                "let the tenant send larger batches, or raise its request_rate in tenants.overrides",
            ),
            Self::IngestionRate => (
                "tenant_ingestion_rate",
                "the tenant sends more bytes than it may (tenants.limits.ingestion_rate); nothing was accepted, retry later",
                "let the tenant send less, or raise its ingestion_rate in tenants.overrides",
            ),
            Self::BytesInFlight => (
                "tenant_bytes_in_flight",
                "the tenant has more bytes in flight than it may (tenants.limits.max_bytes_in_flight); nothing was accepted, retry later",
                "let fewer senders of the tenant export at once, or raise its max_bytes_in_flight in tenants.overrides",
            ),
            Self::MaxTenants => (
                "max_tenants",
                "the receiver has as many tenants as it may (tenants.max_tenants), and has no place for that of the request; its operator is at fault, unless the name of the tenant is wrong; nothing was accepted, retry later",
                "raise tenants.max_tenants, or name the tenant in tenants.names or tenants.overrides; if tenants have names that nobody gave them, correct the senders: those places are free metrics.expire_after later",
            ),
        }
    }
}

/// The texts of an error.
struct ErrorTexts {
    /// The label of metrics and of the log.
    reason: &'static str,
    /// To the sender.
    text: &'static str,
    /// To the operator.
    advice: &'static str,
}

impl ReceiveError {
    pub(super) const MALFORMED: Self = Self::Ingest(IngestError::Malformed);
    pub(super) const STOPPING: Self = Self::Ingest(IngestError::Stopping);

    pub(super) const ALL: [Self; 31] = [
        Self::MALFORMED,
        Self::Aborted,
        Self::TooLarge,
        Self::BadCompression,
        Self::UnknownEncoding,
        Self::UnknownType,
        Self::UnknownOutcomeType,
        Self::UnknownPath,
        Self::SlowBody,
        Self::Overloaded(Overload::Bytes),
        Self::Overloaded(Overload::Queue),
        Self::Tenant(TenantOverload::RequestRate),
        Self::Tenant(TenantOverload::IngestionRate),
        Self::Tenant(TenantOverload::BytesInFlight),
        Self::Tenant(TenantOverload::MaxTenants),
        Self::Denied(Denial::Missing),
        Self::Denied(Denial::Wrong),
        Self::Denied(Denial::Expired),
        Self::Denied(Denial::Busy),
        Self::Denied(Denial::NoKeys),
        Self::Denied(Denial::NoTenant),
        Self::Denied(Denial::InvalidTenant),
        Self::Ingest(IngestError::Full(Limit::Queue)),
        Self::Ingest(IngestError::Full(Limit::Memory)),
        Self::Ingest(IngestError::Full(Limit::Disk)),
        Self::Ingest(IngestError::Full(Limit::LogSize)),
        Self::Ingest(IngestError::Full(Limit::Spool)),
        Self::STOPPING,
        Self::Ingest(IngestError::Indeterminate),
        Self::Ingest(IngestError::TooManyItems),
        Self::Ingest(IngestError::InvalidOutcome(OutcomeFault {
            item: None,
            field: "",
            problem: "",
        })),
    ];

    fn texts(self) -> ErrorTexts {
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
            Self::UnknownOutcomeType => (
                "unknown_outcome_type",
                "outcomes are JSON: send them with the content type application/json, do not retry it unchanged",
                "set the content type of the sender to application/json",
            ),
            Self::UnknownPath => (
                "unknown_path",
                "Baton receives OTLP/HTTP at /v1/traces and /v1/logs and outcomes at /v1/outcomes, OTLP/gRPC for traces and logs, and metrics only if it forwards them; correct the endpoint of the exporter",
                "correct the endpoint of the sender; for metrics, turn its metrics exporter off, or configure a destination in exporters",
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
            Self::Tenant(overload) => overload.texts(),
            Self::Denied(denial) => (denial.reason(), denial.text(), denial.advice()),
            Self::Ingest(error) => not_taken(error),
        };
        ErrorTexts {
            reason,
            text,
            advice,
        }
    }

    pub(super) fn text(self) -> Cow<'static, str> {
        let text = self.texts().text;
        match self {
            Self::Ingest(IngestError::InvalidOutcome(fault)) => format!("{fault}; {text}").into(),
            _ => text.into(),
        }
    }

    pub(super) fn reason(self) -> &'static str {
        self.texts().reason
    }

    pub(super) fn advice(self) -> &'static str {
        self.texts().advice
    }

    pub(super) fn retryable(self) -> bool {
        match self {
            Self::SlowBody | Self::Overloaded(_) | Self::Tenant(_) => true,
            Self::Denied(denial) => denial.is_retryable(),
            Self::Ingest(
                IngestError::Malformed | IngestError::TooManyItems | IngestError::InvalidOutcome(_),
            ) => false,
            Self::Ingest(_) => true,
            _ => false,
        }
    }

    pub(super) fn code(self) -> Code {
        match self {
            Self::TooLarge | Self::Ingest(IngestError::TooManyItems) | Self::Tenant(_) => {
                Code::ResourceExhausted
            }
            Self::UnknownPath => Code::Unimplemented,
            _ if self.retryable() => Code::Unavailable,
            Self::Denied(denial) if denial.is_forbidden() => Code::PermissionDenied,
            Self::Denied(_) => Code::Unauthenticated,
            _ => Code::InvalidArgument,
        }
    }

    pub(super) fn http(self) -> u16 {
        match self {
            Self::TooLarge | Self::Ingest(IngestError::TooManyItems) => 413,
            Self::UnknownPath => 404,
            Self::Tenant(_) => 429,
            Self::UnknownEncoding | Self::UnknownType | Self::UnknownOutcomeType => 415,
            _ if self.retryable() => 503,
            Self::Denied(denial) if denial.is_forbidden() => 403,
            Self::Denied(_) => 401,
            _ => 400,
        }
    }
}

impl From<IngestError> for ReceiveError {
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
        IngestError::InvalidOutcome(_) => (
            "invalid_outcome",
            "nothing was accepted; the sender is at fault, correct it and do not retry it unchanged",
            "check the sender: docs/outcomes.md has the fields of a reported outcome",
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
        IngestError::Full(Limit::Spool) => (
            "spool_full",
            "the spool of this receiver is full, because a destination does not take its requests (spool.max_size); nothing was accepted, retry later",
            "check the destinations in exporters, raise spool.max_size, or set spool.when_full to drop_oldest",
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
