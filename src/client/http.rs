//! HTTP to one destination.

use super::USER_AGENT;
use super::failure::SendError;
use super::settings::ClientSettings;
use super::target::DestinationTarget;
use crate::auth::Credentials;
use crate::tls::TlsConnector;
use bytes::buf::Chain;
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::pin::pin;
use std::time::Duration;
use tokio::time::sleep;

/// More of an answer of a destination says nothing, and is not kept.
pub(super) const MAX_ANSWER: usize = 1 << 20;
/// An answer that is longer by so much is broken off.
const MAX_DISCARDED: usize = 16 << 20;
/// A connection that is idle for longer is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a connection of HTTP/2 with requests in flight is checked, and how long the peer has to answer.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// What a protocol puts before a body, and the body, without a copy.
type HttpBody = Chain<Bytes, Bytes>;

/// The client of one destination. It has its headers and its credentials.
#[derive(Debug)]
pub struct HttpClient {
    client: Client<TlsConnector, Full<HttpBody>>,
    headers: HeaderMap,
    credentials: Option<Credentials>,
    /// Of one attempt, from its first byte to the last one of its answer.
    timeout: Duration,
    /// More of an answer is not kept.
    max_answer: usize,
}

/// An answer with any status.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its beginning, or what came of it.
    pub body: Bytes,
    /// What comes after the body.
    pub trailers: HeaderMap,
    /// Whether all of it came.
    pub end: AnswerEnd,
}

/// How an answer ended, after its status and its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerEnd {
    /// All of it came.
    Whole,
    /// The connection broke, or it was too long.
    BrokenOff,
    /// The rest did not come in time.
    Late,
}

impl AnswerEnd {
    /// Why an answer cannot be read to its end; `None`: it can.
    pub(super) fn failure(self) -> Option<SendError> {
        match self {
            Self::Whole => None,
            Self::BrokenOff => Some(SendError::broken_off()),
            Self::Late => Some(SendError::timeout()),
        }
    }
}

impl HttpClient {
    /// A client of checked settings, whose target this is.
    pub fn new(settings: ClientSettings<'_>, target: DestinationTarget) -> Self {
        Self::built(builder(), settings, target)
    }

    /// The same over HTTP/2 only.
    pub(super) fn over_http2(settings: ClientSettings<'_>, target: DestinationTarget) -> Self {
        let mut builder = builder();
        builder
            .http2_only(true)
            .timer(TokioTimer::new())
            .http2_keep_alive_interval(KEEPALIVE)
            .http2_keep_alive_timeout(KEEPALIVE_TIMEOUT);
        Self::built(builder, settings, target)
    }

    fn built(builder: Builder, settings: ClientSettings<'_>, target: DestinationTarget) -> Self {
        let client = builder.build(target.connector);
        let mut headers = settings.header_map();
        if !headers.contains_key(header::USER_AGENT) {
            headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        }
        Self {
            client,
            headers,
            credentials: target.credentials,
            timeout: settings.timeout,
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

    /// Those of the headers of a request that neither the operator nor `auth` sets.
    pub(super) fn headers_beside_own(&self, headers: &[(String, String)]) -> HeaderMap {
        let mut beside = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::try_from(name.as_str()).ok();
            let value = HeaderValue::try_from(value.as_str()).ok();
            if let (Some(name), Some(value)) = (name, value)
                && !self.headers.contains_key(&name)
                && (self.credentials.is_none() || name != header::AUTHORIZATION)
            {
                beside.append(name, value);
            }
        }
        beside
    }

    /// Asks for what is at a URL.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, url: &Uri) -> Result<HttpAnswer, SendError> {
        let nothing = Bytes::new().chain(Bytes::new());
        self.request(Method::GET, url, HeaderMap::new(), nothing)
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
        self.post_behind(url, headers, Bytes::new(), body).await
    }

    /// Sends a body behind what a protocol puts before it.
    pub(super) async fn post_behind(
        &self,
        url: &Uri,
        headers: HeaderMap,
        prefix: Bytes,
        body: Bytes,
    ) -> Result<HttpAnswer, SendError> {
        let body = prefix.chain(body);
        self.request(Method::POST, url, headers, body).await
    }

    async fn request(
        &self,
        method: Method,
        url: &Uri,
        headers: HeaderMap,
        body: HttpBody,
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
        let mut late = pin!(sleep(self.timeout));
        let answer = tokio::select! {
            biased;
            answer = self.client.request(request) => answer,
            () = &mut late => return Err(SendError::timeout()),
        };
        let answer = answer.map_err(|error| SendError::connection(&error))?;
        let (head, body) = answer.into_parts();
        let mut answer = HttpAnswer {
            status: head.status,
            headers: head.headers,
            body: Bytes::new(),
            trailers: HeaderMap::new(),
            end: AnswerEnd::Late,
        };
        // The status is an answer, whatever becomes of the rest.
        tokio::select! {
            biased;
            () = answer.read(body, self.max_answer) => {}
            () = late => {}
        }
        Ok(answer)
    }
}

impl HttpAnswer {
    /// The answer, if all of it came.
    ///
    /// # Errors
    /// When its rest did not come.
    pub fn whole(self) -> Result<Self, SendError> {
        match self.end.failure() {
            None => Ok(self),
            Some(error) => Err(error),
        }
    }

    /// The failure that its status is for a request of OTLP, whose specification says which ones are retried. `has_credentials`: those may be about
    /// to change, and no request is at fault.
    pub(super) fn otlp_failure(&self, has_credentials: bool) -> SendError {
        let retried = |status| matches!(status, 502..=504);
        SendError::status(self.status, &self.headers, has_credentials, retried)
    }

    /// Reads the body, keeps so much of it, and reads on to its trailers.
    async fn read(&mut self, mut body: Incoming, max: usize) {
        let mut kept = BytesMut::new();
        let mut length: usize = 0;
        self.end = loop {
            let frame = match body.frame().await {
                None => break AnswerEnd::Whole,
                Some(Err(_)) => break AnswerEnd::BrokenOff,
                Some(Ok(frame)) => frame,
            };
            match frame.into_data() {
                Ok(data) => {
                    kept.extend_from_slice(&data[..data.len().min(max - kept.len())]);
                    length += data.len();
                }
                Err(frame) => self
                    .trailers
                    .extend(frame.into_trailers().unwrap_or_default()),
            }
            if length > max.saturating_add(MAX_DISCARDED) {
                break AnswerEnd::BrokenOff;
            }
        };
        self.body = kept.freeze();
    }
}

fn builder() -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_timer(TokioTimer::new());
    builder
}
