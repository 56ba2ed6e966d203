//! The loop of one partition: reads the log, applies it, asks for the time, and saves the state.

use super::owned::OwnedPartition;
use super::{Engine, FactPlace, addressed};
use crate::log::{LogError, Next, Replay};
use crate::model::record::{Delivery, Frame, Origin};
use crate::model::time::Timestamp;
use rapidhash::RapidHashMap as HashMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, error};

/// A worker looks at the time at least this often.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// Series that expired in all partitions are looked for this often.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);
/// How long a snapshot waits for what was told of facts before it. Usually it takes as long as one write.
const SINK_WAIT: Duration = Duration::from_secs(1);

/// What works on one assigned partition. Dropping it stops the work, and nothing else.
pub struct PartitionWorker {
    owned: Arc<OwnedPartition>,
    replay: Box<dyn Replay>,
    /// A look at the time is in the log and did not come back yet.
    ticking: bool,
    /// When dead series were looked for last.
    swept_at: Timestamp,
    /// When the state was saved last, and what the log had then.
    saved_at: Timestamp,
    saved_entries: u64,
}

impl std::fmt::Debug for PartitionWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartitionWorker")
            .field("partition", &self.owned.index)
            .finish_non_exhaustive()
    }
}

impl PartitionWorker {
    pub(super) fn new(owned: Arc<OwnedPartition>, replay: Box<dyn Replay>, now: Timestamp) -> Self {
        Self {
            owned,
            replay,
            ticking: false,
            swept_at: now,
            saved_at: now,
            saved_entries: 0,
        }
    }

    /// Its partition.
    pub fn partition(&self) -> usize {
        self.owned.index
    }

    /// What the log has for it next, see [`Replay::read`]. Give it to [`Engine::step`].
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn read(&mut self, wait: Duration) -> Result<Next, LogError> {
        self.replay.read(wait)
    }
}

impl Engine {
    /// The loop of one partition: read, apply, publish. Returns when the log is closed and read to its end, or when the partition
    /// was revoked and is given up.
    ///
    /// # Errors
    /// When the log cannot be read, or a revoked partition cannot be saved.
    pub fn work(&self, mut worker: PartitionWorker) -> Result<(), LogError> {
        loop {
            let next = worker.read(self.wait(&worker))?;
            if matches!(next, Next::End) {
                if self.log.appended_entries().is_some() {
                    // What is not saved is in the log.
                    let _ = self.save_snapshot(&mut worker);
                }
                return Ok(());
            }
            self.step(&mut worker, next);
            if worker.owned.is_revoked() {
                return self.release(worker);
            }
        }
    }

    /// One round of a worker: applies what came, and asks for the time where it is due.
    pub fn step(&self, worker: &mut PartitionWorker, next: Next) {
        let now = self.time.now();
        worker.owned.heartbeat.beat();
        let position = match &next {
            Next::Delivery(delivery) => Some(delivery.position),
            Next::CaughtUp(_) | Next::Nothing | Next::End => None,
        };
        if let Next::Delivery(delivery) = next {
            let is_tick = delivery.entries.is_empty() && delivery.forget.is_empty();
            self.apply(&worker.owned, delivery);
            if is_tick {
                worker.ticking = false;
                if self.snapshot_due(worker, now) {
                    // It is tried again after an interval.
                    let _ = self.save_snapshot(worker);
                }
            }
        }
        if now.since(worker.swept_at) >= SWEEP_INTERVAL {
            worker.swept_at = now;
            self.sweep_of(worker.owned.index, now);
        }
        // A state is saved at a look at the time, so that it is at the end of the log even where nothing comes.
        let due = worker.owned.read().is_due(now) || self.snapshot_due(worker, now);
        if !worker.ticking && due {
            worker.ticking = true;
            self.log.forward(Frame::tick(worker.owned.index, now));
        }
        if let Some(position) = position {
            worker.replay.commit(position);
        }
        self.pass_missed_time();
    }

