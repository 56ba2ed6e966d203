//! Turns: a trace in which agents are at work, with the traces that lie inside its time or link to it.

use super::tree::{Tree, is_agent, same};
use super::{Settings, UNKNOWN};
use baton::model::event::{Event, Kind, ModelCall, Operation};
use baton::model::ids::TraceId;
use baton::model::otlp::Link;
use baton::model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub struct Turn<'e> {
    /// By start.
    pub events: Vec<&'e Event>,
    pub activations: Vec<Activation<'e>>,
    pub start: Timestamp,
    pub end: Timestamp,
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

pub fn of<'e>(tree: &Tree<'e>, settings: &Settings) -> Vec<Turn<'e>> {
    let mut turns = together(tree.events.iter().copied(), settings);
    for turn in &mut turns {
        // A trace in which nothing is about agents may hold others together, and adds nothing.
        let agentic = turn.iter().filter(|event| event.kind.is_agentic());
        let traces: BTreeSet<TraceId> = agentic.map(|event| event.trace).collect();
        turn.retain(|event| traces.contains(&event.trace));
    }
    turns.retain(|turn| !turn.is_empty());
    turns.into_iter().map(|events| turn(tree, events)).collect()
}

/// The events of a session, turn by turn.
pub fn together<'e>(
    events: impl Iterator<Item = &'e Event> + Clone,
    settings: &Settings,
) -> Vec<Vec<&'e Event>> {
    let traces: BTreeSet<TraceId> = events.clone().map(|event| event.trace).collect();
    let of_trace = |trace: &TraceId| -> Vec<&'e Event> {
        let events = events.clone();
        events.filter(|event| event.trace == *trace).collect()
    };
    let mut all: Vec<Vec<&Event>> = traces.iter().map(of_trace).collect();
    all.sort_by_key(|events| (start(events), std::cmp::Reverse(end(events))));
    let mut turns: Vec<Vec<&Event>> = Vec::new();
    for events in all {
        let home = turns.iter_mut().rev().find(|turn| {
            let inside = start(turn) <= start(&events) && end(&events) <= end(turn);
            let end_of_turn = end(turn) + wait(turn, settings);
            let linked = events.iter().any(|event| {
                let to_it = |link: &Link| turn.iter().any(|e| e.trace == link.trace);
                event.end <= end_of_turn && event.links.iter().any(to_it)
            });
            inside || linked
        });
        match home {
            Some(turn) => turn.extend(events),
            None => turns.push(events),
        }
    }
    turns
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
    let works = |event: &Event| is_step(event) || matches!(event.kind, Kind::Agent { weak: false });
    let is_silent = |event: &Event| {
        matches!(event.kind, Kind::Agent { weak: false })
            && tree.node(event).is_some_and(|node| same(node, event))
            && !events
                .iter()
                .any(|inner| works(inner) && tree.is_inside(inner, event))
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
