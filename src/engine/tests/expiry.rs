//! Series that have parts in several partitions expire as a whole.

use super::{desk_span, taken};
use crate::clock::Clock;
use crate::engine::{Engine, PartitionWorker, Settings};
use crate::ingest::Appender;
use crate::log::Log;
use crate::log::memory::{self, MemoryLog};
use crate::model::ids::{PartitionKey, SpanId, TenantScoped, TraceId};
use crate::model::metric::Point;
use crate::normalise::{self, Normaliser, Scratch};
use crate::{derive, stitch};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;
const EXPIRES: u64 = 600;
const PARTITIONS: usize = 2;

struct SessionDesk {
    appender: Appender,
    normaliser: Normaliser,
    engine: Engine,
    now: Arc<AtomicU64>,
    workers: Vec<PartitionWorker>,
}

impl SessionDesk {
    fn new() -> Self {
        let settings = Settings {
            partitions: PARTITIONS,
            stitch: stitch::Settings::default(),
            derive: derive::Settings {
                expire_after: Duration::from_secs(EXPIRES),
                shared: true,
                ..derive::Settings::default()
            },
            snapshot_interval: Duration::MAX,
            soft_bytes: usize::MAX,
            stories: 0,
            ..Settings::default()
        };
        let now = Arc::new(AtomicU64::new(SECOND));
        let clock = Clock::manual(Arc::clone(&now));
        let normaliser = Normaliser::new(normalise::Settings::default(), Arc::default());
        let memory = Arc::new(memory::open(PARTITIONS, 1000));
        let log: Arc<dyn Log> = Arc::<MemoryLog>::clone(&memory);
        let engine = Engine::new(&settings, Arc::clone(&log), memory, clock.clone());
        let (workers, _) = engine.assign(0..PARTITIONS).expect("a new log");
        let memory = engine.memory_limit().clone();
        Self {
            appender: Appender::new(log, memory, clock.clone()),
            normaliser,
            engine,
            now,
            workers,
        }
    }

    /// One turn of a session, which is a partition of its own.
    fn turn(&self, session: &str, number: u8) {
        let now = self.now.load(Ordering::Relaxed);
        let ids = (
            TraceId::new(&[number; 16]).expect("not zero"),
            SpanId::new(&[number; 8]).expect("not zero"),
        );
        let batch = desk_span(session, ids, now);
        let events = self.normaliser.normalise(&batch, &mut Scratch::default());
        taken(self.appender.append(events));
    }

    /// Lets the time pass in steps of ten seconds; returns what the counter showed after each.
    fn wait(&mut self, seconds: u64) -> Vec<Option<f64>> {
        let mut shown = Vec::new();
        for _ in 0..seconds / 10 {
            self.now.fetch_add(10 * SECOND, Ordering::Relaxed);
            // What one sends, the other takes.
            for _ in 0..4 {
                for worker in &mut self.workers {
                    let next = worker.read(Duration::ZERO).expect("in memory");
                    self.engine.step(worker, next);
                }
            }
            shown.push(self.shown());
        }
        shown
    }

    fn shown(&self) -> Option<f64> {
        let families = self.engine.gather();
        let found = families.iter().find(|f| f.name == "baton_sessions_total")?;
        match found.series.first()?.point {
            Point::Counter { value, .. } => Some(value),
            _ => None,
        }
    }

    fn partition(session: &str) -> usize {
        let scoped = TenantScoped {
            tenant: None,
            id: session.into(),
        };
        PartitionKey::Session(scoped).partition(PARTITIONS)
    }

    fn series(&self, index: usize) -> usize {
        self.engine.owned()[index].read().deriver().series()
    }
}

#[test]
fn a_counter_never_falls_while_one_of_its_parts_lives_and_goes_as_a_whole() {
    let mut desk = SessionDesk::new();
    let ids: Vec<String> = (0..64).map(|n| format!("session {n}")).collect();
    let (one, other): (Vec<_>, Vec<_>) = ids.iter().partition(|id| SessionDesk::partition(id) == 0);
    desk.turn(one[0], 1);
    desk.turn(other[0], 2);
    desk.wait(60);
    let parts = [0, 1].map(|index| desk.series(index) > 0);
    assert_eq!(parts, [true, true], "the sessions are of two partitions");
    assert_eq!(desk.shown(), Some(2.0));
    // One partition has news as long as the other one waits twice over.
    let mut most = Some(2.0);
    for (number, session) in one[1..9].iter().enumerate() {
        desk.turn(session, 10 + number as u8);
        for shown in desk.wait(EXPIRES / 4) {
            assert!(shown >= most, "{shown:?} after {most:?}");
            most = shown;
        }
    }
    assert!(most > Some(2.0));
    // Then nothing comes, and it goes at once and for good; no partition keeps what nobody sees.
    let quiet = desk.wait(10 * EXPIRES);
    let gone = quiet.iter().position(Option::is_none).expect("it expires");
    assert!(
        quiet[..gone].iter().all(|shown| *shown == most),
        "{quiet:?}"
    );
    assert!(quiet[gone..].iter().all(Option::is_none), "{quiet:?}");
    for index in 0..PARTITIONS {
        assert_eq!(desk.series(index), 0, "partition {index}");
    }
}
