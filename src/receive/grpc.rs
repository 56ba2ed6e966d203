//! OTLP/gRPC: the services of all signals over raw bytes, and the health service.
//!
//! The calls are unary and their framing is five bytes, so it is read here and not by a generated server: a message is
//! decompressed only once its request has a place, and every refusal is counted as those of HTTP are.

use super::answer;
use super::error::ReceiveError;
use super::handler::RequestHandler;
use super::{Listeners, Metrics, body};
use crate::ingest::{Encoding, Ingest, Signal};
use crate::net::{self, Peer, Server};
use crate::otlp::Counts;
use crate::otlp::Limits;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::post;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use prost::Message;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_health::ServingStatus;

const TRACES: &str = "opentelemetry.proto.collector.trace.v1.TraceService";
const LOGS: &str = "opentelemetry.proto.collector.logs.v1.LogsService";
const METRICS: &str = "opentelemetry.proto.collector.metrics.v1.MetricsService";
/// Before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// The gRPC listener, bound and not serving yet.
#[derive(Debug)]
pub struct Grpc {
    address: SocketAddr,
    listener: TcpListener,
    server: Server,
    handler: RequestHandler,
    takes_metrics: bool,
}

impl Grpc {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn bind(
        listeners: &Listeners,
        ingest: Arc<dyn Ingest>,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let listener = net::listen(listeners.settings.grpc.endpoint)?;
        let server = listeners.grpc_server.clone();
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            handler: RequestHandler::new(
                listeners,
                (&server, &listeners.grpc_access),
                ingest,
                metrics,
            ),
            server,
            takes_metrics: listeners.takes_metrics,
        })
    }

    /// The address bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` ends and the calls in flight are answered. The health service says `NOT_SERVING` first.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) {
        let (reporter, health) = tonic_health::server::health_reporter();
        let mut services = vec![(TRACES, Signal::Traces), (LOGS, Signal::Logs)];
        if self.takes_metrics {
            services.push((METRICS, Signal::Metrics));
        }
        let names: Vec<&str> = services.iter().map(|(name, _)| *name).chain([""]).collect();
        for name in &names {
            let serving = ServingStatus::Serving;
            reporter.set_service_status(name, serving).await;
        }
        let exports = services
            .into_iter()
            .fold(Router::new(), |router, (name, signal)| {
                let export = move |handler, request| receive(handler, request, signal);
                router.route(&format!("/{name}/Export"), post(export))
            });
        let exports = exports
            .fallback(elsewhere)
            // The admission has limits of its own.
            .layer(DefaultBodyLimit::disable())
            // Not the health service: who probes a container has no credentials.
            .layer(from_fn_with_state(self.handler.clone(), authenticated))
            .with_state(self.handler.clone());
        // Its own fallback would answer before anybody asks for credentials.
        let health = Routes::new(health).into_axum_router().reset_fallback();
        let router = health.merge(exports);
        let stopping = async move {
            stop.await;
            self.handler.stop();
            for name in names {
                let stopped = ServingStatus::NotServing;
                reporter.set_service_status(name, stopped).await;
            }
        };
        self.server.serve(self.listener, router, stopping).await;
    }
}

async fn authenticated(
    State(handler): State<RequestHandler>,
    mut request: Request,
    next: Next,
) -> Response {
    match handler.authenticate(&mut request).await {
        Ok(()) => next.run(request).await,
        Err(error) => {
            body::discard(request.into_body()).await;
            refuse(error, &handler)
        }
    }
}

/// A method that OTLP does not have, or one of a signal that Baton does not receive.
async fn elsewhere(State(handler): State<RequestHandler>, request: Request) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    handler.account(&Err(ReceiveError::UnknownPath), peer);
    body::discard(request.into_body()).await;
    refuse(ReceiveError::UnknownPath, &handler)
}

async fn receive(
    State(handler): State<RequestHandler>,
    request: Request,
    signal: Signal,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let result = take(&handler, request, signal).await;
    handler.account(&result, peer);
    match result {
        Ok(counts) => accept(&counts, signal),
        Err(error) => refuse(error, &handler),
    }
}

async fn take(
    handler: &RequestHandler,
    request: Request,
    signal: Signal,
) -> Result<Counts, ReceiveError> {
    let encoding = match body::compression(request.headers(), "grpc-encoding") {
        Ok(encoding) => encoding,
        Err(error) => {
            body::discard(request.into_body()).await;
            return Err(error);
        }
    };
    let limits = &handler.limits;
    let limit = limits.max_request_bytes + PREFIX;
    let unpack = |body| message(body, &encoding, limits);
    let kind = (signal, Encoding::Protobuf);
    handler.take(request, limit, unpack, kind).await
}

/// The one message of a unary call.
fn message(mut body: Bytes, encoding: &str, limits: &Limits) -> Result<Bytes, ReceiveError> {
    if body.len() < PREFIX {
        return Err(ReceiveError::MALFORMED);
    }
    let compressed = body.get_u8();
    let length = body.get_u32();
    if u32::try_from(body.len()) != Ok(length) {
        return Err(ReceiveError::MALFORMED);
    }
    match compressed {
        0 => body::plain(body, "", limits),
        // Compressed, and nothing says how.
        1 if matches!(encoding, "" | "identity") => Err(ReceiveError::BadCompression),
        1 => body::plain(body, encoding, limits),
        _ => Err(ReceiveError::MALFORMED),
    }
}

fn accept(counts: &Counts, signal: Signal) -> Response {
    let message = answer::success(counts, signal);
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(&message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(Code::Ok as i32));
    let body = Full::new(framed.freeze()).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(Body::new(body));
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(header::CONTENT_TYPE, grpc);
    response
}

fn refuse(error: ReceiveError, handler: &RequestHandler) -> Response {
    if error == ReceiveError::UnknownEncoding {
        // As gRPC wants it.
        let mut response: Response = Status::unimplemented(error.text()).into_http();
        let known = HeaderValue::from_static("identity,gzip,zstd");
        response.headers_mut().insert("grpc-accept-encoding", known);
        return response;
    }
    let details = answer::status(error, handler.retry_after).encode_to_vec();
    Status::with_details(error.code(), error.text(), details.into()).into_http()
}
