//! The log in memory. It keeps entries until they are applied, and as long as the process lives.

use super::queue::{QueueReader, Queues};
use super::{AppendFuture, Log, LogError, Next, Position, Replay, Snapshot, Snapshots};
use crate::model::record::{Frame, Load};
use crate::proto::v1;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The log, and the snapshots of partitions that were given up.
#[derive(Debug)]
pub struct MemoryLog {
    queues: Queues,
    /// The newest snapshot of each partition that has one.
    saved: Mutex<BTreeMap<usize, (Position, Vec<v1::SnapshotPart>)>>,
}

/// A log with `partitions` queues, which together take `capacity` entries from outside before they refuse more.
pub fn open(partitions: usize, capacity: usize) -> MemoryLog {
    MemoryLog {
        queues: Queues::retaining(partitions, capacity),
        saved: Mutex::default(),
    }
}

impl MemoryLog {
    fn saved(&self) -> MutexGuard<'_, BTreeMap<usize, (Position, Vec<v1::SnapshotPart>)>> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for MemoryLog {
    fn append(&self, frame: Frame) -> AppendFuture {
        let outcome = self.queues.reserve(Load::of(&frame));
        if outcome.is_ok() {
            self.queues.deliver_next(frame);
        }
        Box::pin(std::future::ready(outcome))
    }

    fn forward(&self, frame: Frame) {
        self.queues.squeeze_in(Load::of(&frame));
        self.queues.deliver_next(frame);
    }

    fn replay(&self, partition: usize, _after: Position) -> Result<Box<dyn Replay>, LogError> {
        let (queue, end) = self.queues.open_reader(partition)?;
        Ok(Box::new(MemoryReplay {
            queue,
            end: Some(end),
        }))
    }

    fn wake(&self) {
        self.queues.wake();
    }

    fn backlog(&self) -> Load {
        self.queues.waiting()
    }

    fn close(&self) {
        self.queues.close();
    }
}

impl Snapshots for MemoryLog {
    fn newest(&self, partition: usize, below: Position) -> Result<Option<Snapshot>, LogError> {
        let saved = self.saved().get(&partition).cloned();
        let saved = saved.filter(|(at, _)| *at < below);
        Ok(saved.map(|(at, parts)| Snapshot {
            at,
            parts: Box::new(parts.into_iter().map(Ok)),
        }))
    }

    /// The size of what is in memory is not known in bytes of a file: 0.
    fn save(
        &self,
        partition: usize,
        at: Position,
        parts: &mut dyn Iterator<Item = v1::SnapshotPart>,
    ) -> Result<u64, LogError> {
        let parts = parts.collect();
        self.saved().insert(partition, (at, parts));
        Ok(0)
    }

    fn discard(&self, partition: usize, at: Position) -> Result<(), LogError> {
        let mut saved = self.saved();
        if saved.get(&partition).is_some_and(|(known, _)| *known == at) {
            saved.remove(&partition);
        }
        Ok(())
    }
}

/// What a partition has not applied yet.
#[derive(Debug)]
struct MemoryReplay {
    queue: QueueReader,
    /// Until it is told: nothing that was applied is there to be read again.
    end: Option<Position>,
}

impl Replay for MemoryReplay {
    fn read(&mut self, wait: Duration) -> Result<Next, LogError> {
        Ok(match self.end.take() {
            Some(end) => Next::CaughtUp(end),
            None => self.queue.read(wait),
        })
    }

    fn commit(&mut self, _at: Position) {
        self.queue.release_taken();
    }

    /// Nothing is lost between a cause and what it forwards.
    fn forwarded(&self) -> Position {
        Position::MAX
    }
}
