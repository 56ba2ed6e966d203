//! The engine reads events from the log: log → partitions (stitch, derive) → metric families.
//!
//! [`Engine`] processes live data, with one thread per partition. [`Offline`] runs the same code over the frames of a recording, in the time of the recording.
//!
//! | File | Content |
//! |---|---|
//! | `assignment.rs` | partitions that are assigned to the engine, and revoked, while it runs |
//! | `recover.rs` | recovery of a partition: the newest snapshot, then the log after it |
//! | `worker.rs` | the loop of one partition |
//! | `owned.rs` | a partition that the engine owns, shared by its worker, the exporters and the probes |
//! | `partition.rs` | one partition: a stitcher and the metrics derived from its facts; no I/O |
//! | `fact_sink.rs` | what is told of every fact, and keeps snapshots back |
//! | `repartition.rs` | the state of all partitions, given to another number of them |
//! | `engine_time.rs` | the time of the engine, which passes an outage in steps |
//! | `health.rs` | what the engine measures of itself |
//! | `session_facts.rs` | the facts of sessions, across partitions |
//! | `stories.rs` | the facts of the latest sessions, for `/sessions/ID` |
//! | `tenant_queue.rs` | keys in the order of their arrival, of which the tenant that has the most gives one up |
//! | `offline.rs` | a recording, processed by the same partitions as live data |

mod assignment;
mod engine_time;
mod fact_sink;
mod health;
mod offline;
mod owned;
mod partition;
mod recover;
mod repartition;
mod session_facts;
mod settings;
mod stories;
mod tenant_queue;
mod worker;

#[cfg(test)]
mod tests;

pub use fact_sink::{FactPlace, FactSink, FactSinks};
pub use offline::Offline;
pub use partition::Partition;
pub use recover::Recovered;
pub use repartition::{Repartitioned, repartition};
pub use settings::Settings;
pub use worker::PartitionWorker;

use crate::clock::{Clock, Heartbeats};
use crate::derive;
use crate::log::{Log, Position, Snapshots};
use crate::model::ids::PartitionKey;
use crate::model::memory_limit::MemoryLimit;
use crate::model::metric::Family;
use crate::model::record::{Entry, Record};
use crate::model::tenant::HeldTenants;
use crate::model::time::Timestamp;
use engine_time::EngineTime;
use health::EngineMetrics;
use owned::OwnedPartition;
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// The running engine, shared by the exporters and the workers.
pub struct Engine {
    settings: Settings,
    memory: MemoryLimit,
    log: Arc<dyn Log>,
    snapshots: Arc<dyn Snapshots>,
    sinks: FactSinks,
    /// Written where a partition is assigned or given up; read by everybody who looks at all of them.
    owned: RwLock<BTreeMap<usize, Arc<OwnedPartition>>>,
    heartbeats: Heartbeats,
    time: EngineTime,
    metrics: EngineMetrics,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("partitions", &self.settings.partitions)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine without partitions: they are assigned to it.
    pub fn new(
        settings: &Settings,
        log: Arc<dyn Log>,
        snapshots: Arc<dyn Snapshots>,
        clock: Clock,
    ) -> Self {
        Self {
            settings: settings.clone(),
            memory: MemoryLimit::new(settings.soft_bytes, settings.partitions),
            log,
            snapshots,
            sinks: FactSinks::default(),
            owned: RwLock::default(),
            heartbeats: Heartbeats::new(&clock),
            time: EngineTime::new(clock),
            metrics: EngineMetrics::new(),
        }
    }

    /// The same engine, whose facts go to sinks. Give them before any partition is assigned.
    #[must_use]
    pub fn telling(self, sinks: FactSinks) -> Self {
        Self { sinks, ..self }
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

    /// The signs of life of all workers, for readiness.
    pub fn heartbeats(&self) -> &Heartbeats {
        &self.heartbeats
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
        let owned = self.owned();
        derive::merge(owned.iter().map(|one| of(&one.read())).collect())
    }

    /// How much time without a process is still to be passed, while nothing is taken from outside.
    pub fn missed_time(&self) -> Option<Duration> {
        self.time.missing()
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

    /// The tenants of which it keeps something.
    pub fn tenants(&self) -> HeldTenants {
        let mut held = HeldTenants::default();
        let owned = self.owned();
        owned
            .iter()
            .for_each(|one| one.read().add_tenants(&mut held));
        held
    }

    /// Keys held by all partitions.
    pub fn keys(&self) -> usize {
        let owned = self.owned();
        owned.iter().map(|one| one.read().keys()).sum()
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
        self.is_settled_by(self.time.clock().now())
    }

    /// Whether nothing waits to be applied and no timer will be due at `now`.
    pub fn is_settled_by(&self, now: Timestamp) -> bool {
        let owned = self.owned();
        let due = |one: &Arc<OwnedPartition>| one.read().is_due(now);
        let positions = || -> Vec<Position> {
            let each = owned.iter().map(|one| one.read().position());
            each.collect()
        };
        // A partition that is found at rest may be sent something by one that is looked at after it.
        let before = positions();
        !owned.iter().any(due) && self.backlog() == 0 && positions() == before
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
