//! One trace inside a conversation: the events of a turn while it is open, a skeleton afterwards.

use super::owners::Owners;
use crate::model::Name;
use crate::model::event::{Case, Evaluation, Event, Kind, SessionSource};
use crate::model::ids::{SpanId, TraceId};
use crate::model::parts::Shared;
use crate::model::sampling::Threshold;
use crate::model::time::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, btree_map};

/// The state of one trace.
#[derive(Debug)]
pub(super) enum Trace {
    Open(Box<Open>),
    Decided(Box<Skeleton>),
}

impl Trace {
    /// How it was sampled, once it is decided and where it says so.
    pub(super) fn threshold(&self) -> Option<Threshold> {
        match self {
            Self::Open(_) => None,
            Self::Decided(skeleton) => skeleton.threshold,
        }
    }
}

/// A decided trace: which spans are known, and whose they are, so that duplicates and late spans are recognised.
#[derive(Debug, Default)]
pub(super) struct Skeleton {
    pub(super) owners: Owners,
    pub(super) notes: BTreeSet<(SpanId, u64)>,
    /// The smallest one of its spans; what says nothing of sampling itself, a log record or a span of another SDK, was kept with them.
    pub(super) threshold: Option<Threshold>,
    /// The agent that answered the user: whom late feedback is about.
    pub(super) answering: Option<Name>,
}

impl Skeleton {
    /// The same trace, of which two sessions knew a part before they met.
    pub(super) fn joined(mut self, other: Self) -> Self {
        self.owners = self.owners.joined(&other.owners);
        self.notes.extend(other.notes);
        let thresholds = [self.threshold, other.threshold].into_iter().flatten();
        self.threshold = thresholds.min();
        self.answering = self.answering.max(other.answering);
        self
    }

    /// Whether an event was known; from now on it is.
    pub(super) fn knows(&mut self, event: &Event, owner: Option<Name>) -> bool {
        match event.kind {
            Kind::Note(id) => !self.notes.insert((event.span, id)),
            _ => {
                let known = self.owners.knows(event.span);
                if !known {
                    self.owners.add(event.span, owner);
                }
                known
            }
        }
    }
}

/// A trace whose turn is not decided yet.
#[derive(Debug)]
pub(super) struct Open {
    /// By span id: the order of arrival leaves no mark.
    events: BTreeMap<SpanId, Box<Event>>,
    /// What log records add to spans, each once.
    notes: BTreeMap<(SpanId, u64), Box<Event>>,
    pub(super) last_arrival: Timestamp,
    /// That of the event that came last: the next one mostly says the same, and shares it.
    case: Shared<Case>,
}

impl Open {
    pub(super) fn new(arrival: Timestamp) -> Self {
        Self {
            events: BTreeMap::new(),
            notes: BTreeMap::new(),
            last_arrival: arrival,
            case: Shared::default(),
        }
    }

    /// Keeps an event; `false` if its span was known.
    pub(super) fn take(&mut self, mut event: Box<Event>) -> bool {
        if event.case == self.case {
            event.case = self.case.clone();
        } else {
            self.case = event.case.clone();
        }
        match event.kind {
            Kind::Note(id) => self.notes.insert((event.span, id), event).is_none(),
            _ => match self.events.entry(event.span) {
                btree_map::Entry::Occupied(_) => false,
                btree_map::Entry::Vacant(place) => {
                    place.insert(event);
                    true
                }
            },
        }
    }

    /// Gives every note to its span. A note to a span that never came stands for it.
    pub(super) fn join_notes(&mut self) -> Skeleton {
        let notes = std::mem::take(&mut self.notes);
        let skeleton = Skeleton {
            owners: Owners::default(),
            notes: notes.keys().copied().collect(),
            threshold: self.events.values().filter_map(|e| e.rare.threshold).min(),
            answering: None,
        };
        // The newest first: of several messages of the user the last one counts, and so does the last verdict.
        let mut notes: Vec<_> = notes.into_iter().collect();
        notes.sort_by_key(|((span, id), note)| (*span, Reverse(note.end), *id));
        for ((span, _), note) in notes {
            match self.events.entry(span) {
                btree_map::Entry::Occupied(mut event) => add_note(event.get_mut(), *note),
                btree_map::Entry::Vacant(place) => {
                    place.insert(Box::new(Event {
                        kind: Kind::Structure,
                        ..*note
                    }));
                }
            }
        }
        skeleton
    }

    pub(super) fn len(&self) -> usize {
        self.events.len() + self.notes.len()
    }

    pub(super) fn spans(&self) -> impl Iterator<Item = &Event> {
        self.events.values().map(Box::as_ref)
    }

    /// Spans and notes.
    pub(super) fn all(&self) -> impl Iterator<Item = &Event> {
        let notes = self.notes.values();
        self.events.values().chain(notes).map(Box::as_ref)
    }

    pub(super) fn into_events(self) -> impl Iterator<Item = Box<Event>> {
        self.events.into_values().chain(self.notes.into_values())
    }

    /// The traces that its spans link to.
    pub(super) fn links(&self) -> impl Iterator<Item = TraceId> + '_ {
        self.events
            .values()
            .flat_map(|event| event.rare.links.iter().map(|link| link.trace))
    }

    /// Whether a span without a session of its own links to one other trace, whose session it may be told.
    pub(super) fn follows(&self) -> bool {
        self.events.values().any(|event| event.follows().is_some())
    }

    /// The session that the resource of its spans and notes names.
    pub(super) fn resource_session(&self) -> Option<Name> {
        self.all().find_map(|event| {
            let hint = event.case.session.as_ref()?;
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

fn add_note(event: &mut Event, note: Event) {
    for evaluation in &note.rare.evaluations {
        // The same verdict may come as a span event too.
        let is_it = |e: &Evaluation| {
            (&e.name, e.score, &e.label) == (&evaluation.name, evaluation.score, &evaluation.label)
        };
        if !event.rare.evaluations.iter().any(is_it) {
            event.rare.evaluations.push(Evaluation {
                by_record: true,
                ..evaluation.clone()
            });
        }
    }
    if event.rare.outcome.is_none() && note.rare.outcome.is_some() {
        event.rare.outcome.clone_from(&note.rare.outcome);
    }
    if let Some(more) = note.content {
        event.content.get_or_insert_default().add(&more);
    }
    if let Kind::Model(call) = &mut event.kind {
        for request in &note.rare.requests {
            if !call.requests.contains(request) {
                call.requests.push(request.clone());
            }
        }
    }
}
