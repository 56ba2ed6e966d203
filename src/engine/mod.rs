//! The engine reads events from the log: log → partitions (stitch, derive) → metric families.
//!
//! [`Engine`] processes live data, with one thread per partition. [`Offline`] runs the same code over the frames of a recording, in the time of the recording.
//!
//! | File | Content |
//! |---|---|
//! | `partition.rs` | one partition: a stitcher and the metrics derived from its facts; no I/O |
//! | `recover.rs` | recovery: the newest snapshots, then the log after them |
//! | `repartition.rs` | the state of a directory, given to another number of partitions |
//! | `health.rs` | what the engine measures of itself |
//! | `told.rs` | sessions and their facts, for people |
//! | `offline.rs` | a recording, processed by the same partitions as live data |
//! | `stories.rs` | the facts of the latest sessions, for `/sessions/ID` |

mod health;
mod offline;
mod partition;
mod recover;
mod repartition;
mod settings;
mod stories;
mod told;

#[cfg(test)]
mod tests;

pub use offline::Offline;
pub use partition::Partition;
pub use recover::Recovered;
pub use repartition::repartition;
pub use settings::Settings;

use crate::clock::{Clock, Heartbeat};
use crate::derive;
use crate::log::LogError;
use crate::log::{Log, Next, Reader};
use crate::model::ids::PartitionKey;
use crate::model::memory_limit::MemoryLimit;
use crate::model::metric::Family;
use crate::model::record::{Delivery, Entry, Frame, Origin, Record};
use crate::model::time::Timestamp;
use health::EngineMetrics;
use rapidhash::RapidHashMap as HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use stories::Stories;
use tracing::{debug, error};

/// A worker looks at the time at least this often.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Series that expired in all partitions are looked for this often.
const SWEEP: Duration = Duration::from_secs(60);

/// The running engine, shared by the exporters and the workers.
pub struct Engine {
    settings: Settings,
    memory: MemoryLimit,
    log: Arc<dyn Log>,
    partitions: Vec<Slot>,
    clock: Clock,
    metrics: EngineMetrics,
}

struct Slot {
    /// Its worker alone writes; a scrape reads, also while the worker keeps the state.
    partition: RwLock<Partition>,
    /// The last time its worker looked at the time, for readiness.
    heartbeat: Heartbeat,
    stories: Mutex<Stories>,
}

/// What the worker of a partition remembers between two rounds.
#[derive(Debug)]
pub struct Worker {
    /// A look at the time is in the log and did not come back yet.
    ticking: bool,
    /// When dead series were looked for last.
    swept_at: Timestamp,
    /// When the state was kept last, and what the log had then.
    saved_at: Timestamp,
    saved_entries: u64,
}

impl Worker {
    pub fn new(now: Timestamp) -> Self {
        Self {
            ticking: false,
            swept_at: now,
            saved_at: now,
            saved_entries: 0,
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("partitions", &self.partitions.len())
            .finish_non_exhaustive()
    }
}

impl Engine {
    pub fn new(settings: &Settings, log: Arc<dyn Log>, clock: Clock) -> Self {
        let partitions = (0..settings.partitions)
            .map(|_| Slot {
                partition: RwLock::new(Partition::new(settings)),
                heartbeat: Heartbeat::new(&clock),
                stories: Mutex::new(Stories::new(settings.stories)),
            })
            .collect();
        Self {
            settings: settings.clone(),
            memory: MemoryLimit::new(settings.soft_bytes, settings.partitions),
            log,
            partitions,
            clock,
            metrics: EngineMetrics::new(),
        }
    }

    /// Brings the gauges up to date, before they are read.
    pub fn measure(&self) {
        self.metrics.backlog.set(self.backlog() as f64);
        self.metrics.keys.set(self.keys() as f64);
        self.metrics.bytes.set(self.weight() as f64);
    }

    /// The limit of memory that this engine writes, for those who let more in.
    pub fn memory_limit(&self) -> &MemoryLimit {
        &self.memory
    }

