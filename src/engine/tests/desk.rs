//! Sessions of one agent, played by hand on two partitions.

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
/// After so many seconds a series expires.
pub const EXPIRES: u64 = 600;
pub const PARTITIONS: usize = 2;

/// An engine of two partitions on a clock that is set by hand.
pub struct SessionDesk {
    appender: Appender,
    normaliser: Normaliser,
    pub engine: Engine,
    now: Arc<AtomicU64>,
    workers: Vec<PartitionWorker>,
}

impl SessionDesk {
    pub fn new(soft_bytes: usize) -> Self {
        let settings = Settings {
            partitions: PARTITIONS,
            stitch: stitch::Settings {
                soft_bytes: soft_bytes / PARTITIONS,
                ..stitch::Settings::default()
            },
            derive: derive::Settings {
                expire_after: Duration::from_secs(EXPIRES),
                shared: true,
                ..derive::Settings::default()
            },
            snapshot_interval: Duration::MAX,
            soft_bytes,
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
    pub fn turn(&self, session: &str, number: u8) {
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
    pub fn wait(&mut self, seconds: u64) -> Vec<Option<f64>> {
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

    pub fn shown(&self) -> Option<f64> {
        let families = self.engine.gather();
        let found = families.iter().find(|f| f.name == "baton_sessions_total")?;
        match found.series.first()?.point {
            Point::Counter { value, .. } => Some(value),
            _ => None,
        }
    }

    pub fn partition(session: &str) -> usize {
        let scoped = TenantScoped {
            tenant: None,
            id: session.into(),
        };
        PartitionKey::Session(scoped).partition(PARTITIONS)
    }

    pub fn series(&self, index: usize) -> usize {
        self.engine.owned()[index].read().deriver().series()
    }
}
