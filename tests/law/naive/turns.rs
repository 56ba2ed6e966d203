//! Turns: a trace in which agents are at work, with the traces that lie inside its time or link to it.

use super::sessions::{self, Named, all_named};
use super::tree::{Tree, is_agent, same};
use super::{Settings, UNKNOWN};
use baton::model::Name;
use baton::model::event::{Event, Kind, ModelCall, Operation};
use baton::model::ids::Link;
use baton::model::ids::{TenantScoped, TraceId};
use baton::model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub struct Turn<'e> {
    /// By start.
    pub events: Vec<&'e Event>,
    /// The session ids that its spans name.
    pub named: Named,
    /// The sessions that it goes on with, several where they meet in it: when it comes to each, and the turns of that, by number.
    pub before: Vec<(Timestamp, BTreeSet<usize>)>,
    pub activations: Vec<Activation<'e>>,
    pub start: Timestamp,
    pub end: Timestamp,
    /// When its session had all of it, and when nobody waited for more any longer.
    pub shown: Timestamp,
    pub decided: Timestamp,
}

/// An agent at work, from taking over to giving control away.
pub struct Activation<'e> {
    pub agent: Option<&'e str>,
    pub start: Timestamp,
    pub end: Timestamp,
    /// Its outermost span, where it has one.
    pub node: Option<&'e Event>,
    /// By start, never empty.
    pub steps: Vec<&'e Event>,
    pub failed: bool,
}

pub fn of<'e>(
    tree: &Tree<'e>,
    together: Vec<Vec<&'e Event>>,
    settings: &Settings,
) -> Vec<Turn<'e>> {
    let turn = |mut events: Vec<&'e Event>| {
        let named = all_named(&events, settings);
        let shown = named.values().copied().fold(end(&events), Timestamp::max);
        let decided = shown + wait(&events, settings);
        // A trace in which nothing is about agents may hold others together, and adds nothing.
        let agentic = events.iter().filter(|event| event.kind.is_agentic());
        let traces: BTreeSet<TraceId> = agentic.map(|event| event.trace).collect();
        events.retain(|event| traces.contains(&event.trace));
        (!events.is_empty()).then(|| Turn {
            shown,
            decided,
            named,
            ..turn(tree, events)
        })
    };
    let mut turns: Vec<Turn<'e>> = together.into_iter().filter_map(turn).collect();
    sessions::meet(&mut turns, settings);
    turns
}

/// The events of sessions that meet sooner or later, turn by turn.
pub fn together<'e>(events: &'e [Event], settings: &Settings) -> Vec<Vec<&'e Event>> {
    let traces: BTreeSet<TraceId> = events.iter().map(|event| event.trace).collect();
    let of_trace = |trace: &TraceId| -> Vec<&'e Event> {
        events
            .iter()
            .filter(|event| event.trace == *trace)
            .collect()
    };
    let mut all: Vec<Vec<&Event>> = traces.iter().map(of_trace).collect();
    all.sort_by_key(|events| (start(events), std::cmp::Reverse(end(events))));
    let named: Vec<Named> = all.iter().map(|e| all_named(e, settings)).collect();
    let mut turns: Vec<Vec<&Event>> = Vec::new();
    for events in all {
        let home = turns.iter_mut().rev().find(|turn| {
            let end_of_turn = end(turn) + wait(turn, settings);
            let inside = start(turn) <= start(&events) && end(&events) <= end(turn);
            let linked = events.iter().any(|event| {
                let to_it = |link: &Link| turn.iter().any(|e| e.trace == link.trace);
                event.end <= end_of_turn && event.rare.links.iter().any(to_it)
            });
            (inside || linked) && are_one(turn, &events, &named, end_of_turn)
        });
        match home {
            Some(turn) => turn.extend(events),
            None => turns.push(events),
        }
    }
    turns
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

/// How long a turn waits for more: longer where parents of its spans did not come.
pub fn wait(turn: &[&Event], settings: &Settings) -> Duration {
    let is_there = |event: &Event| {
        let parent =
            |other: &&Event| other.trace == event.trace && Some(other.span) == event.parent;
        event.parent.is_none() || spans(turn).any(parent)
    };
    if spans(turn).all(|event| is_there(event)) {
        settings.settle
    } else {
        settings.trace_timeout
    }
}

/// Spans last; a log record about one may come at any time.
fn spans<'t, 'e>(events: &'t [&'e Event]) -> impl Iterator<Item = &'t &'e Event> {
    events
        .iter()
        .filter(|event| !matches!(event.kind, Kind::Note(_)))
}

fn start(events: &[&Event]) -> Timestamp {
    spans(events)
        .map(|event| event.start)
        .min()
        .unwrap_or_default()
}

fn end(events: &[&Event]) -> Timestamp {
    spans(events)
        .map(|event| event.end)
        .max()
        .unwrap_or_default()
}

fn turn<'e>(tree: &Tree<'e>, mut events: Vec<&'e Event>) -> Turn<'e> {
    events.sort_by_key(|event| (event.start, event.end));
    Turn {
        named: Named::new(),
        before: Vec::new(),
        shown: Timestamp::default(),
        decided: Timestamp::default(),
        start: start(&events),
        end: end(&events),
        activations: activations(tree, &events),
        events,
    }
}

