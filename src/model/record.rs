//! Log entries.

use super::Name;
use super::cohort::Cohort;
use super::event::{Event, Outcome};
use super::ids::{PartitionKey, SpanId, TraceId};
use super::outcome_report::OutcomeReport;
use super::sampling::Threshold;
use super::time::Timestamp;
use std::sync::Arc;

impl Event {
    /// The key of its trace, to which it goes while nothing says its session.
    pub fn trace_key(&self) -> PartitionKey {
        let context = &self.context;
        let tenant = context.tenant.as_ref();
        let own = tenant.filter(|_| context.has_authenticated_tenant);
        PartitionKey::of_trace(own, self.trace)
    }
}

/// What is appended to the log at once: all of it or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// When it came into the log; drives all timers, also in replay.
    pub arrival: Timestamp,
    /// What sent it; `None`: it comes from outside.
    pub origin: Option<Origin>,
    /// The entries of each partition that has some. A partition without entries is only told the time.
    pub parts: Vec<(usize, Vec<Entry>)>,
    /// A process goes on with the log from here, at this time: what was shown until now was shown by another one. The time between
    /// arrival and this one passed without a process.
    pub restart: Option<Timestamp>,
    /// Series without a living part in any of these partitions, by their numbers: they forget theirs.
    pub forget: Vec<u64>,
}

impl Frame {
    /// Sorts entries by the partitions that own them; their order within one stays.
    pub fn of(
        entries: impl IntoIterator<Item = (usize, Entry)>,
        arrival: Timestamp,
        origin: Option<Origin>,
    ) -> Self {
        let mut parts: Vec<(usize, Vec<Entry>)> = Vec::new();
        let mut entries = entries.into_iter();
        while let Some((partition, entry)) = entries.next() {
            match parts.iter_mut().find(|(known, _)| *known == partition) {
                Some((_, entries)) => entries.push(entry),
                None => {
                    // Of one partition all are its, of several about as many as that.
                    let mut part =
                        Vec::with_capacity(1 + entries.size_hint().0 / (1 + parts.len()));
                    part.push(entry);
                    parts.push((partition, part));
                }
            }
        }
        Self {
            arrival,
            origin,
            parts,
            restart: None,
            forget: Vec::new(),
        }
    }

    /// A look at the time for one partition. It goes through the log, so that timers fire between the same entries in replay.
    pub fn tick(partition: usize, arrival: Timestamp) -> Self {
        Self {
            arrival,
            origin: None,
            parts: vec![(partition, Vec::new())],
            restart: None,
            forget: Vec::new(),
        }
    }

    /// Tells partitions that another process goes on with the log. What it missed is passed from `arrival` on; it began at `since`.
    pub fn restart(
        partitions: impl IntoIterator<Item = usize>,
        (arrival, since): (Timestamp, Timestamp),
    ) -> Self {
        Self {
            restart: Some(since),
            ..Self::without_entries(partitions, arrival)
        }
    }

    /// Tells partitions that these series are dead.
    pub fn forget(
        series: Vec<u64>,
        partitions: impl IntoIterator<Item = usize>,
        arrival: Timestamp,
    ) -> Self {
        Self {
            forget: series,
            ..Self::without_entries(partitions, arrival)
        }
    }

    fn without_entries(partitions: impl IntoIterator<Item = usize>, arrival: Timestamp) -> Self {
        Self {
            arrival,
            origin: None,
            parts: partitions
                .into_iter()
                .map(|index| (index, Vec::new()))
                .collect(),
            restart: None,
            forget: Vec::new(),
        }
    }

    /// Entries of all partitions.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|(_, entries)| entries.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Roughly the bytes that its entries hold in memory.
    pub fn weight(&self) -> usize {
        let entries = self.parts.iter().flat_map(|(_, entries)| entries);
        entries.map(Entry::weight).sum()
    }

    /// What each partition gets of it.
    pub fn deliveries(self, position: u64) -> impl Iterator<Item = (usize, Delivery)> {
        let (arrival, restart) = (self.arrival, self.restart);
        let forget = Arc::<[u64]>::from(self.forget);
        self.parts.into_iter().map(move |(partition, entries)| {
            let delivery = Delivery {
                position,
                arrival,
                entries,
                restart,
                forget: Arc::clone(&forget),
            };
            (partition, delivery)
        })
    }
}

/// The partition whose delivery at this position made it send. Recovery tells by it what is in the log already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub partition: usize,
    pub position: u64,
}

/// What one partition takes in at one place of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The place; grows along the log and begins at 1.
    pub position: u64,
    pub arrival: Timestamp,
    /// Empty: a look at the time.
    pub entries: Vec<Entry>,
    /// A process goes on with the log from here, at this time.
    pub restart: Option<Timestamp>,
    /// Series that are dead in all partitions.
    pub forget: Arc<[u64]>,
}

impl Delivery {
    pub fn load(&self) -> Load {
        Load {
            entries: self.entries.len(),
            bytes: self.entries.iter().map(Entry::weight).sum(),
        }
    }
}

/// What waits somewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    pub entries: usize,
    /// Roughly what they hold in memory.
    pub bytes: usize,
}

impl Load {
    pub fn of(frame: &Frame) -> Self {
        Self {
            entries: frame.len(),
            bytes: frame.weight(),
        }
    }
}

/// One record with the key that it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: PartitionKey,
    pub record: Record,
}

impl Entry {
    /// With the partition that owns its key, of so many.
    pub fn addressed(self, partitions: usize) -> (usize, Self) {
        (self.key.partition(partitions), self)
    }

    /// Roughly the bytes that it holds in memory.
    pub fn weight(&self) -> usize {
        size_of::<Self>()
            + match &self.record {
                Record::Event(event) | Record::Dealt(event) => event.weight(),
                Record::Bind(_)
                | Record::ResolveSession(..)
                | Record::SessionResolved(..)
                | Record::Release(..) => 0,
                Record::Contact(_) => size_of::<Contact>(),
                Record::Outcome(_) => size_of::<OutcomeReport>() + 64,
                Record::MergeState(state) => state.len(),
            }
    }
}

/// What an entry says about its key.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// An event of the key's session or trace.
    Event(Box<Event>),
    /// An event of a trace that names several sessions, given to the key's session by the key of the trace.
    Dealt(Box<Event>),
    /// The key belongs to this other key: forward what it holds and what still comes.
    Bind(PartitionKey),
    /// The key goes on with what another one held that is bound to it: a state that only the stitcher reads.
    MergeState(Box<[u8]>),
    /// A trace asks for the session of the key's.
    ResolveSession(TraceId, LinkQuestion),
    /// The key's trace links to one of this session: it goes there, unless it has a session of its own.
    SessionResolved(PartitionKey, LinkAnswer),
    /// This trace went to the key's session and belongs to this other key: send there what is undecided of it. If that is the trace's own
    /// key, the trace names several sessions and is dealt out there. If it is the key itself, no part of such a trace is its own.
    Release(TraceId, PartitionKey),
    /// A workflow of the key's user was closed.
    Contact(Box<Contact>),
    /// A system outside of the agents reports what became of the key's session.
    Outcome(Box<OutcomeReport>),
}

/// How a trace links to the one that it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkQuestion {
    /// From link to link.
    pub steps: u32,
    /// The span at the end; `None`: an older Baton asked.
    pub span: Option<SpanId>,
}

/// Who answers, and how far away it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkAnswer {
    /// From link to link.
    pub steps: u32,
    /// The trace that was asked. Its later answers take the place of its earlier ones. `None`: an older Baton answered.
    pub by: Option<TraceId>,
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
    pub threshold: Option<Threshold>,
}
