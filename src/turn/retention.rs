//! Context retention and intent retention of a handoff.

use super::activation::Activations;
use super::calls;
use super::policy::Policy;
use super::tree::Tree;
use crate::model::Name;
use crate::model::evaluation::{CONTEXT_RETENTION, INTENT_RETENTION};
use crate::model::event::{Event, Kind};
use crate::model::fact::{Evidence, HandoffKind, HandoffResult, IntentPassed, Retention};
use crate::model::sketch::Sketch;
use crate::model::time::Timestamp;

/// What the source knew when it handed over.
#[derive(Clone, Debug, Default)]
pub struct SourceContext {
    pub facts: Option<Sketch>,
    pub input_tokens: Option<u64>,
    pub declared: Option<f64>,
    /// What the user wants, as the source declared it last.
    pub intent: Option<Name>,
    /// Whether that is kept, as the handoff's own spans declare it.
    pub intent_kept: Option<bool>,
}

/// A declared share of the intent from which on it is kept.
const KEPT: f64 = 0.5;

impl SourceContext {
    /// By the source's last model call that began before `until`, and by what the handoff's own spans declare.
    pub(super) fn of(
        tree: &Tree<'_>,
        activations: &Activations,
        from: Option<&Name>,
        until: Timestamp,
        own: &[usize],
    ) -> Self {
        let last = activations
            .models
            .calls
            .iter()
            .filter(|&&call| from.is_some() && tree.agent(call) == from)
            .filter(|&&call| tree.events[call].start <= until && calls::is_chat(tree.events[call]))
            .max_by_key(|&&call| (tree.events[call].end, call));
        let event = last.map(|&call| tree.events[call]);
        Self {
            facts: event.and_then(|e| e.content.as_ref()?.known()),
            input_tokens: event.and_then(input_tokens),
            declared: own
                .iter()
                .find_map(|&i| declared(tree.events[i], CONTEXT_RETENTION)),
            intent: intent_before(tree, from, until, own),
            intent_kept: own
                .iter()
                .find_map(|&i| declared(tree.events[i], INTENT_RETENTION))
                .map(|share| share >= KEPT),
        }
    }

    /// Against what the target declares first.
    pub(super) fn intent_with(
        &self,
        tree: &Tree<'_>,
        activations: &Activations,
        target: usize,
    ) -> Option<IntentPassed> {
        let spans = activations.list[target].spans(tree);
        let after = spans.clone().find_map(|event| event.context.intent.clone());
        let of_target = || {
            let share = spans
                .clone()
                .find_map(|event| declared(event, INTENT_RETENTION))?;
            Some(share >= KEPT)
        };
        let sides = self.intent.clone().zip(after);
        let compared = sides.as_ref().map(|(before, after)| before == after);
        let kept = self.intent_kept.or_else(of_target).or(compared)?;
        Some(IntentPassed { kept, sides })
    }

    /// Against what went into the target's first model call.
    pub(super) fn kept_by(
        &self,
        tree: &Tree<'_>,
        activations: &Activations,
        target: usize,
    ) -> Option<Retention> {
        let activation = &activations.list[target];
        let steps = activation.steps.iter();
        let steps = steps.map(|&act| activations.steps[act].event);
        // Of a try that failed some SDKs do not record the messages.
        let opening = activations.opening(tree, target).event;
        let chats = std::iter::once(opening)
            .chain(steps)
            .map(|i| tree.events[i]);
        let first = chats.into_iter().find(|e| calls::is_chat(e));
        let of_target = || {
            let node = activation.node.map(|i| tree.events[i]);
            node.into_iter()
                .chain(first)
                .find_map(|event| declared(event, CONTEXT_RETENTION))
        };
        let content = || {
            let (known, first) = (self.facts.as_ref()?, first?);
            known.kept_in(first.content.as_ref()?.input.as_ref()?)
        };
        let tokens = || {
            let before = self.input_tokens.filter(|n| *n > 0)?;
            let after = input_tokens(first?)?;
            Some((after as f64 / before as f64).min(1.0))
        };
        let level = |ratio: Option<f64>, evidence| ratio.map(|ratio| Retention { ratio, evidence });
        level(self.declared.or_else(of_target), Evidence::Declared)
            .or_else(|| level(content(), Evidence::Content))
            .or_else(|| level(tokens(), Evidence::Tokens))
    }
}

/// A success that lost the context is none. A delegation may rightly pass a part.
pub(super) fn judged(
    result: HandoffResult,
    kind: HandoffKind,
    retention: Option<Retention>,
    policy: Policy<'_>,
) -> HandoffResult {
    let lost = retention.is_some_and(|retention| {
        retention.evidence != Evidence::Tokens && retention.ratio < policy.retention_threshold
    });
    let may_be_partial = kind == HandoffKind::Delegation && !policy.retention_of_delegations;
    if result == HandoffResult::Success && lost && !may_be_partial {
        HandoffResult::ContextLost
    } else {
        result
    }
}

/// What the source declared last before `until`, on its own spans or on those of the handoff.
fn intent_before(
    tree: &Tree<'_>,
    from: Option<&Name>,
    until: Timestamp,
    own: &[usize],
) -> Option<Name> {
    let of_source = |i: &usize| from.is_some() && tree.agent(*i) == from;
    (0..tree.events.len())
        .rev()
        .filter(|i| own.contains(i) || of_source(i) && tree.events[*i].start <= until)
        .find_map(|i| tree.events[i].context.intent.clone())
}

fn declared(event: &Event, evaluation: &str) -> Option<f64> {
    let evaluation = event
        .rare
        .evaluations
        .iter()
        .find(|e| &*e.name == evaluation)?;
    evaluation.score.filter(|score| (0.0..=1.0).contains(score))
}

fn input_tokens(event: &Event) -> Option<u64> {
    match &event.kind {
        Kind::Model(call) => call.usage.map(|usage| usage.input),
        _ => None,
    }
}
