//! What a destination answered: accepted, accepted in part, to be sent again, or rejected permanently.

use crate::model::request::{Encoding, Signal};
use prost::Message;
use std::time::Duration;

/// A request that was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Items that the destination rejected of it.
    pub(super) rejected: u64,
}

/// A request that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SendError {
    pub(super) reason: SendFailure,
    /// How long the destination asks to wait.
    pub(super) wait: Option<Duration>,
    /// For the log of Baton. It has nothing of the request and nothing of the text of the answer, which may repeat it.
    pub(super) what: String,
}

/// Why a request was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SendFailure {
    /// The destination was not reached, or the connection broke.
    Connection,
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
    pub(super) const ALL: [Self; 6] = [
        Self::Connection,
        Self::Timeout,
        Self::Throttled,
        Self::Unavailable,
        Self::Unauthenticated,
        Self::Rejected,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Unauthenticated => "unauthenticated",
            Self::Rejected => "rejected",
        }
    }
}

impl SendError {
    pub(super) fn connection(error: impl std::error::Error) -> Self {
        // The causes say more than the error.
        let mut what = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            what = format!("{what}: {next}");
            cause = next.source();
        }
        Self {
            reason: SendFailure::Connection,
            wait: None,
            what,
        }
    }

    pub(super) fn timeout() -> Self {
        Self {
            reason: SendFailure::Timeout,
            wait: None,
            what: "no answer within the timeout".into(),
        }
    }
}

/// `Export…ServiceResponse`, which has the same form for every signal.
#[derive(Clone, PartialEq, Message)]
struct ExportAnswer {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

/// `Export…PartialSuccess`.
#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
}

/// The answer of a destination that accepts. One that cannot be read says nothing of rejected items.
pub(super) fn accepted(body: &[u8], encoding: Encoding, signal: Signal) -> Accepted {
    let rejected = match encoding {
        Encoding::Protobuf => {
            let answer = ExportAnswer::decode(body).ok();
            answer.and_then(|answer| answer.partial_success?.rejected.try_into().ok())
        }
        Encoding::Json => rejected_of_json(body, signal),
    };
    Accepted {
        rejected: rejected.unwrap_or(0),
    }
}

fn rejected_of_json(body: &[u8], signal: Signal) -> Option<u64> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let field = match signal {
        Signal::Traces => "rejectedSpans",
        Signal::Logs => "rejectedLogRecords",
        Signal::Metrics => "rejectedDataPoints",
    };
    let rejected = &answer["partialSuccess"][field];
    // Protobuf's JSON has 64-bit numbers as texts.
    let text = rejected.as_str().and_then(|text| text.parse().ok());
    text.or_else(|| rejected.as_u64())
}
