//! GROUND. The log of events, partitioned: what stands between the door and the state machine.
//!
//! A request is acknowledged when [`Log::append`] says so. What that promises is the implementation's:
//! [`memory`] keeps it as long as the process lives.

pub mod memory;

use crate::model::record::Entry;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

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

/// The writing half of a log. Entries of one partition keep their order.
pub trait Log: Send + Sync {
    /// Appends entries from outside, each for its partition; all of them or none.
    fn append(&self, entries: Vec<(usize, Entry)>) -> Appending;

    /// Appends entries that one partition sends to another. These are never refused: their cause is in the log already.
    fn forward(&self, entries: Vec<(usize, Entry)>);

    /// Makes the reader of every partition look at the time.
    fn wake(&self);

    /// Entries in the log that no reader has taken yet.
    fn backlog(&self) -> usize;

    /// Takes no more entries; readers see the end after what is in the log.
    fn close(&self);
}

/// The reading half of one partition.
pub trait Reader: Send {
    /// The next entries in order; waits for them at most `wait`.
    fn next(&mut self, wait: Duration) -> Next;

    /// Says that the entries of the last [`Reader::next`] are applied.
    fn done(&mut self);
}

/// What a reader found.
#[derive(Debug)]
pub enum Next {
    Entries(Vec<Entry>),
    /// Nothing new: a look at the time is due.
    Nothing,
    /// The log is closed and read to its end.
    End,
}
