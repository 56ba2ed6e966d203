//! Handoffs of one turn: finds the agent that took over, and determines the result.

use super::activation::Activations;
use super::evidence::{self, HandoffEvidence};
use super::policy::Policy;
use super::retention::{self, SourceContext};
use super::tree::{Tree, UNKNOWN_AGENT};
use crate::model::Name;
use crate::model::agent_kin::kinship;
use crate::model::agent_name::is_alike;
use crate::model::cohort::Cohort;
use crate::model::event::{Basis, Kind, Target};
use crate::model::fact::{HUMAN, Handoff, HandoffKind, HandoffPlace, HandoffResult};
use crate::model::ids::{SpanId, TraceId};
use crate::model::sampling::Threshold;
use crate::model::small_map::SmallMap;
use crate::model::time::Timestamp;
use std::time::Duration;

/// A handoff, decided or still waiting for its target.
#[derive(Clone, Debug)]
pub struct HandoffState {
    pub at: Timestamp,
    pub trace: TraceId,
    pub handoff: Handoff,
    /// The target did not act in this turn; a later one may take the handoff up.
    pub pending: bool,
    /// A human was called in.
    pub escalated: bool,
    /// That of its turn, where it waits for a later one.
    pub cohort: Cohort,
    /// That of its trace, where it waits for a later one.
    pub threshold: Option<Threshold>,
    /// What the source knew, for a target that comes in a later turn.
    pub source: SourceContext,
}

impl HandoffState {
    /// It is judged, and did not succeed.
    pub fn has_failed(&self) -> bool {
        !self.pending && self.handoff.result.has_failed()
    }

    /// Whether its target may be the agent that starts at this time in a later turn (H-7).
    fn is_resumed_at(&self, start: Timestamp, policy: Policy<'_>) -> bool {
        self.at <= start && start.since(self.at) <= policy.drop_timeout
    }

    /// Whether one of the turns not decided yet may be its target's, as the first of them began at this time.
    pub fn may_resume(&self, begun: Option<Timestamp>, drop_timeout: Duration) -> bool {
        begun.is_some_and(|begun| begun.since(self.at) <= drop_timeout)
    }
}

/// Finds and judges the handoffs of a turn. `waiting` are the pending ones of earlier turns: the entry of this turn may
/// take one up, and what it takes up it removes.
pub(super) fn judge(
    tree: &Tree<'_>,
    activations: &Activations,
    waiting: &mut Vec<HandoffState>,
    policy: Policy<'_>,
) -> Vec<HandoffState> {
    let evidence = evidence::of(tree, activations);
    let mut taken: Vec<Option<usize>> = vec![None; evidence.len()];
    let mut states = Vec::new();
    for target in 0..activations.list.len() {
        if let Some(shown) = answered_by(tree, activations, &evidence, &taken, target) {
            taken[shown] = Some(target);
        } else if let Some(state) = resumed(tree, activations, &evidence, waiting, target, policy) {
            states.push(state);
        } else if let Some(state) = by_structure(tree, activations, &evidence, target, policy) {
            states.push(state);
        }
    }
    for (shown, target) in evidence.iter().zip(taken) {
        // What only a target says of its caller is no request that could be lost.
        if target.is_none() && !shown.is_shown_by_source() {
            continue;
        }
        states.push(conclude(
            tree,
            activations,
            &evidence,
            shown,
            target,
            policy,
        ));
    }
    states.sort_by_key(|v| v.at);
    number(&mut states);
    states
}

/// Numbers the handoffs of this turn that one span shows. One of an earlier turn has its number.
fn number(states: &mut [HandoffState]) {
    let mut seen: SmallMap<(TraceId, Option<SpanId>), u32> = SmallMap::default();
    let own = |state: &&mut HandoffState| state.handoff.kind != HandoffKind::Resume;
    for state in states.iter_mut().filter(own) {
        let place = &mut state.handoff.place;
        let next = seen.get_or_insert_with((state.trace, place.span), || 0);
        place.ordinal = *next;
        *next += 1;
    }
}

/// The place of what a span shows.
fn place(span: SpanId) -> HandoffPlace {
    HandoffPlace {
        span: Some(span),
        ordinal: 0,
    }
}

