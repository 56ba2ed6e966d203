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

/// More of an answer of a destination says nothing.
const MAX_ANSWER: usize = 64 << 10;
/// A connection that is idle for longer is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The client of one destination. It has its headers and its credentials.
#[derive(Debug)]
pub struct HttpClient {
    client: Client<TlsConnector, Full<Bytes>>,
    headers: HeaderMap,
    credentials: Option<Credentials>,
    /// More of an answer is not read.
    max_answer: usize,
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
            max_answer: MAX_ANSWER,
        }
    }

    /// The same with longer answers.
    #[must_use]
    pub fn with_answers_of(mut self, bytes: usize) -> Self {
        self.max_answer = bytes;
        self
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

    /// Asks for what is at a URL.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, url: &Uri) -> Result<HttpAnswer, SendError> {
        self.request(Method::GET, url, HeaderMap::new(), Bytes::new())
            .await
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
        self.request(Method::POST, url, headers, body).await
    }

    async fn request(
        &self,
        method: Method,
        url: &Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<HttpAnswer, SendError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = url.clone();
        let all = request.headers_mut();
        all.clone_from(&self.headers);
        if let Some(credentials) = &self.credentials {
            all.insert(header::AUTHORIZATION, credentials.header());
        }
        all.extend(headers);
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|error| SendError::connection(&error))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, self.max_answer).collect().await;
        Ok(HttpAnswer {
            status: head.status,
            headers: head.headers,
            body: body.map(|body| body.to_bytes()).unwrap_or_default(),
        })
    }
}
