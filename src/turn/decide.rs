//! The entry of the room: from the events of one turn to its facts and its summary.

use super::activation::Activations;
use super::adoption;
use super::answer;
use super::cost::{TotalCost, nano};
use super::cumulative_usage::CumulativeUsage;
use super::deciding;
use super::facts::{
    RULES_READ_LATE, call_cost, evaluation_facts, model_fact, tool_fact, totals_fact, unknown_cost,
    unusable_facts,
};
use super::handoff::{self, HandoffState};
use super::policy::Policy;
use super::summary::{DeclaredValue, Verdict, WorkflowSummary};
use super::totals::CountedTotals;
use super::tree::{Tree, UNKNOWN_AGENT};
use crate::model::Name;
use crate::model::event::{Event, Kind, Operation};
use crate::model::fact::{AgentInvocation, Ending, Fact, HandoffKind, HandoffResult, What};
use crate::model::ids::{SpanId, TraceId};
use crate::model::sketch::Sketch;
use crate::model::small_map::SmallSet;
use std::cmp::Reverse;

/// A decided turn. Its facts have neither cohort nor key; the session adds both.
#[derive(Debug)]
pub struct Decided {
    /// What it adds to its workflow. `last_result` is `None` if nobody was asked anything (an indexing job): no turn, no session,
    /// no workflow.
    pub summary: WorkflowSummary,
    pub facts: Vec<Fact>,
    /// The agent of the last step: it gave the answer, if there is one.
    pub answering: Option<Name>,
    /// Handoffs whose target did not act in this turn.
    pub pending: Vec<HandoffState>,
    /// The words of the user's message, and the agent that it went to.
    pub user_message: Option<(Sketch, Name)>,
    /// Control passed between agents.
    pub handed_over: bool,
    /// The agents of its spans, for spans that arrive late.
    pub owners: SpanOwners,
}

/// What work takes that is in no turn. Its facts have neither cohort nor key.
#[derive(Debug)]
pub struct WorkBeside {
    pub facts: Vec<Fact>,
    pub cost: TotalCost,
    /// The agents of its spans, for spans that arrive late.
    pub owners: SpanOwners,
}

/// Counts what work takes that is beside a session and in no turn (S-16). `answering` and `workflow` are whom a score is about.
pub fn count_beside<'a>(
    events: impl Iterator<Item = &'a Event>,
    usage: &mut CumulativeUsage,
    known: &SmallSet<Name>,
    policy: Policy<'_>,
    (answering, workflow): (Option<&Name>, &Name),
) -> WorkBeside {
    let mut tree = Tree::new(events);
    adoption::adopt(&mut tree);
    tree.find_tools_after_all(known);
    let activations = Activations::of(&tree);
    let about = (answering, workflow, RULES_READ_LATE);
    let (facts, cost) = count(&tree, &activations, usage, policy, about);
    WorkBeside {
        facts,
        cost,
        owners: owners(&tree),
    }
}

/// The agent of each span, ordered by trace and span.
pub type SpanOwners = Vec<(TraceId, SpanId, Option<Name>)>;

/// Decides a turn from all its events. `None`: there are none.
///
/// `waiting` are the pending handoffs of earlier turns: this turn may resume one, which is then taken out (H-7). `usage` are
/// the cumulative calls of the session, continued by this turn (C-7). `known` are the agents that acted in it before (H-10).
pub fn decide<'a>(
    events: impl Iterator<Item = &'a Event>,
    waiting: &mut Vec<HandoffState>,
    usage: &mut CumulativeUsage,
    known: &SmallSet<Name>,
    policy: Policy<'_>,
) -> Option<Decided> {
    let mut tree = Tree::new(events);
    adoption::adopt(&mut tree);
    tree.join_targets(known);
    tree.find_tools_after_all(known);
    let activations = Activations::of(&tree);
    let handoffs = handoff::judge(&tree, &activations, waiting, policy);
    let last = deciding::step(&tree, &activations);
    let mut decided = Decided {
        summary: summary(&tree, &activations, &handoffs)?,
        facts: loops(&handoffs),
        answering: last.and_then(|step| tree.agent(step.event).cloned()),
        pending: Vec::new(),
        user_message: user_message(&tree, &activations),
        handed_over: handoffs.iter().any(|handoff| !handoff.escalated),
        owners: owners(&tree),
    };
    policy
        .judge
        .events(&tree, &activations.waiting, &mut decided.summary);
    let read_labels = policy.judge.rules.read_labels();
    let about = (decided.answering.as_ref(), &tree.workflow, read_labels);
    let (counted, cost) = count(&tree, &activations, usage, policy, about);
    decided.facts.extend(counted);
    decided.summary.cost.merge(cost);
    let (facts, summary) = (&mut decided.facts, &mut decided.summary);
    for state in handoffs.iter().filter(|state| state.escalated) {
        let what = summary
            .cost
            .add_escalation(&state.handoff.from, policy.prices);
        facts.extend(what.map(|what| Fact::new(state.at, state.trace, what)));
    }
    facts.extend(agent_facts(&tree, &activations));
    if let Some(turn) = answer::turn(&tree, &activations, &handoffs, summary) {
        facts.push(Fact::new(summary.end, summary.trace, What::Turn(turn)));
        policy.judge.turn(&tree, &activations.waiting, summary);
    }
    conclude_handoffs(handoffs, &mut decided);
    Some(decided)
}