/// The evidence that activation `target` answers: the latest one before it that nobody answered yet (H-3).
fn answered_by(
    tree: &Tree<'_>,
    activations: &Activations,
    evidence: &[HandoffEvidence],
    taken: &[Option<usize>],
    target: usize,
) -> Option<usize> {
    let activation = &activations.list[target];
    let open = |&i: &usize| taken[i].is_none();
    let around = |&i: &usize| works_inside(tree, activations, &evidence[i], target);
    let named = |&i: &usize| match (&evidence[i].to, &activation.agent) {
        (Target::Agent(to), Some(agent)) => is_alike(to, agent),
        _ => false,
    };
    // Where the target or its spans are anonymous, whoever acts next is the target.
    let anonymous = |&i: &usize| match (&evidence[i].to, &activation.agent) {
        (Target::Unknown, agent) => agent.is_some() && *agent != evidence[i].from,
        (Target::Agent(_), None) => {
            evidence[i].ran && !evidence[i].refused && evidence[i].from.is_some()
        }
        _ => false,
    };
    // An agent that begins inside what nobody of the name asked for answers is what was asked for, whatever its name (H-2).
    let inside = |&i: &usize| match &evidence[i].to {
        Target::Agent(to) => {
            activation.agent.is_some()
                && activation.agent != evidence[i].from
                && !acts(activations, to)
                && !has_host_inside(tree, activations, &evidence[i], target)
        }
        _ => false,
    };
    let before = |&i: &usize| evidence[i].at <= activation.start;
    let candidates: Vec<usize> = (0..evidence.len()).filter(open).collect();
    let latest = |pick: &dyn Fn(&usize) -> bool| {
        // Of what was requested at once, that which ran found its target.
        let order = |&i: &usize| (evidence[i].at, evidence[i].ran);
        let picked = candidates.iter().copied().filter(|i| pick(i));
        picked.max_by_key(order)
    };
    latest(&|i| around(i) && (named(i) || anonymous(i)))
        .or_else(|| latest(&|i| before(i) && named(i)))
        .or_else(|| latest(&|i| before(i) && anonymous(i)))
        .or_else(|| latest(&|i| around(i) && inside(i)))
}

/// Whether an agent of that name, or work that is its own, is in the turn.
fn acts(activations: &Activations, name: &Name) -> bool {
    let mut agents = activations.list.iter().filter_map(|a| a.agent.as_ref());
    agents.any(|agent| is_alike(agent, name))
}

/// Whether the agent around the target works inside the spans of the handoff too.
fn has_host_inside(
    tree: &Tree<'_>,
    activations: &Activations,
    shown: &HandoffEvidence,
    target: usize,
) -> bool {
    let host = activations.list[target].parent;
    host.is_some_and(|host| works_inside(tree, activations, shown, host))
}

/// The first agent of a turn may be the target that a handoff of an earlier turn still waits for (H-7).
fn resumed(
    tree: &Tree<'_>,
    activations: &Activations,
    evidence: &[HandoffEvidence],
    waiting: &mut Vec<HandoffState>,
    target: usize,
    policy: Policy<'_>,
) -> Option<HandoffState> {
    let activation = &activations.list[target];
    if target != 0 {
        return None;
    }
    let agent = activation.agent.as_ref()?;
    let latest = |is_one: &dyn Fn(&Handoff) -> bool| {
        waiting
            .iter()
            .rposition(|v| is_one(&v.handoff) && v.is_resumed_at(activation.start, policy))
    };
    let found = latest(&|handoff| is_alike(&handoff.to, agent)).or_else(|| {
        latest(&|handoff| handoff.from != *agent && kinship(&handoff.to, agent).is_some())
    })?;
    let mut state = waiting.remove(found);
    state.handoff.to = agent.clone();
    state.handoff.kind = HandoffKind::Resume;
    state.handoff.retention = state.source.kept_by(tree, activations, target);
    state.handoff.intent = state.source.intent_with(tree, activations, target);
    state.handoff.result = retention::judged(
        result(
            tree,
            activations,
            evidence,
            Some(&state.handoff.from),
            target,
        ),
        HandoffKind::Resume,
        state.handoff.retention,
        policy,
    );
    state.handoff.phantom = false;
    state.handoff.latency = Some(activation.start.since(state.at));
    state.pending = false;
    Some(state)
}

/// Control moved to another agent without any sign of a handoff (H-4).
fn by_structure(
    tree: &Tree<'_>,
    activations: &Activations,
    evidence: &[HandoffEvidence],
    target: usize,
    policy: Policy<'_>,
) -> Option<HandoffState> {
    let activation = &activations.list[target];
    let agent = activation.agent.as_ref()?;
    // Who acted before resumes: a supervisor, or a source that got its result back.
    let resumes = activations.list[..target]
        .iter()
        .any(|a| a.agent.as_ref() == Some(agent));
    if resumes {
        return None;
    }
    let (source, kind) = match activation.parent {
        Some(parent) => (parent, HandoffKind::Delegation),
        None => {
            let previous = activations.list[..target]
                .iter()
                .enumerate()
                .filter(|(_, a)| a.parent.is_none() && a.end <= activation.start)
                .max_by_key(|(_, a)| a.end)?;
            (previous.0, HandoffKind::Transfer)
        }
    };
    let source = &activations.list[source];
    let from = source.agent.clone()?;
    let at = match kind {
        HandoffKind::Delegation => activation.start,
        _ => source.end,
    };
    let known = SourceContext::of(tree, activations, Some(&from), at, &[]);
    let retention = known.kept_by(tree, activations, target);
    let intent = known.intent_with(tree, activations, target);
    let judged = result(tree, activations, evidence, Some(&from), target);
    let first = tree.events[activations.first_step(target).event];
    Some(HandoffState {
        at,
        trace: first.trace,
        handoff: Handoff {
            workflow: tree.workflow.clone(),
            result: retention::judged(judged, kind, retention, policy),
            retention,
            intent,
            basis: Basis::Inferred,
            phantom: false,
            from,
            to: agent.clone(),
            kind,
            latency: (kind == HandoffKind::Transfer).then(|| activation.start.since(at)),
            place: place(first.span),
        },
        pending: false,
        escalated: false,
        cohort: Cohort::default(),
        threshold: None,
        source: known,
    })
}

