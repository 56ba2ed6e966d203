//! Links across keys: a link leads a trace in which no span names a session into that of the trace it links to.
//!
//! A trace asks the one that it links to, which answers when a span of its own names a session, or when it goes where its resource
//! says; until then it passes the question on to those that it links to itself. The nearest session counts, of equally near ones
//! the smallest, whichever answered first. A trace that names several sessions answers with the smallest, and when it is dealt out with
//! that of the span that is linked to: until then the smallest waits for its part, and decides nothing. A session of its own goes
//! before all that, and takes back what went elsewhere and is not decided.

use super::session::SessionState;
use super::{KeyState, Output, Settings};
use crate::model::event::Event;
use crate::model::fact::{Fact, Ignored, What};
use crate::model::ids::{PartitionKey, SpanId, TraceId};
use crate::model::record::{LinkAnswer, LinkQuestion, Record};
use crate::model::time::Timestamp;
use std::collections::BTreeMap;

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
    /// Traces that link to this one, each in one way: those of the smallest ids, so that their order leaves no mark.
    pub(super) askers: BTreeMap<TraceId, LinkQuestion>,
    /// Traces that this one links to, each with the smallest of the spans that it links to.
    pub(super) linked: BTreeMap<TraceId, Option<SpanId>>,
    /// The last answer of each trace that was asked.
    pub(super) told: BTreeMap<Option<TraceId>, (u32, PartitionKey)>,
}

impl Links {
    /// Roughly the bytes that they hold in memory.
    pub(super) fn weight(&self) -> usize {
        let known = self.askers.len() + self.linked.len();
        let told = self.told.len() * (size_of::<(TraceId, u32, PartitionKey)>() + 64);
        size_of::<Self>() + known * 2 * size_of::<(TraceId, LinkQuestion)>() + told
    }

