//! Links across sessions: a trace in which no span names a session is in that of the trace that it links to, or that this one links
//! to, and so on.

use super::Settings;
use super::sessions::ids_of;
use baton::model::event::{Event, SessionHint, SessionSource};
use baton::model::ids::{TenantScoped, TraceId};
use std::collections::BTreeSet;

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
    let mut reached = BTreeSet::from([trace]);
    for _ in 0..STEPS {
        let next = reached
            .iter()
            .flat_map(|from| linked(events, *from, settings));
        reached = next.collect();
        let named = reached
            .iter()
            .filter_map(|trace| ids_of(of(events, *trace)).pop_first());
        if let Some(session) = named.min() {
            return Some(session);
        }
    }
    None
}

fn of(events: &[Event], trace: TraceId) -> impl Iterator<Item = &Event> + Clone {
    events.iter().filter(move |event| event.trace == trace)
}

/// The traces that spans of this one link to, each to one, while those are still known.
fn linked(events: &[Event], from: TraceId, settings: &Settings) -> BTreeSet<TraceId> {
    let linked = of(events, from).filter_map(|event| {
        let traces: BTreeSet<TraceId> = event.rare.links.iter().map(|link| link.trace).collect();
        let [linked] = <[TraceId; 1]>::try_from(Vec::from_iter(traces)).ok()?;
        let end = of(events, linked).map(|span| span.end).max()?;
        let remembered = settings.idle_timeout.max(settings.turn_timeout);
        (event.end <= end + remembered).then_some(linked)
    });
    linked.collect()
}
