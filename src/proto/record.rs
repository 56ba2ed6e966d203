//! Conversion of log frames.

use super::fields::Fields;
use super::v1::{entry, key};
use super::{Invalid, cohort, cohort_of, event, name, span, text, threshold, trace, v1};
use crate::model::Name;
use crate::model::compact::CowArc;
use crate::model::event::{Outcome, SpanContext};
use crate::model::ids::{PartitionKey, TenantScoped, TraceId};
use crate::model::outcome_report::OutcomeReport;
use crate::model::record::{Contact, Entry, Frame, LinkAnswer, LinkQuestion, Origin, Record};
use crate::model::sampling::Threshold;
use crate::model::time::Timestamp;
use prost::Message;

/// A frame as it is stored, a [`v1::Frame`].
pub fn frame(frame: &Frame) -> Vec<u8> {
    /// Most of an event is less.
    const ENTRY: usize = 256;
    let mut to = Fields::with_capacity(frame.len() * ENTRY);
    if frame.arrival.0 != 0 {
        to.fixed64(1, frame.arrival.0);
    }
    if let Some(origin) = frame.origin {
        to.whole(2, &v1::Origin::from(origin));
    }
    for (partition, entries) in &frame.parts {
        to.message(3, |to| {
            to.count(1, *partition as u32);
            put_entries(entries, to);
        });
    }
    if frame.restart.is_some() {
        to.count(4, true);
    }
    if !frame.forget.is_empty() {
        let numbers = frame.forget.iter().flat_map(|series| series.to_le_bytes());
        to.bytes(5, &numbers.collect::<Vec<u8>>());
    }
    if let Some(since) = frame.restart {
        to.fixed64(6, since.0);
    }
    to.into_bytes()
}

/// The events of a session come one after the other: their key and their case are written once and copied.
fn put_entries(entries: &[Entry], to: &mut Fields) {
    let mut last: Option<(&PartitionKey, Vec<u8>)> = None;
    let mut context: Option<(&CowArc<SpanContext>, Vec<u8>)> = None;
    for Entry { key, record } in entries {
        let known = last.take().filter(|(known, _)| *known == key);
        let (_, written) =
            last.insert(known.unwrap_or_else(|| (key, v1::Key::from(key).encode_to_vec())));
        to.message(2, |to| {
            to.bytes(1, written);
            match record {
                Record::Event(event) => {
                    let known = context.take().filter(|(known, _)| known.is(&event.context));
                    let written = || (&event.context, event::context(&event.context));
                    let (_, written) = context.insert(known.unwrap_or_else(written));
                    to.message(2, |to| event::put(event, written, to));
                }
                Record::Bind(key) => to.whole(3, &v1::Key::from(key)),
                Record::Contact(contact) => to.whole(4, &v1::Contact::from(&**contact)),
                Record::ResolveSession(asker, asked) => {
                    to.whole(5, &v1::Asker::from((*asker, *asked)));
                }
                Record::SessionResolved(key, answered) => {
                    to.whole(6, &v1::SessionResolved::from((key, *answered)));
                }
                Record::Release(id, key) => {
                    let (trace, to_key) = (id.as_bytes().to_vec(), Some(key.into()));
                    to.whole(7, &v1::Release { trace, to: to_key });
                }
                Record::MergeState(state) => to.bytes(8, state),
                Record::Outcome(report) => to.whole(10, &v1::OutcomeReport::from(&**report)),
                Record::Dealt(event) => {
                    to.message(9, |to| {
                        event::put(event, &event::context(&event.context), to)
                    });
                }
            }
        });
    }
}

impl From<(TraceId, LinkQuestion)> for v1::Asker {
    fn from((asker, asked): (TraceId, LinkQuestion)) -> Self {
        Self {
            trace: asker.as_bytes().to_vec(),
            steps: asked.steps,
            span: asked.span.map(|span| span.as_bytes().to_vec()),
        }
    }
}

impl TryFrom<v1::Asker> for (TraceId, LinkQuestion) {
    type Error = Invalid;

    fn try_from(stored: v1::Asker) -> Result<Self, Invalid> {
        let asked = LinkQuestion {
            steps: stored.steps,
            span: stored.span.map(|id| span(&id)).transpose()?,
        };
        Ok((trace(&stored.trace)?, asked))
    }
}

impl From<(&PartitionKey, LinkAnswer)> for v1::SessionResolved {
    fn from((to, answered): (&PartitionKey, LinkAnswer)) -> Self {
        Self {
            to: Some(to.into()),
            steps: answered.steps,
            by: answered.by.map(|by| by.as_bytes().to_vec()),
        }
    }
}

