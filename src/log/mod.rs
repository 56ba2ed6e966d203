//! The log between receivers and partitions: a write-ahead log with one queue per partition.
//!
//! A request is acknowledged when [`Log::append`] succeeds. [`memory`] keeps entries as long as the process lives, [`disk`] as long as the disk does.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | where the log is, and its limits |
//! | `memory.rs` | the log in memory |
//! | `disk/` | the log on disk, with snapshots |
//! | `error.rs` | the one error of every log |
//! | `queue.rs` | the queues from a log to its partitions, with a limit on all waiting events |

pub mod disk;
mod error;
pub mod memory;
mod queue;
mod settings;

pub use error::{LogError, Responsible};
pub use queue::{Next, Reader};
pub use settings::{LogKind, Settings};

use crate::model::record::{Frame, Load};
use crate::proto::v1;
use std::future::Future;
use std::pin::Pin;

/// An append under way; it ends when the entries are in the log as safely as the log promises.
pub type AppendFuture = Pin<Box<dyn Future<Output = Result<(), LogError>> + Send>>;

/// The writing half of a log. Its readers get the frames in the order of the log.
pub trait Log: Send + Sync {
    /// Appends what comes from outside; all of it or nothing.
    fn append(&self, frame: Frame) -> AppendFuture;

    /// Appends what a partition sends to others, or a look at the time. Never refused: its cause is in the log already.
    fn forward(&self, frame: Frame);

    /// Makes the reader of every partition look at the time.
    fn wake(&self);

    /// What is in the log and not applied yet.
    fn backlog(&self) -> Load;

    /// Takes no more entries; readers see the end after what is in the log.
    fn close(&self);

    /// Says that all readers are at the end.
    fn end(&self) {}

    /// Entries so far of a log that keeps the state of partitions; `None`: it does not.
    fn appended_entries(&self) -> Option<u64> {
        None
    }

    /// Whether the log would be shorter soon if partitions kept their state now.
    fn needs_compaction(&self) -> bool {
        false
    }

    /// Why nothing is taken from outside, where that lasts: it ends by itself when there is room again.
    fn shortage(&self) -> Option<String> {
        None
    }

    /// Keeps the state that a partition has at a position, so that the log before it can go; returns its size in bytes.
    ///
    /// # Errors
    /// When it cannot be kept: the one before stays, and the log with it.
    fn save_snapshot(
        &self,
        _partition: usize,
        _position: u64,
        _parts: &mut dyn Iterator<Item = v1::SnapshotPart>,
    ) -> Result<u64, LogError> {
        Ok(0)
    }
}
