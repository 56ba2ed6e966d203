//! Links across sessions: a trace in which no span names a session is in that of the trace that it links to, or that this one links
//! to, and so on.

use super::sessions::ids_of;
use super::{Settings, shared};
use baton::model::event::{Event, SessionHint, SessionSource};
use baton::model::ids::{SpanId, TenantScoped, TraceId};
use std::collections::{BTreeMap, BTreeSet};

/// Steps from link to link that lead anywhere.
const STEPS: usize = 4;

/// The events, each with the session that links lead it to, as if its span named it.
pub fn followed(events: &[Event], settings: &Settings) -> Vec<Event> {
    let mut followed = events.to_vec();
    for event in &mut followed {
        if let Some(session) = session(events, event.trace, settings) {
            event.context.tenant.clone_from(&session.tenant);
            event.context.session = Some(SessionHint {
                id: session.id,
                source: SessionSource::Span,
            });
        }
    }
    followed
}

/// The session that links lead a trace to that has none: the nearest, of equally near ones the smallest.
fn session(events: &[Event], trace: TraceId, settings: &Settings) -> Option<TenantScoped> {
    if !ids_of(of(events, trace)).is_empty() {
        return None;
    }
    let mut reached = BTreeMap::from([(trace, None)]);
    for _ in 0..STEPS {
        let next = reached
            .keys()
            .flat_map(|from| linked(events, *from, settings));
        let mut all: BTreeMap<TraceId, Option<SpanId>> = BTreeMap::new();
        for (trace, span) in next {
            let known = all.entry(trace).or_insert(Some(span));
            *known = (*known).min(Some(span));
        }
        reached = all;
        let named = reached
            .iter()
            .filter_map(|(trace, span)| session_of(events, *trace, *span));
        if let Some(session) = named.min() {
            return Some(session);
        }
    }
    None
}

/// The session of a span of a trace; the smallest one that its trace names, if it belongs to none.
fn session_of(events: &[Event], trace: TraceId, span: Option<SpanId>) -> Option<TenantScoped> {
    let own: Vec<&Event> = of(events, trace).collect();
    let ids = ids_of(own.iter().copied());
    let home = span.and_then(|span| shared::home(&own, span));
    let known = home.and_then(|home| ids.iter().find(|id| id.id == home));
    known.or(ids.first()).cloned()
}

fn of(events: &[Event], trace: TraceId) -> impl Iterator<Item = &Event> + Clone {
    events.iter().filter(move |event| event.trace == trace)
}

/// The spans that spans of this trace link to, each to those of one trace, while that is still known. The first of them counts.
fn linked(events: &[Event], from: TraceId, settings: &Settings) -> BTreeSet<(TraceId, SpanId)> {
    let linked = of(events, from).filter_map(|event| {
        let traces: BTreeSet<TraceId> = event.rare.links.iter().map(|link| link.trace).collect();
        let [linked] = <[TraceId; 1]>::try_from(Vec::from_iter(traces)).ok()?;
        let end = of(events, linked).map(|span| span.end).max()?;
        let remembered = settings.idle_timeout.max(settings.turn_timeout);
        let span = event.rare.links.first()?.span;
        (event.end <= end + remembered).then_some((linked, span))
    });
    linked.collect()
}
