//! Exchanges: several turns in one trace, each shown by a span that says so.

use baton::model::event::{Event, Kind, Target};
use baton::model::time::Timestamp;
use std::time::Duration;

/// The events of each exchange, by start, and the spans that lie around it alone.
type Exchange<'e> = (Vec<&'e Event>, Vec<&'e Event>);

/// The exchanges of a turn; one, where no spans say more.
pub fn of(events: Vec<&Event>) -> Vec<Exchange<'_>> {
    if events.is_empty() {
        return Vec::new();
    }
    let mut shown: Vec<&Event> = Vec::new();
    for event in events.iter().filter(|event| is_one(&events, event)) {
        let goes_on = shown.last().is_some_and(|last| {
            let soon = event.start.since(last.end) <= Duration::from_secs(1);
            soon && event.start >= last.end && gave_away(&events, last)
        });
        if !goes_on {
            shown.push(event);
        }
    }
    if shown.len() < 2 {
        return vec![(events, Vec::new())];
    }
    let mut exchanges: Vec<Exchange<'_>> = shown.iter().map(|_| Exchange::default()).collect();
    let last = exchanges.len() - 1;
    for event in &events {
        if shown
            .iter()
            .any(|one| around(&events, one).any(|a| same(a, event)))
        {
            exchanges[last].1.push(event);
            continue;
        }
        let home = shown
            .iter()
            .find(|one| same(one, event) || is_inside(&events, event, one));
        let at = home.map_or(event.start, |one| one.start);
        let begun = shown.iter().filter(|one| one.start <= at).count();
        exchanges[begun.saturating_sub(1)].0.push(event);
    }
    exchanges
}

fn same(one: &Event, other: &Event) -> bool {
    (one.trace, one.span) == (other.trace, other.span) && is_note(one) == is_note(other)
}

fn is_note(event: &Event) -> bool {
    matches!(event.kind, Kind::Note(_))
}

/// The spans around one, innermost first.
fn around<'t, 'e>(
    events: &'t [&'e Event],
    event: &Event,
) -> impl Iterator<Item = &'e Event> + use<'t, 'e> {
    let parent = move |of: &Event| {
        let is_it = |other: &&&Event| {
            other.trace == of.trace && Some(other.span) == of.parent && !is_note(other)
        };
        events.iter().find(is_it).copied()
    };
    std::iter::successors(parent(event), move |event| parent(event)).take(events.len())
}

fn is_inside(events: &[&Event], event: &Event, outer: &Event) -> bool {
    around(events, event).any(|a| same(a, outer))
}

/// An exchange is no part of another one, nor of the work of an agent.
fn is_one(events: &[&Event], event: &Event) -> bool {
    let says = event.rare.is_exchange && !event.rare.remote_parent && !is_note(event);
    says && around(events, event).all(|a| {
        let frame = matches!(a.kind, Kind::Structure | Kind::Workflow);
        frame && (!a.rare.is_exchange || matches!(a.kind, Kind::Workflow))
    })
}

/// Whether the last step inside gave control to another agent.
fn gave_away(events: &[&Event], exchange: &Event) -> bool {
    let inside = events
        .iter()
        .filter(|event| is_inside(events, event, exchange));
    let steps = inside.filter(|event| {
        matches!(
            event.kind,
            Kind::Model(_) | Kind::Tool(_) | Kind::Handoff(_)
        )
    });
    let last = steps.max_by_key(|event| (event.end, Timestamp(u64::MAX - event.start.0)));
    last.is_some_and(|event| match &event.kind {
        Kind::Tool(tool) => {
            let to_agent = tool
                .hands_to
                .as_ref()
                .is_some_and(|to| *to != Target::Human);
            to_agent && !tool.delegates && !tool.failed && !event.error
        }
        Kind::Model(call) => call.answered != Some(true) && !call.requests.is_empty(),
        Kind::Handoff(handoff) => handoff.to != Target::Human && !handoff.failed,
        _ => false,
    })
}
