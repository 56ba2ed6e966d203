//! The traces that name a session among others, and whether its part of each has come (S-14).

use crate::model::ids::TraceId;
use crate::model::small_map::SmallMap;
use crate::model::time::Timestamp;
use crate::proto::{Invalid, trace, v1};

/// What became of the part of one trace. Of two sessions that became one, the smaller says it: where one has its part, the other one's
/// is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum AwaitedPart {
    Came,
    /// Turns wait for it no more. The key of the trace still holds it.
    Overdue,
    /// Turns wait for it until this time.
    Until(Timestamp),
}

/// Written by the key of each trace. What came is forgotten with the traces of the session, what is awaited or overdue with the session:
/// its spans belong to the key of the trace as long as that holds them.
#[derive(Debug, Default)]
pub(super) struct AwaitedParts(SmallMap<TraceId, AwaitedPart>);

impl AwaitedParts {
    /// Roughly the bytes that it holds in memory.
    pub(super) fn weight(&self) -> usize {
        self.0.len() * size_of::<(TraceId, AwaitedPart)>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a trace names several sessions, so that its own key deals it out.
    pub(super) fn has(&self, trace: TraceId) -> bool {
        self.0.get(&trace).is_some()
    }

    pub(super) fn wait(&mut self, trace: TraceId, until: Timestamp) {
        self.0.insert(trace, AwaitedPart::Until(until));
    }

    pub(super) fn take(&mut self, trace: TraceId) {
        self.0.insert(trace, AwaitedPart::Came);
    }

    /// Until when turns wait for some part.
    pub(super) fn until(&self) -> Option<Timestamp> {
        let waits = self.0.values().filter_map(|part| match part {
            AwaitedPart::Until(until) => Some(*until),
            AwaitedPart::Came | AwaitedPart::Overdue => None,
        });
        waits.min()
    }

    /// Waits no more for parts that were due.
    pub(super) fn give_up(&mut self, now: Timestamp) {
        for part in self.0.values_mut() {
            if matches!(part, AwaitedPart::Until(until) if *until <= now) {
                *part = AwaitedPart::Overdue;
            }
        }
    }

    /// Waits no more for one part: no span of the trace is this session's.
    pub(super) fn dismiss(&mut self, trace: TraceId) {
        if let Some(part @ AwaitedPart::Until(_)) = self.0.get_mut(&trace) {
            *part = AwaitedPart::Overdue;
        }
    }

    pub(super) fn any_came(&self) -> bool {
        self.0.values().any(|part| *part == AwaitedPart::Came)
    }

    pub(super) fn any_is_to_come(&self) -> bool {
        self.0.values().any(|part| *part != AwaitedPart::Came)
    }

    /// Forgets the traces of which all came.
    pub(super) fn forget_come(&mut self) {
        for (trace, part) in std::mem::take(&mut self.0) {
            if part != AwaitedPart::Came {
                self.0.insert(trace, part);
            }
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (trace, theirs) in other.0 {
            let own = self.0.get_or_insert_with(trace, || theirs);
            *own = theirs.min(*own);
        }
    }

    pub(super) fn save(&self) -> Vec<v1::SharedWith> {
        let one = |(trace, part): (&TraceId, &AwaitedPart)| v1::SharedWith {
            trace: trace.as_bytes().to_vec(),
            until: match part {
                AwaitedPart::Until(until) => until.0,
                AwaitedPart::Came | AwaitedPart::Overdue => 0,
            },
            overdue: *part == AwaitedPart::Overdue,
        };
        self.0.iter().map(one).collect()
    }

    pub(super) fn restore(stored: Vec<v1::SharedWith>) -> Result<Self, Invalid> {
        let mut restored = Self::default();
        for one in stored {
            let part = match (one.until, one.overdue) {
                (_, true) => AwaitedPart::Overdue,
                (0, false) => AwaitedPart::Came,
                (until, false) => AwaitedPart::Until(Timestamp(until)),
            };
            restored.0.insert(trace(&one.trace)?, part);
        }
        Ok(restored)
    }
}
