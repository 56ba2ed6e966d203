//! What a scrape of many series costs, and whether it holds up what comes in.

use super::payload::{Kind, Payload};
use super::{BATCH, config, drain, engine, say, submit};
use baton::auth::AccessControl;
use baton::clock::Clock;
use baton::config::Config;
use baton::engine::{Engine, PartitionWorker};
use baton::export::scrape::{ScrapeServer, Settings};
use baton::export::{
    Exporter, FactSource, FamilySource, Feed, Readiness, ServiceIdentity, SessionVisitor,
};
use baton::ingest::Pipeline;
use baton::model::fact::Fact;
use baton::model::ids::{PartitionKey, TraceId};
use baton::model::metric::{Family, Point};
use baton::net::{self, Protocol, Reporter};
use bytes::Bytes;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Scrapes of one measurement.
const SCRAPES: usize = 9;
/// Rounds of ingesting, each with and without a scrape every second.
const ROUNDS: usize = 5;
/// Requests of one round: some seconds of work.
const REQUESTS: u64 = 4_000;

/// An engine with so many series, its server, and the door to it.
pub fn scrape(series: usize) {
    let (mut door, engine) = opened();
    let payload = Payload::new(Kind::Lean, BATCH);
    let mut number = 0;
    while shown(&engine.gather()) < series {
        for _ in 0..100 {
            // Every request brings an agent of its own.
            let body = renamed(&payload.request(number), number);
            door.submit(body);
            number += 1;
        }
        door.pass(Duration::from_secs(2));
    }
    let families = engine.gather();
    let sets: usize = families.iter().map(|family| family.series.len()).sum();
    let lines = shown(&families);
    drop(families);
    let gathered = timed(|| drop(std::hint::black_box(engine.gather())));
    say(&format!(
        "{lines} series in {sets} label sets; gathered in {gathered:?}"
    ));

    let stop = Arc::new(AtomicBool::new(false));
    let (address, _runtime) = serve(engine);
    let mut took: Vec<Duration> = (0..SCRAPES).map(|_| get(address)).collect();
    took.sort();
    say(&format!(
        "a scrape by HTTP: median {:?}, slowest {:?} of {SCRAPES}",
        took[SCRAPES / 2],
        took[SCRAPES - 1]
    ));

    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let alone = door.ingest(&payload, &mut number);
            let scraper = std::thread::spawn({
                let stop = Arc::clone(&stop);
                move || {
                    while !stop.load(Ordering::Relaxed) {
                        let took = get(address);
                        std::thread::sleep(Duration::from_secs(1).saturating_sub(took));
                    }
                }
            });
            let scraped = door.ingest(&payload, &mut number);
            stop.store(true, Ordering::Relaxed);
            scraper.join().expect("no panic");
            stop.store(false, Ordering::Relaxed);
            scraped / alone
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    say(&format!(
        "wall time of ingest with a scrape every second against without: {ratios:.2?}"
    ));
}

/// The server of an engine, for as long as its runtime is kept.
pub fn serve(engine: Arc<Engine>) -> (SocketAddr, tokio::runtime::Runtime) {
    let settings = Settings {
        endpoint: ([127, 0, 0, 1], 0).into(),
        connections: net::Server::new(
            "server",
            Protocol::Http,
            net::Settings::default(),
            (None, Reporter::new(Clock::system())),
        ),
        access: AccessControl::default(),
        created: false,
        identity_labels: false,
        display: baton::app::display(&Config::default()),
    };
    let server = ScrapeServer::bind(settings).expect("a free port");
    let address = server.address().expect("bound");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let shown = Arc::new(Shown(engine));
    let feed = Feed {
        families: Arc::<Shown>::clone(&shown),
        facts: Arc::<Shown>::clone(&shown),
        readiness: shown,
        clock: Clock::system(),
    };
    runtime.spawn(server.run(feed, CancellationToken::new()));
    (address, runtime)
}

/// Series as Prometheus counts them.
pub fn shown(families: &[Family]) -> usize {
    let series = families.iter().flat_map(|family| &family.series);
    let lines = series.map(|series| match &series.point {
        Point::Histogram(histogram) => histogram.buckets.len() + 2,
        _ => 1,
    });
    lines.sum()
}

/// An engine without limits on series.
fn opened() -> (Door, Arc<Engine>) {
    let mut config: Config = config();
    config.metrics.max_series = usize::MAX;
    config.metrics.max_label_values = usize::MAX;
    let (engine, ingest, workers, time) = engine(&config);
    let engine = Arc::new(engine);
    let door = Door {
        engine: Arc::clone(&engine),
        ingest,
        worker: workers.into_iter().next().expect("one partition"),
        time,
    };
    (door, engine)
}

struct Door {
    engine: Arc<Engine>,
    ingest: Pipeline,
    worker: PartitionWorker,
    time: Arc<AtomicU64>,
}

impl Door {
    fn submit(&mut self, body: Bytes) {
        submit(&self.ingest, body);
        self.pass(Duration::from_millis(4));
    }

    fn pass(&mut self, time: Duration) {
        self.time
            .fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
        drain(&self.engine, &mut self.worker);
    }

    /// Seconds that one round takes.
    fn ingest(&mut self, payload: &Payload, number: &mut u64) -> f64 {
        let took = timed(|| {
            for _ in 0..REQUESTS {
                self.submit(payload.request(*number));
                *number += 1;
            }
        });
        took.as_secs_f64()
    }
}

/// A request with an agent of its own in place of the first one.
fn renamed(body: &[u8], number: u64) -> Bytes {
    let name = format!("a{number:05}");
    let mut body = body.to_vec();
    let mut at = 0;
    while let Some(found) = body[at..].windows(6).position(|part| part == b"triage") {
        at += found;
        body[at..at + 6].copy_from_slice(name.as_bytes());
    }
    body.into()
}

struct Shown(Arc<Engine>);

impl FamilySource for Shown {
    fn exposition(&self) -> Vec<Family> {
        self.0.exposition()
    }

    fn exact(&self) -> Vec<Family> {
        Vec::new()
    }

    fn internal(&self) -> Vec<Family> {
        Vec::new()
    }

    fn identity(&self) -> Option<&ServiceIdentity> {
        None
    }
}

impl FactSource for Shown {
    fn of_session(&self, _: &str) -> Vec<(PartitionKey, Vec<Fact>)> {
        Vec::new()
    }

    fn of_trace(&self, _: TraceId) -> Vec<(PartitionKey, Vec<Fact>)> {
        Vec::new()
    }

    fn visit(&self, _: SessionVisitor<'_>) {}
}

impl Readiness for Shown {
    fn starting(&self) -> Option<String> {
        None
    }

    fn unready(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The time from the request to the last byte.
pub fn get(address: SocketAddr) -> Duration {
    timed(|| {
        bytes_of(address);
    })
}

/// The size of a scrape.
pub fn bytes_of(address: SocketAddr) -> usize {
    let mut stream = TcpStream::connect(address).expect("the server");
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 200"), "a good answer");
    answer.len()
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn timed(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}
