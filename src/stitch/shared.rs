//! A trace that names several sessions: its own key keeps its spans until they are complete, and then deals them out (S-1, S-14).

use super::event_buffer::Added;
use super::parts::{self, Assigned, DealtSpan, KnownCallers, SessionHolder, SpanShare};
use super::trace::OpenTrace;
use super::{KeyState, Output, Settings, shed_fact};
use crate::model::event::{Event, Kind, SessionSource};
use crate::model::fact::{Fact, Ignored, Shed, What};
use crate::model::ids::{PartitionKey, SpanId, TenantScoped, TraceId};
use crate::model::record::Record;
use crate::model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The state of such a trace.
#[derive(Debug)]
pub(super) struct SharedTrace {
    own: PartitionKey,
    trace: TraceId,
    /// The sessions that it names: written by each binding, never cleared.
    pub(super) sessions: BTreeSet<PartitionKey>,
    /// What is not dealt out yet.
    pub(super) held: Option<Box<OpenTrace>>,
    /// What is, so that spans that come later go the same way.
    pub(super) dealt: BTreeMap<SpanId, DealtSpan>,
    /// The sessions that lie in others: a context that several share is none of theirs (S-15). Written by each deal, never cleared.
    pub(super) callers: KnownCallers,
}

impl SharedTrace {
    /// The state of a trace with its own key.
    pub(super) fn new(own: &PartitionKey, trace: TraceId) -> Self {
        Self {
            own: own.clone(),
            trace,
            sessions: BTreeSet::new(),
            held: None,
            dealt: BTreeMap::new(),
            callers: KnownCallers::new(),
        }
    }

    /// Roughly the bytes that it holds in memory.
    pub(super) fn weight(&self) -> usize {
        const ENTRY: usize = size_of::<(SpanId, DealtSpan)>() + 16;
        let held = self.held.as_ref();
        let held = held.map_or(0, |held| OpenTrace::EMPTY_WEIGHT + held.weight);
        let nested = self.callers.values().map(|callers| 1 + callers.len());
        let known =
            (self.sessions.len() + nested.sum::<usize>()) * (size_of::<PartitionKey>() + 64);
        size_of::<Self>() + held + known + self.dealt.len() * ENTRY
    }

    /// Adds a session, which gives back what it has of the trace and waits for its part.
    fn name(&mut self, session: PartitionKey, out: &mut Output) {
        if self.sessions.insert(session.clone()) {
            let release = Record::Release(self.trace, self.own.clone());
            out.sends.push((session, release));
        }
    }

    /// Keeps an event. Returns whether there are too many.
    pub(super) fn take(
        &mut self,
        event: Event,
        arrival: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) -> bool {
        let (at, trace) = (event.end, self.trace);
        let new = || Box::new(OpenTrace::new(trace, arrival));
        let held = self.held.get_or_insert_with(new);
        held.last_arrival = held.last_arrival.max(arrival);
        if held.take(event) != Added::New {
            out.facts.push(Fact::new(at, trace, What::Duplicate));
        }
        let is_full = held.len() > settings.max_spans_per_session;
        if is_full {
            out.facts.push(shed_fact(at, trace, Shed::SpansPerSession));
        }
        is_full
    }

    /// When it is dealt out, if nothing more arrives: as a turn would be finalized (T-9), later pieces sooner.
    pub(super) fn due(&self, settings: &Settings) -> Option<Timestamp> {
        let held = self.held.as_ref()?;
        let quiet = match self.dealt.is_empty() {
            true => held.missing().patience(settings),
            false if held.is_complete_with(|span| self.dealt.contains_key(&span)) => {
                settings.settle
            }
            false => settings.trace_timeout,
        };
        Some(held.last_arrival + quiet)
    }

    /// Gives each event to its session. Returns whether there were any.
    fn deal(&mut self, out: &mut Output) -> bool {
        let Some(held) = self.held.take() else {
            return false;
        };
        let (_, end) = held.interval();
        let is_known = |event: &Event| {
            !matches!(event.kind, Kind::Note(_)) && self.dealt.contains_key(&event.span)
        };
        let (known, new): (Vec<Event>, Vec<Event>) = held.into_events().partition(is_known);
        let shares = self.assign(&new, out);
        let mut ignored = 0;
        for (event, share) in new.into_iter().zip(shares) {
            match share.session {
                Some(session) => self.send(event, session, share.is_beside, out),
                None => ignored += 1,
            }
        }
        for event in known {
            let dealt = self.dealt.get(&event.span);
            match dealt.and_then(|dealt| Some((dealt.session.clone()?, dealt.is_beside))) {
                Some((session, is_beside)) => self.send(event, session, is_beside, out),
                None => {
                    let duplicate = Fact::new(event.end, self.trace, What::Duplicate);
                    out.facts.push(duplicate);
                }
            }
        }
        if ignored > 0 {
            let what = What::Ignored {
                reason: Ignored::OfSeveralSessions,
                events: ignored,
            };
            out.facts.push(Fact::new(end, self.trace, what));
        }
        true
    }

