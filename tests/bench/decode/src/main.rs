//! Three ways to decode one request of OTLP: Baton's protobuf decoder, views made by `buffa`, messages made by prost.
//!
//! `cargo run --release --manifest-path tests/bench/decode/Cargo.toml --target-dir target/decode -- lean|content REQUESTS`:
//! nanoseconds a span, medians of the requests.

#![allow(dead_code, reason = "only the decoder of Baton's modules is used")]

#[path = "../../../../src/model/mod.rs"]
mod model;
#[path = "../../../../src/otlp/mod.rs"]
mod otlp;
#[path = "../../load/payload.rs"]
mod payload;

mod views {
    #![allow(warnings, reason = "generated")]
    include!(concat!(env!("OUT_DIR"), "/views.rs"));
}

use buffa::MessageView;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otlp::{Limits, protobuf};
use payload::{Kind, Payload};
use prost::Message;
use std::hint::black_box;
use std::time::Instant;

/// Spans of one request.
const BATCH: u64 = 200;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, requests] = arguments.as_slice() else {
        panic!("decode lean|content REQUESTS");
    };
    let payload = Payload::new(Kind::named(kind).expect("lean or content"), BATCH);
    let (mut baton, mut view, mut message) = (Vec::new(), Vec::new(), Vec::new());
    let limits = Limits::default();
    // In turns, so that a noisy minute meets all of them.
    for number in 0..requests.parse().expect("a number") {
        let body = payload.request(number);
        let mut take = |group: &otlp::view::ScopeBatch<'_>| {
            black_box(group);
        };
        baton.push(timed(|| {
            drop(black_box(protobuf::traces(&body, &limits, &mut take)))
        }));
        view.push(timed(|| {
            drop(black_box(views::otlp::RequestView::decode_view(&body)));
        }));
        message.push(timed(|| {
            drop(black_box(ExportTraceServiceRequest::decode(body.clone())));
        }));
    }
    let [baton, view, message] = [baton, view, message].map(median);
    println!("{kind}: Baton {baton:.0}, views of buffa {view:.0}, prost {message:.0} ns a span");
}

fn timed(work: impl FnOnce()) -> u128 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_nanos()
}

fn median(mut times: Vec<u128>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2] as f64 / BATCH as f64
}
