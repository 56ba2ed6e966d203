//! Evidence of handoffs: requests of models, tool spans and handoff spans, merged where they show the same handoff.

use super::activation::Activations;
use super::tree::Tree;
use crate::model::Name;
use crate::model::agent_name::{is_alike, is_number};
use crate::model::event::{Basis, HandoffRequest, Kind, Target};
use crate::model::ids::{SpanId, TraceId};
use crate::model::time::Timestamp;

/// One handoff with all its evidence.
#[derive(Clone, Debug)]
pub(super) struct HandoffEvidence {
    /// When the source decided.
    pub(super) at: Timestamp,
    /// The last evidence so far.
    pub(super) last: Timestamp,
    pub(super) from: Option<Name>,
    pub(super) to: Target,
    /// What the framework calls a target that has only a number: whoever begins next is it.
    pub(super) number: Option<Name>,
    pub(super) call_ids: Vec<Name>,
    /// Its own spans, inside which a delegate works.
    pub(super) events: Vec<usize>,
    /// A model's output found for it.
    pub(super) requested: bool,
    /// A tool or a handoff span ran.
    pub(super) ran: bool,
    /// Its own span failed, or an error says that it was refused.
    pub(super) refused: bool,
    pub(super) delegates: bool,
    /// A tool returned what somebody answered.
    pub(super) returned: bool,
    /// The span of the target that names the source.
    pub(super) callee: Option<usize>,
    /// Its target works inside one of its own spans.
    pub(super) has_work_inside: bool,
    pub(super) trace: TraceId,
    /// The span that shows it best: one that ran, otherwise the first.
    pub(super) span: SpanId,
    /// The strongest of what says that it is a handoff (H-8).
    pub(super) basis: Basis,
}

/// Whether event `i` found for a handoff: such a model call does not answer the user.
pub(super) fn requests_handoff(tree: &Tree<'_>, i: usize) -> bool {
    match &tree.events[i].kind {
        Kind::Model(call) => !call.requests.is_empty(),
        Kind::Tool(tool) => {
            matches!(tool.hands_to, Some(Target::Agent(_) | Target::Unknown))
                && !tree.is_tool_after_all(i)
        }
        _ => false,
    }
}

/// The evidence of all handoffs of a turn, in order of time, merged where it shows the same handoff (H-1).
pub(super) fn of(tree: &Tree<'_>, activations: &Activations) -> Vec<HandoffEvidence> {
    let by_id = merge(gather(tree, activations), |known, shown| {
        shares_call(tree, activations, known, shown)
    });
    let mut merged = merge(by_id, |known, shown| {
        is_same(tree, activations, known, shown)
    });
    let is_handoff = |shown: &HandoffEvidence| {
        let mut events = shown.events.iter();
        !events.any(|&i| tree.is_tool_after_all(i))
    };
    merged.retain(is_handoff);
    merged
}

fn gather(tree: &Tree<'_>, activations: &Activations) -> Vec<HandoffEvidence> {
    let mut found = Vec::new();
    for (i, event) in tree.events.iter().enumerate() {
        match &event.kind {
            Kind::Model(call) => found.extend(call.requests.iter().map(|r| HandoffEvidence {
                requested: true,
                ..requested(tree, i, r)
            })),
            Kind::Tool(tool) => found.extend(tool.hands_to.iter().map(|to| HandoffEvidence {
                call_ids: tool.call_id.iter().cloned().collect(),
                events: vec![i],
                ran: true,
                refused: tool.failed || event.error,
                delegates: tool.delegates,
                returned: event.rare.delegate_returned,
                basis: event.rare.handoff_basis,
                has_work_inside: activations.work_inside(tree, i),
                ..shown_at(tree, i, event.start, to)
            })),
            Kind::Handoff(handoff) => {
                let from = handoff.from.as_ref();
                let from = from.map(|name| tree.identities().reported(name).clone());
                found.push(HandoffEvidence {
                    from: from.or_else(|| tree.agent(i).cloned()),
                    events: vec![i],
                    ran: true,
                    refused: handoff.failed,
                    delegates: handoff.delegates,
                    basis: Basis::Declared,
                    ..shown_at(tree, i, event.start, &handoff.to)
                });
            }
            Kind::Agent { .. } => found.extend(called(tree, i)),
            _ => {}
        }
        found.extend(event.rare.refused.iter().map(|r| HandoffEvidence {
            refused: true,
            ..requested(tree, i, r)
        }));
    }
    found.sort_by_key(|shown| shown.at);
    found
}

/// What event `i` shows of a handoff at that time.
fn shown_at(tree: &Tree<'_>, i: usize, at: Timestamp, to: &Target) -> HandoffEvidence {
    let target = tree.identities().target(to);
    let number = match &target {
        Target::Agent(name) if !tree.identities().acts(name) && is_number(name) => {
            Some(name.clone())
        }
        _ => None,
    };
    HandoffEvidence {
        at,
        last: at,
        from: tree.agent(i).cloned(),
        to: number.as_ref().map_or(target, |_| Target::Unknown),
        number,
        call_ids: Vec::new(),
        events: Vec::new(),
        requested: false,
        ran: false,
        refused: false,
        delegates: false,
        returned: false,
        callee: None,
        has_work_inside: false,
        trace: tree.events[i].trace,
        span: tree.events[i].span,
        basis: Basis::Inferred,
    }
}

