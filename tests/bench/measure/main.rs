//! What Baton costs inside, without the network; `docs/performance.md` says what it found.
//!
//! `measure stages lean|content SPANS` how much CPU each room takes; `measure sessions COUNT` memory and CPU with so many sessions
//! open, `measure fresh COUNT` memory before their turns are decided; `measure scrape SERIES` what a
//! scrape takes and holds up; `measure cohorts SESSIONS [SETTINGS]` how many series 50 agents and four cohort dimensions make; `measure workers SPANS` how little two partitions on two threads hold each other up.

mod cohorts;
#[path = "../load/payload.rs"]
mod payload;

mod scrape;
mod sessions;

use baton::app;
use baton::clock::Clock;
use baton::config::Config;
use baton::engine::{Engine, PartitionWorker};
use baton::ingest::{Appender, Encoding, ExportRequest, Ingest, Pipeline, Signal};
use baton::log::memory::{self, MemoryLog};
use baton::log::{Log, Next};
use baton::model::time::Timestamp;
use baton::normalise::{Normaliser, Scratch};
use baton::otlp::view::{ScopeBatch, SpanSink};
use baton::otlp::{Limits, protobuf};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use payload::{Kind, Payload};
use prost::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Spans of one request.
const BATCH: u64 = 200;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["stages", kind, spans] => {
            let kind = Kind::named(kind).expect("lean or content");
            stages(kind, spans.parse().expect("a number"));
        }
        ["sessions", count] => sessions::settled(count.parse().expect("a number")),
        ["fresh", count] => sessions::fresh(count.parse().expect("a number")),
        ["scrape", series] => scrape::scrape(series.parse().expect("a number")),
        ["cohorts", count] => cohorts::cohorts(count.parse().expect("a number"), ""),
        ["cohorts", count, settings] => {
            cohorts::cohorts(count.parse().expect("a number"), settings);
        }
        ["workers", spans] => workers(spans.parse().expect("a number")),
        _ => say(
            "measure stages lean|content SPANS, sessions COUNT, fresh COUNT, scrape SERIES, cohorts SESSIONS [SETTINGS], workers SPANS",
        ),
    }
}

#[expect(clippy::print_stdout, reason = "its result")]
fn say(text: &str) {
    println!("{text}");
}

/// CPU seconds of this thread so far.
fn cpu() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanos = told.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    nanos.expect("a number") / 1e9
}

/// The settings of the comparison: one partition, short waits.
fn config() -> Config {
    let text = "engine: {partitions: 1, queue_events: 2000000, soft_state_size: 8GiB, max_state_size: 9GiB}
stitch: {settle: 1s, bind_timeout: 1s, trace_timeout: 2s, drop_timeout: 2s, idle_timeout: 3s}
state: {log: memory}";
    let config = baton::config::of_text(text, std::path::Path::new("."), &|_| None);
    config.expect("valid")
}

/// An engine whose time stands still until it is moved, with its ingest and its workers.
fn engine(config: &Config) -> (Engine, Pipeline, Vec<PartitionWorker>, Arc<AtomicU64>) {
    let settings = app::engine_settings(config);
    let memory = Arc::new(memory::open(
        settings.partitions,
        config.engine.queue_events,
    ));
    let log: Arc<dyn Log> = Arc::<MemoryLog>::clone(&memory);
    let time = Arc::new(AtomicU64::new(1_800_000_000_000_000_000));
    let clock = Clock::manual(Arc::clone(&time));
    let engine = Engine::new(&settings, Arc::clone(&log), memory, clock.clone());
    let (workers, _) = engine.assign(0..settings.partitions).expect("a new log");
    let appender = Appender::new(log, engine.memory_limit().clone(), clock);
    let ingest = Pipeline::new(
        config.receivers.otlp.limits(),
        app::normaliser(config, 7),
        appender,
    );
    (engine, ingest, workers, time)
}

/// Applies what is in the log.
fn drain(engine: &Engine, worker: &mut PartitionWorker) {
    loop {
        let next = worker.read(Duration::ZERO).expect("in memory");
        let nothing = matches!(next, Next::Nothing);
        engine.step(worker, next);
        if nothing {
            return;
        }
    }
}

/// What a normaliser asks for of a request, with what it makes of it or without.
struct Asking<'n> {
    normaliser: &'n Normaliser,
    scratch: Scratch,
    normalises: bool,
}

