//! The status of an answer over gRPC, as the protocol writes it into headers or trailers.

use super::failure::{SendError, SendFailure};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use prost::Message;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::pb;

const STATUS: &str = "grpc-status";
const DETAILS: &str = "grpc-status-details-bin";
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// Binary headers are base64 with or without padding, as the sender likes.
const BINARY: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The status in headers or trailers; `None`: there is none. One that cannot be read is [`Code::Unknown`].
pub(super) fn status(headers: &HeaderMap) -> Option<Status> {
    let code = headers.get(STATUS)?.to_str().ok();
    let code = code.and_then(|code| code.parse().ok());
    let details = headers.get(DETAILS);
    let details = details.and_then(|text| BINARY.decode(text.as_bytes()).ok());
    Some(Status::with_details(
        code.map_or(Code::Unknown, Code::from_i32),
        "",
        details.unwrap_or_default().into(),
    ))
}

/// The failure of a status that is not OK. The OTLP specification says which ones are retried. RESOURCE_EXHAUSTED is, also without a time to
/// wait. `has_credentials`: those may be about to change, and no request is at fault.
pub(super) fn refused(status: &Status, has_credentials: bool) -> SendError {
    let reason = match status.code() {
        Code::ResourceExhausted => SendFailure::Throttled,
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => SendFailure::Unavailable,
        Code::Unauthenticated if has_credentials => SendFailure::Unauthenticated,
        _ => SendFailure::Rejected,
    };
    SendError {
        reason,
        wait: wait(status.details()),
        what: format!("gRPC status {:?}", status.code()),
    }
}

/// How long `RetryInfo` asks to wait. Its conversion in `tonic-types` overflows with some durations.
fn wait(details: &[u8]) -> Option<Duration> {
    let status = pb::Status::decode(details).ok()?;
    let mut details = status.details.iter();
    let asked = details.find(|detail| detail.type_url == RETRY_INFO)?;
    let delay = pb::RetryInfo::decode(&*asked.value).ok()?.retry_delay?;
    let (seconds, nanos) = (delay.seconds.try_into().ok()?, delay.nanos.try_into().ok()?);
    Duration::from_secs(seconds).checked_add(Duration::from_nanos(nanos))
}