    /// The loop of one partition: read, apply, publish. Returns when the log is closed and read to its end.
    pub fn work(&self, index: usize, mut reader: Reader) {
        let mut worker = Worker::new(self.clock.now());
        loop {
            let next = reader.next(self.wait(index, &worker));
            if matches!(next, Next::End) {
                self.save_snapshot(index, &mut worker);
                return;
            }
            self.step(index, &mut worker, next);
            reader.done();
        }
    }

    /// One round of a worker: applies what came, and asks for the time where it is due.
    pub fn step(&self, index: usize, worker: &mut Worker, next: Next) {
        let slot = &self.partitions[index];
        let now = self.clock.now();
        slot.heartbeat.beat();
        if let Next::Delivery(delivery) = next {
            let is_tick = delivery.entries.is_empty() && delivery.forget.is_empty();
            self.apply(index, delivery);
            if is_tick {
                worker.ticking = false;
                if self.snapshot_due(worker, now) {
                    self.save_snapshot(index, worker);
                }
            }
        }
        if index == 0 && now.since(worker.swept_at) >= SWEEP {
            worker.swept_at = now;
            self.sweep(now);
        }
        // A state is kept at a look at the time, so that it is at the end of the log even where nothing comes.
        let due = read(&slot.partition).is_due(now) || self.snapshot_due(worker, now);
        if !worker.ticking && due {
            worker.ticking = true;
            self.log.forward(Frame::tick(index, now));
        }
    }

    /// Lets all partitions forget the series of which none has a part that lives. A part that expired before the others stays until
    /// then, so that the sum of all parts never falls. Whoever revives one while that is on its way to the log is kept, alone.
    fn sweep(&self, now: Timestamp) {
        let partitions = || self.partitions.iter();
        if !partitions().any(|slot| read(&slot.partition).deriver().has_expired()) {
            return;
        }
        let mut lives: HashMap<u64, bool> = HashMap::default();
        for slot in partitions() {
            for (series, is_alive) in read(&slot.partition).deriver().lives() {
                *lives.entry(series).or_default() |= is_alive;
            }
        }
        let mut dead: Vec<u64> = lives
            .into_iter()
            .filter(|(_, is_alive)| !is_alive)
            .map(|(series, _)| series)
            .collect();
        if !dead.is_empty() {
            dead.sort_unstable();
            let count = self.partitions.len();
            self.log.forward(Frame::forget(dead, count, now));
        }
    }

    fn snapshot_due(&self, worker: &Worker, now: Timestamp) -> bool {
        let Some(entries) = self.log.appended_entries() else {
            return false;
        };
        let quiet = now.since(worker.saved_at);
        if self.log.needs_compaction() {
            // Two states of each partition let the log before the older one go. A full log takes no news, so none is waited for.
            return quiet >= self.settings.snapshot_interval / 10;
        }
        entries != worker.saved_entries && quiet >= self.settings.snapshot_interval
    }

    /// Keeps the state of a partition, where the log can.
    fn save_snapshot(&self, index: usize, worker: &mut Worker) {
        let Some(entries) = self.log.appended_entries() else {
            return;
        };
        let slot = &self.partitions[index];
        let partition = read(&slot.partition);
        let position = partition.position();
        // A large state takes its time; the worker is at work meanwhile.
        let mut parts = partition.save(index).inspect(|_| slot.heartbeat.beat());
        match self.log.save_snapshot(index, position, &mut parts) {
            Ok(bytes) => {
                self.metrics.snapshots.increment(1);
                debug!(partition = index, position, bytes, "state kept");
                worker.saved_entries = entries;
            }
            // The process ends, and the writer says why.
            Err(LogError::Closed) => {}
            Err(fault) => {
                self.metrics.failed_snapshots.increment(1);
                error!(partition = index, %fault, "cannot write a snapshot: the log grows until a snapshot succeeds");
            }
        }
        worker.saved_at = self.clock.now();
    }