/// The summary as far as it follows from the spans alone, without cost, result and rules.
fn summary(
    tree: &Tree<'_>,
    activations: &Activations,
    handoffs: &[HandoffState],
) -> Option<WorkflowSummary> {
    let first = *tree.events.first()?;
    let contexts = || tree.events.iter().map(|event| &event.context);
    let agents = activations.list.iter().filter_map(|a| a.agent.clone());
    Some(WorkflowSummary {
        name: tree.workflow.clone(),
        trace: first.trace,
        span: Some(first.span),
        id: contexts().find_map(|context| context.workflow_id.clone()),
        start: first.start,
        end: tree.events.iter().map(|e| e.end).max().unwrap_or_default(),
        cost: TotalCost::default(),
        outcome: declared_outcome(tree),
        steps: SmallSet::default(),
        agents: agents.collect(),
        models: models(tree, activations),
        turns: 1,
        handoffs: handoffs.iter().filter(|h| !h.pending).count() as u64,
        failed_handoffs: handoffs.iter().filter(|h| h.has_failed()).count() as u64,
        escalated: handoffs.iter().any(|h| h.escalated),
        last_result: None,
        last_broke: false,
        threshold: None,
        cohort: contexts()
            .flat_map(|context| context.cohort.iter())
            .collect(),
        user: contexts().find_map(|context| context.user.clone()),
        tenant: contexts().find_map(|context| context.tenant.clone()),
        intent: contexts().find_map(|context| context.intent.clone()),
        // The last one: an agent may learn more of it on the way.
        value: tree
            .events
            .iter()
            .filter_map(|event| declared_value(event))
            .max(),
    })
}

/// The agent of each span and of each response of a model, ordered by trace and span. Of calls with one response ID the last one counts.
fn owners(tree: &Tree<'_>) -> SpanOwners {
    let response = |event: &Event| match &event.kind {
        Kind::Model(call) => SpanId::of_response(call.response?),
        _ => None,
    };
    let mut owners = Vec::with_capacity(tree.events.len());
    for (i, event) in tree.events.iter().enumerate() {
        for span in [event.span].into_iter().chain(response(event)) {
            let last = Reverse((event.end, event.span));
            owners.push((event.trace, span, last, tree.agent(i)));
        }
    }
    owners.sort_unstable();
    owners.dedup_by_key(|(trace, span, ..)| (*trace, *span));
    let owners = owners.into_iter();
    owners
        .map(|(trace, span, _, agent)| (trace, span, agent.cloned()))
        .collect()
}

/// One fact for each activation of a named agent.
fn agent_facts<'a>(
    tree: &'a Tree<'_>,
    activations: &'a Activations,
) -> impl Iterator<Item = Fact> + 'a {
    (0..activations.list.len()).filter_map(|index| {
        let activation = &activations.list[index];
        let event = tree.events[activations.first_step(index).event];
        let what = What::Agent(AgentInvocation {
            agent: activation.agent.clone()?,
            ending: Ending::of(activation.failed, activation.cancelled),
        });
        Some(Fact::new(activation.start, event.trace, what))
    })
}

/// The user's message, as the first model call of the turn got it.
fn user_message(tree: &Tree<'_>, activations: &Activations) -> Option<(Sketch, Name)> {
    let first = *activations.models.calls.iter().min()?;
    let words = tree.events[first].content.as_ref()?.asked.clone()?;
    let agent = tree.agent(first).cloned();
    Some((words, agent.unwrap_or_else(|| Name::from(UNKNOWN_AGENT))))
}

