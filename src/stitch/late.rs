//! Spans that arrive after their turn was finalized. They add to totals and change no result.

use super::Output;
use super::cost::Spend;
use super::cumulative_usage::Rows;
use super::trace::DecidedTrace;
use super::tree::DEFAULT_WORKFLOW;
use super::turn;
use crate::model::Name;
use crate::model::event::{Event, Kind};
use crate::model::fact::{Fact, What};
use crate::model::price::ActionPrices;

/// Counts what adds up of a span whose turn is decided; returns its cost.
pub(super) fn count(
    skeleton: &mut DecidedTrace,
    rows: &mut Rows,
    event: &Event,
    prices: &ActionPrices,
    out: &mut Output,
) -> Spend {
    let mut spend = Spend::default();
    let fact = |what| Fact::of_span(event, what);
    let inherited = || {
        let parent = event.parent?;
        skeleton.owners.of(parent).cloned()
    };
    let owner = event.agent.clone().or_else(inherited);
    if skeleton.knows(event, owner.clone()) {
        out.facts.push(fact(What::Duplicate));
        return spend;
    }
    if !matches!(event.kind, Kind::Structure) {
        out.facts.push(fact(What::Late));
    }
    match &event.kind {
        Kind::Model(call) => {
            let took = rows.took(event, call);
            spend.add(took.1);
            let fact = turn::model_fact(event, call, took, owner.as_ref());
            out.facts.push(fact);
        }
        Kind::Tool(tool) if tool.hands_to.is_none() || tool.does_work => {
            out.facts.extend(turn::tool_fact(event, false));
            out.facts.extend(spend.on_span(event, prices));
        }
        Kind::Retrieval { .. } => {
            out.facts.push(fact(What::Retrieval));
            out.facts.extend(spend.on_span(event, prices));
        }
        _ => {}
    }
    let of_span = || skeleton.owners.of(event.span).cloned();
    let about = owner
        .or_else(of_span)
        .or_else(|| skeleton.answering.clone());
    let unnamed = Name::from(DEFAULT_WORKFLOW);
    let workflow = skeleton.workflow.as_ref().unwrap_or(&unnamed);
    out.facts
        .extend(turn::evaluation_facts(event, about.as_ref(), workflow));
    out.facts.extend(turn::unusable_facts(event));
    spend
}
