//! The metrics of a listener.

use crate::catalogue::InternalMetric;
use crate::telemetry::{counter, gauge};
use metrics::{Counter, Gauge};

/// Why Baton closed a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseReason {
    /// No whole request head arrived in time.
    HeaderTimeout,
    /// No request was in flight for too long.
    IdleTimeout,
    /// Requests were in flight, and none began or ended for too long.
    RequestTimeout,
    /// The peer did not answer a PING.
    KeepaliveTimeout,
    /// It was idle, or had not sent a request yet, and another one needed its place.
    Limit,
    /// Its requests were uploading slowest, and another one needed its place.
    SlowUpload,
    /// Its peer read its answers slowest, and another one needed its place.
    UnreadAnswer,
    /// Its peer speaks no TLS, broke off, or has no certificate that is accepted.
    TlsHandshake,
}

impl CloseReason {
    const ALL: [Self; 8] = [
        Self::HeaderTimeout,
        Self::IdleTimeout,
        Self::RequestTimeout,
        Self::KeepaliveTimeout,
        Self::Limit,
        Self::SlowUpload,
        Self::UnreadAnswer,
        Self::TlsHandshake,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::HeaderTimeout => "header_timeout",
            Self::IdleTimeout => "idle_timeout",
            Self::RequestTimeout => "request_timeout",
            Self::KeepaliveTimeout => "keepalive_timeout",
            Self::Limit => "connection_limit",
            Self::SlowUpload => "slow_upload",
            Self::UnreadAnswer => "unread_answer",
            Self::TlsHandshake => "tls_handshake",
        }
    }
}

/// The metrics of one listener.
#[derive(Debug)]
pub(super) struct ListenerMetrics {
    pub(super) open: Gauge,
    pub(super) accepted: Counter,
    pub(super) at_limit: Counter,
    pub(super) accept_errors: Counter,
    closed: [Counter; CloseReason::ALL.len()],
}

impl ListenerMetrics {
    /// Registers with the recorder in whose scope it is called.
    pub(super) fn new(listener: &'static str) -> Self {
        Self {
            open: gauge(InternalMetric::Connections, &[listener]),
            accepted: counter(InternalMetric::ConnectionsAccepted, &[listener]),
            at_limit: counter(InternalMetric::ConnectionLimitReached, &[listener]),
            accept_errors: counter(InternalMetric::ConnectionAcceptErrors, &[listener]),
            closed: CloseReason::ALL.map(|reason| {
                counter(
                    InternalMetric::ConnectionsClosed,
                    &[listener, reason.as_str()],
                )
            }),
        }
    }

    pub(super) fn closed(&self, reason: CloseReason) {
        self.closed[reason as usize].increment(1);
    }
}
