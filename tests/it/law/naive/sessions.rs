//! Sessions: what a session id ties together, and what ids do that meet in one trace.

use super::Settings;
use super::turns::Turn;
use baton::model::Name;
use baton::model::event::{Event, Kind, SessionSource};
use baton::model::ids::{TenantScoped, TraceId};
use baton::model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Session ids, each with the time from which on its session knows of what names it: the end of the first span that does.
pub type Named = BTreeMap<TenantScoped, Timestamp>;

/// The events, each once, of all sessions that are one sooner or later; a trace that no id ties is a session of its own.
pub fn that_ever_met(events: &[Event]) -> Vec<Vec<Event>> {
    let mut seen = BTreeSet::new();
    let mut once: Vec<Event> = Vec::new();
    for event in events {
        let note = match event.kind {
            Kind::Note(id) => Some(id),
            _ => None,
        };
        if seen.insert((event.trace, event.span, note)) {
            once.push(event.clone());
        }
    }
    once.sort_by_key(|event| (event.start, event.end, event.trace, event.span));
    let traces: BTreeSet<TraceId> = once.iter().map(|event| event.trace).collect();
    let ids = |trace: TraceId| ids_of(once.iter().filter(move |e| e.trace == trace));
    // Traces that share an id belong together, and so do their friends.
    let mut groups: Vec<(BTreeSet<TenantScoped>, BTreeSet<TraceId>)> = Vec::new();
    for trace in traces {
        let mut own = (ids(trace), BTreeSet::from([trace]));
        let (friends, others) = groups
            .into_iter()
            .partition(|(known, _)| !known.is_disjoint(&own.0));
        groups = others;
        for (ids, traces) in friends {
            own.0.extend(ids);
            own.1.extend(traces);
        }
        groups.push(own);
    }
    let of_group = |traces: &BTreeSet<TraceId>| {
        once.iter()
            .filter(|e| traces.contains(&e.trace))
            .cloned()
            .collect()
    };
    groups.iter().map(|(_, traces)| of_group(traces)).collect()
}

/// The session ids of one trace.
pub fn ids_of<'e>(events: impl Iterator<Item = &'e Event> + Clone) -> BTreeSet<TenantScoped> {
    named(events, Duration::ZERO).into_keys().collect()
}

/// The session ids of one trace: those on its spans, else the one on its resource, when nobody named another one for long.
fn named<'e>(events: impl Iterator<Item = &'e Event> + Clone, bind_timeout: Duration) -> Named {
    let tenant: Option<Name> = events
        .clone()
        .find_map(|event| event.context.tenant.clone());
    let by = |source| {
        let mut named = Named::new();
        for event in events.clone() {
            if let Some(hint) = event
                .context
                .session
                .as_ref()
                .filter(|h| h.source == source)
            {
                let id = TenantScoped {
                    tenant: tenant.clone(),
                    id: hint.id.clone(),
                };
                let first = named.entry(id).or_insert(event.end);
                *first = event.end.min(*first);
            }
        }
        named
    };
    let own = by(SessionSource::Span);
    if !own.is_empty() {
        return own;
    }
    let spans = events.clone().filter(|event| !is_note(event));
    let mut ends: Vec<Timestamp> = spans.map(|event| event.end).collect();
    ends.sort();
    // The first quiet time counts: a turn may have several.
    let quiet = |pair: &&[Timestamp]| pair[1].since(pair[0]) > bind_timeout;
    let end = ends
        .windows(2)
        .find(quiet)
        .map_or(ends.last(), |pair| pair.first());
    let end = end.copied().unwrap_or_default();
    let of_resource = by(SessionSource::Resource).into_keys();
    of_resource.map(|id| (id, end + bind_timeout)).collect()
}

fn is_note(event: &Event) -> bool {
    matches!(event.kind, Kind::Note(_))
}

/// The ids of several traces.
pub fn ids_of_all(events: &[&Event]) -> BTreeSet<TenantScoped> {
    let traces: BTreeSet<TraceId> = events.iter().map(|event| event.trace).collect();
    let of = |trace| ids_of(events.iter().copied().filter(move |e| e.trace == trace));
    traces.into_iter().flat_map(of).collect()
}

/// The same, with the time from which on their sessions know of them.
pub fn all_named(events: &[&Event], settings: &Settings) -> Named {
    let traces: BTreeSet<TraceId> = events.iter().map(|event| event.trace).collect();
    let mut all = Named::new();
    for trace in traces {
        let own = events.iter().copied().filter(|e| e.trace == trace);
        for (id, at) in named(own, settings.bind_timeout) {
            let first = all.entry(id).or_insert(at);
            *first = at.min(*first);
        }
    }
    all
}

/// A session so far.
struct Session {
    /// The ids that met in it, each with the time at which a turn last named it.
    ids: Named,
    turns: BTreeSet<usize>,
    end: Timestamp,
}

impl Session {
    /// When a turn with these ids comes to this session. Nobody knows any more whom an id met that was silent for `max_age`; where the
    /// session goes on all the same, its smallest id does.
    fn met_by(&self, turn: &Turn<'_>, settings: &Settings) -> Option<Timestamp> {
        if self.ids.is_empty() && turn.named.is_empty() {
            return Some(turn.start);
        }
        let smallest = self.ids.keys().next();
        let known = turn.named.iter().filter(|(id, at)| {
            let silent = |since: Timestamp| at.since(since) > settings.max_age;
            let last = self.ids.get(*id);
            let forgotten = |last: &Timestamp| silent(*last) && smallest != Some(*id);
            !silent(self.end) && last.is_some_and(|last| !forgotten(last))
        });
        known.map(|(_, at)| *at).min()
    }
}

/// Whether the session of a turn met another one while it was not decided, and that one counted or came before it (S-2, S-7).
pub fn met_before_it_counted(turns: &[Turn<'_>], turn: &Turn<'_>) -> bool {
    let own = turns.iter().position(|other| std::ptr::eq(other, turn));
    let own = own.expect("one of them");
    let meets = |meeting: &Turn<'_>| {
        let sides = || meeting.before.iter();
        let (at, _) = sides().find(|(_, side)| side.contains(&own))?;
        let others = sides().filter(|(_, side)| !side.contains(&own));
        let mut others =
            others.flat_map(|(met, side)| side.iter().map(move |i| (*met.max(at), *i)));
        others.find(|(met, i)| {
            let other = &turns[*i];
            let first = *i < own || other.decided <= *met;
            other.is_one() && turn.decided > *met && first
        })
    };
    turns.iter().any(|meeting| meets(meeting).is_some())
}

/// Tells each turn which earlier ones are of its session. One with several ids makes their sessions one.
pub fn meet(turns: &mut [Turn<'_>], settings: &Settings) {
    let mut sessions: Vec<Session> = Vec::new();
    for (number, turn) in turns.iter_mut().enumerate() {
        let mut own = Session {
            ids: turn
                .named
                .keys()
                .map(|id| (id.clone(), turn.shown))
                .collect(),
            turns: BTreeSet::from([number]),
            end: turn.shown,
        };
        let mut others = Vec::new();
        for session in sessions {
            match session.met_by(turn, settings) {
                Some(at) => {
                    own.end = own.end.max(session.end);
                    own.turns.extend(&session.turns);
                    for (id, last) in session.ids {
                        let known = own.ids.entry(id).or_insert(last);
                        *known = last.max(*known);
                    }
                    turn.before.push((at, session.turns));
                }
                None => others.push(session),
            }
        }
        others.push(own);
        sessions = others;
    }
}
