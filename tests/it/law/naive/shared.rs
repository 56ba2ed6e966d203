//! Traces that name several sessions (S-1, S-14, S-15, S-16).

use super::sessions::ids_of;
use super::{Settings, turns};
use baton::model::Name;
use baton::model::agent_name;
use baton::model::event::{Event, Kind, SessionHint, SessionSource, Target};
use baton::model::ids::{SpanId, TenantScoped, TraceId};
use baton::model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// When the sessions of such traces get what is theirs, and the trace that each part was.
#[derive(Debug, Default)]
pub struct Dealt {
    parts: BTreeMap<TraceId, (Timestamp, TraceId)>,
    /// The work beside the sessions, each in the part to which it adds.
    pub beside: Vec<Event>,
}

impl Dealt {
    pub fn at(&self, trace: TraceId) -> Option<Timestamp> {
        self.parts.get(&trace).map(|(at, _)| *at)
    }

    /// The trace that a part was.
    pub fn whole(&self, trace: TraceId) -> TraceId {
        self.parts.get(&trace).map_or(trace, |(_, whole)| *whole)
    }
}

/// The events, each part of such a trace as a trace of its own. What belongs to no session is left out.
pub fn dealt(events: &[Event], settings: &Settings) -> (Vec<Event>, Dealt) {
    let (mut all, mut times) = (Vec::new(), Dealt::default());
    let traces: BTreeSet<TraceId> = events.iter().map(|event| event.trace).collect();
    for trace in traces {
        let own: Vec<&Event> = events.iter().filter(|e| e.trace == trace).collect();
        let own = without_shared_contexts(&own);
        let own: Vec<&Event> = own.iter().collect();
        let ids = ids_of(own.iter().copied());
        if ids.len() < 2 || !names_any(&own) {
            all.extend(own.into_iter().cloned());
            continue;
        }
        let at = turns::end(&own) + turns::wait(&own, settings, &Dealt::default());
        let homes = Homes::of(&own);
        let parts: BTreeSet<&Name> = homes.0.values().collect();
        if parts.len() == 1 {
            times.parts.insert(trace, (at, trace));
            all.extend(own.into_iter().cloned());
            continue;
        }
        let spans: Vec<Option<&Name>> = own
            .iter()
            .map(|event| homes.of_event(event, &own))
            .collect();
        for (number, part) in (1..).zip(parts) {
            let tenant = ids.iter().find(|id| id.id == *part);
            let id = part_of(trace, number);
            times.parts.insert(id, (at, trace));
            for (event, home) in own
                .iter()
                .zip(&spans)
                .filter(|(_, home)| **home == Some(part))
            {
                let is_beside = homes.is_beside(event, &own);
                let mut event = (*event).clone();
                let around = own
                    .iter()
                    .zip(&spans)
                    .find(|(e, _)| Some(e.span) == event.parent);
                event.parent = event
                    .parent
                    .filter(|_| around.is_none_or(|(_, around)| around == home));
                event.trace = id;
                if names(&event).is_none() {
                    event.context.session = Some(SessionHint {
                        id: part.clone(),
                        source: SessionSource::Span,
                    });
                }
                event.context.tenant = tenant.and_then(|id: &TenantScoped| id.tenant.clone());
                match is_beside {
                    true => times.beside.push(event),
                    false => all.push(event),
                }
            }
        }
    }
    (all, times)
}

/// The session of a span of such a trace.
pub fn home(own: &[&Event], span: SpanId) -> Option<Name> {
    let is_note = |event: &Event| matches!(event.kind, Kind::Note(_));
    let own = without_shared_contexts(own);
    let own: Vec<&Event> = own.iter().collect();
    let event = own.iter().find(|e| e.span == span && !is_note(e))?;
    names_any(&own)
        .then(|| Homes::of(&own).of_event(event, &own).cloned())
        .flatten()
}

fn names_any(own: &[&Event]) -> bool {
    own.iter().any(|event| names(event).is_some())
}

/// The name of one part of a trace.
fn part_of(trace: TraceId, number: u8) -> TraceId {
    let mut bytes = *trace.as_bytes();
    bytes[0] ^= number;
    TraceId::new(&bytes).expect("not zero")
}

fn names(event: &Event) -> Option<&Name> {
    let hint = event.context.session.as_ref()?;
    (hint.source == SessionSource::Span).then_some(&hint.id)
}