    fn apply(&self, owned: &OwnedPartition, delivery: Delivery) {
        let origin = Origin {
            partition: owned.index,
            position: delivery.position,
        };
        let decided = delivery.arrival;
        self.time.reach(decided);
        let mut partition = owned.write();
        owned.stories().note(&delivery.entries);
        let out = partition.apply(delivery);
        let place = FactPlace {
            partition: owned.index,
            position: origin.position,
            decided,
        };
        self.sinks.take(place, &out.facts);
        let held = self.sinks.bytes(owned.index);
        self.memory.set(owned.index, partition.weight() + held);
        // All of it before the partition is let go: who finds nothing due there finds everything told and nothing under way.
        owned.stories().take(out.facts);
        if !out.sends.is_empty() {
            let sends = addressed(out.sends, self.settings.partitions);
            self.log
                .forward(Frame::of(sends, self.time.now(), Some(origin)));
        }
    }

    /// One of the workers sweeps: that of the first partition.
    fn sweep_of(&self, index: usize, now: Timestamp) {
        if self.owned().first().is_some_and(|one| one.index == index) {
            self.sweep(now);
        }
    }

    /// Lets the partitions of this engine forget the series of which none has a part that lives. A part that expired before the
    /// others stays until then, so that the sum of all parts never falls. Whoever revives one while that is on its way to the log
    /// is kept, alone.
    fn sweep(&self, now: Timestamp) {
        let owned = self.owned();
        if !owned.iter().any(|one| one.read().deriver().has_expired()) {
            return;
        }
        let mut lives: HashMap<u64, bool> = HashMap::default();
        for one in &owned {
            for (series, is_alive) in one.read().deriver().lives() {
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
            let partitions = owned.iter().map(|one| one.index);
            self.log.forward(Frame::forget(dead, partitions, now));
        }
    }

    fn snapshot_due(&self, worker: &PartitionWorker, now: Timestamp) -> bool {
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

    /// Saves the state of a partition.
    fn save_snapshot(&self, worker: &mut PartitionWorker) -> Result<(), LogError> {
        let entries = self.log.appended_entries().unwrap_or(0);
        let owned = &worker.owned;
        // A state that is saved does not find out its facts again: all of them must survive where they are told.
        if let Err(behind) = self.sinks.settle(owned.index, SINK_WAIT) {
            worker.saved_at = self.time.now();
            debug!(partition = owned.index, %behind, "a snapshot waits");
            return Err(behind);
        }
        let partition = owned.read();
        let position = partition.position();
        // A large state takes its time; the worker is at work meanwhile.
        let parts = partition.save(owned.index);
        let mut parts = parts.inspect(|_| owned.heartbeat.beat());
        let saved = self.snapshots.save(owned.index, position, &mut parts);
        worker.saved_at = self.time.now();
        match saved {
            Ok(bytes) => {
                self.metrics.snapshots.increment(1);
                debug!(partition = owned.index, position, bytes, "wrote a snapshot");
                worker.saved_entries = entries;
                Ok(())
            }
            // The process ends, and the writer says why.
            Err(LogError::Closed) => Err(LogError::Closed),
            Err(error) => {
                self.metrics.failed_snapshots.increment(1);
                error!(partition = owned.index, %error, "cannot write a snapshot: the log grows until a snapshot succeeds");
                Err(error)
            }
        }
    }

    /// Gives a partition up: its state is saved, and its metrics and sessions are those of whoever it is assigned to next.
    ///
    /// # Errors
    /// When the state cannot be saved: the log has what is missing, if it keeps what is applied.
    pub fn release(&self, mut worker: PartitionWorker) -> Result<(), LogError> {
        let saved = self.save_snapshot(&mut worker);
        self.disown(worker.owned.index);
        saved
    }

    fn wait(&self, worker: &PartitionWorker) -> Duration {
        let due = worker.owned.read().next_deadline();
        let due = due.filter(|_| !worker.ticking);
        due.map_or(MAX_WAIT, |due| due.since(self.time.now()).min(MAX_WAIT))
    }
}
