//! What a receiver answered.

use crate::client::SendError;
use http::{HeaderMap, StatusCode};

/// The headers in which a receiver of 2.0 says what it has written. Exemplars are no points: a receiver may store none.
const WRITTEN: [&str; 2] = [
    "x-prometheus-remote-write-samples-written",
    "x-prometheus-remote-write-histograms-written",
];
const WRITTEN_EXEMPLARS: &str = "x-prometheus-remote-write-exemplars-written";

/// The answer to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReceiverAnswer {
    /// Points that it has written; `None`: it does not say.
    pub(super) written: Option<u64>,
    /// `None`: it accepted the request.
    pub(super) error: Option<SendError>,
    /// It does not know the message (HTTP 415).
    pub(super) is_unknown_message: bool,
    /// It does not take some of the points (HTTP 400).
    is_partial: bool,
}

impl ReceiverAnswer {
    /// Reads an answer. `has_credentials`: Baton shows credentials that follow their files.
    pub(super) fn read(headers: &HeaderMap, status: StatusCode, has_credentials: bool) -> Self {
        let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let told = WRITTEN.into_iter().filter_map(number);
        let tells = WRITTEN.into_iter().chain([WRITTEN_EXEMPLARS]);
        let tells = tells.filter_map(number).next().is_some();
        let retried = |status| (500..600).contains(&status);
        let failure = || SendError::status(status, headers, has_credentials, retried);
        Self {
            written: tells.then(|| told.fold(0, u64::saturating_add)),
            error: (!status.is_success()).then(failure),
            is_partial: status == StatusCode::BAD_REQUEST,
            is_unknown_message: status == StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// Whether the receiver may have stored some of the points, by what it says or, where it says nothing, by what the protocol allows.
    pub(super) fn may_have_stored(&self) -> bool {
        match self.written {
            Some(written) => written > 0,
            None => self.error.is_none() || self.is_partial,
        }
    }

    /// Whether the answer to a request of 2.0 says that the receiver knows 1.0 only. It has stored nothing then, whatever the status is.
    pub(super) fn knows_only_legacy(&self) -> bool {
        self.is_unknown_message || self.error.is_none() && self.written.is_none()
    }
}