    /// Asks `linked` on behalf of another trace; `own` is the key of this one.
    fn pass_on(
        own: &PartitionKey,
        (asker, steps): (TraceId, u32),
        (linked, span): (TraceId, Option<SpanId>),
        out: &mut Output,
    ) {
        if steps < STEPS {
            let steps = steps + 1;
            let asks = Record::ResolveSession(asker, LinkQuestion { steps, span });
            out.sends.push((own.other_trace(linked), asks));
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

    /// The session of those that link to a span of this trace: the one to which it was dealt, if the trace names several and this is
    /// known, otherwise the smallest.
    fn session_for(&self, asked: LinkQuestion) -> Option<&PartitionKey> {
        let shared = self.shared.as_ref();
        let dealt = shared.and_then(|shared| shared.dealt.get(&asked.span?));
        dealt
            .and_then(|dealt| dealt.session.as_ref())
            .or_else(|| self.session())
    }

    /// Whether it was bound by links alone until now.
    pub(super) fn was_led(&mut self) -> bool {
        let Some(links) = &mut self.links else {
            return false;
        };
        links.told.clear();
        links.led.take().is_some()
    }

    /// Asks the trace that an event links to for its session, unless this one has its own (L-2).
    pub(super) fn ask(&mut self, own: &PartitionKey, event: &Event, out: &mut Output) {
        let (Some(trace), Some(linked), None) = (own.trace(), event.follows(), self.session())
        else {
            return;
        };
        let links = self.links.get_or_insert_default();
        let span = Some(linked.span);
        let has_room = links.linked.len() < MAX_LINKS_PER_TRACE;
        let known = links.linked.get(&linked.trace);
        if known.is_none() && !has_room {
            out.facts.push(Fact::of_span(event, OVER_LIMIT));
        } else if known.is_none_or(|known| span < *known) {
            let linked = (linked.trace, span);
            links.linked.extend([linked]);
            Links::pass_on(own, (trace, 0), linked, out);
            for (asker, asked) in &links.askers {
                Links::pass_on(own, (*asker, asked.steps), linked, out);
            }
        }
    }

    /// A trace asks for the session of this one: it is told now if there is one, and when there is another.
    pub(super) fn asked(
        &mut self,
        own: &PartitionKey,
        asker: TraceId,
        asked: LinkQuestion,
        out: &mut Output,
    ) {
        let links = self.links.get_or_insert_default();
        let known = links.askers.entry(asker).or_insert(asked);
        *known = asked.min(*known);
        let nearest = *known;
        if links.askers.len() > MAX_LINKS_PER_TRACE
            && let Some((untold, _)) = links.askers.pop_last()
        {
            out.facts.push(Fact::new(self.touched, untold, OVER_LIMIT));
        }
        match self.session_for(nearest) {
            Some(session) => out.sends.push(answer(own, session, (asker, nearest))),
            None => {
                let linked = self.links.iter().flat_map(|links| &links.linked);
                for (linked, span) in linked {
                    Links::pass_on(own, (asker, asked.steps), (*linked, *span), out);
                }
            }
        }
    }

    /// Tells those who asked the session of this trace.
    pub(super) fn tell(&self, own: &PartitionKey, session: &PartitionKey, out: &mut Output) {
        let askers = self.links.iter().flat_map(|links| &links.askers);
        let answer =
            |(asker, asked): (&TraceId, &LinkQuestion)| answer(own, session, (*asker, *asked));
        out.sends.extend(askers.map(answer));
    }

    /// Tells those who asked, now that the trace was dealt out.
    pub(super) fn tell_dealt(&self, own: &PartitionKey, out: &mut Output) {
        let askers = self.links.iter().flat_map(|links| &links.askers);
        let answers = askers.filter_map(|(asker, asked)| {
            let session = self.session_for(*asked)?;
            Some(answer(own, session, (*asker, *asked)))
        });
        out.sends.extend(answers);
    }

    /// Until when those who asked are remembered: as long as they may wait for it (L-4).
    pub(super) fn asked_until(&mut self, now: Timestamp, settings: &Settings) -> Option<Timestamp> {
        let until = self.touched + settings.trace_timeout;
        let links = self.links.as_mut()?;
        // Who asked a trace that is not dealt out yet waits in the smallest of its sessions.
        if self
            .shared
            .as_ref()
            .is_some_and(|shared| shared.held.is_some())
        {
            return None;
        }
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
        LinkAnswer { steps, by }: LinkAnswer,
        out: &mut Output,
    ) {
        let Some(trace) = own.trace() else {
            return;
        };
        let is_decided = |held: &SessionState| held.has_decided(trace);
        let stays = match &self.bound {
            Some(_) => self.led().is_none(),
            None => self.session.as_deref().is_some_and(is_decided),
        };
        if stays || self.shared.is_some() {
            return;
        }
        let links = self.links.get_or_insert_default();
        links.told.insert(by, (steps, to));
        if links.told.len() > MAX_LINKS_PER_TRACE {
            links.told.pop_last();
        }
        let Some((steps, to)) = links.told.values().min().cloned() else {
            return;
        };
        links.led = Some(steps);
        match &self.bound {
            Some(bound) if *bound == to => return,
            Some(bound) => recall(own, bound, &to, out),
            None => {}
        }
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
            let session = self.session.as_mut();
            session
                .into_iter()
                .for_each(|session| session.shared.dismiss(trace));
            return;
        }
        if let Some(bound) = &self.bound {
            out.sends.push((bound.clone(), Record::Release(trace, to)));
            return;
        }
        if to.trace() == Some(trace) {
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

/// Tells one of those who asked the session.
fn answer(
    own: &PartitionKey,
    session: &PartitionKey,
    (asker, asked): (TraceId, LinkQuestion),
) -> (PartitionKey, Record) {
    let (by, steps) = (own.trace(), asked.steps);
    let resolved = Record::SessionResolved(session.clone(), LinkAnswer { steps, by });
    (own.other_trace(asker), resolved)
}

/// Takes a trace that links led to a session away from it, to another one.
pub(super) fn recall(own: &PartitionKey, from: &PartitionKey, to: &PartitionKey, out: &mut Output) {
    if let Some(trace) = own.trace() {
        let recall = Record::Release(trace, to.clone());
        out.sends.push((from.clone(), recall));
    }
}
