//! OTLP/HTTP: `POST /v1/traces` and `/v1/logs`, and `/v1/metrics` if somebody takes them; protobuf or JSON. Beside it `/v1/outcomes`.

use super::answer;
use super::error::ReceiveError;
use super::handler::RequestHandler;
use super::{Listeners, Metrics, body};
use crate::ingest::{Encoding, Ingest, Signal};
use crate::net::{self, Peer, Server};
use crate::otlp::Counts;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use prost::Message;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// The HTTP listener, bound and not serving yet.
#[derive(Debug)]
pub struct Http {
    listener: TcpListener,
    server: Server,
    handler: RequestHandler,
    takes_metrics: bool,
}

impl Http {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn bind(
        listeners: &Listeners,
        ingest: Arc<dyn Ingest>,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let server = listeners.http_server.clone();
        Ok(Self {
            listener: net::listen(listeners.settings.http.endpoint)?,
            handler: RequestHandler::new(
                listeners,
                (&server, &listeners.http_access),
                ingest,
                metrics,
            ),
            server,
            takes_metrics: listeners.takes_metrics,
        })
    }

    /// The address bound.
    ///
    /// # Errors
    /// As the socket's.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` ends and the requests in flight are answered.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) {
        let mut router = Router::new();
        if self.takes_metrics {
            let metrics = post(|handler, request| receive(handler, request, Signal::Metrics));
            router = router.route("/v1/metrics", metrics);
        }
        let router = router
            .route(
                "/v1/traces",
                post(|handler, request| receive(handler, request, Signal::Traces)),
            )
            .route(
                "/v1/logs",
                post(|handler, request| receive(handler, request, Signal::Logs)),
            )
            .route("/v1/outcomes", post(receive_outcomes))
            .fallback(elsewhere)
            // The admission has limits of its own.
            .layer(DefaultBodyLimit::disable())
            .layer(from_fn_with_state(self.handler.clone(), authenticated))
            .with_state(self.handler.clone());
        let stopping = async move {
            stop.await;
            self.handler.stop();
        };
        self.server.serve(self.listener, router, stopping).await;
    }
}

async fn authenticated(
    State(handler): State<RequestHandler>,
    mut request: Request,
    next: Next,
) -> Response {
    let Err(error) = handler.authenticate(&mut request).await else {
        return next.run(request).await;
    };
    let encoding = media_type(request.headers()).unwrap_or(Encoding::Protobuf);
    body::discard(request.into_body()).await;
    let mut response = refuse(error, encoding, handler.retry_after);
    if response.status() == StatusCode::UNAUTHORIZED {
        let headers = response.headers_mut();
        for challenge in handler.access.challenges() {
            headers.append(header::WWW_AUTHENTICATE, challenge.clone());
        }
    }
    response
}

/// A path that OTLP does not have, or one of a signal that Baton does not receive.
async fn elsewhere(State(handler): State<RequestHandler>, request: Request) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    handler.account(&Err(ReceiveError::UnknownPath), peer);
    body::discard(request.into_body()).await;
    (StatusCode::NOT_FOUND, ReceiveError::UnknownPath.text()).into_response()
}

async fn receive(
    State(handler): State<RequestHandler>,
    request: Request,
    signal: Signal,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let encoding = media_type(request.headers());
    let compression = body::compression(request.headers(), "content-encoding");
    let result = match (encoding, compression) {
        (Some(encoding), Ok(compression)) => {
            take(&handler, request, &compression, (signal, encoding)).await
        }
        (known, compression) => {
            body::discard(request.into_body()).await;
            let error = known.and(compression.err());
            Err(error.unwrap_or(ReceiveError::UnknownType))
        }
    };
    handler.account(&result, peer);
    let encoding = encoding.unwrap_or(Encoding::Protobuf);
    match result {
        Ok(counts) => accept(&counts, signal, encoding),
        Err(error) => refuse(error, encoding, handler.retry_after),
    }
}

/// Reported outcomes: JSON, compressed or not.
async fn receive_outcomes(State(handler): State<RequestHandler>, request: Request) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let is_json = media_type(request.headers()) == Some(Encoding::Json);
    let compression = body::compression(request.headers(), "content-encoding");
    let result = match compression {
        Ok(compression) if is_json => {
            let limits = &handler.limits;
            let unpack = |packed| body::plain(packed, &compression, limits);
            let limit = limits.max_request_bytes;
            handler.take_outcomes(request, limit, unpack).await
        }
        compression => {
            body::discard(request.into_body()).await;
            let error = compression.err().filter(|_| is_json);
            Err(error.unwrap_or(ReceiveError::UnknownOutcomeType))
        }
    };
    match result {
        Ok(accepted) => {
            handler.account(&Ok(Counts::default()), peer);
            let body = serde_json::json!({"accepted": accepted}).to_string();
            respond(StatusCode::OK, Encoding::Json, body.into_bytes())
        }
        Err(error) => {
            handler.account(&Err(error), peer);
            refuse(error, Encoding::Json, handler.retry_after)
        }
    }
}

async fn take(
    handler: &RequestHandler,
    request: Request,
    compression: &str,
    kind: (Signal, Encoding),
) -> Result<Counts, ReceiveError> {
    let limits = &handler.limits;
    let unpack = |packed| body::plain(packed, compression, limits);
    handler
        .take(request, limits.max_request_bytes, unpack, kind)
        .await
}

/// The encoding of the body; `None` for a type that OTLP does not know.
fn media_type(headers: &HeaderMap) -> Option<Encoding> {
    let declared = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let media = declared.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case(PROTOBUF) {
        Some(Encoding::Protobuf)
    } else if media.eq_ignore_ascii_case(JSON) {
        Some(Encoding::Json)
    } else {
        None
    }
}

fn accept(counts: &Counts, signal: Signal, encoding: Encoding) -> Response {
    let (rejected, message) = answer::partial(counts);
    let body = if encoding == Encoding::Json {
        let field = match signal {
            Signal::Traces => "rejectedSpans",
            Signal::Logs => "rejectedLogRecords",
            Signal::Metrics => "rejectedDataPoints",
        };
        match rejected {
            0 => "{}".to_owned(),
            _ => serde_json::json!({"partialSuccess": {field: rejected.to_string(), "errorMessage": message}}).to_string(),
        }
        .into_bytes()
    } else {
        answer::success(counts, signal)
    };
    respond(StatusCode::OK, encoding, body)
}

fn refuse(error: ReceiveError, encoding: Encoding, retry_after: Duration) -> Response {
    let status = answer::status(error, retry_after);
    let body = match encoding {
        Encoding::Json => status.to_json().into_bytes(),
        Encoding::Protobuf => status.encode_to_vec(),
    };
    let code = StatusCode::from_u16(error.http()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = respond(code, encoding, body);
    if error.retryable() {
        let seconds = retry_after.as_secs().max(1);
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn respond(code: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = code;
    let media = match encoding {
        Encoding::Json => JSON,
        Encoding::Protobuf => PROTOBUF,
    };
    let media = header::HeaderValue::from_static(media);
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}
