//! ENGINE. Joins the pure rooms to I/O: door → normalise → log → partitions (stitch, derive) → families.
//!
//! [`Engine`] runs live, one thread a partition. [`Offline`] runs the very same parts over a recording, in its time.

mod offline;
mod partition;
mod route;

pub use offline::Offline;
pub use partition::Partition;

use crate::clock::Clock;
use crate::model::metric::Family;
use crate::model::otlp::Batch;
use crate::model::record::{Delivery, Entry, Frame, Origin};
use crate::model::time::Timestamp;
use crate::state::{AppendError, Log, Next, Reader};
use crate::{derive, normalise, stitch};
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};
use route::Router;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A worker looks at the time at least this often.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// A worker silent for this long is stuck.
const STUCK: Duration = Duration::from_secs(15);

/// What the engine is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    pub partitions: usize,
    pub stitch: stitch::Settings,
    pub derive: derive::Settings,
}

/// The running engine, shared by the door, the exporters and the workers.
pub struct Engine {
    normaliser: normalise::Normaliser,
    router: Router,
    log: Arc<dyn Log>,
    partitions: Vec<Slot>,
    clock: Clock,
    metrics: Metrics,
}

/// What the engine tells of itself.
struct Metrics {
    backlog: Gauge,
    keys: Gauge,
    appended: Counter,
}

impl Metrics {
    fn new() -> Self {
        describe_gauge!(
            "baton_log_backlog",
            "Entries in the log that are not applied yet."
        );
        describe_gauge!(
            "baton_partition_keys",
            "Sessions and traces held by all partitions."
        );
        describe_counter!("baton_log_events_total", "Events appended to the log.");
        Self {
            backlog: gauge!("baton_log_backlog"),
            keys: gauge!("baton_partition_keys"),
            appended: counter!("baton_log_events_total"),
        }
    }
}

struct Slot {
    partition: Mutex<Partition>,
    /// The last time its worker looked at the time, for readiness.
    heartbeat: AtomicU64,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("partitions", &self.partitions.len())
            .finish_non_exhaustive()
    }
}

/// An offer under way: ends when the events are in the log.
pub type Offering = Pin<Box<dyn Future<Output = Result<(), AppendError>> + Send>>;

impl Engine {
    pub fn new(
        settings: &Settings,
        normaliser: normalise::Normaliser,
        log: Arc<dyn Log>,
        clock: Clock,
    ) -> Self {
        let now = clock.now();
        let partitions = (0..settings.partitions)
            .map(|_| Slot {
                partition: Mutex::new(Partition::new(settings)),
                heartbeat: AtomicU64::new(now.0),
            })
            .collect();
        Self {
            normaliser,
            router: Router::new(settings.partitions),
            log,
            partitions,
            clock,
            metrics: Metrics::new(),
        }
    }

    /// Brings the gauges up to date, before they are read.
    pub fn measure(&self) {
        self.metrics.backlog.set(self.backlog() as f64);
        self.metrics.keys.set(self.keys() as f64);
    }

    /// Normalises a request and appends its events. Once it returns `Ok`, they count.
    pub fn offer(&self, batch: &Batch<'_>) -> Offering {
        let events: Vec<_> = batch
            .groups
            .iter()
            .flat_map(|group| self.normaliser.normalise(group))
            .collect();
        if events.is_empty() {
            return Box::pin(std::future::ready(Ok(())));
        }
        self.metrics.appended.increment(events.len() as u64);
        let entries = self.router.route(events);
        self.log.append(Frame::of(entries, self.clock.now(), None))
    }

    /// The loop of one partition: read, apply, publish. Returns when the log is closed and read to its end.
    pub fn work(&self, index: usize, mut reader: Reader) {
        let slot = &self.partitions[index];
        // A look at the time is in the log and did not come back yet.
        let mut ticking = false;
        loop {
            let next = reader.next(self.wait(slot, ticking));
            let now = self.clock.now();
            slot.heartbeat.store(now.0, Ordering::Relaxed);
            match next {
                Next::Delivery(delivery) => {
                    ticking &= !delivery.entries.is_empty();
                    self.apply(index, delivery);
                }
                Next::Nothing => {}
                Next::End => return,
            }
            if !ticking && lock(&slot.partition).is_due(now) {
                self.log.forward(Frame::tick(index, now));
                ticking = true;
            }
            reader.done();
        }
    }

    fn apply(&self, index: usize, delivery: Delivery) {
        let origin = Origin {
            partition: index,
            position: delivery.position,
        };
        let sends = lock(&self.partitions[index].partition).apply(delivery);
        if !sends.is_empty() {
            let sends = self.router.address(sends);
            self.log
                .forward(Frame::of(sends, self.clock.now(), Some(origin)));
        }
    }

    /// The derived metrics of all partitions.
    pub fn gather(&self) -> Vec<Family> {
        let parts = self
            .partitions
            .iter()
            .map(|slot| lock(&slot.partition).families())
            .collect();
        derive::merge(parts)
    }

    /// Which partitions do not get on; empty when all is well.
    pub fn stuck(&self) -> Vec<String> {
        let now = self.clock.now();
        self.partitions
            .iter()
            .enumerate()
            .filter(|(_, slot)| {
                let last = Timestamp(slot.heartbeat.load(Ordering::Relaxed));
                now.since(last) > STUCK
            })
            .map(|(index, _)| format!("partition {index} makes no progress"))
            .collect()
    }

    /// Keys held by all partitions.
    pub fn keys(&self) -> usize {
        self.partitions
            .iter()
            .map(|slot| lock(&slot.partition).keys())
            .sum()
    }

    /// Entries that wait to be applied.
    pub fn backlog(&self) -> usize {
        self.log.backlog()
    }

    /// Whether nothing waits to be applied and no timer is due.
    pub fn is_settled(&self) -> bool {
        let now = self.clock.now();
        let due = |slot: &Slot| lock(&slot.partition).is_due(now);
        self.backlog() == 0 && !self.partitions.iter().any(due)
    }

    /// Makes all workers look at the time now.
    pub fn wake(&self) {
        self.log.wake();
    }

    /// Takes no more events; the workers end when they have applied what is in the log.
    pub fn close(&self) {
        self.log.close();
    }

    fn wait(&self, slot: &Slot, ticking: bool) -> Duration {
        let due = lock(&slot.partition).next_deadline();
        let due = due.filter(|_| !ticking);
        due.map_or(HEARTBEAT, |due| due.since(self.clock.now()).min(HEARTBEAT))
    }
}

/// A panic while applying is a fault of ours that stops the process; a scrape meanwhile may still read.
fn lock(partition: &Mutex<Partition>) -> std::sync::MutexGuard<'_, Partition> {
    partition.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Entries with the partitions that own them.
type Addressed = Vec<(usize, Entry)>;
