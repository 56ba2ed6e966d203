//! Links across keys: a link leads a trace in which no span names a session into that of the trace it links to.
//!
//! A trace asks the one that it links to, which answers when a span of its own names a session, or when it goes where its resource
//! says; until then it passes the question on to those that it links to itself. The nearest session counts, of equally near ones
//! the smallest, whichever answered first. A session of its own goes before all that, and takes back what went elsewhere and is not
//! decided.

use super::{KeyState, Output, Settings};
use crate::model::event::Event;
use crate::model::fact::{Fact, Ignored, What};
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::record::Record;
use crate::model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Traces that one trace remembers to tell its session, and traces that it remembers to ask.
const MAX_LINKS_PER_TRACE: usize = 64;
/// One more link, which leads to no session.
const OVER_LIMIT: What = What::Ignored {
    reason: Ignored::LinksOverLimit,
    events: 1,
};
/// Steps from link to link until nobody asks on: links may go round in circles.
const STEPS: u32 = 4;

/// What links make of a trace.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// It is bound by links alone, in so many steps.
    pub(super) led: Option<u32>,
    /// Traces that link to this one, in how many steps: those of the smallest ids, so that their order leaves no mark.
    pub(super) askers: BTreeMap<TraceId, u32>,
    /// Traces that this one links to.
    pub(super) linked: BTreeSet<TraceId>,
}

impl Links {
    /// Roughly the bytes that they hold in memory.
    pub(super) fn weight(&self) -> usize {
        let known = self.askers.len() + self.linked.len();
        size_of::<Self>() + known * 2 * size_of::<(TraceId, u32)>()
    }

    /// Asks `linked` on behalf of another trace.
    fn pass_on(asker: TraceId, steps: u32, linked: TraceId, out: &mut Output) {
        if steps < STEPS {
            let asks = Record::ResolveSession(asker, steps + 1);
            out.sends.push((PartitionKey::Trace(linked), asks));
        }
    }
}

impl KeyState {
    fn led(&self) -> Option<u32> {
        self.links.as_ref()?.led
    }

    /// The session that its own spans name; of several the smallest.
    pub(super) fn session(&self) -> Option<&PartitionKey> {
        let shared = self.shared.as_ref();
        let smallest = shared.and_then(|shared| shared.sessions.first());
        let bound = self.bound.as_ref().filter(|_| self.led().is_none());
        smallest.or(bound)
    }

    /// Whether it was bound by links alone until now.
    pub(super) fn was_led(&mut self) -> bool {
        let links = self.links.as_mut();
        links.and_then(|links| links.led.take()).is_some()
    }

    /// Asks the trace that an event links to for its session, unless this one has its own (L-2).
    pub(super) fn ask(&mut self, own: &PartitionKey, event: &Event, out: &mut Output) {
        let (&PartitionKey::Trace(own), Some(linked), None) =
            (own, event.follows(), self.session())
        else {
            return;
        };
        let links = self.links.get_or_insert_default();
        if links.linked.len() == MAX_LINKS_PER_TRACE && !links.linked.contains(&linked) {
            out.facts.push(Fact::of_span(event, OVER_LIMIT));
        } else if links.linked.insert(linked) {
            Links::pass_on(own, 0, linked, out);
            for (asker, steps) in &links.askers {
                Links::pass_on(*asker, *steps, linked, out);
            }
        }
    }

    /// A trace asks for the session of this one: it is told now if there is one, and when there is another.
    pub(super) fn asked(&mut self, asker: TraceId, steps: u32, out: &mut Output) {
        let session = self.session().cloned();
        let links = self.links.get_or_insert_default();
        let known = links.askers.entry(asker).or_insert(steps);
        *known = steps.min(*known);
        if links.askers.len() > MAX_LINKS_PER_TRACE
            && let Some((untold, _)) = links.askers.pop_last()
        {
            out.facts.push(Fact::new(self.touched, untold, OVER_LIMIT));
        }
        match session {
            Some(session) => {
                let follow = Record::SessionResolved(session, steps);
                out.sends.push((PartitionKey::Trace(asker), follow));
            }
            None => {
                for linked in &links.linked {
                    Links::pass_on(asker, steps, *linked, out);
                }
            }
        }
    }

    /// Tells those who asked the session of this trace.
    pub(super) fn tell(&self, session: &PartitionKey, out: &mut Output) {
        let askers = self.links.iter().flat_map(|links| &links.askers);
        let follow = |(asker, steps): (&TraceId, &u32)| {
            let follow = Record::SessionResolved(session.clone(), *steps);
            (PartitionKey::Trace(*asker), follow)
        };
        out.sends.extend(askers.map(follow));
    }

    /// Until when those who asked are remembered: as long as they may wait for it (L-4).
    pub(super) fn asked_until(&mut self, now: Timestamp, settings: &Settings) -> Option<Timestamp> {
        let until = self.touched + settings.trace_timeout;
        let links = self.links.as_mut()?;
        if until <= now {
            links.askers.clear();
        }
        (!links.askers.is_empty()).then_some(until)
    }

    /// Follows links into a session, unless it has one of its own or was decided as one (L-1).
    pub(super) fn follow(
        &mut self,
        own: &PartitionKey,
        to: PartitionKey,
        steps: u32,
        out: &mut Output,
    ) {
        let PartitionKey::Trace(trace) = own else {
            return;
        };
        if self.shared.is_some() {
            return;
        }
        let held = self.session.as_deref();
        match (&self.bound, self.led()) {
            (Some(bound), Some(led)) if (steps, &to) < (led, bound) => {
                recall(own, bound, &to, out);
            }
            (None, _) if held.is_none_or(|held| !held.has_decided(*trace)) => {}
            _ => return,
        }
        self.links.get_or_insert_default().led = Some(steps);
        self.forward_to(to, out);
    }

    /// Gives a trace back that was led here and belongs elsewhere. One that belongs to its own key names several sessions and is dealt
    /// out there.
    pub(super) fn recall(
        &mut self,
        own: &PartitionKey,
        trace: TraceId,
        (to, arrival): (PartitionKey, Timestamp),
        settings: &Settings,
        out: &mut Output,
    ) {
        if *own == to {
            return;
        }
        if let Some(bound) = &self.bound {
            out.sends.push((bound.clone(), Record::Release(trace, to)));
            return;
        }
        if to == PartitionKey::Trace(trace) {
            // A little longer than the key of the trace waits, whose records take their time.
            let patience = settings.turn_timeout + settings.trace_timeout;
            let session = self.session_from(arrival);
            session.shared.wait(trace, arrival + patience);
        }
        if let Some(session) = &mut self.session {
            let held = session.release(|open| open == trace);
            let held = held.map(|event| (to.clone(), Record::Event(event)));
            out.sends.extend(held);
        }
    }
}

/// Takes a trace that links led to a session away from it, to another one.
pub(super) fn recall(own: &PartitionKey, from: &PartitionKey, to: &PartitionKey, out: &mut Output) {
    if let PartitionKey::Trace(trace) = own {
        let recall = Record::Release(*trace, to.clone());
        out.sends.push((from.clone(), recall));
    }
}
