//! Turns: a trace in which agents are at work, with the traces that lie inside its time or link to it.

use super::Settings;
use super::exchanges;
use super::parts;
use super::pauses;
use super::sessions::{self, Named, all_named};
use super::shared::Dealt;
use baton::model::Name;
use baton::model::event::{Event, Kind, Operation, Target};
use baton::model::ids::Link;
use baton::model::ids::{TenantScoped, TraceId};
use baton::model::time::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

pub struct Turn<'e> {
    /// By start.
    pub events: Vec<&'e Event>,
    /// The spans that lie around it and around other turns of its trace (T-12).
    frames: Vec<&'e Event>,
    /// The scores and outcomes in traces without agents (S-11). Without events, they came alone.
    pub remarks: Vec<&'e Event>,
    /// The session ids that its spans name.
    pub named: Named,
    /// The sessions that it goes on with, several where they meet in it: when it comes to each, and the turns of that, by number.
    pub before: Vec<(Timestamp, BTreeSet<usize>)>,
    pub start: Timestamp,
    pub end: Timestamp,
    /// When its session had all of it, and when nobody waited for more any longer.
    pub shown: Timestamp,
    pub decided: Timestamp,
}

pub fn of<'e>(events: &'e [Event], settings: &Settings, dealt: &Dealt) -> Vec<Turn<'e>> {
    let turns = |events: Vec<&'e Event>| {
        let named = all_named(&events, settings);
        let shown = named
            .values()
            .copied()
            .fold(known(&events, dealt), Timestamp::max);
        let decided = shown + wait(&events, settings, dealt).max(patience(&events, settings));
        // A trace in which nothing is about agents may hold others together, and adds nothing.
        let agentic = events.iter().filter(|event| event.kind.is_agentic());
        let traces: BTreeSet<TraceId> = agentic.map(|event| event.trace).collect();
        let (mut events, mut remarks): (Vec<&Event>, Vec<&Event>) = events
            .into_iter()
            .partition(|event| traces.contains(&event.trace));
        remarks.retain(|event| !event.rare.evaluations.is_empty() || event.rare.outcome.is_some());
        events.sort_by_key(|event| (event.start, event.end));
        let turn = |exchange: exchanges::Exchange<'e>| {
            let own: Vec<&Event> = exchange.events.clone();
            let own: Vec<&Event> = own
                .into_iter()
                .filter(|event| {
                    !exchange
                        .frames
                        .iter()
                        .any(|frame| std::ptr::eq(*frame, *event))
                })
                .collect();
            Turn {
                named: named.clone(),
                before: Vec::new(),
                start: start(&own),
                end: exchange.end,
                shown,
                decided,
                events: exchange.events,
                frames: exchange.frames,
                remarks: Vec::new(),
            }
        };
        let exchanges = match events.is_empty() {
            true if remarks.is_empty() => Vec::new(),
            true => vec![exchanges::Exchange::default()],
            false => exchanges::of(events, settings.settle),
        };
        let mut turns: Vec<Turn<'e>> = exchanges.into_iter().map(turn).collect();
        if let Some(last) = turns.last_mut() {
            last.remarks = remarks;
        }
        turns
    };
    let together = together(events, settings, dealt).into_iter();
    let mut turns: Vec<Turn<'e>> = together.flat_map(turns).collect();
    sessions::meet(&mut turns, settings);
    hurry(&mut turns, settings, dealt);
    turns
}

