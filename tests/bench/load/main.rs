//! Load for the comparison of `tests/bench/compare`, and the baseline sinks that it is compared with.
//!
//! `load send ADDRESS lean|content SPANS FIRST [RATE]` sends deterministic OTLP over gRPC, the requests from number FIRST on, and
//! prints what it measured as JSON: as fast as answers come, or RATE spans a second, each request timed from when it was due.
//! `load fsync FOLDER BYTES` times an append of so many bytes with its fdatasync, which is what the log on disk does for a group.
//! `load discard|count ADDRESS` serves a baseline sink that discards the bytes, or decodes them once and counts spans by six dimensions.

mod payload;
mod sink;

use payload::{Kind, Payload};
use sink::{Raw, Work};
use std::io::Write;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Spans of one request.
const BATCH: u64 = 200;
/// Requests under way at once.
const IN_FLIGHT: u64 = 8;
/// Appends of one measurement.
const APPENDS: usize = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["send", address, kind, spans, first, rate @ ..] => {
            let address = address.parse().expect("an address");
            let kind = Kind::named(kind).expect("lean or content");
            let number = |text: &str| text.parse().expect("a number");
            let rate = rate.first().map(|rate| rate.parse().expect("a number"));
            send(address, kind, number(spans), number(first), rate).await;
        }
        ["fsync", folder, bytes] => fsync(folder, bytes.parse().expect("a number")),
        ["discard", address] => {
            sink::serve(address.parse().expect("an address"), Work::Discard).await
        }
        ["count", address] => sink::serve(address.parse().expect("an address"), Work::Count).await,
        _ => say(
            "load send ADDRESS lean|content SPANS FIRST [RATE], load fsync FOLDER BYTES, load discard|count ADDRESS",
        ),
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

/// Times appends to a file of its own.
fn fsync(folder: &str, bytes: usize) {
    let mut file = tempfile::tempfile_in(folder).expect("a file");
    let piece = vec![7; bytes];
    let append = |_| {
        let begin = now();
        file.write_all(&piece).expect("room");
        file.sync_data().expect("a disk");
        seconds(begin)
    };
    let mut waits: Vec<f64> = (0..APPENDS).map(append).collect();
    say(&serde_json::json!({
        "appends": APPENDS,
        "p50_ms": quantile(&mut waits, 0.5) * 1e3,
        "p99_ms": quantile(&mut waits, 0.99) * 1e3,
    })
    .to_string());
}

fn quantile(waits: &mut [f64], q: f64) -> f64 {
    waits.sort_by(f64::total_cmp);
    waits[((waits.len() - 1) as f64 * q) as usize]
}

/// When requests are due: from a beginning on, so many seconds apart.
#[derive(Clone, Copy)]
struct Pace {
    begin: Instant,
    apart: f64,
}

async fn send(address: SocketAddr, kind: Kind, spans: u64, first: u64, rate: Option<f64>) {
    let payload = Arc::new(Payload::new(kind, BATCH));
    let next = Arc::new(AtomicU64::new(first));
    let requests = spans.div_ceil(BATCH);
    let begin = now();
    let pace = rate.map(|rate| Pace {
        begin,
        apart: BATCH as f64 / rate,
    });
    let tasks: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let (payload, next) = (Arc::clone(&payload), Arc::clone(&next));
            let numbers = first..first + requests;
            tokio::spawn(async move { lane(address, &payload, &next, numbers, pace).await })
        })
        .collect();
    let (mut waits, mut refused) = (Vec::new(), 0);
    for task in tasks {
        let one = task.await.expect("no panic");
        waits.extend(one.0);
        refused += one.1;
    }
    let seconds = seconds(begin);
    say(&serde_json::json!({
        "spans": requests * BATCH,
        "bytes_per_span": payload.bytes() as u64 / BATCH,
        "seconds": seconds,
        "spans_per_second": (requests * BATCH) as f64 / seconds,
        "refused": refused,
        "ack_p50_ms": quantile(&mut waits, 0.5) * 1e3,
        "ack_p99_ms": quantile(&mut waits, 0.99) * 1e3,
    })
    .to_string());
}

/// Sends requests one after the other until all are sent; how long each took, and how many were refused and sent again.
async fn lane(
    address: SocketAddr,
    payload: &Payload,
    next: &AtomicU64,
    numbers: Range<u64>,
    pace: Option<Pace>,
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
        if number >= numbers.end {
            return (waits, refused);
        }
        let body = payload.request(number);
        let begin = match pace {
            Some(Pace { begin, apart }) => {
                let due = begin + Duration::from_secs_f64(apart * (number - numbers.start) as f64);
                tokio::time::sleep_until(due.into()).await;
                due
            }
            None => now(),
        };
        loop {
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
