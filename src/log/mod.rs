//! The log between ingest and partitions: a write-ahead log with one queue per partition, and the snapshots that let it be short.
//!
//! Three traits are the seam: whoever appends knows [`Log`], the loop of a partition reads through [`Replay`], and recovery begins
//! with [`Snapshots`]. [`conformance`] is their contract as a suite of checks: the logs in memory and on disk pass it, and so does the
//! log on the simulated disk.
//!
//! A request is acknowledged when [`Log::append`] succeeds. [`memory`] keeps entries as long as the process lives, [`disk`] as long as the disk does.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | where the log is, and its limits |
//! | `error.rs` | the one error of every log |
//! | `queue.rs` | the queues from a log to its partitions, with a limit on all waiting events |
//! | `memory.rs` | the log in memory |
//! | `disk/` | the log on disk |
//! | `conformance.rs` | what every log has to do, as checks |

pub mod conformance;
pub mod disk;
mod error;
pub mod memory;
mod queue;
mod settings;

#[cfg(test)]
mod tests;

pub use error::{LogError, Responsible};
pub use settings::{LogKind, Settings};

use crate::model::record::{Delivery, Frame, Load};
use crate::proto::v1;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// The place of a delivery in the log of one partition: opaque, it only grows. A log may leave gaps. 0 is before the first.
pub type Position = u64;

/// An append under way; it ends when the entries are in the log as safely as the log promises.
pub type AppendFuture = Pin<Box<dyn Future<Output = Result<(), LogError>> + Send>>;

/// The writing half of a log. Each partition gets what is its own in the order in which it was appended.
pub trait Log: Send + Sync {
    /// Appends what comes from outside; all of it or nothing.
    fn append(&self, frame: Frame) -> AppendFuture;

    /// Appends what a partition sends to others, or a look at the time. Never refused: its cause is in the log already. What one
    /// partition forwards is in the log in the order of its origins.
    fn forward(&self, frame: Frame);

    /// Begins to read a partition after a position.
    ///
    /// # Errors
    /// When somebody reads it; when the log has nothing directly after this position, though it has later entries; or when it
    /// cannot be read.
    fn replay(&self, partition: usize, after: Position) -> Result<Box<dyn Replay>, LogError>;

    /// Makes the reader of every partition look at the time.
    fn wake(&self);

    /// What is in the log and not applied yet.
    fn backlog(&self) -> Load;

    /// Takes no more entries; readers see the end after what is in the log.
    fn close(&self);

    /// Says that all readers are at the end.
    fn end(&self) {}

    /// Entries so far of a log that snapshots shorten; `None`: snapshots at intervals are of no use to it.
    fn appended_entries(&self) -> Option<u64> {
        None
    }

    /// Whether the log would be shorter soon if partitions wrote snapshots now.
    fn needs_compaction(&self) -> bool {
        false
    }

    /// Why nothing is taken from outside, where that lasts: it ends by itself when there is room again.
    fn shortage(&self) -> Option<String> {
        None
    }
}

/// The reading half of one partition. Dropping it gives the partition up: what it did not read waits for the next reader.
pub trait Replay: Send {
    /// The next delivery in order; waits for it at most `wait`.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn read(&mut self, wait: Duration) -> Result<Next, LogError>;

    /// Says that everything up to this position is applied, and what it caused is in the log.
    fn commit(&mut self, at: Position);

    /// The greatest position of this partition whose forwarded frame is known to be in the log. Once the reader has caught up,
    /// what a greater position caused is not in the log.
    fn forwarded(&self) -> Position;
}

/// What a reader found.
#[derive(Debug)]
pub enum Next {
    Delivery(Delivery),
    /// All that was in the log when the reader was opened is read: once for each reader. With the last position of the log then.
    CaughtUp(Position),
    /// Nothing new: a look at the time is due.
    Nothing,
    /// The log is closed and read to its end.
    End,
}

/// The snapshots of partitions.
pub trait Snapshots: Send + Sync {
    /// The newest snapshot of a partition at a position less than `below`.
    ///
    /// # Errors
    /// When it cannot be read. A damaged one is found while its parts are read.
    fn newest(&self, partition: usize, below: Position) -> Result<Option<Snapshot>, LogError>;

    /// Saves the state of a partition at a position, so that the log before it can go; returns its size in bytes. What the
    /// partition has forwarded until then is in the log first.
    ///
    /// # Errors
    /// When it cannot be saved: the one before stays, and the log with it.
    fn save(
        &self,
        partition: usize,
        at: Position,
        parts: &mut dyn Iterator<Item = v1::SnapshotPart>,
    ) -> Result<u64, LogError>;

    /// Removes a snapshot that is damaged.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn discard(&self, partition: usize, at: Position) -> Result<(), LogError>;
}

/// A saved state of one partition, read part by part.
pub struct Snapshot {
    pub at: Position,
    /// [`LogError::Corrupt`] or [`LogError::Invalid`] where it is damaged.
    pub parts: SnapshotParts,
}

/// The parts of a snapshot in order.
pub type SnapshotParts = Box<dyn Iterator<Item = Result<v1::SnapshotPart, LogError>>>;

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