/// A turn that waits does so no longer when its session has another one (T-14).
fn hurry(turns: &mut [Turn<'_>], settings: &Settings, dealt: &Dealt) {
    for i in 0..turns.len() {
        let patient = turns[i].decided > turns[i].shown + wait(&turns[i].events, settings, dealt);
        // What comes with remarks alone is no turn.
        let follows = |next: &usize| turns[*next].follows(i) && !turns[*next].events.is_empty();
        let next = (i + 1..turns.len()).find(follows);
        if let Some(next) = next.filter(|_| patient) {
            let until = turns[next].shown.max(turns[i].shown) + settings.settle;
            turns[i].decided = turns[i].decided.min(until);
        }
    }
}

/// How long a whole turn waits for more of it, because it waits for the user or asks for the next call; without a session never (T-14).
pub fn patience(turn: &[&Event], settings: &Settings) -> Duration {
    let lost = spans(turn).any(|e| e.parent.is_some() && parent(turn, e).is_none());
    if lost || sessions::ids_of_all(turn).is_empty() {
        Duration::ZERO
    } else if pauses::waits(turn) {
        settings.turn_timeout
    } else if pauses::passes_on(turn) {
        settings.drop_timeout
    } else {
        Duration::ZERO
    }
}

/// The events of sessions that meet sooner or later, turn by turn.
fn together<'e>(events: &'e [Event], settings: &Settings, dealt: &Dealt) -> Vec<Vec<&'e Event>> {
    let traces: BTreeSet<TraceId> = events.iter().map(|event| event.trace).collect();
    let of_trace = |trace: &TraceId| -> Vec<&'e Event> {
        events
            .iter()
            .filter(|event| event.trace == *trace)
            .collect()
    };
    let parts = |trace| parts::of(of_trace(trace), settings, dealt);
    let mut all: Vec<Vec<&Event>> = traces.iter().flat_map(parts).collect();
    all.sort_by_key(|events| (start(events), std::cmp::Reverse(end(events))));
    let named: Vec<Named> = all.iter().map(|e| all_named(e, settings)).collect();
    let mut turns: Vec<Vec<&Event>> = Vec::new();
    for events in all {
        // A turn that is not over yet holds up those of its session after it.
        let over = |turn: &[&Event]| known(turn, dealt) + wait(turn, settings, dealt);
        let held_up = |i: usize| {
            let before = turns[..i].iter();
            let own = before.filter(|one| are_one(one, &turns[i], &named, over(one)));
            own.map(|one| over(one))
                .fold(over(&turns[i]), Timestamp::max)
        };
        let until: Vec<Timestamp> = (0..turns.len()).map(held_up).collect();
        let home = turns
            .iter_mut()
            .zip(until)
            .rev()
            .find(|(turn, end_of_turn)| {
                let inside = start(turn) <= start(&events) && end(&events) <= end(turn);
                let linked = events.iter().any(|event| {
                    let to_it =
                        |link: &Link| turn.iter().any(|e| dealt.whole(e.trace) == link.trace);
                    event.end <= *end_of_turn && event.rare.links.iter().any(to_it)
                });
                (inside || linked) && are_one(turn, &events, &named, *end_of_turn)
            });
        let home = match home {
            Some((turn, _)) => Some(turn),
            None => waiting_for(&mut turns, &events, &named, settings),
        };
        match home {
            Some(turn) => turn.extend(events),
            None => turns.push(events),
        }
    }
    turns
}

/// The last turn of the session, if it waits and this trace goes on with it in time.
fn waiting_for<'t, 'e>(
    turns: &'t mut [Vec<&'e Event>],
    trace: &[&'e Event],
    named: &[Named],
    settings: &Settings,
) -> Option<&'t mut Vec<&'e Event>> {
    let comes = spans(trace).map(|event| event.end).min()?;
    let of_session = |turn: &&mut Vec<&Event>| {
        let agentic = turn.iter().any(|event| event.kind.is_agentic());
        agentic && are_one(turn, trace, named, comes)
    };
    let turn = turns.iter_mut().rev().find(of_session)?;
    let until = end(turn) + patience(turn, settings);
    let waits = pauses::waits(turn) || pauses::passes_on(turn);
    (waits && comes <= until && pauses::resumes(trace)).then_some(turn)
}

/// Whether traces are of one session by then: of one id, or of ids that met in other traces.
fn are_one(one: &[&Event], other: &[&Event], traces: &[Named], by: Timestamp) -> bool {
    let mut known = sessions::ids_of_all(one);
    for _ in traces {
        for named in traces {
            let named = named.iter().filter(|(_, at)| **at <= by).map(|(id, _)| id);
            let named: BTreeSet<TenantScoped> = named.cloned().collect();
            if !named.is_disjoint(&known) {
                known.extend(named);
            }
        }
    }
    !known.is_disjoint(&sessions::ids_of_all(other))
}

/// How long a turn waits for more: longer where parents of its spans did not come, longest where an agent may be at work in one.
pub fn wait(turn: &[&Event], settings: &Settings, dealt: &Dealt) -> Duration {
    let mut lonely = spans(turn)
        // A trace that was dealt out was waited for before.
        .filter(|event| dealt.at(event.trace).is_none())
        .filter(|event| event.parent.is_some() && parent(turn, event).is_none())
        .peekable();
    if lonely.peek().is_none() {
        return settings.settle;
    }
    let lonely: Vec<&&Event> = lonely.filter(|event| !event.rare.remote_parent).collect();
    let works = lonely.iter().any(|event| match &event.kind {
        Kind::Agent { inferred } => *inferred,
        Kind::Workflow => false,
        Kind::Model(call) if call.is_agent => false,
        Kind::Structure => event.rare.is_exchange || holds_steps_alone(turn, event),
        _ => true,
    });
    let asks = spans(turn)
        .filter(|event| match &event.kind {
            Kind::Model(call) => !call.is_agent,
            kind => matches!(kind, Kind::Tool(_) | Kind::Handoff(_)),
        })
        .max_by_key(|event| (event.end, std::cmp::Reverse((event.start, event.span))))
        .is_some_and(|last| asks_for_more(last));
    match works || asks && !lonely.is_empty() {
        true => settings.turn_timeout,
        false => settings.trace_timeout,
    }
}

