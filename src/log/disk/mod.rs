//! The log on disk. An acknowledged request is on disk, and a new process recovers the state of the previous one.
//!
//! One thread writes. It takes all frames that have arrived, writes them with one fsync (group commit), passes them to the partitions and acknowledges them.
//! Partitions only see durable entries, so their state is a function of the log.
//!
//! It is our own code because the simulation must inject faults below the log (`tests/it/simulation`). `docs/durability.md` compares the alternatives.
//!
//! | File | Content |
//! |---|---|
//! | `format.rs` | the file format: a header and frames |
//! | `log.rs` | the writer thread, and the log as receivers and partitions see it |
//! | `journal.rs` | the segments of the log |
//! | `snapshots.rs` | snapshots of partitions, and the metadata of the directory |
//! | `files.rs` | the few file operations that the log needs; the simulation replaces them |

mod counts;
pub mod files;
mod format;
pub mod journal;
pub mod layout;
mod log;
pub mod progress;
mod room;
pub mod snapshots;

use super::{Reader, queue};
use crate::log::LogError;
use files::Files;
use journal::Journal;
use snapshots::Snapshots;
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use log::{DiskLog, Writer};

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
    pub readers: Vec<Reader>,
    /// Bytes of a torn tail that were cut: nobody was told that they are taken.
    pub cut: u64,
}

/// Opens the log of a folder.
///
/// # Errors
/// When the folder cannot be used, or what is in it is damaged in more than the tail.
pub fn open(files: &Arc<dyn Files>, settings: &Settings) -> Result<Opened, LogError> {
    let (journal, cut) =
        Journal::open_after(Arc::clone(files), settings.segment_bytes, settings.since)?;
    let snapshots = Snapshots::open(Arc::clone(files), settings.partitions)?;
    snapshots.measure(&journal)?;
    let (queues, readers) = queue::open(settings.partitions, settings.capacity);
    let (log, writer) = log::new(Arc::clone(files), journal, snapshots, queues, settings);
    Ok(Opened {
        log,
        writer,
        readers,
        cut,
    })
}
