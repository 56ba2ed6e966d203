//! What passes in a handoff: the share of the context, and the intent.

use super::handoffs::Handoff;
use super::tree::{Tree, same};
use super::turns::{Activation, Turn};
use baton::model::event::{CONTEXT_RETENTION, Event, INTENT_RETENTION, Kind, Operation};

/// A declared share of the intent from which on it is kept.
const KEPT: f64 = 0.5;

/// Facts the source knew that the target received, of those the source knew.
pub fn retention<'e>(
    tree: &Tree<'e>,
    turn: &Turn<'e>,
    target: &Activation<'e>,
    own: &[&'e Event],
    handoff: &Handoff<'e>,
) -> Option<(f64, &'static str)> {
    let is_chat = |event: &Event| matches!(&event.kind, Kind::Model(call) if call.operation == Operation::Chat);
    let after = target.steps.iter().copied().find(|step| is_chat(step));
    let mut says = own.iter().copied().chain(target.node).chain(after);
    if let Some(ratio) = says.find_map(|event| share(tree, event, CONTEXT_RETENTION)) {
        return Some((ratio, "declared"));
    }
    let calls = turn.calls(tree).into_iter().map(|(event, _)| event);
    let calls = calls
        .filter(|e| is_chat(e) && tree.agent(e) == Some(handoff.from) && e.start <= handoff.at);
    let before = calls.max_by_key(|event| event.end);
    let (before, after) = (before?, after?);
    let known = tree.content(before).and_then(|c| c.known());
    let got = tree.content(after).and_then(|c| c.input);
    if let (Some(known), Some(got)) = (known, got)
        && let Some(ratio) = known.kept_in(&got)
    {
        return Some((ratio, "content"));
    }
    let input = |event: &Event| match &event.kind {
        Kind::Model(call) => call.usage.map(|usage| usage.input as f64),
        _ => None,
    };
    let (before, after) = (input(before)?, input(after)?);
    (before > 0.0).then(|| ((after / before).min(1.0), "tokens"))
}

/// The share that a span, or a log record about it, declares.
fn share(tree: &Tree<'_>, event: &Event, name: &str) -> Option<f64> {
    let notes = tree.events.iter().filter(|e| same(e, event));
    let mut all = notes.flat_map(|e| &e.rare.evaluations);
    let score = all.find(|e| &*e.name == name)?.score;
    score.filter(|share| (0.0..=1.0).contains(share))
}

/// Whether the target works on what the source knew the user to want. An evaluation goes before the names of intents.
pub fn intent_kept<'e>(
    tree: &Tree<'e>,
    turns: &[Turn<'e>],
    target: &Activation<'e>,
    own: &[&'e Event],
    handoff: &Handoff<'e>,
) -> Option<bool> {
    let (made_in, acted_in) = (&turns[handoff.turn], &turns[handoff.acted_in]);
    let of_target = |event: &&&Event| {
        target.agent.is_some()
            && tree.agent(event) == target.agent
            && (target.start..=target.end).contains(&event.start)
    };
    let targets = || acted_in.events.iter().filter(of_target);
    let declared = own.iter().chain(targets());
    let share = declared
        .copied()
        .find_map(|event| share(tree, event, INTENT_RETENTION));
    if let Some(share) = share {
        return Some(share >= KEPT);
    }
    let is_own = |event: &Event| own.iter().any(|own| same(own, event));
    let of_source =
        |event: &Event| tree.agent(event) == Some(handoff.from) && event.start <= handoff.at;
    let mut sources = made_in.events.iter().rev();
    let before = sources.find_map(|e| {
        e.context
            .intent
            .as_ref()
            .filter(|_| is_own(e) || of_source(e))
    });
    let after = targets().find_map(|event| event.context.intent.as_ref());
    Some(before? == after?)
}