/// Whether there are steps inside a span, and no whole run around them.
fn holds_steps_alone(turn: &[&Event], around: &Event) -> bool {
    let inside = || {
        spans(turn).filter(|event| {
            let mut at = Some(**event);
            for _ in turn {
                at = at.and_then(|event| parent(turn, event));
                if at.is_some_and(|at| at.span == around.span && at.trace == around.trace) {
                    return true;
                }
            }
            false
        })
    };
    let is_run = |event: &&&Event| match &event.kind {
        Kind::Agent { inferred } => !inferred,
        Kind::Model(call) => call.is_agent,
        kind => matches!(kind, Kind::Workflow),
    };
    let is_step = |event: &&Event| !matches!(event.kind, Kind::Structure) && !is_run(&event);
    !inside().any(|event| is_run(&event)) && inside().any(is_step)
}

/// Whether something must follow this step: it gave control to another agent, or asked for tools alone.
fn asks_for_more(last: &Event) -> bool {
    match &last.kind {
        Kind::Model(call) => call.answered == Some(false) && !call.failed && !last.error,
        Kind::Tool(tool) => {
            let to_agent = matches!(tool.hands_to, Some(Target::Agent(_)));
            to_agent && !tool.delegates && !tool.failed && !last.error
        }
        Kind::Handoff(handoff) => handoff.to != Target::Human && !handoff.failed && !last.error,
        _ => false,
    }
}

fn parent<'e>(turn: &[&'e Event], event: &Event) -> Option<&'e Event> {
    let is_it = |other: &&&Event| other.trace == event.trace && Some(other.span) == event.parent;
    spans(turn).find(is_it).copied()
}

/// Spans last; a log record about one may come at any time.
pub fn spans<'t, 'e>(events: &'t [&'e Event]) -> impl Iterator<Item = &'t &'e Event> {
    events
        .iter()
        .filter(|event| !matches!(event.kind, Kind::Note(_)))
}

pub fn start(events: &[&Event]) -> Timestamp {
    spans(events)
        .map(|event| event.start)
        .min()
        .unwrap_or_default()
}

/// When the session had all of these.
pub fn known(events: &[&Event], dealt: &Dealt) -> Timestamp {
    let dealt = events.iter().filter_map(|event| dealt.at(event.trace));
    dealt.fold(end(events), Timestamp::max)
}

pub fn end(events: &[&Event]) -> Timestamp {
    spans(events)
        .map(|event| event.end)
        .max()
        .unwrap_or_default()
}

impl Turn<'_> {
    /// Where no agent did anything, nobody was asked anything: that is no turn, and in no workflow. Tools alone have lost their agent,
    /// unless a span says whose they are (T-6).
    pub fn is_one(&self) -> bool {
        let acts = self.events.iter().any(|event| match &event.kind {
            Kind::Model(call) => call.operation == Operation::Chat,
            Kind::Agent { inferred } => !inferred,
            kind => matches!(kind, Kind::Tool(_)),
        });
        let is_named = |event: &&Event| {
            let run = matches!(
                event.kind,
                Kind::Model(_) | Kind::Agent { .. } | Kind::Workflow | Kind::Handoff(_)
            );
            run || event.agent.is_some() || event.context.session.is_some()
        };
        acts && self.events.iter().any(is_named)
    }

    /// Whether that turn is an earlier one of its session.
    pub fn follows(&self, turn: usize) -> bool {
        self.before.iter().any(|(_, turns)| turns.contains(&turn))
    }

    /// Its events, and with its first one what lies around it: what names it, by rank.
    pub fn naming(&self) -> impl Iterator<Item = &Event> {
        let (first, rest) = self.events.split_at(self.events.len().min(1));
        let all = first.iter().chain(&self.frames).chain(rest);
        all.copied()
    }

    /// The name of the outermost workflow.
    pub fn workflow(&self) -> Name {
        let named = self.naming().find_map(|event| event.workflow.clone());
        named.unwrap_or("default".into())
    }

    /// The trace in which it began.
    pub fn trace(&self) -> TraceId {
        let first = self.events.iter().chain(&self.remarks).next();
        first.expect("an event").trace
    }
}
