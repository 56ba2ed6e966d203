//! Parts of a trace that goes on after a turn of it was finalized (T-9).

use super::Settings;
use super::exchanges;
use super::shared::Dealt;
use super::turns::{end, known, patience, spans, start, wait};
use baton::model::event::{Event, Kind};
use baton::model::ids::SpanId;
use baton::model::time::Timestamp;
use std::collections::BTreeSet;

/// The parts of a trace, without the spans that came late: no figure that is told here is about them.
pub fn of<'e>(trace: Vec<&'e Event>, settings: &Settings, dealt: &Dealt) -> Vec<Vec<&'e Event>> {
    let mut coming: Vec<&Event> = spans(&trace).copied().collect();
    coming.sort_by_key(|event| event.end);
    let mut parts: Vec<Vec<&Event>> = Vec::new();
    while !coming.is_empty() {
        let length = (1..coming.len())
            .find(|&length| {
                let part = &coming[..length];
                let quiet = wait(part, settings, dealt).max(patience(part, settings));
                known(part, dealt) + quiet < coming[length].end
            })
            .unwrap_or(coming.len());
        let rest = coming.split_off(length);
        let until = parts.iter().map(|part| end(part)).max();
        let turn = match until {
            Some(until) => turns_after(coming, until, settings),
            None => coming,
        };
        let over = turn.iter().map(|event| event.end).max().or(until);
        parts.extend((!turn.is_empty()).then_some(turn));
        coming = rest;
        coming.retain(|event| over.is_none_or(|over| event.start > over));
    }
    let in_parts: Vec<BTreeSet<SpanId>> = parts.iter().map(|part| ids(part)).collect();
    for note in trace {
        if matches!(note.kind, Kind::Note(_)) {
            let own = in_parts.iter().position(|ids| ids.contains(&note.span));
            match parts.get_mut(own.unwrap_or(0)) {
                Some(part) => part.push(note),
                None => parts.push(vec![note]),
            }
        }
    }
    parts
}

/// Without the exchange that goes on with what is finalized.
fn turns_after<'e>(part: Vec<&'e Event>, until: Timestamp, settings: &Settings) -> Vec<&'e Event> {
    let mut by_start = part;
    by_start.sort_by_key(|event| (event.start, event.end));
    let exchanges = exchanges::of(by_start, settings.settle).into_iter();
    let own = exchanges.filter(|exchange| start(&exchange.events) > until + settings.settle);
    own.flat_map(|exchange| exchange.events).collect()
}

fn ids(part: &[&Event]) -> BTreeSet<SpanId> {
    part.iter().map(|event| event.span).collect()
}
