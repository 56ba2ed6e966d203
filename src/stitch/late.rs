//! Spans that arrive after their turn was finalized. They add to totals and change no result.

use super::Output;
use super::trace::{DecidedTrace, OpenTrace};
use crate::model::Name;
use crate::model::agent_name::lasting_name;
use crate::model::event::{Event, Kind};
use crate::model::fact::{Fact, What};
use crate::model::ids::SpanId;
use crate::model::price::ActionPrices;
use crate::turn::{self, CumulativeUsage, DEFAULT_WORKFLOW, TotalCost};
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};
use std::time::Duration;

/// Counts what adds up of a span whose turn is decided; returns what it adds to the cost of its workflow. `None`: it was known.
pub(super) fn count(
    decided: &mut DecidedTrace,
    usage: &mut CumulativeUsage,
    event: &Event,
    prices: &ActionPrices,
    out: &mut Output,
) -> Option<TotalCost> {
    let mut cost = TotalCost::default();
    let fact = |what| Fact::of_span(event, what);
    let inherited = || {
        let parent = event.parent?;
        decided.owners.of(parent).cloned()
    };
    let owner = event.agent.as_ref().map(lasting_name).or_else(inherited);
    if decided.knows(event, owner.clone()) {
        out.facts.push(fact(What::Duplicate));
        return None;
    }
    if !matches!(event.kind, Kind::Structure) {
        out.facts.push(fact(What::Late));
    }
    match &event.kind {
        Kind::Model(call) => {
            let net = usage.net_usage(event, call);
            let known = turn::call_cost(event, call, net.cost, None);
            cost.add_call(net.cost, known);
            let fact = turn::model_fact(event, call, net, owner.as_ref());
            out.facts.push(fact);
            out.facts.extend(turn::unknown_cost(event, call, known));
        }
        Kind::Tool(tool) if tool.is_tool_call() => {
            out.facts.extend(turn::tool_fact(event, false));
            out.facts.extend(cost.add_action(event, prices));
        }
        Kind::Retrieval { .. } => {
            out.facts.push(fact(What::Retrieval));
            out.facts.extend(cost.add_action(event, prices));
        }
        _ => {}
    }
    let known = || decided.agent_about(event).cloned();
    let about = owner.or_else(known).or_else(|| decided.answering.clone());
    let judged = decided.without_known_verdicts(event);
    let unnamed = Name::from(DEFAULT_WORKFLOW);
    let workflow = decided.workflow.as_ref().unwrap_or(&unnamed);
    out.facts.extend(turn::evaluation_facts(
        &judged,
        about.as_ref(),
        workflow,
        turn::RULES_READ_LATE,
    ));
    out.facts.extend(turn::unusable_facts(event));
    Some(cost)
}

/// Splits what came of a trace after a turn of it was decided into what adds to that turn, and what is another one (T-9).
///
/// It adds to the turn if it lies in the work of a decided span, or goes on with the last exchange without a pause.
pub(super) fn split(
    open: OpenTrace,
    decided: &DecidedTrace,
    settle: Duration,
) -> (Vec<Event>, Option<Box<OpenTrace>>) {
    let (trace, arrival) = (open.trace(), open.last_arrival);
    let events: Vec<Event> = open.into_events().collect();
    let is_note = |event: &Event| matches!(event.kind, Kind::Note(_));
    let beside = beside(events.iter().filter(|event| !is_note(event)), decided);
    let mut exchanges = turn::exchanges(beside, settle);
    let starts = exchanges[0].iter().map(|event| event.start);
    if starts
        .min()
        .is_none_or(|start| start <= decided.end + settle)
    {
        exchanges.remove(0);
    }
    let turns = exchanges.iter().flatten();
    let of_turns: HashSet<SpanId> = turns.map(|event| event.span).collect();
    let mut turn = Box::new(OpenTrace::new(trace, arrival));
    let mut late = Vec::new();
    for event in events {
        match of_turns.contains(&event.span) {
            true => _ = turn.take(event),
            false => late.push(event),
        }
    }
    if turn.is_turn() {
        return (late, Some(turn));
    }
    late.extend(turn.into_events());
    (late, None)
}

/// The spans that lie in the work of no decided span.
fn beside<'e>(spans: impl Iterator<Item = &'e Event>, decided: &DecidedTrace) -> Vec<Event> {
    let mut spans: Vec<&Event> = spans.collect();
    let mut inside: HashMap<SpanId, Vec<SpanId>> = HashMap::default();
    let mut found = Vec::new();
    for event in &spans {
        let Some(parent) = event.parent else {
            continue;
        };
        match decided.owners.of(parent) {
            Some(_) => found.push(event.span),
            None => inside.entry(parent).or_default().push(event.span),
        }
    }
    let mut of_decided: HashSet<SpanId> = HashSet::default();
    while let Some(span) = found.pop() {
        of_decided.insert(span);
        found.extend(inside.remove(&span).into_iter().flatten());
    }
    spans.retain(|event| !of_decided.contains(&event.span));
    spans.into_iter().cloned().collect()
}
