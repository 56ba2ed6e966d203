//! Partitions go from one engine to another while events arrive, and the figures of both together stay what they are.

use super::{desk_span, taken};
use crate::clock::Clock;
use crate::derive;
use crate::engine::{Engine, PartitionWorker, Settings};
use crate::ingest::Appender;
use crate::log::disk::files::{Files, Folder};
use crate::log::disk::{self, DiskLog, Writer};
use crate::log::{Log, LogError, Next, Position, Snapshot, Snapshots, memory};
use crate::model::ids::{PartitionKey, SpanId, TenantScoped, TraceId};
use crate::model::metric::{Family, Point};
use crate::normalise::{self, Normaliser, Scratch};
use crate::proto::v1;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;
const PARTITIONS: usize = 3;
/// The partition that goes from one engine to the other.
const MOVED: usize = 1;
const SESSIONS: u8 = 24;

/// A log, its snapshots, and what makes it work.
type LogParts = (Arc<dyn Log>, Arc<dyn Snapshots>, Box<dyn Fn()>);

/// A log with its engines.
struct Cluster {
    appender: Appender,
    normaliser: Normaliser,
    now: Arc<AtomicU64>,
    log: Arc<dyn Log>,
    /// Makes what is in the log durable.
    settle: Box<dyn Fn()>,
    engines: [Engine; 2],
    /// Each with the number of its engine.
    workers: Vec<(usize, PartitionWorker)>,
}

impl Cluster {
    fn new((log, snapshots, settle): LogParts) -> Self {
        let settings = Settings {
            partitions: PARTITIONS,
            snapshot_interval: Duration::MAX,
            soft_bytes: usize::MAX,
            stories: usize::MAX,
            ..Settings::default()
        };
        let now = Arc::new(AtomicU64::new(1000 * SECOND));
        let clock = Clock::manual(Arc::clone(&now));
        let engine = || {
            Engine::new(
                &settings,
                Arc::clone(&log),
                Arc::clone(&snapshots),
                clock.clone(),
            )
        };
        let engines = [engine(), engine()];
        let (workers, _) = engines[0].assign(0..PARTITIONS).expect("a new log");
        let memory = engines[0].memory_limit().clone();
        Self {
            appender: Appender::new(Arc::clone(&log), memory, clock.clone()),
            normaliser: Normaliser::new(normalise::Settings::default(), Arc::default()),
            now,
            log,
            settle,
            engines,
            workers: workers.into_iter().map(|worker| (0, worker)).collect(),
        }
    }

    /// A turn of each session. Its trace belongs to a partition of its own.
    fn turns(&mut self, turn: u8) {
        for session in 0..SESSIONS {
            let now = self.now.fetch_add(SECOND, Ordering::Relaxed) + SECOND;
            let id = name(session);
            let ids = (
                TraceId::new(&[1 + session, turn].repeat(8)).expect("not zero"),
                SpanId::new(&[1 + session; 8]).expect("not zero"),
            );
            let batch = desk_span(&id, ids, now);
            let events = self.normaliser.normalise(&batch, &mut Scratch::default());
            let append = self.appender.append(events);
            (self.settle)();
            taken(append);
        }
    }

    /// Everybody works until nothing is left to do for those partitions that somebody has.
    fn work(&mut self) {
        let mut idle = 0;
        while idle < 3 || !self.is_settled() {
            idle += 1;
            (self.settle)();
            for (engine, worker) in &mut self.workers {
                let next = worker.read(Duration::ZERO).expect("it is read");
                if matches!(next, Next::Delivery(_)) {
                    idle = 0;
                }
                self.engines[*engine].step(worker, next);
            }
        }
    }

    /// What waits for a partition that nobody has is not waited for.
    fn is_settled(&self) -> bool {
        let is_owned = self.workers.len() == PARTITIONS;
        !is_owned || self.engines.iter().all(Engine::is_settled)
    }

    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds / 60 {
            self.now.fetch_add(60 * SECOND, Ordering::Relaxed);
            self.work();
        }
    }

    /// Moves a partition from the first engine to the second, with a pause in which nobody has it.
    fn hand_over(&mut self, mut meanwhile: impl FnMut(&mut Self)) {
        let at = self
            .workers
            .iter()
            .position(|(_, w)| w.partition() == MOVED);
        let (_, worker) = self.workers.remove(at.expect("it is assigned"));
        assert!(self.engines[0].revoke(MOVED));
        self.engines[0].work(worker).expect("it is saved");
        assert!(!self.engines[0].revoke(MOVED), "it is not its any more");
        meanwhile(self);
        let (workers, recovered) = self.engines[1].assign([MOVED]).expect("it goes on");
        assert_eq!(recovered.lost, 0);
        let workers = workers.into_iter().map(|worker| (1, worker));
        self.workers.extend(workers);
    }

    fn knows(&self, engine: usize, session: u8) -> bool {
        !self.engines[engine].story(&name(session)).is_empty()
    }

    fn figures(&self) -> BTreeMap<String, String> {
        let of = |engine: &Engine| engine.gather();
        figures(&derive::merge(self.engines.iter().map(of).collect()))
    }
}