/// The handoff that a piece of evidence shows, with the activation that answered it.
fn conclude(
    tree: &Tree<'_>,
    activations: &Activations,
    evidence: &[HandoffEvidence],
    shown: &HandoffEvidence,
    target: Option<usize>,
    policy: Policy<'_>,
) -> HandoffState {
    let human = shown.to == Target::Human;
    // Where no span names an agent nothing could show that one started (H-12). Nor does anything where an answer came back from
    // a delegate that works in a trace of its own.
    let blind = !tree.identities().any_acts() || shown.returned;
    let inside = target.is_some_and(|target| works_inside(tree, activations, shown, target));
    let kind = if shown.delegates || inside {
        HandoffKind::Delegation
    } else {
        HandoffKind::Transfer
    };
    let from = shown.from.as_ref();
    let source = SourceContext::of(tree, activations, from, shown.at, &shown.events);
    let retention = target.and_then(|target| source.kept_by(tree, activations, target));
    let intent = target.and_then(|target| source.intent_with(tree, activations, target));
    let result = match target {
        Some(target) => {
            let judged = result(tree, activations, evidence, from, target);
            retention::judged(judged, kind, retention, policy)
        }
        None if shown.refused => HandoffResult::Rejected,
        None if human => HandoffResult::Success,
        None if blind => HandoffResult::Unknown,
        None => HandoffResult::Dropped,
    };
    let lost = result == HandoffResult::Dropped;
    HandoffState {
        at: shown.at,
        trace: shown.trace,
        // An anonymous target cannot be recognised in a later turn.
        pending: lost && shown.to != Target::Unknown,
        escalated: human && !shown.refused,
        cohort: Cohort::default(),
        threshold: None,
        source,
        handoff: Handoff {
            workflow: tree.workflow.clone(),
            from: from.cloned().unwrap_or_else(|| Name::from(UNKNOWN_AGENT)),
            to: target_name(activations, shown, target),
            kind,
            result,
            retention,
            intent,
            basis: shown.basis,
            phantom: (lost || result == HandoffResult::Rejected) && shown.requested && !shown.ran,
            latency: target.map(|t| activations.list[t].start.since(shown.at)),
            place: place(shown.span),
        },
    }
}

/// The name of the target, as its own spans use it (H-2).
fn target_name(activations: &Activations, shown: &HandoffEvidence, target: Option<usize>) -> Name {
    let known = target.and_then(|target| activations.list[target].agent.clone());
    match &shown.to {
        Target::Human => Name::from(HUMAN),
        Target::Agent(name) => known.unwrap_or_else(|| name.clone()),
        Target::Unknown => known.unwrap_or_else(|| Name::from(UNKNOWN_AGENT)),
    }
}

/// Whether the target works inside the spans of the handoff.
fn works_inside(
    tree: &Tree<'_>,
    activations: &Activations,
    shown: &HandoffEvidence,
    target: usize,
) -> bool {
    let node = activations.list[target].node;
    let node = node.unwrap_or_else(|| activations.first_step(target).event);
    let mut events = shown.events.iter();
    events.any(|&event| event == node || tree.is_inside(node, event))
}

/// The result of a handoff by the first step of its target (H-5, H-6, H-14).
fn result(
    tree: &Tree<'_>,
    activations: &Activations,
    evidence: &[HandoffEvidence],
    from: Option<&Name>,
    target: usize,
) -> HandoffResult {
    let activation = &activations.list[target];
    let first = activations.opening(tree, target);
    let event = tree.events[first.event];
    // The agent span's own status says nothing: several SDKs mark it failed when it hands over in its turn.
    if first.failed {
        return HandoffResult::TargetError;
    }
    let gave_text = matches!(&event.kind, Kind::Model(call) if call.answered == Some(true));
    let back = activation.agent.is_some()
        && evidence.iter().any(|shown| {
            let to_source =
                matches!((&shown.to, from), (Target::Agent(to), Some(from)) if is_alike(to, from));
            let at_once = shown.at >= event.start && shown.at <= event.end;
            to_source && at_once && shown.from == activation.agent
        });
    if back && !gave_text {
        HandoffResult::Bounced
    } else {
        HandoffResult::Success
    }
}
