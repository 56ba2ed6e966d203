//! Exchanges: several turns in one trace (T-10, T-11, T-12).

use super::pauses;
use baton::model::event::{Event, Kind, Operation, Target};
use baton::model::ids::{SpanId, TraceId};
use baton::model::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// What one exchange has of its traces.
#[derive(Default)]
pub struct Exchange<'e> {
    /// By start.
    pub events: Vec<&'e Event>,
    /// The spans that lie around it and around others: they name the same for all of them.
    pub frames: Vec<&'e Event>,
    pub end: Timestamp,
}

/// What begins an exchange, or may be a part of one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UnitKind {
    Exchange,
    Request,
    Work,
}

/// The outermost span of some work, with all that is inside.
struct Unit<'e> {
    kind: UnitKind,
    trace: TraceId,
    spans: Vec<&'e Event>,
}

struct Spans<'e>(BTreeMap<(TraceId, SpanId), &'e Event>);

impl<'e> Spans<'e> {
    /// A span and those around it, innermost first.
    fn up(&self, event: &'e Event) -> impl Iterator<Item = &'e Event> + '_ {
        let parent = |of: &&'e Event| self.0.get(&(of.trace, of.parent?)).copied();
        std::iter::successors(Some(event), parent).take(self.0.len())
    }

    /// A span is an exchange, a request or a part of another one (T-10).
    fn begins(&self, event: &'e Event) -> Option<UnitKind> {
        let kind = match event.rare.remote_parent {
            true => UnitKind::Request,
            false => UnitKind::Exchange,
        };
        let hides = |around: &Event| match around.kind {
            Kind::Structure | Kind::Guardrail { .. } => around.rare.is_exchange,
            Kind::Workflow => kind == UnitKind::Request,
            _ => true,
        };
        let free = !self.up(event).skip(1).any(hides);
        (event.rare.is_exchange && free).then_some(kind)
    }
}

/// The exchanges of a turn; one, where nothing says more.
pub fn of(events: Vec<&Event>, settle: Duration) -> Vec<Exchange<'_>> {
    let notes = events.iter().filter(|event| !is_note(event));
    let spans = Spans(
        notes
            .map(|event| ((event.trace, event.span), *event))
            .collect(),
    );
    let begins: BTreeMap<_, UnitKind> = spans
        .0
        .iter()
        .filter_map(|(id, event)| Some((*id, spans.begins(event)?)))
        .collect();
    let around_one = |event: &Event| {
        let inside = |id| spans.up(spans.0[id]).skip(1).any(|a| same(a, event));
        begins.keys().any(inside)
    };
    let unit_of = |event: &'_ Event| {
        let event = spans.0.get(&(event.trace, event.span))?;
        let is_unit = |event: &&Event| {
            let own = begins.contains_key(&(event.trace, event.span));
            own || !matches!(event.kind, Kind::Structure) && !around_one(event)
        };
        spans.up(event).filter(is_unit).last()
    };
    let mut units: Vec<(&Event, Unit<'_>)> = Vec::new();
    for event in events.iter().filter(|event| !is_note(event)) {
        let Some(outermost) = unit_of(event) else {
            continue;
        };
        match units.iter_mut().find(|(known, _)| same(known, outermost)) {
            Some((_, unit)) => unit.spans.push(event),
            None => {
                let kind = begins.get(&(outermost.trace, outermost.span));
                let unit = Unit {
                    kind: kind.copied().unwrap_or(UnitKind::Work),
                    trace: outermost.trace,
                    spans: vec![event],
                };
                units.push((outermost, unit));
            }
        }
    }
    let groups = grouped(units, settle);
    // The span around the only exchange is no part of its time either.
    let is_framed = begins
        .iter()
        .any(|(id, kind)| *kind == UnitKind::Exchange && spans.up(spans.0[id]).nth(1).is_some());
    match groups.len() {
        1 if is_framed => dealt(&events, &spans, &groups),
        0 | 1 => vec![Exchange {
            end: last_end(&events),
            events,
            frames: Vec::new(),
        }],
        _ => dealt(&events, &spans, &groups),
    }
}

/// Units that are one exchange, each with its outermost span.
type Group<'e> = Vec<(&'e Event, Unit<'e>)>;

fn grouped<'e>(units: Vec<(&'e Event, Unit<'e>)>, settle: Duration) -> Vec<Group<'e>> {
    let mut groups: Vec<Group<'e>> = Vec::new();
    for (outermost, unit) in units {
        match groups.last_mut() {
            Some(group) if !is_over(group, &unit, settle) => group.push((outermost, unit)),
            _ => groups.push(vec![(outermost, unit)]),
        }
    }
    if groups.len() > 1
        && let Some(idle) = groups.pop_if(|group| !acts(&spans_of(group)))
        && let Some(last) = groups.last_mut()
    {
        last.extend(idle);
    }
    groups
}

/// Whether the user spoke before the next unit.
fn is_over(group: &Group<'_>, next: &Unit<'_>, settle: Duration) -> bool {
    let spans = spans_of(group);
    if !acts(&spans) || pauses::waits(&spans) && pauses::resumes(&next.spans) {
        return false;
    }
    let (start, end) = (next.spans[0].start, last_end(&spans));
    let has_exchange = group.iter().any(|(_, u)| u.kind == UnitKind::Exchange);
    let over = match next.kind {
        UnitKind::Exchange if start < end => return has_exchange,
        UnitKind::Exchange => {
            return !(gave_away(&spans) && start.since(end) <= Duration::from_secs(1));
        }
        UnitKind::Request => has_answered(group) || has_run(&spans) && !gave_away(&spans),
        UnitKind::Work => {
            let same_trace = group.iter().any(|(_, unit)| unit.trace == next.trace);
            let asked_anew = is_asked_anew(&spans, &next.spans);
            let answered = has_answered(group) && (asked_anew || start.since(end) > settle);
            same_trace && (answered || broke(group) && asked_anew)
        }
    };
    over && start >= end && !has_exchange && acts(&next.spans)
}

