//! One trace inside a conversation: the events of a turn while it is open, a skeleton afterwards.

use crate::model::Name;
use crate::model::event::{Event, SessionSource};
use crate::model::ids::{SpanId, TraceId};
use crate::model::time::Timestamp;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

/// The state of one trace.
#[derive(Debug)]
pub(super) enum Trace {
    Open(Open),
    /// Decided: which spans are known, and whose they are, so that duplicates and late spans are recognised.
    Decided(HashMap<SpanId, Option<Name>>),
}

/// A trace whose turn is not decided yet.
#[derive(Debug)]
pub(super) struct Open {
    /// By span id: the order of arrival leaves no mark.
    events: BTreeMap<SpanId, Event>,
    pub(super) last_arrival: Timestamp,
}

impl Open {
    pub(super) fn new(arrival: Timestamp) -> Self {
        Self {
            events: BTreeMap::new(),
            last_arrival: arrival,
        }
    }

    /// Keeps an event; `false` if its span was known.
    pub(super) fn take(&mut self, event: Event) -> bool {
        match self.events.entry(event.span) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(event);
                true
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn spans(&self) -> impl Iterator<Item = &Event> {
        self.events.values()
    }

    pub(super) fn into_events(self) -> impl Iterator<Item = Event> {
        self.events.into_values()
    }

    /// The traces that its spans link to.
    pub(super) fn links(&self) -> impl Iterator<Item = TraceId> + '_ {
        self.events
            .values()
            .flat_map(|event| event.links.iter().map(|link| link.trace))
    }

    /// The session that the resource of its spans names.
    pub(super) fn resource_session(&self) -> Option<Name> {
        self.events.values().find_map(|event| {
            let hint = event.session.as_ref()?;
            (hint.source == SessionSource::Resource).then(|| hint.id.clone())
        })
    }

    /// Whether every parent that a span names is here.
    pub(super) fn is_complete(&self) -> bool {
        self.events
            .values()
            .all(|event| event.parent.is_none_or(|p| self.events.contains_key(&p)))
    }

    /// Whether anything in it is about agents.
    pub(super) fn is_agentic(&self) -> bool {
        self.events.values().any(|event| event.kind.is_agentic())
    }

    /// Event time from first start to last end.
    pub(super) fn interval(&self) -> (Timestamp, Timestamp) {
        let start = self.events.values().map(|e| e.start).min();
        let end = self.events.values().map(|e| e.end).max();
        (start.unwrap_or_default(), end.unwrap_or_default())
    }
}
