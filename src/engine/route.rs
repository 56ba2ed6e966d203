//! Which partition an event goes to, and how a trace learns its session.

use super::Addressed;
use crate::model::Name;
use crate::model::event::{Event, SessionSource};
use crate::model::ids::{Key, TraceId};
use crate::model::record::{Entry, Record};
use crate::model::time::Timestamp;
use rapidhash::v3::rapidhash_v3;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Recent bindings kept, per generation; two generations live at a time.
const GENERATION: usize = 65_536;

/// Routes events to partitions and remembers recent bindings, so that nearly all go straight.
#[derive(Debug)]
pub(super) struct Router {
    partitions: usize,
    bindings: Mutex<Bindings>,
}

/// Trace to session, as last seen. Forgetting one costs a detour, nothing else.
#[derive(Debug, Default)]
struct Bindings {
    young: HashMap<TraceId, Name>,
    old: HashMap<TraceId, Name>,
}

impl Router {
    pub(super) fn new(partitions: usize) -> Self {
        Self {
            partitions,
            bindings: Mutex::default(),
        }
    }

    /// The entries of the events of one request, all with the same arrival.
    pub(super) fn route(&self, events: Vec<Event>, arrival: Timestamp) -> Addressed {
        let mut entries = Vec::with_capacity(events.len() + 1);
        let mut bindings = self.bindings.lock().unwrap_or_else(PoisonError::into_inner);
        for event in &events {
            if let Some(session) = own_session(event)
                && bindings.learn(event.trace, session)
            {
                let bind = Record::Bind(Key::Session(session.clone()));
                entries.push(self.entry(Key::Trace(event.trace), bind, arrival));
            }
        }
        for event in events {
            let session = own_session(&event).or_else(|| bindings.get(event.trace));
            let key = match session {
                Some(session) => Key::Session(session.clone()),
                None => Key::Trace(event.trace),
            };
            entries.push(self.entry(key, Record::Event(Box::new(event)), arrival));
        }
        entries
    }

    /// Records that partitions send to other keys.
    pub(super) fn address(&self, sends: Vec<(Key, Record)>, arrival: Timestamp) -> Addressed {
        sends
            .into_iter()
            .map(|(key, record)| self.entry(key, record, arrival))
            .collect()
    }

    fn entry(&self, key: Key, record: Record, arrival: Timestamp) -> (usize, Entry) {
        let entry = Entry {
            key,
            arrival,
            record,
        };
        (self.partition(&entry.key), entry)
    }

    /// The same on every machine and in every version: snapshots and Kafka partitions rest on it.
    fn partition(&self, key: &Key) -> usize {
        let hash = match key {
            Key::Session(id) => rapidhash_v3(id.as_bytes()),
            Key::Trace(id) => rapidhash_v3(id.as_bytes()),
        };
        (hash % self.partitions as u64) as usize
    }
}

fn own_session(event: &Event) -> Option<&Name> {
    let hint = event.session.as_ref()?;
    (hint.source == SessionSource::Span).then_some(&hint.id)
}

impl Bindings {
    /// Remembers a binding; whether it is news.
    fn learn(&mut self, trace: TraceId, session: &Name) -> bool {
        if self.get(trace) == Some(session) {
            return false;
        }
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(trace, session.clone());
        true
    }

    fn get(&self, trace: TraceId) -> Option<&Name> {
        self.young.get(&trace).or_else(|| self.old.get(&trace))
    }
}
