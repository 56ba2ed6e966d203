//! Verdicts on their way from the partitions to the spool.

use crate::model::fact::Fact;
use crate::model::time::Timestamp;
use crate::verdict::DecidedFact;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Verdicts that may wait before requests are refused. Those of the requests that Baton has then taken still come.
const MAX_WAITING: usize = 50_000;
/// Verdicts in one request.
const MAX_BATCH: usize = 256;

/// The queue. Partitions put verdicts in and never wait; one writer takes them out.
///
/// It has no limit at which verdicts are dropped: above `MAX_WAITING` nothing is taken from outside, so what still comes is what Baton already holds.
#[derive(Debug, Default)]
pub(super) struct VerdictQueue {
    state: Mutex<VerdictQueueState>,
    /// Some verdicts are durable, or there is no room for them.
    settled: Condvar,
    /// There is something to write.
    ready: Notify,
}

#[derive(Debug, Default)]
struct VerdictQueueState {
    /// Each with its partition, in the order in which they were decided.
    waiting: VecDeque<(usize, DecidedFact)>,
    /// How many of each partition are not durable: waiting, or being written.
    outstanding: BTreeMap<usize, usize>,
    /// The spool has no room. The writer sets it.
    is_blocked: bool,
}

impl VerdictQueueState {
    /// Whether verdicts of a partition are not durable.
    fn has(&self, partition: usize) -> bool {
        let count = self.outstanding.get(&partition);
        count.is_some_and(|count| *count > 0)
    }
}

/// Verdicts that are written together.
#[derive(Debug, Default)]
pub(super) struct VerdictBatch(pub(super) Vec<(usize, DecidedFact)>);

impl VerdictQueue {
    fn lock(&self) -> MutexGuard<'_, VerdictQueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the verdicts among the facts of a partition.
    pub(super) fn put(&self, partition: usize, decided: Timestamp, facts: &[Fact]) {
        let verdicts = facts.iter();
        let mut verdicts = verdicts.filter_map(|fact| DecidedFact::of(fact, decided));
        let Some(first) = verdicts.next() else {
            return;
        };
        let mut state = self.lock();
        let before = state.waiting.len();
        let all = std::iter::once(first).chain(verdicts);
        state
            .waiting
            .extend(all.map(|verdict| (partition, verdict)));
        let added = state.waiting.len() - before;
        *state.outstanding.entry(partition).or_default() += added;
        drop(state);
        self.ready.notify_one();
    }

    /// The next verdicts to write; empty: there are none now.
    pub(super) fn next(&self) -> VerdictBatch {
        let mut state = self.lock();
        let count = state.waiting.len().min(MAX_BATCH);
        VerdictBatch(state.waiting.drain(..count).collect())
    }

    /// Ends when there may be something to write.
    pub(super) async fn ready(&self) {
        self.ready.notified().await;
    }

    /// Verdicts are durable, or dropped for good.
    pub(super) fn settle(&self, batch: &VerdictBatch) {
        let mut state = self.lock();
        for (partition, _) in &batch.0 {
            if let Some(count) = state.outstanding.get_mut(partition) {
                *count -= 1;
            }
        }
        drop(state);
        self.settled.notify_all();
    }

    /// Says whether the spool has no room: then nobody need wait.
    pub(super) fn set_blocked(&self, is_blocked: bool) {
        self.lock().is_blocked = is_blocked;
        self.settled.notify_all();
    }

    /// Whether all verdicts of a partition are durable; waits for it at most so long, and not at all while the spool has no room.
    pub(super) fn is_durable(&self, partition: usize, wait: Duration) -> bool {
        let waits = |state: &mut VerdictQueueState| state.has(partition) && !state.is_blocked;
        let waited = self.settled.wait_timeout_while(self.lock(), wait, waits);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.has(partition)
    }

    /// Verdicts that are not durable.
    pub(super) fn outstanding(&self) -> usize {
        self.lock().outstanding.values().sum()
    }

    /// Whether so many wait that nothing may be taken from outside.
    pub(super) fn is_full(&self) -> bool {
        self.lock().waiting.len() > MAX_WAITING
    }
}
