//! Each room by itself, with one request of 200 spans: `cargo bench --bench rooms [-- NAME]`.

#[path = "../load/payload.rs"]
mod payload;

use baton::app;
use baton::config::Config;
use baton::derive::Deriver;
use baton::export::scrape::{ScrapeFormat, text};
use baton::log::{Log, Next, memory};
use baton::model::event::Event;
use baton::model::fact::Fact;
use baton::model::ids::{PartitionKey, TenantScoped};
use baton::model::record::{Entry, Frame, Record};
use baton::model::time::Timestamp;
use baton::normalise::Scratch;
use baton::otlp::view::ScopeBatch;
use baton::otlp::{Limits, protobuf};
use baton::stitch::{Output, Stitcher};
use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use payload::{Kind, Payload};
use std::hint::black_box;
use std::time::Duration;

/// Spans of the request.
const BATCH: u64 = 200;
const NOW: Timestamp = Timestamp(1_800_000_000_000_000_000);
/// When everything of the request is decided and closed.
const LATER: Timestamp = Timestamp(NOW.0 + 24 * 3600 * 1_000_000_000);

criterion_group!(rooms, receive, normalise, stitch, derive, state, export);
criterion_main!(rooms);

fn config() -> Config {
    let config = baton::config::of_text("", std::path::Path::new("."), &|_| None);
    config.expect("valid")
}

fn request(kind: &str) -> Bytes {
    let kind = Kind::named(kind).expect("lean or content");
    let payload = Payload::new(kind, BATCH);
    let body = payload.request(0);
    assert_eq!(body.len(), payload.bytes());
    body
}

/// What the request becomes.
fn events() -> Vec<Event> {
    let body = request("lean");
    let normaliser = app::normaliser(&config(), 7);
    let (mut events, mut scratch) = (Vec::new(), Scratch::default());
    let mut take = |group: &ScopeBatch<'_>| {
        let these = normaliser.normalise(group, &mut scratch).into_iter();
        events.extend(these.map(|event| *event));
    };
    protobuf::traces(&body, &Limits::default(), &mut take).expect("OTLP");
    events
}

fn entries() -> Vec<Entry> {
    let entry = |event: Event| Entry {
        key: PartitionKey::Session(TenantScoped {
            tenant: None,
            id: event
                .context
                .session
                .as_ref()
                .expect("it has one")
                .id
                .clone(),
        }),
        record: Record::Event(Box::new(event)),
    };
    events().into_iter().map(entry).collect()
}

fn stitched(mut stitcher: Stitcher, entries: Vec<Entry>) -> Vec<Fact> {
    let mut out = Output::default();
    for entry in entries {
        stitcher.apply(entry, NOW, &mut out);
    }
    stitcher.advance(LATER, &mut out);
    out.facts
}

fn facts() -> Vec<Fact> {
    let settings = app::engine_settings(&config());
    stitched(Stitcher::new(settings.stitch), entries())
}

fn derived(mut deriver: Deriver, facts: &[Fact]) -> Deriver {
    for fact in facts {
        deriver.apply(fact, NOW);
    }
    deriver
}

fn receive(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("receive");
    group.throughput(Throughput::Elements(BATCH));
    for kind in ["lean", "content"] {
        let (body, limits) = (request(kind), Limits::default());
        group.bench_function(kind, |b| {
            b.iter(|| {
                protobuf::traces(&body, &limits, &mut |group: &ScopeBatch<'_>| {
                    black_box(group);
                })
            })
        });
    }
}

/// With the decoding of what it gets.
fn normalise(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("normalise");
    group.throughput(Throughput::Elements(BATCH));
    let normaliser = app::normaliser(&config(), 7);
    let mut scratch = Scratch::default();
    for kind in ["lean", "content"] {
        let (body, limits) = (request(kind), Limits::default());
        let mut take =
            |group: &ScopeBatch<'_>| drop(black_box(normaliser.normalise(group, &mut scratch)));
        group.bench_function(kind, |b| {
            b.iter(|| protobuf::traces(&body, &limits, &mut take))
        });
    }
}

fn stitch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stitch");
    group.throughput(Throughput::Elements(BATCH));
    let (settings, entries) = (app::engine_settings(&config()).stitch, entries());
    group.bench_function("lean", |b| {
        b.iter_batched(
            || (Stitcher::new(settings.clone()), entries.clone()),
            |(stitcher, entries)| stitched(stitcher, entries),
            BatchSize::SmallInput,
        );
    });
}

fn derive(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("derive");
    group.throughput(Throughput::Elements(BATCH));
    let (settings, facts) = (app::engine_settings(&config()).derive, facts());
    group.bench_function("lean", |b| {
        b.iter_batched(
            || Deriver::new(settings.clone()),
            |deriver| derived(deriver, &facts),
            BatchSize::SmallInput,
        );
    });
}

/// The log in memory, and what the one on disk writes.
fn state(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("state");
    group.throughput(Throughput::Elements(BATCH));
    let frame = || Frame::of(entries().into_iter().map(|entry| (0, entry)), NOW, None);
    let kept = frame();
    group.bench_function("written", |b| b.iter(|| baton::proto::frame(&kept)));
    let log = memory::open(1, 1_000_000);
    let mut reader = log.replay(0, 0).expect("a new log");
    let caught_up = reader.read(Duration::ZERO);
    assert!(matches!(caught_up, Ok(Next::CaughtUp(_))));
    group.bench_function("handed over", |b| {
        b.iter_batched(
            || kept.clone(),
            |frame| {
                drop(log.append(frame));
                let next = reader.read(Duration::ZERO).expect("in memory");
                let Next::Delivery(delivery) = &next else {
                    panic!("it was appended");
                };
                reader.commit(delivery.position);
                next
            },
            BatchSize::SmallInput,
        );
    });
}

fn export(criterion: &mut Criterion) {
    let settings = app::engine_settings(&config()).derive;
    let families = derived(Deriver::new(settings), &facts()).families();
    criterion.bench_function("export", |b| {
        b.iter(|| text::write(&families, ScrapeFormat::Text))
    });
}
