//! OTLP/gRPC to one destination, over raw bytes: a message is what was received, behind the five bytes that gRPC puts before it.

use super::compress;
use super::failure::SendError;
use super::grpc_status::{refused, status};
use super::http::{HttpAnswer, HttpClient};
use super::otlp_answer::{Accepted, accepted};
use super::otlp_request::{OtlpRequest, at_path};
use super::settings::ClientSettings;
use super::target::DestinationTarget;
use crate::model::request::{Encoding, Signal};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use tonic::Code;

/// Bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// The client of one destination.
pub(super) struct OtlpGrpcClient {
    client: HttpClient,
    /// The URL of each signal.
    urls: [Uri; Signal::ALL.len()],
    gzip: bool,
}

impl OtlpGrpcClient {
    /// A client of checked settings, whose target is this.
    pub(super) fn new(settings: ClientSettings<'_>, gzip: bool, target: DestinationTarget) -> Self {
        Self {
            urls: Signal::ALL.map(|signal| url(&target.endpoint, signal)),
            client: HttpClient::over_http2(settings, target),
            gzip,
        }
    }

    pub(super) async fn send(&self, outbound: &OtlpRequest<'_>) -> Result<Accepted, SendError> {
        let mut headers = self.client.headers_beside_own(outbound.headers);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/grpc"),
        );
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        // A server may answer in the compression of the request.
        headers.insert(ACCEPT_ENCODING, GZIP);
        if self.gzip {
            headers.insert(ENCODING, GZIP);
        }
        let message = outbound.packed(self.gzip);
        let mut prefix = BytesMut::with_capacity(PREFIX);
        prefix.put_u8(self.gzip.into());
        // No request is that long.
        prefix.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
        let url = &self.urls[outbound.signal as usize];
        let prefix = prefix.freeze();
        let answer = self.client.post_behind(url, headers, prefix, message);
        self.judge(&answer.await?, outbound.signal)
    }

    fn judge(&self, answer: &HttpAnswer, signal: Signal) -> Result<Accepted, SendError> {
        let has_credentials = self.client.has_credentials();
        // Without a message, the status may be in the headers.
        let status = status(&answer.trailers).or_else(|| status(&answer.headers));
        match (status, answer.end.failure()) {
            (Some(status), _) if status.code() == Code::Ok => Ok(accepted(
                &message(answer).unwrap_or_default(),
                Encoding::Protobuf,
                signal,
            )),
            (Some(status), _) => Err(refused(&status, has_credentials)),
            // The status would have come behind what did not come.
            (None, Some(failure)) if answer.status == StatusCode::OK => Err(failure),
            // Something between answers, or there is no server of gRPC.
            _ => Err(answer.otlp_failure(has_credentials)),
        }
    }
}

/// The message of an answer; `None`: it has none, or one that cannot be read.
fn message(answer: &HttpAnswer) -> Option<Bytes> {
    let mut body = answer.body.clone();
    let is_packed = body.try_get_u8().ok()? == 1;
    let length = usize::try_from(body.try_get_u32().ok()?).ok()?;
    if body.len() < length {
        return None;
    }
    let message = body.split_to(length);
    match is_packed {
        false => Some(message),
        true => compress::gunzip(&message),
    }
}

/// Where requests of a signal go.
fn url(endpoint: &Uri, signal: Signal) -> Uri {
    let path = match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    };
    at_path(endpoint, path)
}
