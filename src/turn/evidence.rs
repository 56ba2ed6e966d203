//! Evidence of handoffs: requests of models, tool spans and handoff spans, merged where they show the same handoff.

use super::activation::Activations;
use super::tree::Tree;
use crate::model::Name;
use crate::model::event::{Basis, HandoffRequest, Kind, Target};
use crate::model::ids::TraceId;
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
    pub(super) trace: TraceId,
    /// The strongest of what says that it is a handoff (H-8).
    pub(super) basis: Basis,
}

/// Whether event `i` found for a handoff: such a model call does not answer the user.
pub(super) fn requests_handoff(tree: &Tree<'_>, i: usize) -> bool {
    match &tree.events[i].kind {
        Kind::Model(call) => !call.requests.is_empty(),
        Kind::Tool(tool) => matches!(tool.hands_to, Some(Target::Agent(_) | Target::Unknown)),
        _ => false,
    }
}

/// The evidence of all handoffs of a turn, in order of time, merged where it shows the same handoff (H-1).
pub(super) fn of(tree: &Tree<'_>, activations: &Activations) -> Vec<HandoffEvidence> {
    merge(tree, activations, gather(tree))
}

fn gather(tree: &Tree<'_>) -> Vec<HandoffEvidence> {
    let mut found = Vec::new();
    for (i, event) in tree.events.iter().enumerate() {
        let base = |at: Timestamp, to: &Target| HandoffEvidence {
            at,
            last: at,
            from: tree.agent(i).cloned(),
            to: to.clone(),
            call_ids: Vec::new(),
            events: Vec::new(),
            requested: false,
            ran: false,
            refused: false,
            delegates: false,
            trace: event.trace,
            basis: Basis::Inferred,
        };
        let request = |at, request: &HandoffRequest| HandoffEvidence {
            call_ids: request.call_id.iter().cloned().collect(),
            ..base(at, &request.target)
        };
        match &event.kind {
            Kind::Model(call) => found.extend(call.requests.iter().map(|r| HandoffEvidence {
                requested: true,
                ..request(event.end, r)
            })),
            Kind::Tool(tool) => found.extend(tool.hands_to.iter().map(|to| HandoffEvidence {
                call_ids: tool.call_id.iter().cloned().collect(),
                events: vec![i],
                ran: true,
                refused: tool.failed || event.error,
                delegates: tool.delegates,
                basis: event.rare.handoff_basis,
                ..base(event.start, to)
            })),
            Kind::Handoff(handoff) => found.push(HandoffEvidence {
                from: handoff.from.clone().or_else(|| tree.agent(i).cloned()),
                events: vec![i],
                ran: true,
                refused: handoff.failed,
                delegates: handoff.delegates,
                basis: Basis::Declared,
                ..base(event.start, &handoff.to)
            }),
            _ => {}
        }
        found.extend(event.rare.refused.iter().map(|r| HandoffEvidence {
            refused: true,
            ..request(event.end, r)
        }));
    }
    found.sort_by_key(|shown| shown.at);
    found
}

/// Whether two names mean one agent: frameworks make ids of names (`refund desk` → `refund-desk`).
pub(super) fn is_alike(a: &Name, b: &Name) -> bool {
    let fold = |byte: u8| match byte {
        b'-' | b' ' => b'_',
        other => other.to_ascii_lowercase(),
    };
    a == b || a.len() == b.len() && a.bytes().map(fold).eq(b.bytes().map(fold))
}

/// Joins the found that show the same handoff.
fn merge(
    tree: &Tree<'_>,
    activations: &Activations,
    found: Vec<HandoffEvidence>,
) -> Vec<HandoffEvidence> {
    let mut merged: Vec<HandoffEvidence> = Vec::new();
    for shown in found {
        match merged
            .iter_mut()
            .rev()
            .find(|known| is_same(tree, activations, known, &shown))
        {
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
        self.from = self.from.take().or(other.from);
        self.call_ids.extend(other.call_ids);
        self.events.extend(other.events);
        self.requested |= other.requested;
        self.ran |= other.ran;
        self.refused |= other.refused;
        self.delegates |= other.delegates;
        self.basis = self.basis.min(other.basis);
    }
}

fn is_same(
    tree: &Tree<'_>,
    activations: &Activations,
    known: &HandoffEvidence,
    shown: &HandoffEvidence,
) -> bool {
    let shares_id = known.call_ids.iter().any(|id| shown.call_ids.contains(id));
    if shares_id {
        return known.trace == shown.trace;
    }
    // Some SDKs rename the ids of their models, so ids tell apart only what is shown by the same means.
    let same_means = known.requested && shown.requested || known.ran && shown.ran;
    let ids_differ = same_means && !known.call_ids.is_empty() && !shown.call_ids.is_empty();
    let same_source = match (&known.from, &shown.from) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    let same_target = match (&known.to, &shown.to) {
        (Target::Unknown, _) | (_, Target::Unknown) => true,
        (Target::Agent(a), Target::Agent(b)) => is_alike(a, b),
        (a, b) => a == b,
    };
    if ids_differ || !same_source || !same_target || known.trace != shown.trace {
        return false;
    }
    // A new decision of the source in between makes it another handoff.
    let decided_again = activations.models.calls.iter().any(|&call| {
        let start = tree.events[call].start;
        start > known.last && start < shown.at && tree.agent(call) == known.from.as_ref()
    });
    !decided_again || shown.refused && !shown.ran
}
