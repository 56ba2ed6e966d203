//! What a receiver of OTLP answered that accepts a request, in part or as a whole.

use crate::model::request::{Encoding, Signal};
use prost::Message;

/// A request that was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Items that the destination rejected of it.
    pub rejected: u64,
    /// The status came and the rest of the answer did not, so nobody knows what the destination rejected.
    pub is_untold: bool,
}

impl Accepted {
    /// One whose answer broke off after its status.
    pub(super) fn untold() -> Self {
        Self {
            rejected: 0,
            is_untold: true,
        }
    }

    /// What was rejected, in words; `None`: nothing. What the destination says about it is left out, because that may quote the request.
    pub fn partial(self, signal: Signal) -> Option<String> {
        let items = match signal {
            Signal::Traces => "spans",
            Signal::Logs => "log records",
            Signal::Metrics => "data points",
        };
        (self.rejected > 0).then(|| format!("partial success, {} {items} rejected", self.rejected))
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
pub fn accepted(body: &[u8], encoding: Encoding, signal: Signal) -> Accepted {
    let rejected = match encoding {
        Encoding::Protobuf => {
            let answer = ExportAnswer::decode(body).ok();
            answer.and_then(|answer| answer.partial_success?.rejected.try_into().ok())
        }
        Encoding::Json => rejected_of_json(body, signal),
    };
    Accepted {
        rejected: rejected.unwrap_or(0),
        is_untold: false,
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
