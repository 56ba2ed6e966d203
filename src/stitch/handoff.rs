//! Handoffs of one turn: merges the spans that describe one handoff, finds the agent that took over, and determines the result.

use super::Settings;
use super::activation::Activations;
use super::retention::{self, SourceContext};
use super::tree::Tree;
use crate::model::Name;
use crate::model::cohort::Cohort;
use crate::model::event::{HandoffRequest, Kind, Target};
use crate::model::fact::{HUMAN, Handoff, HandoffKind, HandoffResult};
use crate::model::ids::TraceId;
use crate::model::sampling::Threshold;
use crate::model::time::Timestamp;

/// The label of an agent that no span names.
pub(super) const UNKNOWN: &str = "unknown";

/// One handoff with all its evidence.
#[derive(Clone, Debug)]
pub(super) struct HandoffEvidence {
    /// When the source decided.
    at: Timestamp,
    /// The last evidence so far.
    last: Timestamp,
    from: Option<Name>,
    to: Target,
    call_ids: Vec<Name>,
    /// Its own spans, inside which a delegate works.
    events: Vec<usize>,
    /// A model's output asks for it.
    requested: bool,
    /// A tool or a handoff span ran.
    ran: bool,
    /// Its own span failed, or an error says that it was refused.
    refused: bool,
    delegates: bool,
    trace: TraceId,
}

/// A handoff, decided or still waiting for its target.
#[derive(Clone, Debug)]
pub(super) struct HandoffState {
    pub(super) at: Timestamp,
    pub(super) trace: TraceId,
    pub(super) handoff: Handoff,
    /// The target did not act in this turn; a later one may take the handoff up.
    pub(super) pending: bool,
    /// A human was called in.
    pub(super) escalated: bool,
    /// That of its turn, where it waits for a later one.
    pub(super) cohort: Cohort,
    /// That of its trace, where it waits for a later one.
    pub(super) threshold: Option<Threshold>,
    /// What the source knew, for a target that comes in a later turn.
    pub(super) before: SourceContext,
}

impl HandoffState {
    /// It is judged, and did not succeed.
    pub(super) fn has_failed(&self) -> bool {
        !self.pending && self.handoff.result != HandoffResult::Success
    }

    /// Whether its target may be who acts at this time in a later turn.
    fn is_resumed_at(&self, start: Timestamp, settings: &Settings) -> bool {
        self.at <= start && start.since(self.at) <= settings.drop_timeout
    }

    /// Whether one of the turns not decided yet may be its target's, as the first of them began at this time.
    pub(super) fn may_resume(&self, begun: Option<Timestamp>, settings: &Settings) -> bool {
        begun.is_some_and(|begun| begun.since(self.at) <= settings.drop_timeout)
    }
}

/// Finds and judges the handoffs of a turn. `waiting` are the pending ones of earlier turns: the entry of this turn may
/// take one up, and what it takes up it removes.
pub(super) fn judge(
    tree: &Tree<'_>,
    cast: &Activations,
    waiting: &mut Vec<HandoffState>,
    settings: &Settings,
) -> Vec<HandoffState> {
    let asks = merge(tree, cast, gather(tree));
    let mut taken: Vec<Option<usize>> = vec![None; asks.len()];
    let mut verdicts = Vec::new();
    for target in 0..cast.activations.len() {
        if let Some(ask) = asked_for(tree, cast, &asks, &taken, target) {
            taken[ask] = Some(target);
        } else if let Some(state) = resumed(tree, cast, &asks, waiting, target, settings) {
            verdicts.push(state);
        } else if let Some(state) = by_structure(tree, cast, &asks, target, settings) {
            verdicts.push(state);
        }
    }
    for (ask, target) in asks.iter().zip(taken) {
        verdicts.push(conclude(tree, cast, &asks, ask, target, settings));
    }
    verdicts.sort_by_key(|v| v.at);
    verdicts
}

