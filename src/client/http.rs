//! HTTP to one destination.

use super::USER_AGENT;
use super::failure::SendError;
use super::settings::ClientSettings;
use super::target::DestinationTarget;
use crate::auth::Credentials;
use crate::tls::TlsConnector;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::time::Duration;

/// More of an answer is not read.
const MAX_ANSWER: usize = 64 << 10;
/// A connection that is idle for longer is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The client of one destination. It has its headers and its credentials.
#[derive(Debug)]
pub struct HttpClient {
    client: Client<TlsConnector, Full<Bytes>>,
    headers: HeaderMap,
    credentials: Option<Credentials>,
}

/// An answer with any status.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its beginning; empty where the rest of the answer did not come.
    pub body: Bytes,
}

impl HttpClient {
    /// A client of checked settings, whose target this is.
    pub fn new(settings: ClientSettings<'_>, target: DestinationTarget) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(target.connector);
        let mut headers = settings.header_map();
        if !headers.contains_key(header::USER_AGENT) {
            headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        }
        Self {
            client,
            headers,
            credentials: target.credentials,
        }
    }

    /// Whether it shows credentials that follow their files.
    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Whether the operator or `auth` sets a header.
    pub(super) fn sets(&self, name: &HeaderName) -> bool {
        self.headers.contains_key(name)
            || self.credentials.is_some() && name == header::AUTHORIZATION
    }

    /// Sends a body. `headers` are those of the protocol.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post(
        &self,
        url: &Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<HttpAnswer, SendError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.clone();
        let all = request.headers_mut();
        all.clone_from(&self.headers);
        if let Some(credentials) = &self.credentials {
            all.insert(header::AUTHORIZATION, credentials.header());
        }
        all.extend(headers);
        let answer = self.client.request(request).await;
        let (head, body) = answer.map_err(SendError::connection)?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        Ok(HttpAnswer {
            status: head.status,
            headers: head.headers,
            body: body.map(|body| body.to_bytes()).unwrap_or_default(),
        })
    }
}