/// The spans around one, innermost first.
fn around<'e>(event: &Event, own: &[&'e Event]) -> Vec<&'e Event> {
    let is_note = |event: &Event| matches!(event.kind, Kind::Note(_));
    let span = |id| {
        own.iter()
            .copied()
            .find(|e| Some(e.span) == id && !is_note(e))
    };
    let mut next = if is_note(event) {
        span(Some(event.span))
    } else {
        span(event.parent)
    };
    let mut all = Vec::new();
    while let Some(one) = next.filter(|_| all.len() < own.len()) {
        all.push(one);
        next = span(one.parent);
    }
    all
}

/// The ID that an event names, or the nearest span around it.
fn nearest<'e>(event: &'e Event, own: &[&'e Event]) -> Option<&'e Name> {
    names(event).or_else(|| around(event, own).into_iter().find_map(names))
}

/// How many spans name a context that several sessions share.
pub fn in_shared_contexts(events: &[Event]) -> u64 {
    let traces: BTreeSet<TraceId> = events.iter().map(|event| event.trace).collect();
    let in_one = |trace: TraceId| {
        let own: Vec<&Event> = events.iter().filter(|e| e.trace == trace).collect();
        let without = without_shared_contexts(&own);
        let both = own.iter().zip(&without);
        both.filter(|(own, without)| names(own) != names(without))
            .count() as u64
    };
    traces.into_iter().map(in_one).sum()
}

/// The events, where an ID that lies in several sessions is said by none of those: it is no session's own.
fn without_shared_contexts(own: &[&Event]) -> Vec<Event> {
    let caller = |event: &Event| {
        let outermost = around(event, own)
            .into_iter()
            .filter_map(names)
            .next_back()?;
        (names(event)? != outermost).then(|| outermost.clone())
    };
    let without = |ids: &BTreeSet<Name>| -> Vec<Event> {
        let cut = |event: &&Event| {
            let mut event = (*event).clone();
            if caller(&event).is_some() && names(&event).is_some_and(|id| ids.contains(id)) {
                event.context.session = None;
            }
            event
        };
        own.iter().map(cut).collect()
    };
    let mut callers: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for event in own {
        if let (Some(id), Some(caller)) = (names(event), caller(event)) {
            callers.entry(id.clone()).or_default().insert(caller);
        }
    }
    callers.retain(|_, callers| callers.len() > 1);
    let all = without(&callers.keys().cloned().collect());
    let homes = Homes::of(&all.iter().collect::<Vec<_>>());
    callers.retain(|_, callers| {
        let homes: BTreeSet<&Name> = callers.iter().map(|caller| &homes.0[caller]).collect();
        homes.len() > 1
    });
    without(&callers.into_keys().collect())
}

fn works(event: &Event) -> bool {
    event.kind.is_agentic() && !matches!(event.kind, Kind::Workflow)
}

/// Whether an agent or a model works here.
fn joins(event: &Event) -> bool {
    let acts = matches!(event.kind, Kind::Agent { .. } | Kind::Model(_));
    works(event) && (acts || event.agent.is_some())
}

/// For each ID of a trace the smallest of those that are one session.
struct Homes(BTreeMap<Name, Name>);

impl Homes {
    fn of(own: &[&Event]) -> Self {
        let ids = own.iter().filter_map(|event| names(event));
        let mut homes = Self(ids.map(|id| (id.clone(), id.clone())).collect());
        for event in own {
            let Some(id) = names(event) else { continue };
            for outer in around(event, own) {
                if let Some(outer) = names(outer) {
                    homes.join(id, outer);
                    break;
                }
                if joins(outer) {
                    let inside = |e: &&&Event| around(e, own).iter().any(|a| a.span == outer.span);
                    for other in own.iter().filter(inside).filter_map(|e| names(e)) {
                        homes.join(id, other);
                    }
                }
            }
        }
        for event in own {
            let Some(id) = nearest(event, own) else {
                continue;
            };
            for target in targets(event) {
                let acts = |e: &&&Event, id: &Name| {
                    let is_it = |agent: &Name| agent_name::is_alike(agent, target);
                    e.agent.as_ref().is_some_and(is_it) && nearest(e, own) == Some(id)
                };
                if own.iter().any(|e| acts(&e, id)) {
                    continue;
                }
                let begins = |other: &&Name| {
                    let of_it = own
                        .iter()
                        .filter(|e| e.agent.is_some() && nearest(e, own) == Some(other));
                    let first = of_it.min_by_key(|e| (e.start, e.span));
                    let at_once = event.end + Duration::from_secs(1);
                    first.is_some_and(|first| {
                        (event.start..=at_once).contains(&first.start) && acts(&first, other)
                    })
                };
                let others = homes.0.clone();
                let mut next: Vec<&Name> = others.keys().filter(begins).collect();
                next.sort_by_key(|id| {
                    let of_it = own
                        .iter()
                        .filter(|e| e.agent.is_some() && nearest(e, own) == Some(id));
                    (of_it.map(|e| e.start).min(), (*id).clone())
                });
                if let Some(next) = next.first() {
                    homes.join(id, next);
                }
            }
        }
        homes
    }

    fn join(&mut self, one: &Name, other: &Name) {
        let (one, other) = (self.0[one].clone(), self.0[other].clone());
        let smaller = one.clone().min(other.clone());
        for home in self
            .0
            .values_mut()
            .filter(|home| **home == one || **home == other)
        {
            home.clone_from(&smaller);
        }
    }

    /// The sessions inside a span.
    fn inside<'h>(&'h self, of: &Event, own: &[&Event]) -> BTreeSet<&'h Name> {
        let inner = own
            .iter()
            .filter(|e| around(e, own).iter().any(|a| a.span == of.span));
        inner.filter_map(|e| self.0.get(names(e)?)).collect()
    }

    /// The sessions inside the nearest span around one that has any.
    fn outside<'h>(&'h self, of: &Event, own: &[&Event]) -> Option<BTreeSet<&'h Name>> {
        let outer = around(of, own).into_iter();
        outer
            .map(|outer| self.inside(outer, own))
            .find(|outer| !outer.is_empty())
    }

    /// Whether an event lies beside all sessions, or is about one that does, and only adds to one of them.
    fn is_beside(&self, event: &Event, own: &[&Event]) -> bool {
        if matches!(event.kind, Kind::Note(_)) {
            let about = around(event, own);
            return about
                .first()
                .is_some_and(|about| self.is_beside(about, own));
        }
        let is_outside = || self.outside(event, own).is_none_or(|outer| outer.len() > 1);
        nearest(event, own).is_none() && self.inside(event, own).is_empty() && is_outside()
    }

    /// The session of an event; `None`: it lies around several, or beside them without saying anything.
    fn of_event<'h>(&'h self, event: &Event, own: &[&Event]) -> Option<&'h Name> {
        if let Some(id) = nearest(event, own) {
            return self.0.get(id);
        }
        // A log record goes where its span goes.
        if matches!(event.kind, Kind::Note(_))
            && let Some(about) = around(event, own).first()
        {
            return self.of_event(about, own);
        }
        let own_inside = self.inside(event, own);
        if !own_inside.is_empty() {
            return own_inside
                .first()
                .copied()
                .filter(|_| own_inside.len() == 1);
        }
        if let Some(outer) = self.outside(event, own)
            && outer.len() == 1
        {
            return outer.first().copied();
        }
        if !works(event) {
            return None;
        }
        let chain = around(event, own)
            .into_iter()
            .take_while(|a| self.inside(a, own).is_empty());
        let start = chain
            .last()
            .map_or(event.start, |outermost| outermost.start);
        let begun = own
            .iter()
            .filter_map(|e| Some((e.start, self.0.get(nearest(e, own)?)?)));
        let before = begun.clone().filter(|(at, _)| *at <= start).max();
        before.or(begun.min()).map(|(_, home)| home)
    }
}

fn targets(event: &Event) -> Vec<&Name> {
    let all: Vec<&Target> = match &event.kind {
        Kind::Handoff(handoff) => vec![&handoff.to],
        Kind::Tool(tool) => tool.hands_to.iter().collect(),
        Kind::Model(call) => call
            .requests
            .iter()
            .map(|request| &request.target)
            .collect(),
        _ => Vec::new(),
    };
    all.into_iter()
        .filter_map(|target| match target {
            Target::Agent(name) => Some(name),
            _ => None,
        })
        .collect()
}
