//! The result of a turn: whether the user got an answer, and how long that took.

use super::activation::{Activations, Step};
use super::agent_time;
use super::evidence;
use super::handoff::HandoffState;
use super::summary::WorkflowSummary;
use super::tree::Tree;
use crate::model::event::{Event, Kind};
use crate::model::fact::{HandoffResult, Turn, TurnResult};
use crate::model::time::Timestamp;
use std::time::Duration;

/// The step that ends last; of several, the one that began first (T-3). A call that asks for an agent is over when that begins
/// inside it, and an agent that only holds others when the first of them begins.
pub(super) fn last_step<'c>(tree: &Tree<'_>, activations: &'c Activations) -> Option<&'c Step> {
    let end = |step: &Step| {
        let holds = activations.containers.contains(&step.event)
            || evidence::requests_handoff(tree, step.event) && is_model(tree, step);
        let inner = |other: &&Step| {
            other.activation != step.activation && tree.is_inside(other.event, step.event)
        };
        let first = holds
            .then(|| activations.steps.iter().find(inner))
            .flatten();
        let event = tree.events[step.event];
        first.map_or(event.end, |inner| tree.events[inner.event].start)
    };
    let steps = activations.steps.iter();
    steps.max_by_key(|step| (end(step), std::cmp::Reverse(step.event)))
}

fn is_model(tree: &Tree<'_>, step: &Step) -> bool {
    matches!(tree.events[step.event].kind, Kind::Model(_))
}

/// The turn with its result and times (T-3, T-4, T-5). `None`: it has no step (T-6).
pub(super) fn turn(
    tree: &Tree<'_>,
    activations: &Activations,
    handoffs: &[HandoffState],
    summary: &mut WorkflowSummary,
) -> Option<Turn> {
    let last = last_step(tree, activations)?;
    let lost = handoffs.iter().any(|state| {
        matches!(
            state.handoff.result,
            HandoffResult::Dropped | HandoffResult::Rejected
        )
    });
    let answered = answers(tree, activations, last, handoffs);
    let is_root = |e: &Event| e.parent.is_none() || e.rare.is_exchange;
    let root_failed = tree.events.iter().any(|e| is_root(e) && e.error);
    summary.last_broke = !answered && (last.failed || lost || root_failed);
    let event = tree.events[last.event];
    if answered {
        summary.end = exchange_end(tree).map_or(event.end, |end| end.max(event.end));
    }
    let result = if answered {
        TurnResult::Answered
    } else {
        TurnResult::Failed
    };
    summary.last_result = Some(result);
    let first_token = match &event.kind {
        Kind::Model(call) if answered => call.first_token_seconds,
        _ => None,
    };
    Some(Turn {
        workflow: summary.name.clone(),
        result,
        duration: summary.end.since(summary.start),
        first_token: first_token
            .and_then(|s| Duration::try_from_secs_f64(s).ok())
            .map(|s| event.start.since(summary.start).saturating_add(s)),
        by_agent: agent_time::shares(&activations.list, (summary.start, summary.end)),
    })
}

/// When the exchange was over, where a span stands for it: the answer may have to be spoken yet (T-5). A request ends with its network.
fn exchange_end(tree: &Tree<'_>) -> Option<Timestamp> {
    let exchange = |e: &&&Event| e.rare.is_exchange && !e.rare.remote_parent;
    let events = tree.events.iter();
    events.filter(exchange).map(|e| e.end).max()
}

/// Whether the last thing that happened gave the user an answer.
fn answers(
    tree: &Tree<'_>,
    activations: &Activations,
    last: &Step,
    handoffs: &[HandoffState],
) -> bool {
    if last.failed {
        return false;
    }
    let escalated = handoffs.iter().any(|state| state.escalated);
    let event = tree.events[last.event];
    match &event.kind {
        Kind::Model(call) => {
            let requests = evidence::requests_handoff(tree, last.event);
            // A call for a human answers, and so does text; a call for an agent that never came does not.
            escalated || !requests && call.answered != Some(false)
        }
        Kind::Tool(tool) => {
            let shows_calls = activations
                .steps
                .iter()
                .any(|step| matches!(tree.events[step.event].kind, Kind::Model(_)));
            // Where the dialect shows no model calls, a run that ends after a tool call may have answered; so may one to which a
            // delegate returned.
            let returned = tool.delegates && !tool.failed && !event.error;
            escalated || !shows_calls && (returned || !evidence::requests_handoff(tree, last.event))
        }
        _ => true,
    }
}
