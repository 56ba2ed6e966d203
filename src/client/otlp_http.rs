//! OTLP/HTTP to one destination: protobuf or JSON.

use super::failure::SendError;
use super::http::{AnswerEnd, HttpClient};
use super::otlp_answer::{Accepted, accepted};
use super::otlp_request::{OtlpRequest, at_path};
use super::settings::ClientSettings;
use super::target::DestinationTarget;
use crate::model::request::{Encoding, Signal};
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
        let body = outbound.packed(self.gzip);
        let answer = self.client.post(url, headers, body).await?;
        if !answer.status.is_success() {
            return Err(answer.otlp_failure(self.client.has_credentials()));
        }
        if is_page(&answer.headers) {
            return Err(SendError::page(answer.status));
        }
        // It is accepted, whatever becomes of the rest of the answer.
        Ok(match answer.end {
            AnswerEnd::Whole => accepted(&answer.body, outbound.encoding, outbound.signal),
            AnswerEnd::BrokenOff | AnswerEnd::Late => Accepted::untold(),
        })
    }
}

/// A login page, for example, instead of a receiver of OTLP.
fn is_page(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE);
    media.is_some_and(|media| media.as_bytes().starts_with(b"text/html"))
}

/// Where requests of a signal go.
fn url(endpoint: &Uri, signal: Signal) -> Uri {
    let base = endpoint.path().trim_end_matches('/');
    at_path(endpoint, &format!("{base}/v1/{}", signal.as_str()))
}
