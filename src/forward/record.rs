//! A request in the spool.

use crate::client::OtlpRequest;
use crate::ingest::ExportRequest;
use crate::log::disk::messages;
use crate::model::request::{Encoding, Signal};
use crate::model::time::Timestamp;
use crate::proto::v1::{QuarantinedRequest, SpooledHeader, SpooledRequest, SpooledSignal};
use crate::spool::SpoolPayload;
use bytes::Bytes;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};

/// Bytes around a body, at most: tags, lengths, the time.
const AROUND: usize = 32;
/// The field `body` of `SpooledRequest`.
const BODY: u32 = 4;

/// A request on its way to a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutboundRequest {
    pub(super) signal: Signal,
    pub(super) encoding: Encoding,
    /// When Baton received it.
    pub(super) received: Timestamp,
    /// Those of the sender that stay with it.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    /// Baton made it.
    pub(super) is_verdict: bool,
}

/// The most that the payload of a request takes.
pub(super) fn max_size(request: &ExportRequest) -> usize {
    let header = |(name, value): &(String, String)| name.len() + value.len() + AROUND;
    let headers: usize = request.headers.iter().map(header).sum();
    request.body.len() + headers + AROUND
}

/// The payload of a request.
pub(super) fn encode(request: &ExportRequest, received: Timestamp) -> SpoolPayload {
    let outbound = OutboundRequest {
        signal: request.signal,
        encoding: request.encoding,
        received,
        headers: request.headers.clone(),
        body: request.body.clone(),
        is_verdict: false,
    };
    stored(outbound)
}

/// The payload of a request on its way: the message with its body at the end, which is not copied.
pub(super) fn stored(mut outbound: OutboundRequest) -> SpoolPayload {
    let body = std::mem::take(&mut outbound.body);
    let mut head = outbound.into_stored().encode_to_vec();
    encode_key(BODY, WireType::LengthDelimited, &mut head);
    encode_varint(body.len() as u64, &mut head);
    SpoolPayload::new(head.into(), body)
}

/// The request in a file of the quarantine.
pub(super) fn quarantined(
    request: &OutboundRequest,
    destination: &str,
    answer: &str,
    rejected: Timestamp,
) -> Vec<u8> {
    let message = QuarantinedRequest {
        destination: destination.to_owned(),
        answer: answer.to_owned(),
        rejected: rejected.0,
        request: Some(request.clone().into_stored()),
    };
    messages::packed(&message)
}

impl OutboundRequest {
    /// The request as it is sent.
    pub(super) fn otlp(&self) -> OtlpRequest<'_> {
        OtlpRequest {
            signal: self.signal,
            encoding: self.encoding,
            headers: &self.headers,
            body: &self.body,
        }
    }

    fn into_stored(self) -> SpooledRequest {
        let headers = self.headers.into_iter();
        SpooledRequest {
            signal: stored_signal(self.signal).into(),
            json: self.encoding == Encoding::Json,
            received: self.received.0,
            body: self.body,
            headers: headers
                .map(|(name, value)| SpooledHeader { name, value })
                .collect(),
            verdict: self.is_verdict,
        }
    }
}

fn stored_signal(signal: Signal) -> SpooledSignal {
    match signal {
        Signal::Traces => SpooledSignal::Traces,
        Signal::Logs => SpooledSignal::Logs,
        Signal::Metrics => SpooledSignal::Metrics,
    }
}

/// The request of a payload; `None`: it is none of this version.
pub(super) fn decode(payload: SpoolPayload) -> Option<OutboundRequest> {
    outbound(SpooledRequest::decode(payload.into_buf()).ok()?)
}

/// The request of a stored message; `None`: it is none of this version.
pub(super) fn outbound(message: SpooledRequest) -> Option<OutboundRequest> {
    let signal = match message.signal() {
        SpooledSignal::Traces => Signal::Traces,
        SpooledSignal::Logs => Signal::Logs,
        SpooledSignal::Metrics => Signal::Metrics,
        SpooledSignal::Unspecified => return None,
    };
    let encoding = if message.json {
        Encoding::Json
    } else {
        Encoding::Protobuf
    };
    let headers = message.headers.into_iter();
    Some(OutboundRequest {
        signal,
        encoding,
        received: Timestamp(message.received),
        headers: headers.map(|header| (header.name, header.value)).collect(),
        body: message.body,
        is_verdict: message.verdict,
    })
}
