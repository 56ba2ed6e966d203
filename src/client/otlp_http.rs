//! OTLP/HTTP to one destination: protobuf or JSON.

use super::compress;
use super::failure::SendError;
use super::http::HttpClient;
use super::otlp_answer::{Accepted, accepted};
use super::otlp_request::OtlpRequest;
use super::settings::ClientSettings;
use super::target::DestinationTarget;
use crate::model::request::{Encoding, Signal};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri, header};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// The client of one destination.
pub(super) struct OtlpHttpClient {
    client: HttpClient,
    /// The URL of each signal.
    urls: [Uri; Signal::ALL.len()],
    gzip: bool,
}

impl OtlpHttpClient {
    /// A client of checked settings, whose target is this.
    pub(super) fn new(settings: ClientSettings<'_>, gzip: bool, target: DestinationTarget) -> Self {
        Self {
            urls: Signal::ALL.map(|signal| url(&target.endpoint, signal)),
            client: HttpClient::new(settings, target),
            gzip,
        }
    }

    pub(super) async fn send(&self, outbound: &OtlpRequest<'_>) -> Result<Accepted, SendError> {
        let mut headers = self.client.headers_beside_own(outbound.headers);
        let media = match outbound.encoding {
            Encoding::Protobuf => PROTOBUF,
            Encoding::Json => JSON,
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        if self.gzip {
            let gzip = HeaderValue::from_static("gzip");
            headers.insert(header::CONTENT_ENCODING, gzip);
        }
        let url = &self.urls[outbound.signal as usize];
        let answer = self.client.post(url, headers, self.body(outbound)).await?;
        if answer.status.is_success() && is_page(&answer.headers) {
            return Err(SendError::page(answer.status));
        }
        if answer.status.is_success() {
            // It is accepted, whatever the rest of the answer is.
            return Ok(accepted(&answer.body, outbound.encoding, outbound.signal));
        }
        // The OTLP specification says which answers are retried.
        let retried = |status| matches!(status, 502..=504);
        let has_credentials = self.client.has_credentials();
        let (status, headers) = (answer.status, &answer.headers);
        Err(SendError::status(status, headers, has_credentials, retried))
    }

    fn body(&self, outbound: &OtlpRequest<'_>) -> Bytes {
        match self.gzip {
            false => outbound.body.clone(),
            true => compress::gzip(outbound.body),
        }
    }
}

/// A login page, for example, instead of a receiver of OTLP.
fn is_page(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE);
    media.is_some_and(|media| media.as_bytes().starts_with(b"text/html"))
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
