//! GROUND. The log of events, partitioned: what stands between the door and the state machine.
//!
//! A request is acknowledged when [`Log::append`] says so. What that promises is the implementation's:
//! [`memory`] keeps it as long as the process lives.

pub mod memory;
mod queue;

pub use queue::{Next, Reader};

use crate::model::record::Frame;
use std::future::Future;
use std::pin::Pin;

/// An append under way; it ends when the entries are in the log as safely as the log promises.
pub type Appending = Pin<Box<dyn Future<Output = Result<(), AppendError>> + Send>>;

/// Why the log did not take entries. None of them was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// No room now: the sender should retry.
    Full,
    /// More entries at once than the log can ever hold: retrying is useless.
    TooMany,
    /// The log is closed: the process is stopping.
    Closed,
}

/// The writing half of a log. Its readers get the frames in the order of the log.
pub trait Log: Send + Sync {
    /// Appends what comes from outside; all of it or nothing.
    fn append(&self, frame: Frame) -> Appending;

    /// Appends what a partition sends to others, or a look at the time. Never refused: its cause is in the log already.
    fn forward(&self, frame: Frame);

    /// Makes the reader of every partition look at the time.
    fn wake(&self);

    /// Entries in the log that are not applied yet.
    fn backlog(&self) -> usize;

    /// Takes no more entries; readers see the end after what is in the log.
    fn close(&self);
}
