//! Records: what the log holds and partitions consume.

use super::event::Event;
use super::ids::Key;
use super::time::Timestamp;

/// One entry of the log, addressed to the partition that owns `key`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: Key,
    /// When the entry came into the log; drives all timers, also in replay.
    pub arrival: Timestamp,
    pub record: Record,
}

/// What an entry says about its key.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// An event of the key's session or trace.
    Event(Box<Event>),
    /// The key belongs to this other key: forward what it holds and what still comes.
    Bind(Key),
}
