//! OTLP/gRPC: the trace and log services over raw bytes, and the health service.

use super::answer::{self, Fault};
use super::budget::{Budget, Held, Metered};
use super::{Intake, Limits, Metrics, Settings, Signal, admit, offer, overloaded, take};
use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http;
use tonic::server::{NamedService, UnaryService};
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_health::ServingStatus;

/// The gRPC door, bound and not serving yet.
#[derive(Debug)]
pub struct Grpc {
    address: SocketAddr,
    incoming: TcpIncoming,
    door: Door,
}

#[derive(Clone)]
struct Door {
    intake: Arc<dyn Intake>,
    metrics: Arc<Metrics>,
    limits: Limits,
    retry_after: Duration,
    budget: Arc<Budget>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Grpc {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(
        settings: &Settings,
        intake: Arc<dyn Intake>,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(settings.grpc).await?;
        let address = listener.local_addr()?;
        Ok(Self {
            address,
            incoming: TcpIncoming::from(listener).with_nodelay(Some(true)),
            door: Door {
                intake,
                metrics,
                limits: settings.limits.clone(),
                retry_after: settings.retry_after,
                budget: Arc::clone(&settings.budget),
            },
        })
    }

    /// The address bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` ends and the calls under way are answered. The health service says `NOT_SERVING` first.
    ///
    /// # Errors
    /// When the transport fails.
    pub async fn serve(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), tonic::transport::Error> {
        let (reporter, health) = tonic_health::server::health_reporter();
        for service in [Traces::NAME, Logs::NAME, ""] {
            reporter
                .set_service_status(service, ServingStatus::Serving)
                .await;
        }
        let stopping = async move {
            stop.await;
            for service in [Traces::NAME, Logs::NAME, ""] {
                reporter
                    .set_service_status(service, ServingStatus::NotServing)
                    .await;
            }
        };
        let routes = Routes::new(health)
            .add_service(Traces(self.door.clone()))
            .add_service(Logs(self.door));
        Server::builder()
            .add_routes(routes)
            .serve_with_incoming_shutdown(self.incoming, stopping)
            .await
    }
}

/// `opentelemetry.proto.collector.trace.v1.TraceService`.
#[derive(Clone, Debug)]
struct Traces(Door);

/// `opentelemetry.proto.collector.logs.v1.LogsService`.
#[derive(Clone, Debug)]
struct Logs(Door);

impl NamedService for Traces {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

impl NamedService for Logs {
    const NAME: &'static str = "opentelemetry.proto.collector.logs.v1.LogsService";
}

type Answering = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

macro_rules! service {
    ($service:ident, $signal:expr) => {
        impl tower_service::Service<http::Request<Body>> for $service {
            type Response = http::Response<Body>;
            type Error = Infallible;
            type Future = Answering;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<Body>) -> Answering {
                let door = self.0.clone();
                Box::pin(async move { Ok(door.answer(request, $signal).await) })
            }
        }
    };
}

service!(Traces, Signal::Traces);
service!(Logs, Signal::Logs);

impl Door {
    async fn answer(self, request: http::Request<Body>, signal: Signal) -> http::Response<Body> {
        if !request.uri().path().ends_with("/Export") {
            return Status::unimplemented(
                "only Export is served; the sender is at fault, do not retry",
            )
            .into_http();
        }
        let held = match admit(&self.budget, &self.metrics) {
            Ok(held) => held,
            Err(fault) => return self.status(fault).into_http(),
        };
        let limited = request.map(|body| {
            // The frame around the message takes five bytes.
            let limit = self.limits.max_request_bytes + 5;
            let metered = Metered::new(body, Arc::clone(&held));
            Body::new(http_body_util::Limited::new(metered, limit))
        });
        let limit = self.limits.max_decompressed_bytes;
        let mut grpc = tonic::server::Grpc::new(Raw)
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Zstd)
            .send_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Zstd)
            .max_decoding_message_size(limit);
        let export = Export {
            door: self.clone(),
            signal,
            held: Arc::clone(&held),
        };
        let response = grpc.unary(export, limited).await;
        if held.was_refused() {
            return self.status(overloaded(&self.metrics)).into_http();
        }
        response
    }

    fn status(&self, fault: Fault) -> Status {
        let details = fault.status(self.retry_after).encode_to_vec();
        Status::with_details(fault.code(), fault.text(), details.into())
    }
}

/// One call of `Export`.
struct Export {
    door: Door,
    signal: Signal,
    held: Arc<Held>,
}

impl UnaryService<Bytes> for Export {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (door, signal) = (self.door.clone(), self.signal);
        let held = Arc::clone(&self.held);
        Box::pin(async move {
            let body = request.into_inner();
            if !held.unpack(body.len()) {
                return Err(Status::unavailable("answered by the door"));
            }
            door.metrics.bytes.increment(body.len() as u64);
            let decode = signal.protobuf();
            let offered = offer(decode, &body, &door.limits, &*door.intake);
            match take(offered, &door.metrics).await {
                Ok(counts) => Ok(Response::new(answer::success(&counts, signal).into())),
                Err(fault) => Err(door.status(fault)),
            }
        })
    }
}

/// Messages as they are on the wire: the walk of this room reads them, not a generated decoder.
#[derive(Clone, Copy, Debug, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
