//! Facts on their way from the partitions to the writer, and how far each partition's are durable.

use super::delivered::DeliveredFacts;
use crate::log::Position;
use crate::model::fact::Fact;
use crate::model::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What partitions tell. They never wait: one writer takes it, and a snapshot waits until that has written it.
#[derive(Debug, Default)]
pub struct LedgerQueue {
    state: Mutex<LedgerQueueState>,
    /// Something is durable, or cannot be made so.
    settled: Condvar,
    /// There is something to do for the writer.
    ready: Condvar,
}

#[derive(Debug, Default)]
struct LedgerQueueState {
    /// The ID of the log.
    log: Option<u64>,
    waiting: Vec<DeliveredFacts>,
    partitions: BTreeMap<usize, TellingPartition>,
    /// The writer cannot write. It says so itself.
    is_blocked: bool,
    has_ended: bool,
}

/// How far the facts of one partition are.
#[derive(Debug, Default)]
struct TellingPartition {
    /// Where the last facts were found out.
    told: Position,
    /// All up to there are durable.
    durable: Position,
    /// Bytes that its facts and rows take until they are.
    bytes: usize,
    /// A snapshot waits.
    is_wanted: bool,
}

impl TellingPartition {
    fn is_durable(&self) -> bool {
        self.durable >= self.told
    }
}

/// What the writer has to do now.
#[derive(Debug, Default)]
pub(super) struct LedgerWork {
    /// The ID of the log, if anything was told.
    pub(super) log: u64,
    pub(super) facts: Vec<DeliveredFacts>,
    /// The partitions of which a snapshot waits.
    pub(super) wanted: Vec<usize>,
    /// Nothing more comes.
    pub(super) has_ended: bool,
}

impl LedgerQueue {
    fn lock(&self) -> MutexGuard<'_, LedgerQueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says which log the positions are of. Say it before anything else.
    pub fn begin(&self, log: u64) {
        self.lock().log = Some(log);
    }

    /// Takes the facts of one delivery to a partition.
    pub fn put(&self, partition: usize, position: Position, decided: Timestamp, facts: &[Fact]) {
        let delivered = DeliveredFacts::of((partition, position, decided), facts);
        if delivered.facts.is_empty() {
            return;
        }
        let mut state = self.lock();
        let telling = state.partitions.entry(partition).or_default();
        telling.told = telling.told.max(position);
        telling.bytes += delivered.bytes();
        state.waiting.push(delivered);
        // One that waits knows of the first ones; it comes back for the others.
        let is_first = state.waiting.len() == 1;
        drop(state);
        if is_first {
            self.ready.notify_one();
        }
    }

    /// Whether all rows of a partition are durable. The writer writes them now; this waits for it at most so long, and not at all while nothing can be written.
    pub fn is_durable(&self, partition: usize, wait: Duration) -> bool {
        let mut state = self.lock();
        match state.partitions.get_mut(&partition) {
            Some(telling) if !telling.is_durable() => telling.is_wanted = true,
            _ => return true,
        }
        self.ready.notify_one();
        let is_durable = |state: &LedgerQueueState| {
            let telling = state.partitions.get(&partition);
            telling.is_none_or(TellingPartition::is_durable)
        };
        let waits = |state: &mut LedgerQueueState| !state.is_blocked && !is_durable(state);
        let waited = self.settled.wait_timeout_while(state, wait, waits);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        is_durable(&state)
    }

    /// Bytes that the facts and rows of a partition take until they are durable.
    pub fn bytes(&self, partition: usize) -> usize {
        let state = self.lock();
        state
            .partitions
            .get(&partition)
            .map_or(0, |telling| telling.bytes)
    }

    /// Says that nothing more comes: the writer ends when it has written all.
    pub fn end(&self) {
        self.lock().has_ended = true;
        self.ready.notify_one();
    }

    /// What is to be done; waits for it at most so long.
    pub(super) fn next(&self, wait: Duration) -> LedgerWork {
        let is_idle = |state: &mut LedgerQueueState| {
            let is_wanted = state.partitions.values().any(|telling| telling.is_wanted);
            state.waiting.is_empty() && !is_wanted && !state.has_ended
        };
        let waited = self.ready.wait_timeout_while(self.lock(), wait, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let mut wanted = Vec::new();
        for (partition, telling) in &mut state.partitions {
            if std::mem::take(&mut telling.is_wanted) {
                wanted.push(*partition);
            }
        }
        LedgerWork {
            log: state.log.unwrap_or_default(),
            facts: std::mem::take(&mut state.waiting),
            wanted,
            has_ended: state.has_ended,
        }
    }

    /// The rows that the writer holds of a partition take so many bytes; those up to a position are durable.
    pub(super) fn settle(&self, partition: usize, durable: Option<Position>, bytes: usize) {
        let mut state = self.lock();
        let queued = state
            .waiting
            .iter()
            .filter(|facts| facts.partition == partition);
        let queued: usize = queued.map(DeliveredFacts::bytes).sum();
        let telling = state.partitions.entry(partition).or_default();
        telling.bytes = bytes + queued;
        telling.durable = telling.durable.max(durable.unwrap_or(0));
        drop(state);
        self.settled.notify_all();
    }

    /// Says whether nothing can be written: then nobody need wait.
    pub(super) fn set_blocked(&self, is_blocked: bool) {
        self.lock().is_blocked = is_blocked;
        self.settled.notify_all();
    }
}
