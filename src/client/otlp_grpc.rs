//! OTLP/gRPC to one destination, over raw bytes.

use super::USER_AGENT;
use super::failure::{SendError, SendFailure};
use super::otlp_answer::{Accepted, accepted};
use super::otlp_request::OtlpRequest;
use super::settings::ClientSettings;
use super::target::DestinationTarget;
use crate::auth::Credentials;
use crate::model::request::{Encoding, Signal};
use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use std::time::Duration;
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;

const AUTHORIZATION: &str = "authorization";
/// How often a connection with requests in flight is checked, and how long the peer has to answer.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// The client of one destination.
pub(super) struct OtlpGrpcClient {
    channel: Channel,
    headers: MetadataMap,
    credentials: Option<Credentials>,
    gzip: bool,
}

impl OtlpGrpcClient {
    /// A client of checked settings, whose target is this. Call it inside a tokio runtime.
    pub(super) fn new(settings: ClientSettings<'_>, gzip: bool, target: DestinationTarget) -> Self {
        let endpoint = Endpoint::from(target.endpoint)
            .connect_timeout(settings.timeout)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .user_agent(USER_AGENT);
        let Ok(endpoint) = endpoint else {
            unreachable!("the user agent is the value of a header");
        };
        let mut headers = MetadataMap::new();
        for (name, value) in settings.headers {
            let name = name.to_ascii_lowercase().parse::<AsciiMetadataKey>();
            let value = AsciiMetadataValue::try_from(value.0.as_str());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.insert(name, value);
            }
        }
        Self {
            channel: endpoint.connect_with_connector_lazy(target.connector),
            headers,
            credentials: target.credentials,
            gzip,
        }
    }

    pub(super) async fn send(&self, outbound: &OtlpRequest<'_>) -> Result<Accepted, SendError> {
        // A server may answer in the compression of the request.
        let mut client =
            Grpc::new(self.channel.clone()).accept_compressed(CompressionEncoding::Gzip);
        if self.gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        client
            .ready()
            .await
            .map_err(|error| SendError::connection(&error))?;
        let mut request = tonic::Request::new(outbound.body.clone());
        let headers = request.metadata_mut();
        headers.clone_from(&self.headers);
        if let Some(credentials) = &self.credentials
            && let Ok(value) = AsciiMetadataValue::try_from(credentials.header().as_bytes())
        {
            headers.insert(AUTHORIZATION, value);
        }
        for (name, value) in outbound.headers {
            let name = name.to_ascii_lowercase().parse::<AsciiMetadataKey>().ok();
            let value = AsciiMetadataValue::try_from(value.as_str()).ok();
            // Those of the destination come first.
            if let (Some(name), Some(value)) = (name, value)
                && !self.headers.contains_key(&name)
                && (self.credentials.is_none() || name != AUTHORIZATION)
            {
                headers.append(name, value);
            }
        }
        let answer = client.unary(request, path(outbound.signal), RawCodec).await;
        let answer = answer.map_err(|status| self.refused(&status))?.into_inner();
        Ok(accepted(&answer, Encoding::Protobuf, outbound.signal))
    }

    /// The OTLP specification says which statuses are retried. RESOURCE_EXHAUSTED is, also without a time to wait.
    fn refused(&self, status: &Status) -> SendError {
        if std::error::Error::source(status).is_some() {
            // No status of the destination: the connection broke.
            return SendError::connection(status);
        }
        let reason = match status.code() {
            Code::ResourceExhausted => SendFailure::Throttled,
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss => SendFailure::Unavailable,
            // A token may be about to change: no request is at fault.
            Code::Unauthenticated if self.credentials.is_some() => SendFailure::Unauthenticated,
            _ => SendFailure::Rejected,
        };
        let asked = status.get_details_retry_info();
        SendError {
            reason,
            wait: asked.and_then(|asked| asked.retry_delay),
            what: format!("gRPC status {:?}", status.code()),
        }
    }
}

fn path(signal: Signal) -> PathAndQuery {
    PathAndQuery::from_static(match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    })
}

/// Messages as the bytes that they are.
#[derive(Clone, Copy, Debug, Default)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length)))
    }
}
