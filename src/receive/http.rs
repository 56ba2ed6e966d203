//! OTLP/HTTP: `POST /v1/traces` and `/v1/logs`, protobuf or JSON.

use super::answer::{self, Fault};
use super::budget::{Budget, Held, Metered};
use super::{
    Counts, Intake, Limits, Metrics, Settings, Signal, admit, body, offer, overloaded, take,
};
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use prost::Message;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// The HTTP door, bound and not serving yet.
#[derive(Debug)]
pub struct Http {
    listener: TcpListener,
    router: Router,
}

#[derive(Clone)]
struct Door {
    intake: Arc<dyn Intake>,
    metrics: Arc<Metrics>,
    limits: Limits,
    retry_after: Duration,
    budget: Arc<Budget>,
}

impl Http {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(
        settings: &Settings,
        intake: Arc<dyn Intake>,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let door = Door {
            intake,
            metrics,
            limits: settings.limits.clone(),
            retry_after: settings.retry_after,
            budget: Arc::clone(&settings.budget),
        };
        let router = Router::new()
            .route(
                "/v1/traces",
                post(|door, request| receive(door, request, Signal::Traces)),
            )
            .route(
                "/v1/logs",
                post(|door, request| receive(door, request, Signal::Logs)),
            )
            // The room has limits of its own.
            .layer(DefaultBodyLimit::disable())
            .with_state(door);
        Ok(Self {
            listener: TcpListener::bind(settings.http).await?,
            router,
        })
    }

    /// The address bound.
    ///
    /// # Errors
    /// As the socket's.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` ends and the requests under way are answered.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        axum::serve(self.listener, self.router)
            .with_graceful_shutdown(stop)
            .await
    }
}

async fn receive(State(door): State<Door>, request: Request, signal: Signal) -> Response {
    let headers = request.headers().clone();
    let json = match media_type(&headers) {
        Some(json) => json,
        None => {
            door.metrics.requests_malformed.increment(1);
            return refuse(Fault::UnknownType, false, door.retry_after);
        }
    };
    let held = match admit(&door.budget, &door.metrics) {
        Ok(held) => held,
        Err(fault) => return refuse(fault, json, door.retry_after),
    };
    let answer = match plain(&door, request, &headers, &held).await {
        _ if held.was_refused() => Err(overloaded(&door.metrics)),
        Ok(body) => {
            door.metrics.bytes.increment(body.len() as u64);
            let decode = if json {
                signal.json()
            } else {
                signal.protobuf()
            };
            let offered = offer(decode, &body, &door.limits, &*door.intake);
            take(offered, &door.metrics).await
        }
        Err(fault) => {
            door.metrics.requests_malformed.increment(1);
            Err(fault)
        }
    };
    match answer {
        Ok(counts) => accept(&counts, signal, json),
        Err(fault) => refuse(fault, json, door.retry_after),
    }
}

/// Whether the body is JSON; `None` for a type that OTLP does not know.
fn media_type(headers: &HeaderMap) -> Option<bool> {
    let declared = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let media = declared.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case(PROTOBUF) {
        Some(false)
    } else if media.eq_ignore_ascii_case(JSON) {
        Some(true)
    } else {
        None
    }
}

async fn plain(
    door: &Door,
    request: Request,
    headers: &HeaderMap,
    held: &Arc<Held>,
) -> Result<bytes::Bytes, Fault> {
    let encoding = match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) => encoding.to_str().map_err(|_| Fault::UnknownEncoding)?,
        None => "",
    };
    let body = Metered::new(request.into_body(), Arc::clone(held));
    let body = Limited::new(body, door.limits.max_request_bytes);
    let collected = body.collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Fault::TooLarge
        } else {
            Fault::Malformed
        }
    })?;
    let plain = body::plain(collected.to_bytes(), encoding, &door.limits)?;
    held.unpack(plain.len());
    Ok(plain)
}

fn accept(counts: &Counts, signal: Signal, json: bool) -> Response {
    let (rejected, message) = answer::partial(counts);
    let body = if json {
        let field = match signal {
            Signal::Traces => "rejectedSpans",
            Signal::Logs => "rejectedLogRecords",
        };
        match rejected {
            0 => "{}".to_owned(),
            _ => serde_json::json!({"partialSuccess": {field: rejected.to_string(), "errorMessage": message}}).to_string(),
        }
        .into_bytes()
    } else {
        answer::success(counts, signal)
    };
    respond(StatusCode::OK, json, body)
}

fn refuse(fault: Fault, json: bool, retry_after: Duration) -> Response {
    let status = fault.status(retry_after);
    let body = if json {
        status.to_json().into_bytes()
    } else {
        status.encode_to_vec()
    };
    let code = StatusCode::from_u16(fault.http()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = respond(code, json, body);
    if fault.retryable() {
        let seconds = retry_after.as_secs().max(1);
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn respond(code: StatusCode, json: bool, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = code;
    let media = header::HeaderValue::from_static(if json { JSON } else { PROTOBUF });
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}