/// Counts calls, actions, evaluations and unusable values, with their cost.
fn count(
    tree: &Tree<'_>,
    activations: &Activations,
    usage: &mut CumulativeUsage,
    policy: Policy<'_>,
    (answering, workflow, read_labels): (Option<&Name>, &Name, bool),
) -> (Vec<Fact>, TotalCost) {
    let (mut facts, mut cost) = (Vec::new(), TotalCost::default());
    let totals = CountedTotals::of(tree, &activations.models);
    for &i in &activations.models.calls {
        let event = activations.measured(tree, i);
        if let Kind::Model(call) = &event.kind {
            let mut net = usage.net_usage(event, call);
            net.cost = totals.own_cost(i, net.cost);
            facts.push(model_fact(event, call, net, tree.agent(i)));
            let known = call_cost(event, call, net.cost, totals.cost_around(i));
            cost.add_call(net.cost, known);
            facts.extend(unknown_cost(event, call, known));
        }
    }
    for (i, totals) in totals.totals {
        cost.add(totals.cost);
        facts.push(totals_fact(tree.events[i], totals, tree.agent(i)));
    }
    for &i in &activations.tools {
        let failed_inside = activations.failed_inside.contains(&i);
        facts.extend(tool_fact(tree.events[i], failed_inside));
        facts.extend(cost.add_action(tree.events[i], policy.prices));
    }
    for (i, event) in tree.events.iter().enumerate() {
        if matches!(event.kind, Kind::Retrieval { .. }) {
            facts.push(Fact::of_span(event, What::Retrieval));
            facts.extend(cost.add_action(event, policy.prices));
        }
        let agent = tree.agent(i).or(answering);
        facts.extend(evaluation_facts(event, agent, workflow, read_labels));
        facts.extend(unusable_facts(event));
    }
    (facts, cost)
}

/// The verdict that a span declares last (W-1).
fn declared_outcome(tree: &Tree<'_>) -> Option<Verdict> {
    let events = tree.events.iter();
    events.filter_map(|event| declared_verdict(event)).max()
}

/// The verdict that an event declares.
pub fn declared_verdict(event: &Event) -> Option<Verdict> {
    Some(Verdict {
        at: event.end,
        rule: None,
        outcome: event.rare.outcome.as_ref()?.outcome,
    })
}

/// The value that an event declares.
pub fn declared_value(event: &Event) -> Option<DeclaredValue> {
    Some((event.end, nano(event.context.value_usd?)))
}

/// The models that answered a chat call.
fn models(tree: &Tree<'_>, activations: &Activations) -> SmallSet<Name> {
    let answered = |&i: &usize| match &activations.measured(tree, i).kind {
        Kind::Model(call)
            if call.operation == Operation::Chat
                && !call.failed
                && !tree.events[i].rare.cancelled =>
        {
            call.model.clone()
        }
        _ => None,
    };
    activations
        .models
        .calls
        .iter()
        .filter_map(answered)
        .collect()
}

/// Transfers that lead back to an agent that had given control away in the same turn.
fn loops(handoffs: &[HandoffState]) -> Vec<Fact> {
    let passed = |state: &&HandoffState| {
        let lost =
            [HandoffResult::Dropped, HandoffResult::Rejected].contains(&state.handoff.result);
        state.handoff.kind != HandoffKind::Delegation && !state.escalated && !lost
    };
    let mut path: Vec<&Name> = Vec::new();
    let mut found = Vec::new();
    for state in handoffs.iter().filter(passed) {
        let (from, to) = (&state.handoff.from, &state.handoff.to);
        if path.last() != Some(&from) {
            path = vec![from];
        }
        if let Some(place) = path.iter().position(|agent| *agent == to) {
            let length = (path.len() - place) as u64;
            let agent = to.clone();
            let what = What::Loop { agent, length };
            found.push(Fact::new(state.at, state.trace, what));
            path.truncate(place + 1);
        } else {
            path.push(to);
        }
    }
    found
}

/// The facts of handoffs and escalations. What has no target yet is pending.
fn conclude_handoffs(handoffs: Vec<HandoffState>, decided: &mut Decided) {
    let facts = &mut decided.facts;
    for state in handoffs {
        if state.escalated {
            let what = What::Escalation {
                workflow: state.handoff.workflow.clone(),
                from: state.handoff.from.clone(),
            };
            facts.push(Fact::new(state.at, state.trace, what));
        }
        if state.pending {
            facts.push(Fact::new(state.at, state.trace, What::Pending(1)));
            decided.pending.push(state);
        } else {
            facts.push(Fact {
                threshold: state.threshold,
                ..Fact::new(state.at, state.trace, What::Handoff(state.handoff))
            });
        }
    }
}