/// Whether event `i` asks for a handoff: such a model call does not answer the user.
pub(super) fn asks(tree: &Tree<'_>, i: usize) -> bool {
    match &tree.events[i].kind {
        Kind::Model(call) => !call.requests.is_empty(),
        Kind::Tool(tool) => matches!(tool.hands_to, Some(Target::Agent(_) | Target::Unknown)),
        _ => false,
    }
}

fn gather(tree: &Tree<'_>) -> Vec<HandoffEvidence> {
    let mut asks = Vec::new();
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
        };
        let request = |at, request: &HandoffRequest| HandoffEvidence {
            call_ids: request.call_id.iter().cloned().collect(),
            ..base(at, &request.target)
        };
        match &event.kind {
            Kind::Model(call) => asks.extend(call.requests.iter().map(|r| HandoffEvidence {
                requested: true,
                ..request(event.end, r)
            })),
            Kind::Tool(tool) => asks.extend(tool.hands_to.iter().map(|to| HandoffEvidence {
                call_ids: tool.call_id.iter().cloned().collect(),
                events: vec![i],
                ran: true,
                refused: tool.failed || event.error,
                delegates: tool.delegates,
                ..base(event.start, to)
            })),
            Kind::Handoff(handoff) => asks.push(HandoffEvidence {
                from: handoff.from.clone().or_else(|| tree.agent(i).cloned()),
                events: vec![i],
                ran: true,
                refused: handoff.failed,
                delegates: handoff.delegates,
                ..base(event.start, &handoff.to)
            }),
            _ => {}
        }
        asks.extend(event.rare.refused.iter().map(|r| HandoffEvidence {
            refused: true,
            ..request(event.end, r)
        }));
    }
    asks.sort_by_key(|ask| ask.at);
    asks
}

/// Whether two names mean one agent: frameworks make ids of names (`refund desk` → `refund-desk`).
fn is_alike(a: &Name, b: &Name) -> bool {
    let fold = |byte: u8| match byte {
        b'-' | b' ' => b'_',
        other => other.to_ascii_lowercase(),
    };
    a == b || a.len() == b.len() && a.bytes().map(fold).eq(b.bytes().map(fold))
}