fn name(session: u8) -> String {
    format!("session {session}")
}

fn partition(session: u8) -> usize {
    let scoped = TenantScoped {
        tenant: None,
        id: name(session).as_str().into(),
    };
    PartitionKey::Session(scoped).partition(PARTITIONS)
}

fn figures(families: &[Family]) -> BTreeMap<String, String> {
    let series = families.iter().flat_map(|family| {
        let series = family.series.iter();
        series.map(|series| {
            let value = match &series.point {
                Point::Counter { value, .. } => format!("{value}"),
                Point::Gauge(value) => format!("{value}"),
                Point::Histogram(histogram) => format!("{:?}", histogram.buckets),
            };
            (format!("{} {:?}", family.name, series.labels), value)
        })
    });
    series.collect()
}

/// The figures of a story in which nothing is handed over.
fn expected() -> BTreeMap<String, String> {
    let mut cluster = Cluster::new(in_memory());
    cluster.turns(1);
    cluster.work();
    cluster.turns(2);
    cluster.pass(120);
    cluster.turns(3);
    cluster.pass(7200);
    cluster.figures()
}

fn hands_over(parts: LogParts) {
    let mut cluster = Cluster::new(parts);
    cluster.turns(1);
    cluster.work();
    cluster.hand_over(|cluster| {
        cluster.turns(2);
        cluster.work();
        for session in 0..SESSIONS {
            let is_moved = partition(session) == MOVED;
            assert_eq!(cluster.knows(0, session), !is_moved, "{session}");
        }
        let shown = figures(&cluster.engines[0].exposition());
        assert!(!shown.is_empty(), "the others are shown");
        assert_eq!(cluster.engines[1].exposition().len(), 0);
    });
    cluster.pass(120);
    cluster.turns(3);
    cluster.pass(7200);
    let moved = (0..SESSIONS).find(|session| partition(*session) == MOVED);
    let moved = moved.expect("some session is in it");
    assert!(cluster.knows(1, moved) && !cluster.knows(0, moved));
    assert_eq!(cluster.log.backlog().entries, 0);
    assert_eq!(cluster.figures(), expected());
}

fn in_memory() -> LogParts {
    let log = Arc::new(memory::open(PARTITIONS, 10_000));
    let snapshots = Arc::<memory::MemoryLog>::clone(&log);
    (log, snapshots, Box::new(|| {}))
}

/// A log on disk whose writer works when it is told to.
struct StepwiseDisk {
    log: Arc<DiskLog>,
    writer: Mutex<Writer>,
}

impl StepwiseDisk {
    fn round(&self) {
        let mut writer = self.writer.lock().expect("no panic");
        writer.round().expect("the disk works");
    }
}

impl Snapshots for StepwiseDisk {
    fn newest(&self, partition: usize, below: Position) -> Result<Option<Snapshot>, LogError> {
        self.log.newest(partition, below)
    }

    fn save(
        &self,
        partition: usize,
        at: Position,
        parts: &mut dyn Iterator<Item = v1::SnapshotPart>,
    ) -> Result<u64, LogError> {
        self.round();
        self.log.snapshots().write(partition, at, parts)
    }

    fn discard(&self, partition: usize, at: Position) -> Result<(), LogError> {
        self.log.discard(partition, at)
    }
}

fn on_disk(directory: &Path) -> LogParts {
    let files: Arc<dyn Files> = Arc::new(Folder::open(directory).expect("a directory"));
    let settings = disk::Settings {
        partitions: PARTITIONS,
        since: 0,
        capacity: 10_000,
        segment_bytes: 1 << 12,
        segment_age: Duration::MAX,
        max_bytes: Some(1 << 30),
    };
    let opened = disk::open(&files, &settings).expect("a new log");
    let log = Arc::new(opened.log);
    let disk = Arc::new(StepwiseDisk {
        log: Arc::clone(&log),
        writer: Mutex::new(opened.writer),
    });
    let snapshots = Arc::<StepwiseDisk>::clone(&disk);
    (log, snapshots, Box::new(move || disk.round()))
}

#[test]
fn a_partition_of_a_log_in_memory_goes_to_another_engine_with_its_figures() {
    hands_over(in_memory());
}

#[test]
fn a_partition_of_a_log_on_disk_goes_to_another_engine_with_its_figures() {
    let directory = std::env::temp_dir().join(format!("baton-assignment-{}", std::process::id()));
    hands_over(on_disk(&directory));
    std::fs::remove_dir_all(&directory).expect("it was there");
}