impl<'e> Turn<'e> {
    /// How long each agent had it until `end`, to the nanosecond: of several at work the one that began last.
    pub fn shares(&self, end: Timestamp) -> BTreeMap<&'e str, f64> {
        let mut moments = vec![self.start, end];
        moments.extend(self.activations.iter().flat_map(|a| [a.start, a.end]));
        moments.retain(|at| (self.start..=end).contains(at));
        moments.sort();
        let mut shares = BTreeMap::new();
        for (from, to) in moments.iter().zip(&moments[1..]).filter(|(a, b)| a < b) {
            let mut at_work = self
                .activations
                .iter()
                .filter(|a| a.start <= *from && *to <= a.end);
            if let Some(last) = at_work.next_back() {
                *shares.entry(last.agent.unwrap_or(UNKNOWN)).or_default() +=
                    to.since(*from).as_secs_f64();
            }
        }
        shares
    }

    /// Where no agent did anything, nobody was asked anything: that is no turn, and in no workflow.
    pub fn is_one(&self) -> bool {
        !self.activations.is_empty()
    }

    /// Whether that turn is an earlier one of its session.
    pub fn follows(&self, turn: usize) -> bool {
        self.before.iter().any(|(_, turns)| turns.contains(&turn))
    }

    /// The name of the outermost workflow.
    pub fn workflow(&self) -> Name {
        let named = self.events.iter().find_map(|event| event.workflow.clone());
        named.unwrap_or("default".into())
    }

    /// The trace in which it began.
    pub fn trace(&self) -> TraceId {
        self.events[0].trace
    }

    /// The one that acted last: it gave the answer, if there is one.
    pub fn last_step(&self) -> Option<&'e Event> {
        let mut steps: Vec<&Event> = self
            .activations
            .iter()
            .flat_map(|a| a.steps.iter().copied())
            .collect();
        steps.sort_by_key(|step| step.start);
        steps.into_iter().rev().max_by_key(|step| step.end)
    }

    /// The calls that count, by start.
    pub fn calls(&self, tree: &Tree<'e>) -> Vec<(&'e Event, &'e ModelCall)> {
        let calls = self.events.iter().filter_map(|event| match &event.kind {
            Kind::Model(call) if tree.is_call(event) => Some((*event, &**call)),
            _ => None,
        });
        calls.collect()
    }
}

/// Model calls in a chat and tool calls are steps; so is the span of an agent in which nothing of that shows.
fn steps<'e>(tree: &Tree<'e>, events: &[&'e Event]) -> Vec<&'e Event> {
    let is_step = |event: &Event| match &event.kind {
        Kind::Model(call) => call.operation == Operation::Chat && tree.is_call(event),
        Kind::Tool(_) => tree.is_outermost(event),
        _ => false,
    };
    let does_work =
        |event: &Event| is_step(event) || matches!(event.kind, Kind::Agent { inferred: false });
    let is_silent = |event: &Event| {
        matches!(event.kind, Kind::Agent { inferred: false })
            && tree.node(event).is_some_and(|node| same(node, event))
            && !events
                .iter()
                .any(|inner| does_work(inner) && tree.is_inside(inner, event))
    };
    let all = events.iter().copied();
    all.filter(|event| is_step(event) || is_silent(event))
        .collect()
}

/// Steps inside one span of an agent are one activation; without such spans, steps of one agent in a row are.
fn activations<'e>(tree: &Tree<'e>, events: &[&'e Event]) -> Vec<Activation<'e>> {
    let mut all: Vec<Activation<'e>> = Vec::new();
    let mut run = None;
    for step in steps(tree, events) {
        let (agent, node) = (tree.agent(step), tree.node(step));
        let known = match node {
            Some(node) => all
                .iter()
                .position(|a| a.node.is_some_and(|n| same(n, node))),
            // A tool that nobody's name stands at is used by whoever is at work.
            None => run.filter(|i: &usize| {
                all[*i].agent == agent || agent.is_none() && matches!(step.kind, Kind::Tool(_))
            }),
        };
        let place = known.unwrap_or(all.len());
        if known.is_none() {
            all.push(Activation {
                agent,
                start: step.start,
                end: step.end,
                node,
                steps: Vec::new(),
                failed: false,
            });
        }
        if node.is_none() {
            run = Some(place);
        }
        let own = &mut all[place];
        own.steps.push(step);
        own.end = own.end.max(step.end);
        own.failed = failed(tree, step);
        if let Some(node) = node.filter(|node| is_agent(node)) {
            own.start = own.start.min(node.start);
            own.end = own.end.max(node.end);
            own.failed |= node.error;
        }
    }
    all.sort_by_key(|activation| activation.start);
    all
}

/// Whether a step failed; a tool that hands over does not, since the handoff is judged.
pub fn failed(tree: &Tree<'_>, step: &Event) -> bool {
    match &step.kind {
        Kind::Model(call) => call.failed,
        Kind::Tool(tool) => tool.hands_to.is_none() && tree.tool_failed(step, tool),
        _ => step.error,
    }
}
