//! OTLP/gRPC: the trace and log services over raw bytes, and the health service.
//!
//! The calls are unary and their framing is five bytes, so it is read here and not by a generated server: a message is
//! decompressed only once its request has a place, and every refusal is counted as those of HTTP are.

use super::answer::{self, Fault};
use super::door::Door;
use super::{Listeners, Metrics, body};
use crate::ingest::{Encoding, Ingest, Signal};
use crate::net::{self, Peer, Server};
use crate::otlp::Counts;
use crate::otlp::Limits;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
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
/// Before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// The gRPC door, bound and not serving yet.
#[derive(Debug)]
pub struct Grpc {
    address: SocketAddr,
    listener: TcpListener,
    server: Server,
    door: Door,
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
            door: Door::new(listeners, &server, ingest, metrics),
            server,
        })
    }

    /// The address bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` ends and the calls in flight are answered. The health service says `NOT_SERVING` first.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) {
        let (reporter, health) = tonic_health::server::health_reporter();
        for service in [TRACES, LOGS, ""] {
            reporter
                .set_service_status(service, ServingStatus::Serving)
                .await;
        }
        let export = |service| format!("/{service}/Export");
        let exports = Router::new()
            .route(
                &export(TRACES),
                post(|door, request| receive(door, request, Signal::Traces)),
            )
            .route(
                &export(LOGS),
                post(|door, request| receive(door, request, Signal::Logs)),
            )
            // The room has limits of its own.
            .layer(DefaultBodyLimit::disable())
            .with_state(self.door.clone());
        let router = Routes::new(health).into_axum_router().merge(exports);
        let stopping = async move {
            stop.await;
            self.door.stop();
            for service in [TRACES, LOGS, ""] {
                reporter
                    .set_service_status(service, ServingStatus::NotServing)
                    .await;
            }
        };
        self.server.serve(self.listener, router, stopping).await;
    }
}

async fn receive(State(door): State<Door>, request: Request, signal: Signal) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let result = take(&door, request, signal).await;
    door.account(&result, peer);
    match result {
        Ok(counts) => accept(&counts, signal),
        Err(fault) => refuse(fault, &door),
    }
}

async fn take(door: &Door, request: Request, signal: Signal) -> Result<Counts, Fault> {
    let encoding = encoding(request.headers())?;
    let limits = &door.limits;
    let limit = limits.max_request_bytes + PREFIX;
    let unpack = |body| message(body, &encoding, limits);
    let kind = (signal, Encoding::Protobuf);
    door.take(request.into_body(), limit, unpack, kind).await
}

fn encoding(headers: &HeaderMap) -> Result<String, Fault> {
    let Some(encoding) = headers.get("grpc-encoding") else {
        return Ok(String::new());
    };
    let encoding = encoding.to_str().map_err(|_| Fault::UnknownEncoding)?;
    Ok(encoding.to_owned())
}

/// The one message of a unary call.
fn message(mut body: Bytes, encoding: &str, limits: &Limits) -> Result<Bytes, Fault> {
    if body.len() < PREFIX {
        return Err(Fault::MALFORMED);
    }
    let compressed = body.get_u8();
    let length = body.get_u32();
    if u32::try_from(body.len()) != Ok(length) {
        return Err(Fault::MALFORMED);
    }
    match compressed {
        0 => body::plain(body, "", limits),
        // Compressed, and nothing says how.
        1 if matches!(encoding, "" | "identity") => Err(Fault::BadCompression),
        1 => body::plain(body, encoding, limits),
        _ => Err(Fault::MALFORMED),
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

fn refuse(fault: Fault, door: &Door) -> Response {
    if fault == Fault::UnknownEncoding {
        // As gRPC wants it.
        let mut response: Response = Status::unimplemented(fault.text()).into_http();
        let known = HeaderValue::from_static("identity,gzip,zstd");
        response.headers_mut().insert("grpc-accept-encoding", known);
        return response;
    }
    let details = fault.status(door.retry_after).encode_to_vec();
    Status::with_details(fault.code(), fault.text(), details.into()).into_http()
}