fn requested(tree: &Tree<'_>, i: usize, request: &HandoffRequest) -> HandoffEvidence {
    HandoffEvidence {
        call_ids: request.call_id.iter().cloned().collect(),
        ..shown_at(tree, i, tree.events[i].end, &request.target)
    }
}

/// The delegation of which the span of the target says who called it (H-11).
fn called(tree: &Tree<'_>, i: usize) -> Option<HandoffEvidence> {
    let event = tree.events[i];
    let from = tree.identities().reported(event.rare.caller.as_ref()?);
    let agent = tree.agent(i)?;
    let outermost = tree.parent(i).is_none_or(|p| tree.agent(p) != Some(agent));
    (outermost && from != agent).then(|| HandoffEvidence {
        from: Some(from.clone()),
        callee: Some(i),
        delegates: true,
        basis: Basis::Declared,
        ..shown_at(tree, i, event.start, &Target::Agent(agent.clone()))
    })
}

/// Joins the found that show the same handoff.
fn merge(
    found: Vec<HandoffEvidence>,
    is_same: impl Fn(&HandoffEvidence, &HandoffEvidence) -> bool,
) -> Vec<HandoffEvidence> {
    let mut merged: Vec<HandoffEvidence> = Vec::new();
    for shown in found {
        let mut known = merged.iter_mut().rev();
        match known.find(|known| is_same(known, &shown)) {
            Some(known) => known.absorb(shown),
            None => merged.push(shown),
        }
    }
    merged
}

impl HandoffEvidence {
    fn absorb(&mut self, other: Self) {
        self.last = self.last.max(other.last);
        self.at = self.at.min(other.at);
        if self.to == Target::Unknown {
            self.to = other.to;
        }
        self.number = self.number.take().or(other.number);
        self.from = self.from.take().or(other.from);
        self.call_ids.extend(other.call_ids);
        self.events.extend(other.events);
        if other.ran && !self.ran {
            self.span = other.span;
        }
        self.requested |= other.requested;
        self.ran |= other.ran;
        self.refused |= other.refused;
        self.delegates |= other.delegates;
        self.returned |= other.returned;
        self.basis = self.basis.min(other.basis);
        self.callee = self.callee.or(other.callee);
        self.has_work_inside |= other.has_work_inside;
    }

    /// Whether the source, or an error about it, shows the handoff, and not only the target.
    pub(super) fn is_shown_by_source(&self) -> bool {
        self.requested || self.ran || self.refused
    }
}

/// Whether two show one call by its id. Some servers give all calls one id: then the target, or another question to the model, tells
/// them apart.
fn shares_call(
    tree: &Tree<'_>,
    activations: &Activations,
    known: &HandoffEvidence,
    shown: &HandoffEvidence,
) -> bool {
    let shares_id = known.call_ids.iter().any(|id| shown.call_ids.contains(id));
    shares_id
        && known.trace == shown.trace
        && has_same_target(known, shown)
        && !(by_same_means(known, shown) && decides_again(tree, activations, known, shown))
}

/// Whether both are requests, or both ran.
fn by_same_means(known: &HandoffEvidence, shown: &HandoffEvidence) -> bool {
    known.requested && shown.requested || known.ran && shown.ran
}

/// Whether nothing says that the targets are two.
fn has_same_target(known: &HandoffEvidence, shown: &HandoffEvidence) -> bool {
    match (&known.to, &shown.to) {
        (Target::Unknown, Target::Unknown) => {
            known.number == shown.number || known.number.is_none() || shown.number.is_none()
        }
        (Target::Unknown, _) | (_, Target::Unknown) => true,
        (Target::Agent(a), Target::Agent(b)) => is_alike(a, b),
        (a, b) => a == b,
    }
}

/// Whether the source asked a model between the two.
fn decides_again(
    tree: &Tree<'_>,
    activations: &Activations,
    known: &HandoffEvidence,
    shown: &HandoffEvidence,
) -> bool {
    activations.models.calls.iter().any(|&call| {
        let start = tree.events[call].start;
        start > known.last && start < shown.at && tree.agent(call) == known.from.as_ref()
    })
}

fn is_same(
    tree: &Tree<'_>,
    activations: &Activations,
    known: &HandoffEvidence,
    shown: &HandoffEvidence,
) -> bool {
    if known.trace != shown.trace {
        return false;
    }
    if shares_call(tree, activations, known, shown) {
        return true;
    }
    if known.callee.is_some() && shown.callee.is_some() {
        return false;
    }
    // Some SDKs rename the ids of their models, so ids tell apart only what is shown by the same means.
    let ids_differ =
        by_same_means(known, shown) && !known.call_ids.is_empty() && !shown.call_ids.is_empty();
    let same_source = match (&known.from, &shown.from) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    let apart = each_has_its_own(tree, known, shown);
    if ids_differ || !same_source || !has_same_target(known, shown) || apart {
        return false;
    }
    // A new decision of the source in between makes it another handoff.
    !decides_again(tree, activations, known, shown) || shown.refused && !shown.ran
}

/// Whether a target works inside the spans of each of two, and neither is inside the other: two at once.
fn each_has_its_own(tree: &Tree<'_>, known: &HandoffEvidence, shown: &HandoffEvidence) -> bool {
    let nested = known.events.iter().any(|&a| {
        let mut others = shown.events.iter();
        others.any(|&b| tree.is_inside(a, b) || tree.is_inside(b, a))
    });
    known.has_work_inside && shown.has_work_inside && !nested
}
