//! The log on disk. An acknowledged request is on disk, and a new process recovers the state of the previous one.
//!
//! One thread writes. It takes all frames that have arrived, writes them with one fsync (group commit), passes them to the partitions and acknowledges them.
//! Partitions only see durable entries, so their state is a function of the log.
//!
//! It is our own code because the simulation must inject faults below the log (`tests/it/simulation`). `docs/durability.md` compares the alternatives.
//!
//! | File | Content |
//! |---|---|
//! | `log.rs` | the log as ingest and partitions see it |
//! | `inbox.rs` | what the log and its writer share |
//! | `writer.rs` | the writer thread |
//! | `replay.rs` | one partition, read: what is stored, then what comes |
//! | `journal.rs` | the segments of the log, written |
//! | `segments.rs` | the segments of the log, read |
//! | `snapshots.rs` | snapshots of partitions |
//! | `messages.rs` | small files of messages, for rooms that keep a journal of their own |
//! | `layout.rs` | the metadata of the directory, and its change to another number of partitions |
//! | `space.rs` | free space on the volume, and the greatest size of the log |
//! | `progress.rs` | how far recovery is |
//! | `format.rs` | the file format: a header and frames |
//! | `files.rs` | the few file operations that the log needs; the simulation replaces them |
//! | `metrics.rs` | what the log counts |

pub mod files;
mod format;
mod inbox;
pub mod journal;
pub mod layout;
mod log;
pub mod messages;
mod metrics;
pub mod progress;
mod replay;
mod segments;
pub mod snapshots;
mod space;
mod writer;

use super::queue::Queues;
use crate::log::LogError;
use files::Files;
use journal::Journal;
use snapshots::SnapshotFiles;
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use log::DiskLog;
pub use segments::{StoredFrames, firsts, name as segment_name, salvage};
pub use writer::Writer;

/// How names of segments end.
const LOG: &str = ".log";

/// Limits of the log.
#[derive(Clone, Debug)]
pub struct Settings {
    /// As many as the folder has.
    pub partitions: usize,
    /// The position after which the log of this number of partitions begins.
    pub since: u64,
    /// Entries from outside that may wait for their partitions.
    pub capacity: usize,
    /// A segment that is longer is followed by a new one.
    pub segment_bytes: u64,
    /// As is one that was begun so long ago, so that what is kept elsewhere can go.
    pub segment_age: Duration,
    /// A log that is longer takes nothing from outside until partitions have kept their state; `None`: it follows the volume.
    pub max_bytes: Option<u64>,
}

/// A result of the file system as a fault of the named file.
fn in_file<T>(name: &str, result: io::Result<T>) -> Result<T, LogError> {
    result.map_err(|error| LogError::Io(name.to_owned(), error))
}

/// What a folder's log is used by.
#[derive(Debug)]
pub struct Opened {
    pub log: DiskLog,
    pub writer: Writer,
    /// Bytes of a torn tail that were cut: nobody was told that they are taken.
    pub cut: u64,
}

/// Opens the log of a folder.
///
/// # Errors
/// When the folder cannot be used, or what is in it is damaged in more than the tail.
pub fn open(files: &Arc<dyn Files>, settings: &Settings) -> Result<Opened, LogError> {
    let snapshots = SnapshotFiles::open(Arc::clone(files), settings.partitions)?;
    // A log without segments is new, or its segments are gone: what snapshots have seen is not written again.
    let since = settings.since.max(snapshots.last().unwrap_or(0));
    let (journal, cut) = Journal::open_after(Arc::clone(files), settings.segment_bytes, since)?;
    snapshots.measure(&journal)?;
    let queues = Queues::after(journal.next() - 1, settings.partitions, settings.capacity);
    let (log, writer) = writer::new(Arc::clone(files), journal, snapshots, queues, settings);
    Ok(Opened { log, writer, cut })
}
