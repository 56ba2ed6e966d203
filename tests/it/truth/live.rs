//! The same recordings through the real doors of a running Baton. Its clock is moved by hand, so that all timers run out at once.

use crate::support::capture::{Encoding, Request};
use crate::truth::figures::Figures;
use baton::app::App;
use baton::clock::Clock;
use baton::config::Config;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tonic::codec::CompressionEncoding;

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Grpc,
    HttpProtobuf,
    HttpJson,
}

pub const WAYS: [Way; 3] = [Way::Grpc, Way::HttpProtobuf, Way::HttpJson];

impl Way {
    pub fn encoding(self) -> Encoding {
        match self {
            Self::HttpJson => Encoding::Json,
            _ => Encoding::Protobuf,
        }
    }
}

/// Sends requests to a Baton of their own and reads its figures when all timers ran out.
pub fn figures(way: Way, requests: &[Request]) -> Figures {
    after(way, requests, async |app| {
        Figures::of_metrics(&app.engine().gather())
    })
}

/// What a Baton of their own tells of a session when all timers ran out.
pub fn story(way: Way, requests: &[Request], session: &str) -> String {
    after(way, requests, async |app| {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let page = format!("http://{}/sessions/{session}", app.metrics);
        let answer = client.get(page.parse().expect("an address")).await;
        let body = answer.expect("an answer").into_body().collect().await;
        String::from_utf8(body.expect("a body").to_bytes().to_vec()).expect("text")
    })
}

fn after<T>(way: Way, requests: &[Request], read: impl AsyncFnOnce(&App) -> T) -> T {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut config = Config::default();
        config.receivers.otlp.grpc.endpoint = free;
        config.receivers.otlp.http.endpoint = free;
        config.server.endpoint = free;
        config.state.log = baton::log::LogKind::Memory;
        let nanos = Arc::new(AtomicU64::new(1_800_000_000_000_000_000));
        let app = App::start(&config, Clock::manual(Arc::clone(&nanos)))
            .await
            .expect("it starts");
        match way {
            Way::Grpc => send_grpc(app.grpc, requests).await,
            _ => send_http(app.http, requests).await,
        }
        // Sessions that bind to each other pass their events on first; what is passed on waits from its own arrival.
        app.settle().await;
        // Longer than every timer but the expiry of series.
        // A trace that names several sessions is dealt out before its sessions give up their parts.
        for seconds in [600, 3030, 23 * 3600] {
            nanos.fetch_add(seconds * 1_000_000_000, Ordering::AcqRel);
            app.settle().await;
        }
        let told = read(&app).await;
        assert!(app.stop().await, "it stops within its grace period");
        told
    })
}

async fn send_grpc(address: SocketAddr, requests: &[Request]) {
    let channel = tonic::transport::Channel::from_shared(format!("http://{address}"))
        .expect("an address")
        .connect()
        .await
        .expect("it listens");
    let mut traces =
        TraceServiceClient::new(channel.clone()).send_compressed(CompressionEncoding::Gzip);
    let mut logs = LogsServiceClient::new(channel).send_compressed(CompressionEncoding::Zstd);
    for request in requests {
        if request.signal == "logs" {
            let request =
                ExportLogsServiceRequest::decode(request.body.as_slice()).expect("protobuf");
            let answer = logs.export(request).await.expect("taken").into_inner();
            assert_eq!(answer.partial_success, None);
        } else {
            let request =
                ExportTraceServiceRequest::decode(request.body.as_slice()).expect("protobuf");
            let answer = traces.export(request).await.expect("taken").into_inner();
            assert_eq!(answer.partial_success, None);
        }
    }
}

async fn send_http(address: SocketAddr, requests: &[Request]) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    for request in requests {
        let (media, answer) = match request.encoding {
            Encoding::Protobuf => ("application/x-protobuf", ""),
            Encoding::Json => ("application/json", "{}"),
        };
        let sent = http::Request::post(format!("http://{address}/v1/{}", request.signal))
            .header("content-type", media)
            .body(Full::from(request.body.clone()))
            .expect("a request");
        let response = client.request(sent).await.expect("an answer");
        assert_eq!(response.status(), 200);
        let body = response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        assert_eq!(body, answer.as_bytes(), "everything was taken");
    }
}
