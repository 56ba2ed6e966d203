//! The log as ingest and partitions see it.

use super::files::Files;
use super::inbox::{InboxState, Item, State};
use super::replay::DiskReplay;
use super::segments::StoredFrames;
use super::snapshots::SnapshotFiles;
use crate::log::queue::Queues;
use crate::log::{AppendFuture, Log, LogError, Position, Replay, Snapshot, Snapshots};
use crate::model::record::{Frame, Load};
use crate::proto::{self, v1};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;

/// The log and its snapshots.
pub struct DiskLog {
    pub(super) files: Arc<dyn Files>,
    pub(super) queues: Queues,
    pub(super) shared: Arc<InboxState>,
    pub(super) snapshots: Arc<SnapshotFiles>,
}

impl std::fmt::Debug for DiskLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskLog")
            .field("queues", &self.queues)
            .finish_non_exhaustive()
    }
}

impl Log for DiskLog {
    fn append(&self, frame: Frame) -> AppendFuture {
        let load = Load::of(&frame);
        if let Err(refused) = self.queues.reserve(load) {
            return Box::pin(std::future::ready(Err(refused)));
        }
        let payload = proto::frame(&frame);
        let (answer, outcome) = oneshot::channel();
        let answer = Some(answer);
        let taken = self.shared.put(Item::Frame {
            frame,
            payload,
            answer,
        });
        if !taken {
            self.queues.release(load);
        }
        // A writer that goes away without an answer has failed.
        Box::pin(async move { outcome.await.unwrap_or(Err(LogError::WriteFailed)) })
    }

    fn forward(&self, frame: Frame) {
        let load = Load::of(&frame);
        self.queues.squeeze_in(load);
        let payload = proto::frame(&frame);
        let taken = self.shared.put(Item::Frame {
            frame,
            payload,
            answer: None,
        });
        if !taken {
            // Its cause is on the disk: the next process sends it again.
            self.queues.release(load);
        }
    }

    fn replay(&self, partition: usize, after: Position) -> Result<Box<dyn Replay>, LogError> {
        let (queue, end) = self.queues.open_reader(partition)?;
        self.shared.skip_to(after);
        let stored = StoredFrames::open(Arc::clone(&self.files), after + 1, end)?;
        if !stored.is_complete() {
            return Err(LogError::Missing(after + 1));
        }
        Ok(Box::new(DiskReplay::new(partition, stored, (queue, end))))
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

    fn end(&self) {
        let mut inbox = self.shared.lock();
        if inbox.state == State::Open {
            inbox.state = State::Ended;
        }
        self.shared.ready.notify_one();
    }

    fn appended_entries(&self) -> Option<u64> {
        Some(self.shared.entries.load(Ordering::Acquire))
    }

    fn needs_compaction(&self) -> bool {
        self.shared.needs_compaction.load(Ordering::Acquire)
    }

    fn shortage(&self) -> Option<String> {
        self.shared.short().clone()
    }
}

impl Snapshots for DiskLog {
    fn newest(&self, partition: usize, below: Position) -> Result<Option<Snapshot>, LogError> {
        self.snapshots.newest(partition, below)
    }

    fn save(
        &self,
        partition: usize,
        at: Position,
        parts: &mut dyn Iterator<Item = v1::SnapshotPart>,
    ) -> Result<u64, LogError> {
        // What the state has sent must be on the disk before the state is: it is not sent again.
        self.flush().recv().map_err(|_| LogError::Closed)?;
        self.snapshots.write(partition, at, parts)
    }

    fn discard(&self, partition: usize, at: Position) -> Result<(), LogError> {
        self.snapshots.discard(partition, at)
    }
}

impl DiskLog {
    /// Tells when all that was put into the log so far is durable; never, where the log has ended or failed.
    pub fn flush(&self) -> mpsc::Receiver<()> {
        let (flushed, wait) = mpsc::channel();
        self.shared.put(Item::Flush(flushed));
        wait
    }

    /// The files of the snapshots.
    pub fn snapshots(&self) -> &SnapshotFiles {
        &self.snapshots
    }
}