/// Joins the asks that show the same handoff.
fn merge(tree: &Tree<'_>, cast: &Activations, asks: Vec<HandoffEvidence>) -> Vec<HandoffEvidence> {
    let mut merged: Vec<HandoffEvidence> = Vec::new();
    for ask in asks {
        match merged
            .iter_mut()
            .rev()
            .find(|known| is_same(tree, cast, known, &ask))
        {
            Some(known) => known.absorb(ask),
            None => merged.push(ask),
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
    }
}

fn is_same(
    tree: &Tree<'_>,
    cast: &Activations,
    known: &HandoffEvidence,
    ask: &HandoffEvidence,
) -> bool {
    let shares_id = known.call_ids.iter().any(|id| ask.call_ids.contains(id));
    if shares_id {
        return known.trace == ask.trace;
    }
    // Some SDKs rename the ids of their models, so ids tell apart only what is shown by the same means.
    let same_means = known.requested && ask.requested || known.ran && ask.ran;
    let ids_differ = same_means && !known.call_ids.is_empty() && !ask.call_ids.is_empty();
    let same_source = match (&known.from, &ask.from) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    let same_target = match (&known.to, &ask.to) {
        (Target::Unknown, _) | (_, Target::Unknown) => true,
        (Target::Agent(a), Target::Agent(b)) => is_alike(a, b),
        (a, b) => a == b,
    };
    if ids_differ || !same_source || !same_target || known.trace != ask.trace {
        return false;
    }
    // A new decision of the source in between makes it another handoff.
    let decided_again = cast.calls.iter().any(|&call| {
        let start = tree.events[call].start;
        start > known.last && start < ask.at && tree.agent(call) == known.from.as_ref()
    });
    !decided_again || ask.refused && !ask.ran
}

/// The ask that activation `target` answers: the latest one before it that nobody answered yet.
fn asked_for(
    tree: &Tree<'_>,
    cast: &Activations,
    asks: &[HandoffEvidence],
    taken: &[Option<usize>],
    target: usize,
) -> Option<usize> {
    let activation = &cast.activations[target];
    let open = |&i: &usize| taken[i].is_none();
    let first = cast.first_act(target).event;
    let node = activation.node.unwrap_or(first);
    let around = |&i: &usize| {
        asks[i]
            .events
            .iter()
            .any(|&e| e == node || tree.is_inside(node, e))
    };
    let named = |&i: &usize| match (&asks[i].to, &activation.agent) {
        (Target::Agent(to), Some(agent)) => is_alike(to, agent),
        _ => false,
    };
    // Where the target or its spans are anonymous, whoever acts next is the target.
    let anonymous = |&i: &usize| match (&asks[i].to, &activation.agent) {
        (Target::Unknown, agent) => agent.is_some() && *agent != asks[i].from,
        (Target::Agent(_), None) => asks[i].ran && !asks[i].refused && asks[i].from.is_some(),
        _ => false,
    };
    let before = |&i: &usize| asks[i].at <= activation.start;
    let candidates: Vec<usize> = (0..asks.len()).filter(open).collect();
    let latest = |pick: &dyn Fn(&usize) -> bool| {
        candidates
            .iter()
            .copied()
            .filter(|i| pick(i))
            .max_by_key(|&i| asks[i].at)
    };
    latest(&|i| around(i) && (named(i) || anonymous(i)))
        .or_else(|| latest(&|i| before(i) && named(i)))
        .or_else(|| latest(&|i| before(i) && anonymous(i)))
}

/// The entry of a turn may be the target that a handoff of an earlier turn still waits for.
fn resumed(
    tree: &Tree<'_>,
    cast: &Activations,
    asks: &[HandoffEvidence],
    waiting: &mut Vec<HandoffState>,
    target: usize,
    settings: &Settings,
) -> Option<HandoffState> {
    let activation = &cast.activations[target];
    if target != 0 {
        return None;
    }
    let agent = activation.agent.as_ref()?;
    let found = waiting.iter().rposition(|v| {
        is_alike(&v.handoff.to, agent) && v.is_resumed_at(activation.start, settings)
    })?;
    let mut state = waiting.remove(found);
    state.handoff.to = agent.clone();
    state.handoff.kind = HandoffKind::Resume;
    state.handoff.retention = state.before.kept_by(tree, cast, target);
    state.handoff.intent = state.before.intent_with(tree, cast, target);
    state.handoff.result = retention::judged(
        result(tree, cast, asks, Some(&state.handoff.from), target),
        HandoffKind::Resume,
        state.handoff.retention,
        settings,
    );
    state.handoff.phantom = false;
    state.handoff.latency = Some(activation.start.since(state.at));
    state.pending = false;
    Some(state)
}

/// Control moved to another agent though nothing declared it.
fn by_structure(
    tree: &Tree<'_>,
    cast: &Activations,
    asks: &[HandoffEvidence],
    target: usize,
    settings: &Settings,
) -> Option<HandoffState> {
    let activation = &cast.activations[target];
    let agent = activation.agent.as_ref()?;
    // Who acted before resumes: a supervisor, or a source that got its result back.
    let resumes = cast.activations[..target]
        .iter()
        .any(|a| a.agent.as_ref() == Some(agent));
    if resumes {
        return None;
    }
    let (source, kind) = match activation.parent {
        Some(parent) => (parent, HandoffKind::Delegation),
        None => {
            let previous = cast.activations[..target]
                .iter()
                .enumerate()
                .filter(|(_, a)| a.parent.is_none() && a.end <= activation.start)
                .max_by_key(|(_, a)| a.end)?;
            (previous.0, HandoffKind::Transfer)
        }
    };
    let source = &cast.activations[source];
    let from = source.agent.clone()?;
    let at = match kind {
        HandoffKind::Delegation => activation.start,
        _ => source.end,
    };
    let before = SourceContext::of(tree, cast, Some(&from), at, &[]);
    let retention = before.kept_by(tree, cast, target);
    let intent = before.intent_with(tree, cast, target);
    let judged = result(tree, cast, asks, Some(&from), target);
    Some(HandoffState {
        at,
        trace: tree.events[cast.first_act(target).event].trace,
        handoff: Handoff {
            workflow: tree.workflow.clone(),
            result: retention::judged(judged, kind, retention, settings),
            retention,
            intent,
            phantom: false,
            from,
            to: agent.clone(),
            kind,
            latency: (kind == HandoffKind::Transfer).then(|| activation.start.since(at)),
        },
        pending: false,
        escalated: false,
        cohort: Cohort::default(),
        threshold: None,
        before,
    })
}

fn conclude(
    tree: &Tree<'_>,
    cast: &Activations,
    asks: &[HandoffEvidence],
    ask: &HandoffEvidence,
    target: Option<usize>,
    settings: &Settings,
) -> HandoffState {
    let from = ask.from.clone().unwrap_or_else(|| Name::from(UNKNOWN));
    let human = ask.to == Target::Human;
    let to = match (&ask.to, target) {
        (Target::Human, _) => Name::from(HUMAN),
        (Target::Agent(name), None) => name.clone(),
        (Target::Agent(name), Some(target)) => {
            let known = cast.activations[target].agent.clone();
            known.unwrap_or_else(|| name.clone())
        }
        (Target::Unknown, Some(target)) => cast.activations[target]
            .agent
            .clone()
            .unwrap_or_else(|| Name::from(UNKNOWN)),
        (Target::Unknown, None) => Name::from(UNKNOWN),
    };
    let inside = target.is_some_and(|t| {
        let node = cast.activations[t].node.unwrap_or(cast.first_act(t).event);
        ask.events
            .iter()
            .any(|&e| e == node || tree.is_inside(node, e))
    });
    let kind = if ask.delegates || inside {
        HandoffKind::Delegation
    } else {
        HandoffKind::Transfer
    };
    let before = SourceContext::of(tree, cast, ask.from.as_ref(), ask.at, &ask.events);
    let retention = target.and_then(|target| before.kept_by(tree, cast, target));
    let intent = target.and_then(|target| before.intent_with(tree, cast, target));
    let result = match target {
        Some(target) => {
            let judged = result(tree, cast, asks, ask.from.as_ref(), target);
            retention::judged(judged, kind, retention, settings)
        }
        None if ask.refused => HandoffResult::Rejected,
        None if human => HandoffResult::Success,
        None => HandoffResult::Dropped,
    };
    HandoffState {
        at: ask.at,
        trace: ask.trace,
        // An anonymous target cannot be recognised in a later turn.
        pending: target.is_none() && !human && !ask.refused && ask.to != Target::Unknown,
        escalated: human && !ask.refused,
        cohort: Cohort::default(),
        threshold: None,
        before,
        handoff: Handoff {
            workflow: tree.workflow.clone(),
            from,
            to,
            kind,
            result,
            retention,
            intent,
            phantom: target.is_none() && !human && ask.requested && !ask.ran,
            latency: target.map(|t| cast.activations[t].start.since(ask.at)),
        },
    }
}

/// Judges a handoff by the first step of its target.
fn result(
    tree: &Tree<'_>,
    cast: &Activations,
    asks: &[HandoffEvidence],
    from: Option<&Name>,
    target: usize,
) -> HandoffResult {
    let activation = &cast.activations[target];
    let first = cast.first_act(target);
    let event = tree.events[first.event];
    // The agent span's own status says nothing: several SDKs mark it failed when it hands over in its turn.
    if first.failed {
        return HandoffResult::TargetError;
    }
    let back = activation.agent.is_some()
        && asks.iter().any(|ask| {
            let to_source =
                matches!((&ask.to, from), (Target::Agent(to), Some(from)) if is_alike(to, from));
            let at_once = ask.at >= event.start && ask.at <= event.end;
            to_source && at_once && ask.from == activation.agent
        });
    if back {
        HandoffResult::Bounced
    } else {
        HandoffResult::Success
    }
}
