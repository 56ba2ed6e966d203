//! Why a request was not accepted, and whether it is sent again.

use crate::tls::{TlsFault, connection_fault};
use http::{HeaderMap, StatusCode, header};
use std::time::Duration;

/// A request that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    /// Says whether a retry helps.
    pub reason: SendFailure,
    /// How long the destination asks to wait.
    pub wait: Option<Duration>,
    /// For the log of Baton. It has nothing of the request and nothing of the text of the answer, which may repeat it.
    pub what: String,
}

/// Why a request was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SendFailure {
    /// The destination was not reached, or the connection broke.
    Connection,
    /// One side does not accept the certificate of the other, or does not speak TLS.
    Tls,
    /// There was no answer in time.
    Timeout,
    /// The destination asks for fewer requests.
    Throttled,
    /// The destination asks for a retry.
    Unavailable,
    /// The destination does not accept the credentials of `auth`, which may change.
    Unauthenticated,
    /// The destination will never take this request.
    Rejected,
}

impl SendFailure {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Connection,
        Self::Tls,
        Self::Timeout,
        Self::Throttled,
        Self::Unavailable,
        Self::Unauthenticated,
        Self::Rejected,
    ];

    /// Its label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Unauthenticated => "unauthenticated",
            Self::Rejected => "rejected",
        }
    }
}

impl SendError {
    /// The destination was not reached, or the connection broke.
    pub fn connection(error: &(dyn std::error::Error + 'static)) -> Self {
        Self {
            reason: match TlsFault::of(error) {
                Some(_) => SendFailure::Tls,
                None => SendFailure::Connection,
            },
            wait: None,
            what: connection_fault(error),
        }
    }

    /// The connection broke within an answer.
    pub fn broken_off() -> Self {
        Self {
            reason: SendFailure::Connection,
            wait: None,
            what: "the connection broke within the answer".into(),
        }
    }

    /// What accepted the request is a page for people, and no receiver.
    pub fn page(status: StatusCode) -> Self {
        Self {
            reason: SendFailure::Rejected,
            wait: None,
            what: format!(
                "HTTP status {} with a page (text/html): it is no receiver of OTLP",
                status.as_u16()
            ),
        }
    }

    /// The destination gave no answer in time.
    pub fn timeout() -> Self {
        Self {
            reason: SendFailure::Timeout,
            wait: None,
            what: "no answer within the timeout".into(),
        }
    }

    /// The failure of an HTTP status for which retries are `retried`. `has_credentials`: those may be about to change, and no request is at fault.
    pub fn status(
        status: StatusCode,
        headers: &HeaderMap,
        has_credentials: bool,
        retried: impl Fn(u16) -> bool,
    ) -> Self {
        let reason = match status.as_u16() {
            429 => SendFailure::Throttled,
            status if retried(status) => SendFailure::Unavailable,
            401 if has_credentials => SendFailure::Unauthenticated,
            _ => SendFailure::Rejected,
        };
        let seconds = headers.get(header::RETRY_AFTER);
        let seconds = seconds.and_then(|seconds| seconds.to_str().ok()?.trim().parse().ok());
        Self {
            reason,
            wait: seconds.map(Duration::from_secs),
            what: format!("HTTP status {}", status.as_u16()),
        }
    }
}
