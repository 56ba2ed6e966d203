//! Spans that arrive after their turn was finalized. They add to totals and change no result.

use super::Output;
use super::trace::DecidedTrace;
use crate::model::Name;
use crate::model::agent_name::lasting_name;
use crate::model::event::{Event, Kind};
use crate::model::fact::{Fact, What};
use crate::model::price::ActionPrices;
use crate::turn::{self, CumulativeUsage, DEFAULT_WORKFLOW, TotalCost, Verdict};

/// What a late span adds to its workflow.
#[derive(Debug, Default)]
pub(super) struct LateEvent {
    pub(super) cost: TotalCost,
    /// The outcome that it declares (W-6).
    pub(super) verdict: Option<Verdict>,
}

/// Counts what adds up of a span whose turn is decided; returns what it adds to its workflow.
pub(super) fn count(
    decided: &mut DecidedTrace,
    usage: &mut CumulativeUsage,
    event: &Event,
    prices: &ActionPrices,
    out: &mut Output,
) -> LateEvent {
    let mut cost = TotalCost::default();
    let fact = |what| Fact::of_span(event, what);
    let inherited = || {
        let parent = event.parent?;
        decided.owners.of(parent).cloned()
    };
    let owner = event.agent.as_ref().map(lasting_name).or_else(inherited);
    if decided.knows(event, owner.clone()) {
        out.facts.push(fact(What::Duplicate));
        return LateEvent::default();
    }
    if !matches!(event.kind, Kind::Structure) {
        out.facts.push(fact(What::Late));
    }
    match &event.kind {
        Kind::Model(call) => {
            let net = usage.net_usage(event, call);
            let known = turn::call_cost(event, call, net.1, None);
            cost.add_call(net.1, known);
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
    let unnamed = Name::from(DEFAULT_WORKFLOW);
    let workflow = decided.workflow.as_ref().unwrap_or(&unnamed);
    out.facts
        .extend(turn::evaluation_facts(event, about.as_ref(), workflow));
    out.facts.extend(turn::unusable_facts(event));
    LateEvent {
        cost,
        verdict: turn::declared_verdict(event),
    }
}
