//! Load for the comparison of `tests/bench/compare`, and the floors that it is compared with.
//!
//! `load send ADDRESS lean|content SPANS FIRST` sends deterministic OTLP over gRPC, the requests from number FIRST on, and prints
//! what it measured as JSON.
//! `load discard|walk` serves a sink that throws the bytes away, or walks them once and counts by six dimensions.

mod payload;
mod sink;

use payload::{Kind, Payload};
use sink::{Raw, Work};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Spans of one request.
const BATCH: u64 = 200;
/// Requests under way at once.
const IN_FLIGHT: u64 = 8;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["send", address, kind, spans, first] => {
            let address = address.parse().expect("an address");
            let kind = Kind::named(kind).expect("lean or content");
            let number = |text: &str| text.parse().expect("a number");
            send(address, kind, number(spans), number(first)).await;
        }
        ["discard", address] => {
            sink::serve(address.parse().expect("an address"), Work::Discard).await
        }
        ["walk", address] => sink::serve(address.parse().expect("an address"), Work::Walk).await,
        _ => say("load send ADDRESS lean|content SPANS FIRST, load discard|walk ADDRESS"),
    }
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn now() -> Instant {
    Instant::now()
}

fn seconds(begin: Instant) -> f64 {
    now().duration_since(begin).as_secs_f64()
}

#[expect(clippy::print_stdout, reason = "its result")]
fn say(text: &str) {
    println!("{text}");
}

async fn send(address: SocketAddr, kind: Kind, spans: u64, first: u64) {
    let payload = Arc::new(Payload::new(kind, BATCH));
    let next = Arc::new(AtomicU64::new(first));
    let requests = spans.div_ceil(BATCH);
    let begin = now();
    let tasks: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let (payload, next) = (Arc::clone(&payload), Arc::clone(&next));
            tokio::spawn(async move { lane(address, &payload, &next, first + requests).await })
        })
        .collect();
    let (mut waits, mut refused) = (Vec::new(), 0);
    for task in tasks {
        let one = task.await.expect("no panic");
        waits.extend(one.0);
        refused += one.1;
    }
    let seconds = seconds(begin);
    waits.sort_by(f64::total_cmp);
    let quantile = |q: f64| waits[((waits.len() - 1) as f64 * q) as usize];
    say(&serde_json::json!({
        "spans": requests * BATCH,
        "bytes_per_span": payload.bytes() as u64 / BATCH,
        "seconds": seconds,
        "spans_per_second": (requests * BATCH) as f64 / seconds,
        "refused": refused,
        "ack_p50_ms": quantile(0.5) * 1e3,
        "ack_p99_ms": quantile(0.99) * 1e3,
    })
    .to_string());
}

/// Sends requests one after the other until all are sent; how long each took, and how many were refused and sent again.
async fn lane(
    address: SocketAddr,
    payload: &Payload,
    next: &AtomicU64,
    end: u64,
) -> (Vec<f64>, u64) {
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}"));
    let channel = endpoint
        .expect("an address")
        .connect()
        .await
        .expect("it listens");
    let mut client = tonic::client::Grpc::new(channel).max_encoding_message_size(64 << 20);
    let (mut waits, mut refused) = (Vec::new(), 0);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return (waits, refused);
        }
        let body = payload.request(number);
        loop {
            let begin = now();
            client.ready().await.expect("connected");
            let path = http::uri::PathAndQuery::from_static(sink::EXPORT);
            let request = tonic::Request::new(body.clone());
            match client.unary(request, path, Raw).await {
                Ok(_) => {
                    waits.push(seconds(begin));
                    break;
                }
                Err(status) if status.code() == tonic::Code::Unavailable => {
                    refused += 1;
                    tokio::task::yield_now().await;
                }
                Err(status) => panic!("{status}"),
            }
        }
    }
}