impl SpanSink for Asking<'_> {
    fn asks(&self, hash: u32, name: &[u8]) -> bool {
        self.normaliser.asks(hash, name)
    }

    fn add(&mut self, group: &ScopeBatch<'_>) {
        std::hint::black_box(group);
        if self.normalises {
            drop(std::hint::black_box(
                self.normaliser.normalise(group, &mut self.scratch),
            ));
        }
    }
}

/// Submits a request; a log in memory has taken it when this returns.
fn submit(ingest: &Pipeline, body: Bytes) {
    drop(ingest.submit(ExportRequest {
        signal: Signal::Traces,
        encoding: Encoding::Protobuf,
        tenant: None,
        headers: Vec::new(),
        body,
    }));
}

/// The clock's time, as a worker begins with it.
fn told(time: &AtomicU64) -> Timestamp {
    Timestamp(time.load(Ordering::Relaxed))
}

/// Nanoseconds of CPU a span: decoding, normalising, all of it; a request every 4 ms of its own time.
fn stages(kind: Kind, spans: u64) {
    let payload = Payload::new(kind, BATCH);
    let requests = spans / BATCH;
    let per_span = |begin: f64, end: f64| (end - begin) * 1e9 / (requests * BATCH) as f64;
    let config = config();
    let limits = Limits::default();
    let begin = cpu();
    for number in 0..requests {
        std::hint::black_box(payload.request(number));
    }
    let made = cpu();
    let normaliser = &app::normaliser(&config, 7);
    let read = |normalises| {
        let mut take = Asking {
            normaliser,
            scratch: Scratch::default(),
            normalises,
        };
        for number in 0..requests {
            let body = payload.request(number);
            protobuf::traces(&body, &limits, &mut take).expect("OTLP");
        }
    };
    read(false);
    let decoded = cpu();
    for number in 0..requests {
        let body = payload.request(number);
        std::hint::black_box(ExportTraceServiceRequest::decode(body).expect("OTLP"));
    }
    let by_prost = cpu();
    read(true);
    let normalised = cpu();
    let (engine, ingest, mut workers, time) = engine(&config);
    for number in 0..requests {
        let body = payload.request(number);
        submit(&ingest, body);
        time.fetch_add(4_000_000, Ordering::Relaxed);
        drain(&engine, &mut workers[0]);
    }
    time.fetch_add(10_000_000_000, Ordering::Relaxed);
    drain(&engine, &mut workers[0]);
    let all = cpu();
    let making = per_span(begin, made);
    let decode = per_span(made, decoded) - making;
    let prost = per_span(decoded, by_prost) - making;
    let normalise = per_span(by_prost, normalised) - making - decode;
    let whole = per_span(normalised, all) - making;
    say(&format!(
        "bytes/span {}  make {making:.0}  decode {decode:.0} (prost {prost:.0})  normalise {normalise:.0}  rest {:.0}  whole {whole:.0} ns/span",
        payload.bytes() as u64 / BATCH,
        whole - decode - normalise,
    ));
}

/// CPU a span with one partition and one thread, then with two: each thread offers requests and works off its own partition.
fn workers(spans: u64) {
    let one = shared_by(1, spans);
    let two = shared_by(2, spans);
    say(&format!(
        "one worker {one:.0} ns/span, two {two:.0}; on two free cores {:.2} times the throughput",
        2.0 * one / two
    ));
}

fn shared_by(threads: usize, spans: u64) -> f64 {
    let mut config = config();
    config.engine.partitions = threads;
    let (engine, ingest, workers, time) = engine(&config);
    let (engine, ingest, time) = (&engine, &ingest, &time);
    let payload = &Payload::new(Kind::Lean, BATCH);
    let next = &AtomicU64::new(0);
    let work = |mut worker: PartitionWorker| {
        move || {
            let begin = cpu();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number * BATCH >= spans {
                    return cpu() - begin;
                }
                let body = payload.request(number);
                submit(ingest, body);
                time.fetch_add(4_000_000, Ordering::Relaxed);
                drain(engine, &mut worker);
            }
        }
    };
    let took: f64 = std::thread::scope(|scope| {
        let workers = workers.into_iter();
        let threads: Vec<_> = workers.map(|worker| scope.spawn(work(worker))).collect();
        threads
            .into_iter()
            .map(|t| t.join().expect("no panic"))
            .sum()
    });
    took * 1e9 / spans as f64
}
