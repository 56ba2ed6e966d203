//! Frames of the log.

use super::v1::{entry, key};
use super::{Invalid, cohort, cohort_of, name, text, threshold, trace, v1};
use crate::model::Name;
use crate::model::event::Outcome;
use crate::model::ids::{Key, Scoped};
use crate::model::record::{Contact, Entry, Frame, Origin, Record};
use crate::model::sampling::Threshold;
use crate::model::time::Timestamp;

impl From<&Frame> for v1::Frame {
    fn from(frame: &Frame) -> Self {
        let part = |(partition, entries): &(usize, Vec<Entry>)| v1::Part {
            partition: *partition as u32,
            entries: entries.iter().map(v1::Entry::from).collect(),
        };
        Self {
            arrival_unix_nano: frame.arrival.0,
            origin: frame.origin.map(|origin| v1::Origin {
                partition: origin.partition as u32,
                position: origin.position,
            }),
            parts: frame.parts.iter().map(part).collect(),
        }
    }
}

impl TryFrom<v1::Frame> for Frame {
    type Error = Invalid;

    fn try_from(stored: v1::Frame) -> Result<Self, Invalid> {
        let part = |part: v1::Part| {
            let entries = part.entries.into_iter().map(Entry::try_from);
            Ok((part.partition as usize, entries.collect::<Result<_, _>>()?))
        };
        let parts = stored.parts.into_iter().map(part);
        Ok(Self {
            arrival: Timestamp(stored.arrival_unix_nano),
            origin: stored.origin.map(|origin| Origin {
                partition: origin.partition as usize,
                position: origin.position,
            }),
            parts: parts.collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Entry> for v1::Entry {
    fn from(entry: &Entry) -> Self {
        let record = match &entry.record {
            Record::Event(event) => entry::Record::Event((&**event).into()),
            Record::Bind(to) => entry::Record::Bind(to.into()),
            Record::Adopt(state) => entry::Record::Adopt(state.to_vec()),
            Record::Asks(asker, steps) => entry::Record::Asks(v1::Asker {
                trace: asker.as_bytes().to_vec(),
                steps: *steps,
            }),
            Record::Follow(to, steps) => entry::Record::Follow(v1::Follow {
                to: Some(to.into()),
                steps: *steps,
            }),
            Record::Recall(id, to) => entry::Record::Recall(v1::Recall {
                trace: id.as_bytes().to_vec(),
                to: Some(to.into()),
            }),
            Record::Contact(contact) => entry::Record::Contact((&**contact).into()),
        };
        Self {
            key: Some((&entry.key).into()),
            record: Some(record),
        }
    }
}

impl TryFrom<v1::Entry> for Entry {
    type Error = Invalid;

    fn try_from(stored: v1::Entry) -> Result<Self, Invalid> {
        let record = match stored.record.ok_or(Invalid("record"))? {
            entry::Record::Event(event) => Record::Event(Box::new(event.try_into()?)),
            entry::Record::Bind(to) => Record::Bind(to.try_into()?),
            entry::Record::Adopt(state) => Record::Adopt(state.into()),
            entry::Record::Asks(asker) => Record::Asks(trace(&asker.trace)?, asker.steps),
            entry::Record::Follow(follow) => {
                let to = follow.to.ok_or(Invalid("follow"))?;
                Record::Follow(to.try_into()?, follow.steps)
            }
            entry::Record::Recall(recall) => {
                let to = recall.to.ok_or(Invalid("recall"))?;
                Record::Recall(trace(&recall.trace)?, to.try_into()?)
            }
            entry::Record::Contact(contact) => Record::Contact(Box::new(contact.try_into()?)),
        };
        Ok(Self {
            key: stored.key.ok_or(Invalid("key"))?.try_into()?,
            record,
        })
    }
}

impl From<&Key> for v1::Key {
    fn from(known: &Key) -> Self {
        let scoped = |scoped: &Scoped| v1::Scoped {
            tenant: text(scoped.tenant.as_ref()),
            id: scoped.id.as_ref().to_owned(),
        };
        let key = match known {
            Key::Session(session) => key::Key::Session(scoped(session)),
            Key::Trace(id) => key::Key::Trace(id.as_bytes().to_vec()),
            Key::User(user) => key::Key::User(scoped(user)),
        };
        Self { key: Some(key) }
    }
}

impl TryFrom<v1::Key> for Key {
    type Error = Invalid;

    fn try_from(stored: v1::Key) -> Result<Self, Invalid> {
        let scoped = |scoped: v1::Scoped| Scoped {
            tenant: name(scoped.tenant),
            id: scoped.id.into(),
        };
        Ok(match stored.key.ok_or(Invalid("key"))? {
            key::Key::Session(session) => Self::Session(scoped(session)),
            key::Key::Trace(id) => Self::Trace(trace(&id)?),
            key::Key::User(user) => Self::User(scoped(user)),
        })
    }
}

impl From<&Contact> for v1::Contact {
    fn from(contact: &Contact) -> Self {
        Self {
            workflow: contact.workflow.as_ref().to_owned(),
            intent: text(contact.intent.as_ref()),
            outcome: v1::Outcome::from(contact.outcome).into(),
            start_unix_nano: contact.start.0,
            end_unix_nano: contact.end.0,
            trace: contact.trace.as_bytes().to_vec(),
            cohort: cohort(&contact.cohort),
            threshold: contact.threshold.map(Threshold::get),
        }
    }
}

impl TryFrom<v1::Contact> for Contact {
    type Error = Invalid;

    fn try_from(stored: v1::Contact) -> Result<Self, Invalid> {
        let outcome = stored.outcome().known().ok_or(Invalid("outcome"))?;
        Ok(Self {
            outcome,
            trace: trace(&stored.trace)?,
            workflow: Name::from(stored.workflow),
            intent: name(stored.intent),
            start: Timestamp(stored.start_unix_nano),
            end: Timestamp(stored.end_unix_nano),
            cohort: cohort_of(stored.cohort),
            threshold: threshold(stored.threshold),
        })
    }
}

impl From<Outcome> for v1::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Resolved => Self::Resolved,
            Outcome::Escalated => Self::Escalated,
            Outcome::Failed => Self::Failed,
            Outcome::Abandoned => Self::Abandoned,
            Outcome::Unverified => Self::Unverified,
        }
    }
}

impl v1::Outcome {
    /// `None`: nothing is said of it.
    pub fn known(self) -> Option<Outcome> {
        match self {
            Self::Unspecified => None,
            Self::Resolved => Some(Outcome::Resolved),
            Self::Escalated => Some(Outcome::Escalated),
            Self::Failed => Some(Outcome::Failed),
            Self::Abandoned => Some(Outcome::Abandoned),
            Self::Unverified => Some(Outcome::Unverified),
        }
    }
}
