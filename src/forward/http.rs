//! OTLP/HTTP to one destination: the body as it was received, protobuf or JSON.

use super::answer::{Accepted, SendError, SendFailure, accepted};
use super::record::OutboundRequest;
use super::settings::{DestinationSettings, ForwardCompression};
use super::target::DestinationTarget;
use super::{USER_AGENT, compress};
use crate::auth::Credentials;
use crate::model::request::{Encoding, Signal};
use crate::tls::TlsConnector;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::time::Duration;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
/// More of an answer is not read.
const MAX_ANSWER: usize = 64 << 10;
/// A connection that is idle for longer is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The client of one destination.
pub(super) struct HttpClient {
    client: Client<TlsConnector, Full<Bytes>>,
    /// The URL of each signal.
    urls: [Uri; Signal::ALL.len()],
    headers: HeaderMap,
    credentials: Option<Credentials>,
    compression: ForwardCompression,
}

impl HttpClient {
    /// A client of checked settings, whose target is this.
    pub(super) fn new(settings: &DestinationSettings, target: DestinationTarget) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(target.connector);
        let mut headers: HeaderMap = settings
            .headers
            .iter()
            .filter_map(|(name, value)| {
                let mut value = HeaderValue::try_from(value.0.as_str()).ok()?;
                value.set_sensitive(true);
                Some((HeaderName::try_from(name.as_str()).ok()?, value))
            })
            .collect();
        if !headers.contains_key(header::USER_AGENT) {
            headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        }
        Self {
            client,
            urls: Signal::ALL.map(|signal| url(&target.endpoint, signal)),
            headers,
            credentials: target.credentials,
            compression: settings.compression,
        }
    }

    pub(super) async fn send(&self, outbound: &OutboundRequest) -> Result<Accepted, SendError> {
        let mut request = Request::new(Full::new(self.body(outbound)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.urls[outbound.signal as usize].clone();
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        if let Some(credentials) = &self.credentials {
            headers.insert(header::AUTHORIZATION, credentials.header());
        }
        for (name, value) in &outbound.headers {
            let name = HeaderName::try_from(name.as_str()).ok();
            let value = HeaderValue::try_from(value.as_str()).ok();
            // Those of the destination come first.
            if let (Some(name), Some(value)) = (name, value)
                && !self.headers.contains_key(&name)
                && (self.credentials.is_none() || name != header::AUTHORIZATION)
            {
                headers.append(name, value);
            }
        }
        let media = match outbound.encoding {
            Encoding::Protobuf => PROTOBUF,
            Encoding::Json => JSON,
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        if self.compression == ForwardCompression::Gzip {
            let gzip = HeaderValue::from_static("gzip");
            headers.insert(header::CONTENT_ENCODING, gzip);
        }
        let answer = self.client.request(request).await;
        let (head, body) = answer.map_err(SendError::connection)?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        if head.status.is_success() {
            // It is accepted, whatever the rest of the answer is.
            let body = body.map(|body| body.to_bytes()).unwrap_or_default();
            return Ok(accepted(&body, outbound.encoding, outbound.signal));
        }
        Err(self.refused(head.status, &head.headers))
    }

    /// The OTLP specification says which answers are retried.
    fn refused(&self, status: StatusCode, headers: &HeaderMap) -> SendError {
        let reason = match status.as_u16() {
            429 => SendFailure::Throttled,
            502..=504 => SendFailure::Unavailable,
            // A token may be about to change: no request is at fault.
            401 if self.credentials.is_some() => SendFailure::Unauthenticated,
            _ => SendFailure::Rejected,
        };
        let seconds = headers.get(header::RETRY_AFTER);
        let seconds = seconds.and_then(|seconds| seconds.to_str().ok()?.trim().parse().ok());
        SendError {
            reason,
            wait: seconds.map(Duration::from_secs),
            what: format!("HTTP status {}", status.as_u16()),
        }
    }

    fn body(&self, outbound: &OutboundRequest) -> Bytes {
        match self.compression {
            ForwardCompression::None => outbound.body.clone(),
            ForwardCompression::Gzip => compress::gzip(&outbound.body),
        }
    }
}

/// Where requests of a signal go.
fn url(endpoint: &Uri, signal: Signal) -> Uri {
    let mut parts = endpoint.clone().into_parts();
    let path = format!(
        "{}/v1/{}",
        endpoint.path().trim_end_matches('/'),
        signal.as_str()
    );
    parts.path_and_query = path.parse().ok();
    Uri::from_parts(parts).unwrap_or_else(|_| endpoint.clone())
}
