//! Baton as it is by default: stalled senders, a burst, and probes at the same time.

use crate::door::doors::Raw;
use baton::app::App;
use baton::clock::Clock;
use baton::config::Config;
use baton::log::LogKind;
use std::net::SocketAddr;
use std::time::Duration;

fn config() -> Config {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = Config::default();
    config.receivers.otlp.grpc.endpoint = free;
    config.receivers.otlp.http.endpoint = free;
    config.server.endpoint = free;
    config.state.log = LogKind::Memory;
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_exports_at_once_are_taken_while_others_stall() {
    let app = App::start(&config(), Clock::system())
        .await
        .expect("it starts");
    let mut stalled = Vec::new();
    for _ in 0..200 {
        let mut raw = Raw::connect(app.http).await;
        raw.upload(100, b"some").await;
        stalled.push(raw);
    }
    let address = app.http;
    let exports =
        (0..1000).map(|_| tokio::spawn(async move { Raw::connect(address).await.export().await }));
    for export in exports.collect::<Vec<_>>() {
        export.await.expect("taken");
    }
    answers(app.metrics).await;
    assert!(app.stop().await, "within its grace period");
    drop(stalled);
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_answer_whatever_is_done_to_the_doors_and_to_themselves() {
    let mut config = config();
    config.receivers.otlp.grpc.max_connections = 4;
    config.receivers.otlp.http.max_connections = 4;
    config.server.max_connections = 4;
    config.connections.header_timeout = Duration::from_millis(50);
    let app = App::start(&config, Clock::system())
        .await
        .expect("it starts");
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut upload = Raw::connect(app.http).await;
        upload.upload(100, b"some").await;
        held.push(upload);
        for address in [app.grpc, app.metrics] {
            let mut head = Raw::connect(address).await;
            head.send(b"G").await;
            held.push(head);
        }
    }
    answers(app.metrics).await;
    assert!(app.stop().await, "within its grace period");
    drop(held);
}

async fn answers(server: SocketAddr) {
    for path in ["/healthz", "/readyz", "/metrics"] {
        let mut raw = Raw::connect(server).await;
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        raw.send(request.as_bytes()).await;
        let answer = raw.answer().await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
}
