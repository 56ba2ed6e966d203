//! Records: what the log holds and partitions consume.

use super::Name;
use super::cohort::Cohort;
use super::event::{Event, Outcome};
use super::ids::{Key, TraceId};
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
    /// A workflow of the key's user was closed.
    Contact(Box<Contact>),
}

/// What a closed workflow leaves at its user, so that a re-contact is recognised.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    pub workflow: Name,
    pub intent: Option<Name>,
    pub outcome: Outcome,
    /// Event time of the first and the last activity.
    pub start: Timestamp,
    pub end: Timestamp,
    pub trace: TraceId,
    pub cohort: Cohort,
}