impl TryFrom<v1::SessionResolved> for (PartitionKey, LinkAnswer) {
    type Error = Invalid;

    fn try_from(stored: v1::SessionResolved) -> Result<Self, Invalid> {
        let answered = LinkAnswer {
            steps: stored.steps,
            by: stored.by.map(|by| trace(&by)).transpose()?,
        };
        let to = stored.to.ok_or(Invalid("session resolved"))?;
        Ok((to.try_into()?, answered))
    }
}

impl From<Origin> for v1::Origin {
    fn from(origin: Origin) -> Self {
        Self {
            partition: origin.partition as u32,
            position: origin.position,
        }
    }
}

impl TryFrom<v1::Entry> for Entry {
    type Error = Invalid;

    fn try_from(stored: v1::Entry) -> Result<Self, Invalid> {
        let record = match stored.record.ok_or(Invalid("record"))? {
            entry::Record::Event(event) => Record::Event(Box::new(event.try_into()?)),
            entry::Record::Dealt(event) => Record::Dealt(Box::new(event.try_into()?)),
            entry::Record::Bind(to) => Record::Bind(to.try_into()?),
            entry::Record::MergeState(state) => {
                // Whoever takes it over has no way to refuse it.
                v1::Conversation::decode(state.as_slice()).map_err(|_| Invalid("adopt"))?;
                Record::MergeState(state.into())
            }
            entry::Record::ResolveSession(asker) => {
                let (asker, asked) = asker.try_into()?;
                Record::ResolveSession(asker, asked)
            }
            entry::Record::SessionResolved(resolved) => {
                let (to, answered) = resolved.try_into()?;
                Record::SessionResolved(to, answered)
            }
            entry::Record::Release(recall) => {
                let to = recall.to.ok_or(Invalid("recall"))?;
                Record::Release(trace(&recall.trace)?, to.try_into()?)
            }
            entry::Record::Contact(contact) => Record::Contact(Box::new(contact.try_into()?)),
            entry::Record::Outcome(report) => Record::Outcome(Box::new(report.try_into()?)),
        };
        Ok(Self {
            key: stored.key.ok_or(Invalid("key"))?.try_into()?,
            record,
        })
    }
}

impl From<&PartitionKey> for v1::Key {
    fn from(known: &PartitionKey) -> Self {
        let scoped = |scoped: &TenantScoped| v1::Scoped {
            tenant: text(scoped.tenant.as_ref()),
            id: scoped.id.as_str().to_owned(),
        };
        let key = match known {
            PartitionKey::Session(session) => key::Key::Session(scoped(session)),
            PartitionKey::Trace(id) => key::Key::Trace(id.as_bytes().to_vec()),
            PartitionKey::User(user) => key::Key::User(scoped(user)),
            PartitionKey::TenantTrace(tenant, id) => key::Key::TenantTrace(v1::TenantTrace {
                tenant: tenant.as_str().to_owned(),
                trace: id.as_bytes().to_vec(),
            }),
        };
        Self { key: Some(key) }
    }
}

impl TryFrom<v1::Key> for PartitionKey {
    type Error = Invalid;

    fn try_from(stored: v1::Key) -> Result<Self, Invalid> {
        let scoped = |scoped: v1::Scoped| TenantScoped {
            tenant: name(scoped.tenant),
            id: scoped.id.into(),
        };
        Ok(match stored.key.ok_or(Invalid("key"))? {
            key::Key::Session(session) => Self::Session(scoped(session)),
            key::Key::Trace(id) => Self::Trace(trace(&id)?),
            key::Key::User(user) => Self::User(scoped(user)),
            key::Key::TenantTrace(of) => Self::TenantTrace(of.tenant.into(), trace(&of.trace)?),
        })
    }
}

impl From<&Contact> for v1::Contact {
    fn from(contact: &Contact) -> Self {
        Self {
            workflow: contact.workflow.as_str().to_owned(),
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

impl From<&OutcomeReport> for v1::OutcomeReport {
    fn from(report: &OutcomeReport) -> Self {
        Self {
            outcome: v1::Outcome::from(report.outcome).into(),
            value: report.value_usd,
            at_unix_nano: report.at.0,
            source: report.source.as_str().to_owned(),
            id: text(report.id.as_ref()),
        }
    }
}

impl TryFrom<v1::OutcomeReport> for OutcomeReport {
    type Error = Invalid;

    fn try_from(stored: v1::OutcomeReport) -> Result<Self, Invalid> {
        Ok(Self {
            outcome: stored.outcome().known().ok_or(Invalid("outcome"))?,
            value_usd: stored.value,
            at: Timestamp(stored.at_unix_nano),
            source: stored.source.into(),
            id: name(stored.id),
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