    fn apply(&self, index: usize, delivery: Delivery) {
        let origin = Origin {
            partition: index,
            position: delivery.position,
        };
        let slot = &self.partitions[index];
        let mut partition = write(&slot.partition);
        lock(&slot.stories).note(&delivery.entries);
        let out = partition.apply(delivery);
        self.memory.set(index, partition.weight());
        // All of it before the partition is let go: who finds nothing due there finds everything told and nothing under way.
        lock(&slot.stories).take(out.facts);
        if !out.sends.is_empty() {
            let sends = addressed(out.sends, self.partitions.len());
            self.log
                .forward(Frame::of(sends, self.clock.now(), Some(origin)));
        }
    }

    /// The derived metrics of all partitions with their true values: what people are shown.
    pub fn gather(&self) -> Vec<Family> {
        self.merged(Partition::families)
    }

    /// The same as Prometheus is shown them, see [`derive::Deriver::exposition`].
    pub fn exposition(&self) -> Vec<Family> {
        self.merged(Partition::exposition)
    }

    fn merged(&self, of: impl Fn(&Partition) -> Vec<Family>) -> Vec<Family> {
        let parts = self.partitions.iter();
        derive::merge(parts.map(|slot| of(&read(&slot.partition))).collect())
    }

    /// Which partitions do not get on; empty when all is well.
    pub fn stuck(&self) -> Vec<String> {
        let partitions = self.partitions.iter().enumerate();
        partitions
            .filter(|(_, slot)| slot.heartbeat.is_stuck())
            .map(|(index, _)| format!("partition {index} makes no progress"))
            .collect()
    }

    /// Which limits are reached, so that nothing is taken from outside; empty when all is well.
    pub fn full(&self) -> Vec<String> {
        let waiting = self.log.backlog().bytes;
        let memory = self.memory.is_exceeded(waiting).then(|| {
            let limit = self.memory.max_bytes();
            format!("sessions and waiting events take more than {limit} (engine.soft_state_size)")
        });
        memory.into_iter().chain(self.log.shortage()).collect()
    }

    /// Keys held by all partitions.
    pub fn keys(&self) -> usize {
        self.partitions
            .iter()
            .map(|slot| read(&slot.partition).keys())
            .sum()
    }

    /// Roughly the bytes that the sessions of all partitions hold in memory.
    pub fn weight(&self) -> usize {
        self.memory.state_bytes()
    }

    /// Entries that wait to be applied.
    pub fn backlog(&self) -> usize {
        self.log.backlog().entries
    }

    /// Whether nothing waits to be applied and no timer is due.
    pub fn is_settled(&self) -> bool {
        self.is_settled_by(self.clock.now())
    }

    /// Whether nothing waits to be applied and no timer will be due at `now`.
    pub fn is_settled_by(&self, now: Timestamp) -> bool {
        let due = |slot: &Slot| read(&slot.partition).is_due(now);
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

    /// Says that all workers have ended.
    pub fn end(&self) {
        self.log.end();
    }

    fn wait(&self, index: usize, worker: &Worker) -> Duration {
        let due = read(&self.partitions[index].partition).next_deadline();
        let due = due.filter(|_| !worker.ticking);
        due.map_or(HEARTBEAT, |due| due.since(self.clock.now()).min(HEARTBEAT))
    }
}

fn read<T>(shared: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    shared.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(shared: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    shared.write().unwrap_or_else(PoisonError::into_inner)
}

/// A panic while applying is a fault of ours that stops the process; a scrape meanwhile may still read.
fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records for other keys, with the partitions that own them.
fn addressed(
    sends: Vec<(PartitionKey, Record)>,
    partitions: usize,
) -> impl Iterator<Item = (usize, Entry)> {
    let entries = sends.into_iter();
    let entries = entries.map(|(key, record)| Entry { key, record });
    entries.map(move |entry| entry.addressed(partitions))
}