    /// Finds out whose new events are, remembers it and tells the sessions that belong together.
    fn assign(&mut self, new: &[Event], out: &mut Output) -> Vec<SpanShare> {
        let dealt = self.dealt.iter();
        let dealt = dealt.map(|(span, dealt)| SessionHolder::dealt(*span, dealt));
        let fresh = new
            .iter()
            .map(|event| SessionHolder::new(event, self.named_by(event)));
        let holders: Vec<SessionHolder<'_>> = dealt.chain(fresh).collect();
        let before = self.dealt.len();
        let Assigned {
            mut shares,
            joined,
            callers,
        } = parts::assign(&holders, &self.callers);
        // The versions of spans that named a session may have given way to others that do not.
        if shares.iter().all(|share| share.session.is_none()) {
            shares.fill(SpanShare {
                session: self.sessions.first().cloned(),
                is_beside: false,
            });
        }
        let shares = shares.split_off(before);
        self.callers.extend(callers);
        let named: BTreeSet<PartitionKey> = match before {
            0 => self.sessions.clone(),
            _ => new
                .iter()
                .filter_map(|event| self.named_by(event))
                .collect(),
        };
        self.dismiss(named, &shares, &joined, out);
        // Of sessions that belong together the greater IDs follow the smallest.
        let follow = joined.into_iter();
        out.sends
            .extend(follow.map(|(own, home)| (own, Record::Bind(home))));
        let spans = holders[before..].iter().zip(&shares);
        let spans = spans.filter_map(|(holder, share)| holder.dealt_to(share));
        self.dealt.extend(spans);
        drop(holders);
        shares
    }

    /// Tells sessions that get nothing that nothing is left to wait for: spans that name them are others', or name them no more.
    fn dismiss(
        &self,
        mut named: BTreeSet<PartitionKey>,
        shares: &[SpanShare],
        joined: &[(PartitionKey, PartitionKey)],
        out: &mut Output,
    ) {
        let got = shares.iter().filter_map(|share| share.session.as_ref());
        for session in got.chain(joined.iter().map(|(own, _)| own)) {
            named.remove(session);
        }
        let dismissal = |own: PartitionKey| {
            let record = Record::Release(self.trace, own.clone());
            (own, record)
        };
        out.sends.extend(named.into_iter().map(dismissal));
    }

    /// The session that a span names. One that names no tenant means that of the trace.
    fn named_by(&self, event: &Event) -> Option<PartitionKey> {
        let hint = event.context.session.as_ref()?;
        let own = TenantScoped {
            tenant: event.context.tenant.clone(),
            id: hint.id.clone(),
        };
        let own = PartitionKey::Session(own);
        if hint.source != SessionSource::Span {
            return None;
        }
        let alike = |key: &&PartitionKey| match key {
            PartitionKey::Session(session) => session.id == hint.id,
            _ => false,
        };
        let known = match self.sessions.contains(&own) || event.context.tenant.is_some() {
            true => None,
            false => self.sessions.iter().find(alike),
        };
        Some(known.cloned().unwrap_or(own))
    }

    /// Sends an event to its session. A parent elsewhere is none there: nobody would wait for it in vain.
    fn send(&self, mut event: Event, session: PartitionKey, is_beside: bool, out: &mut Output) {
        if is_beside {
            // It decides nothing of its session.
            event.rare.is_beside = true;
            event.rare.outcome = None;
            event.rare.links.clear();
        }
        let parent = event.parent.and_then(|parent| self.dealt.get(&parent));
        if parent.is_some_and(|parent| parent.session.as_ref() != Some(&session)) {
            event.parent = None;
        }
        out.sends.push((session, Record::Dealt(Box::new(event))));
    }
}

impl KeyState {
    /// A trace that is bound to a session names this one too. Returns whether it is one that names several, from now on or already.
    pub(super) fn share(
        &mut self,
        own: &PartitionKey,
        session: &PartitionKey,
        out: &mut Output,
    ) -> bool {
        let Some(trace) = own.trace() else {
            return false;
        };
        if self.shared.is_none() {
            let is_other = |bound: &PartitionKey| bound != session;
            let Some(bound) = self.bound.take_if(|bound| is_other(bound)) else {
                return false;
            };
            let mut shared = Box::new(SharedTrace::new(own, trace));
            shared.name(bound, out);
            self.shared = Some(shared);
        }
        let before = self.session().cloned();
        if let Some(shared) = &mut self.shared {
            shared.name(session.clone(), out);
        }
        if before.is_none_or(|before| *session < before) {
            self.tell(own, session, out);
        }
        true
    }

    /// Deals out what a trace that names several sessions holds, and tells whoever links to a span where that went.
    pub(super) fn deal(&mut self, own: &PartitionKey, out: &mut Output) {
        if let Some(shared) = &mut self.shared
            && shared.deal(out)
        {
            self.tell_dealt(own, out);
        }
    }
}
