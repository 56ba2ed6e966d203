//! The result of a turn: whether the user got an answer, and how long that took.

use super::activation::{Activation, Activations, Step};
use super::agent_time;
use super::calls;
use super::deciding;
use super::evidence;
use super::handoff::HandoffState;
use super::summary::WorkflowSummary;
use super::tree::Tree;
use crate::model::event::{Event, Kind, Pause};
use crate::model::fact::{HandoffResult, Turn, TurnResult};
use crate::model::time::Timestamp;
use std::time::Duration;

/// The turn with its result and times (T-3, T-4, T-5). `None`: it has no step (T-6).
pub(super) fn turn(
    tree: &Tree<'_>,
    activations: &Activations,
    handoffs: &[HandoffState],
    summary: &mut WorkflowSummary,
) -> Option<Turn> {
    let last = deciding::step(tree, activations)?;
    if is_orphan(tree, activations) {
        return None;
    }
    let lost = handoffs.iter().any(|state| {
        matches!(
            state.handoff.result,
            HandoffResult::Dropped | HandoffResult::Rejected
        )
    });
    let answered = answers(tree, activations, last, handoffs);
    let is_assumed = answered && !shows_answer(tree, activations, last, handoffs);
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
        is_assumed,
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
    if calls::is_cancelled(tree, last.event) || run_failed(tree, activations, last) {
        return false;
    }
    // It waits for the user, who was told so, although another tool failed (T-13).
    if activations.waiting.at_end {
        return true;
    }
    if last.failed {
        return false;
    }
    if tree.events[last.event].rare.pause == Some(Pause::Asks) {
        return true;
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
            let alone = !shows_calls && (returned || !evidence::requests_handoff(tree, last.event));
            escalated || alone || deciding::returns_directly(tree, activations, last)
        }
        _ => true,
    }
}

/// Whether spans show what the user got: text, a human, or a question (T-16).
fn shows_answer(
    tree: &Tree<'_>,
    activations: &Activations,
    last: &Step,
    handoffs: &[HandoffState],
) -> bool {
    let event = tree.events[last.event];
    let has_text = matches!(&event.kind, Kind::Model(call) if call.answered == Some(true));
    let asks = activations.waiting.at_end || event.rare.pause == Some(Pause::Asks);
    has_text || asks || handoffs.iter().any(|state| state.escalated)
}

/// Whether the run around the last step failed, or work that went on beside it, so that nobody got what the step says (T-15).
fn run_failed(tree: &Tree<'_>, activations: &Activations, last: &Step) -> bool {
    let root = tree.ancestors(last.event).last();
    if root.is_some_and(|root| tree.events[root].error) {
        return true;
    }
    let list = &activations.list;
    let own = &list[last.activation];
    // A stream that was cut: the agent knows, and its last call does not.
    if own
        .node
        .is_some_and(|node| node != last.event && tree.events[node].error)
    {
        return true;
    }
    // A branch that nobody tried again, beside a last step that nobody took up.
    list.iter().any(|other| {
        let beside = other.agent != own.agent && other.start < own.end && other.end > own.start;
        let nests = || is_around(list, other, own) || is_around(list, own, other);
        let again = || {
            let mut list = list.iter();
            list.any(|later| {
                later.agent == other.agent && later.start >= other.end && !later.failed
            })
        };
        // Some SDKs mark the span of an agent that handed over as failed: its steps tell.
        let last = other.steps.last().map(|&step| &activations.steps[step]);
        let failed = last.is_some_and(|step| step.failed);
        failed && beside && other.parent == own.parent && !nests() && !again()
    })
}

/// Whether activation `outer` is somewhere around activation `inner`.
fn is_around(list: &[Activation], inner: &Activation, outer: &Activation) -> bool {
    let around = std::iter::successors(inner.parent, |&a| list[a].parent);
    let mut around = around.take(list.len());
    around.any(|a| std::ptr::eq(&raw const list[a], outer))
}

/// Tools alone, of no agent, no run and no session: their agent's trace lost them (T-6).
fn is_orphan(tree: &Tree<'_>, activations: &Activations) -> bool {
    let tools_only = activations
        .steps
        .iter()
        .all(|step| matches!(tree.events[step.event].kind, Kind::Tool(_)));
    let named = |event: &&Event| {
        let run = matches!(
            event.kind,
            Kind::Agent { .. } | Kind::Workflow | Kind::Model(_) | Kind::Handoff(_)
        );
        run || event.agent.is_some() || event.context.session.is_some()
    };
    tools_only && !tree.events.iter().any(named)
}
