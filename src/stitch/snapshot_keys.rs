//! Conversion of what a key holds beside a session from and to protobuf.

use super::contacts::Contacts;
use super::links::Links;
use super::parts::DealtSpan;
use super::shared::SharedTrace;
use super::trace::OpenTrace;
use crate::model::ids::{PartitionKey, SpanId, TraceId};
use crate::model::record::{Contact, LinkAnswer, LinkQuestion};
use crate::model::time::Timestamp;
use crate::proto::{Invalid, span, trace, v1};
use std::collections::{BTreeMap, BTreeSet};

impl Links {
    pub(super) fn save(&self) -> v1::Links {
        let asker = |(asker, asked): (&TraceId, &LinkQuestion)| (*asker, *asked).into();
        let linked = |(id, span): (&TraceId, &Option<SpanId>)| {
            let (steps, span) = (0, *span);
            (*id, LinkQuestion { steps, span }).into()
        };
        let told = |(by, (steps, to)): (&Option<TraceId>, &(u32, PartitionKey))| {
            let (steps, by) = (*steps, *by);
            (to, LinkAnswer { steps, by }).into()
        };
        v1::Links {
            led: self.led,
            askers: self.askers.iter().map(asker).collect(),
            linked_spans: self.linked.iter().map(linked).collect(),
            linked: Vec::new(),
            told: self.told.iter().map(told).collect(),
        }
    }

    pub(super) fn restore(stored: v1::Links) -> Result<Self, Invalid> {
        let askers = stored.askers.into_iter().map(TryInto::try_into);
        let mut linked = BTreeMap::new();
        for id in stored.linked {
            linked.insert(trace(&id)?, None);
        }
        for one in stored.linked_spans {
            let (id, asked): (TraceId, LinkQuestion) = one.try_into()?;
            linked.insert(id, asked.span);
        }
        let mut told = BTreeMap::new();
        for one in stored.told {
            let (to, answered): (PartitionKey, LinkAnswer) = one.try_into()?;
            told.insert(answered.by, (answered.steps, to));
        }
        Ok(Self {
            led: stored.led,
            askers: askers.collect::<Result<_, Invalid>>()?,
            linked,
            told,
        })
    }
}

impl Contacts {
    pub(super) fn save(&self) -> Vec<v1::KnownContact> {
        let one = |(arrival, contact, recontacted): &(Timestamp, Contact, bool)| v1::KnownContact {
            arrival: arrival.0,
            contact: Some(contact.into()),
            recontacted: *recontacted,
        };
        self.known.iter().map(one).collect()
    }

    /// `None`: the key is no user's.
    pub(super) fn restore(stored: Vec<v1::KnownContact>) -> Result<Option<Self>, Invalid> {
        let one = |known: v1::KnownContact| {
            let contact = known.contact.ok_or(Invalid("contact"))?;
            let arrival = Timestamp(known.arrival);
            Ok((arrival, contact.try_into()?, known.recontacted))
        };
        let known: Vec<_> = stored.into_iter().map(one).collect::<Result<_, _>>()?;
        Ok((!known.is_empty()).then_some(Self { known }))
    }
}

impl SharedTrace {
    pub(super) fn save(&self) -> v1::SharedTrace {
        let held = self.held.as_deref();
        let dealt = |(span, dealt): (&SpanId, &DealtSpan)| v1::DealtSpan {
            span: span.as_bytes().to_vec(),
            parent: dealt.parent.map(|parent| parent.as_bytes().to_vec()),
            start: dealt.start.0,
            response: dealt.response,
            beside: dealt.is_beside,
            session: dealt.session.as_ref().map(Into::into),
        };
        let callers = |(session, callers): (&PartitionKey, &BTreeSet<PartitionKey>)| v1::Callers {
            session: Some(session.into()),
            callers: callers.iter().map(Into::into).collect(),
        };
        v1::SharedTrace {
            sessions: self.sessions.iter().map(Into::into).collect(),
            held: held.map_or_else(Vec::new, OpenTrace::save_events),
            last_arrival: held.map_or(0, |held| held.last_arrival.0),
            dealt: self.dealt.iter().map(dealt).collect(),
            callers: self.callers.iter().map(callers).collect(),
        }
    }

    pub(super) fn restore(
        (own, id): (&PartitionKey, TraceId),
        stored: v1::SharedTrace,
    ) -> Result<Self, Invalid> {
        let mut restored = Self::new(own, id);
        let sessions = stored.sessions.into_iter().map(PartitionKey::try_from);
        restored.sessions = sessions.collect::<Result<_, _>>()?;
        if !stored.held.is_empty() {
            let held = OpenTrace::restore(id, stored.last_arrival, stored.held)?;
            restored.held = Some(Box::new(held));
        }
        for dealt in stored.dealt {
            let known = DealtSpan {
                parent: dealt.parent.map(|parent| span(&parent)).transpose()?,
                start: Timestamp(dealt.start),
                response: dealt.response,
                is_beside: dealt.beside,
                session: dealt.session.map(PartitionKey::try_from).transpose()?,
            };
            restored.dealt.insert(span(&dealt.span)?, known);
        }
        for v1::Callers { session, callers } in stored.callers {
            let session = session.ok_or(Invalid("session"))?.try_into()?;
            let callers = callers.into_iter().map(PartitionKey::try_from);
            restored
                .callers
                .insert(session, callers.collect::<Result<_, _>>()?);
        }
        Ok(restored)
    }
}