fn dealt<'e>(events: &[&'e Event], spans: &Spans<'e>, groups: &[Group<'e>]) -> Vec<Exchange<'e>> {
    let starts: Vec<Timestamp> = groups.iter().map(|g| spans_of(g)[0].start).collect();
    let has = |group: &Group<'_>, event: &Event| {
        let mut units = group.iter().flat_map(|(_, unit)| &unit.spans);
        units.any(|span| (span.trace, span.span) == (event.trace, event.span))
    };
    let frames = |group: &Group<'e>, event: &Event| {
        let mut units = group.iter();
        units.any(|(unit, _)| spans.up(unit).skip(1).any(|a| same(a, event)))
    };
    let mut dealt: Vec<Exchange<'e>> = groups.iter().map(|_| Exchange::default()).collect();
    for event in events {
        let home = groups.iter().position(|group| has(group, event));
        let framed: Vec<usize> = (0..groups.len())
            .filter(|&group| frames(&groups[group], event))
            .collect();
        let begun = starts.iter().filter(|start| **start <= event.start).count();
        let at = home
            .or(framed.last().copied())
            .unwrap_or(begun.saturating_sub(1));
        if home.is_none() && !framed.is_empty() {
            for group in framed {
                dealt[group].frames.push(event);
            }
            // It speaks for itself once.
            dealt[at].events.push(event);
            continue;
        }
        let until = starts.get(at + 1).filter(|_| home.is_none());
        let end = until.map_or(event.end, |until| event.end.min(*until));
        dealt[at].events.push(event);
        if !is_note(event) {
            dealt[at].end = dealt[at].end.max(end);
        }
    }
    dealt
}

fn same(one: &Event, other: &Event) -> bool {
    (one.trace, one.span) == (other.trace, other.span) && is_note(one) == is_note(other)
}

fn is_note(event: &Event) -> bool {
    matches!(event.kind, Kind::Note(_))
}

fn spans_of<'e>(group: &Group<'e>) -> Vec<&'e Event> {
    let spans = group.iter().flat_map(|(_, unit)| &unit.spans);
    spans.copied().collect()
}

fn last_end(events: &[&Event]) -> Timestamp {
    let spans = events.iter().filter(|event| !is_note(event));
    spans.map(|event| event.end).max().unwrap_or_default()
}

fn steps<'t, 'e>(spans: &'t [&'e Event]) -> impl Iterator<Item = &'e Event> + 't {
    let is_step = |event: &&&Event| match &event.kind {
        Kind::Model(call) => call.operation == Operation::Chat,
        kind => matches!(kind, Kind::Tool(_) | Kind::Handoff(_)),
    };
    spans.iter().filter(is_step).copied()
}

fn last_step<'e>(spans: &[&'e Event]) -> Option<&'e Event> {
    steps(spans).max_by_key(|e| (e.end, std::cmp::Reverse((e.start, e.trace, e.span))))
}

fn has_run(spans: &[&Event]) -> bool {
    let mut spans = spans.iter();
    spans.any(|event| matches!(event.kind, Kind::Agent { inferred: false }))
}

fn acts(spans: &[&Event]) -> bool {
    steps(spans).next().is_some() || has_run(spans)
}

/// Whether the last step gave control to another agent.
fn gave_away(spans: &[&Event]) -> bool {
    last_step(spans).is_some_and(|event| match &event.kind {
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

/// Whether it ended with an answer: text, or an agent that returned and did not fail.
fn has_answered(group: &Group<'_>) -> bool {
    let spans = spans_of(group);
    let broke = |event: &&Event| event.error && matches!(event.kind, Kind::Agent { .. });
    let failed = group
        .last()
        .is_some_and(|(_, unit)| unit.spans.iter().any(broke));
    let text = |event: &Event| match &event.kind {
        Kind::Model(call) => {
            let text = call.answered.unwrap_or(has_run(&spans));
            text && call.requests.is_empty() && !call.failed && !event.error
        }
        _ => false,
    };
    !failed && last_step(&spans).is_none_or(text)
}

/// Whether the agent or the run of the last unit failed.
fn broke(group: &Group<'_>) -> bool {
    let mut last = group.last().into_iter().flat_map(|(_, unit)| &unit.spans);
    last.any(|event| event.error && matches!(event.kind, Kind::Agent { .. } | Kind::Workflow))
}

/// Whether the agent that began begins again, with a message that no model was told before.
fn is_asked_anew(spans: &[&Event], next: &[&Event]) -> bool {
    let first = |spans: &[&Event]| spans.iter().find_map(|event| event.agent.clone());
    let asked = |spans: &[&Event]| {
        let told = steps(spans).filter_map(|event| event.content.as_ref()?.asked.clone());
        told.collect::<Vec<_>>()
    };
    let known = asked(spans);
    let same = first(spans).is_some() && first(spans) == first(next);
    let new = asked(next).first().is_some_and(|new| !known.contains(new));
    same && new && !known.is_empty()
}
