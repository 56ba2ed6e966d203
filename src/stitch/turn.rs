//! Finalizes one turn: from its events to facts.

use super::Settings;
use super::activation::{Activations, Step};
use super::agent_time;
use super::cost::{Spend, nano};
use super::cumulative_usage::{Rows, Took};
use super::handoff::{self, HandoffState, UNKNOWN};
use super::small_map::FewOf;
use super::tree::Tree;
use crate::model::Name;
use crate::model::cohort::Cohort;
use crate::model::event::{self, Event, FEEDBACK, Kind, Operation, Outcome};
use crate::model::fact::{
    AgentInvocation, Fact, HandoffKind, HandoffResult, ModelCall, ToolCall, Turn, TurnResult, What,
};
use crate::model::ids::{SpanId, TraceId};
use crate::model::price::ActionPrices;
use crate::model::sampling::Threshold;
use crate::model::sketch::Sketch;
use crate::model::time::Timestamp;
use std::time::Duration;

/// What a decided turn tells the workflow around it.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) workflow: Name,
    pub(super) workflow_id: Option<Name>,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// `None`: nobody was asked anything (an indexing job); no turn, no session, no workflow.
    pub(super) result: Option<TurnResult>,
    /// The run ended in an error, or a handoff of it was lost.
    pub(super) broken: bool,
    pub(super) escalated: bool,
    /// The latest verdict on the business result.
    pub(super) outcome: Option<Verdict>,
    /// Steps of the funnel that it came to.
    pub(super) steps: FewOf<Name>,
    pub(super) agents: FewOf<Name>,
    /// Models that answered a chat call.
    pub(super) models: FewOf<Name>,
    /// The agent that acted last: it gave the answer, if there is one.
    pub(super) answering: Option<Name>,
    /// Handoffs that are judged, and how many of them failed.
    pub(super) handoffs: u64,
    pub(super) failed_handoffs: u64,
    pub(super) spend: Spend,
    pub(super) pending: Vec<HandoffState>,
    pub(super) trace: TraceId,
    /// That of its trace.
    pub(super) threshold: Option<Threshold>,
    pub(super) cohort: Cohort,
    pub(super) user: Option<Name>,
    pub(super) tenant: Option<Name>,
    /// What the user came for, as the turn first declares it.
    pub(super) intent: Option<Name>,
    /// The latest value of the business transaction, with its time.
    pub(super) value: Option<Value>,
    /// The words of the user's message, and the agent that it went to.
    pub(super) asked: Option<(Sketch, Name)>,
    /// Control passed between agents.
    pub(super) handed_over: bool,
}

/// A verdict on the business result: the latest counts, and of equal ones that of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Verdict {
    pub(super) at: Timestamp,
    /// `None`: a span declares it.
    pub(super) rule: Option<Name>,
    pub(super) outcome: Outcome,
}

/// The value of a business transaction in nano-dollars, with the time at which it was declared.
pub(super) type Value = (Timestamp, i128);

/// Whose each span was, for spans that come late; trace by trace.
pub(super) type Owned = Vec<(TraceId, SpanId, Option<Name>)>;

/// Decides a turn from all its events.
pub(super) fn decide<'a>(
    events: impl Iterator<Item = &'a Event>,
    waiting: &mut Vec<HandoffState>,
    rows: &mut Rows,
    settings: &Settings,
    facts: &mut Vec<Fact>,
) -> Option<(Decided, Owned)> {
    let tree = Tree::new(events);
    let cast = Activations::of(&tree);
    let first = *tree.events.first()?;
    let verdicts = handoff::judge(&tree, &cast, waiting, settings);
    let mut decided = Decided {
        workflow: tree.workflow.clone(),
        workflow_id: tree
            .events
            .iter()
            .find_map(|e| e.context.workflow_id.clone()),
        start: first.start,
        end: tree.events.iter().map(|e| e.end).max().unwrap_or_default(),
        result: None,
        broken: false,
        escalated: verdicts.iter().any(|v| v.escalated),
        outcome: outcome(&tree),
        steps: FewOf::default(),
        agents: cast
            .activations
            .iter()
            .filter_map(|a| a.agent.clone())
            .collect(),
        models: models(&tree, &cast),
        answering: last_act(&tree, &cast).and_then(|act| tree.agent(act.event).cloned()),
        handoffs: verdicts.iter().filter(|v| !v.pending).count() as u64,
        failed_handoffs: verdicts.iter().filter(|v| v.has_failed()).count() as u64,
        spend: Spend::default(),
        pending: Vec::new(),
        trace: first.trace,
        threshold: None,
        cohort: tree
            .events
            .iter()
            .flat_map(|e| e.context.cohort.iter())
            .collect(),
        user: tree.events.iter().find_map(|e| e.context.user.clone()),
        tenant: tree.events.iter().find_map(|e| e.context.tenant.clone()),
        intent: tree.events.iter().find_map(|e| e.context.intent.clone()),
        value: value(&tree),
        asked: asked(&tree, &cast),
        handed_over: verdicts.iter().any(|v| !v.escalated),
    };
    settings.judge.events(&tree, &mut decided);
    facts.extend(loops(&verdicts));
    steps(&tree, &cast, &settings.prices, rows, &mut decided, facts);
    let people = verdicts
        .iter()
        .filter_map(|verdict| decided.spend.on_people(verdict, &settings.prices));
    facts.extend(people);
    for activation in &cast.activations {
        let event = tree.events[cast.acts[activation.acts[0]].event];
        if let Some(agent) = &activation.agent {
            let what = What::Agent(AgentInvocation {
                agent: agent.clone(),
                failed: activation.failed,
            });
            facts.push(Fact::new(activation.start, event.trace, what));
        }
    }
    if let Some(turn) = turn(&tree, &cast, &verdicts, &mut decided) {
        decided.result = Some(turn.result);
        facts.push(Fact::new(decided.end, first.trace, What::Turn(turn)));
        settings.judge.turn(&tree, &mut decided);
    }
    settle_handoffs(verdicts, &mut decided, facts);
    let owned = tree.events.iter().enumerate();
    let mut owned: Owned = owned
        .map(|(i, event)| (event.trace, event.span, tree.agent(i).cloned()))
        .collect();
    owned.sort_unstable_by_key(|(trace, span, _)| (*trace, *span));
    Some((decided, owned))
}

/// The fact of one model call, and what it took itself.
pub(super) fn model_fact(
    event: &Event,
    call: &event::ModelCall,
    (usage, cost): Took,
    agent: Option<&Name>,
) -> Fact {
    let known = |name: Option<&Name>| name.cloned().unwrap_or_else(|| Name::from(UNKNOWN));
    let what = What::Model(ModelCall {
        agent: known(agent),
        provider: known(call.provider.as_ref()),
        model: known(call.model.as_ref()),
        operation: call.operation,
        failed: call.failed,
        usage,
        cost,
        duration: event.end.since(event.start),
        first_token: call
            .first_token_seconds
            .and_then(|s| Duration::try_from_secs_f64(s).ok()),
    });
    Fact::of_span(event, what)
}

/// The fact of one tool call that does work.
pub(super) fn tool_fact(event: &Event, broken: bool) -> Option<Fact> {
    let Kind::Tool(tool) = &event.kind else {
        return None;
    };
    let what = What::Tool(ToolCall {
        tool: tool.name.clone(),
        failed: tool.failed || event.error || broken,
    });
    Some(Fact::of_span(event, what))
}

/// The facts of what a span declares and Baton cannot use: an amount that could not be converted, a word for an outcome.
pub(super) fn unusable_facts(event: &Event) -> impl Iterator<Item = Fact> + '_ {
    let rare = &event.rare;
    let amount = rare
        .unconverted
        .clone()
        .map(|currency| What::Unconverted { currency });
    let outcome = rare
        .unknown_outcome
        .clone()
        .map(|word| What::UnknownOutcome { word });
    let both = amount.into_iter().chain(outcome);
    both.map(|what| Fact::of_span(event, what))
}

/// The facts of evaluations attached to a span. What users say of a span that is nobody's, they say of the agent that answered them.
pub(super) fn evaluation_facts<'a>(
    event: &'a Event,
    agent: Option<&'a Name>,
    workflow: &'a Name,
) -> impl Iterator<Item = Fact> + 'a {
    event.rare.evaluations.iter().filter_map(move |evaluation| {
        let score = evaluation.score?;
        let is_feedback = FEEDBACK.contains(&evaluation.name.to_ascii_lowercase().as_str());
        let what = if is_feedback {
            What::Feedback {
                workflow: workflow.clone(),
                agent: agent.cloned().unwrap_or_else(|| Name::from(UNKNOWN)),
                score,
            }
        } else {
            What::Evaluation {
                name: evaluation.name.clone(),
                score,
            }
        };
        let fact = Fact::of_span(event, what);
        // What a log record says was kept with its trace, though its span may be a rare one.
        let threshold = fact.threshold.filter(|_| !evaluation.by_record);
        Some(Fact { threshold, ..fact })
    })
}

/// The user's message, as the first model call of the turn got it.
fn asked(tree: &Tree<'_>, cast: &Activations) -> Option<(Sketch, Name)> {
    let first = *cast.calls.iter().min()?;
    let words = tree.events[first].content.as_ref()?.asked.clone()?;
    let agent = tree.agent(first).cloned();
    Some((words, agent.unwrap_or_else(|| Name::from(UNKNOWN))))
}

/// Transfers that lead back to an agent that had given control away in the same turn.
fn loops(verdicts: &[HandoffState]) -> Vec<Fact> {
    let passed = |v: &&HandoffState| {
        let lost = [HandoffResult::Dropped, HandoffResult::Rejected].contains(&v.handoff.result);
        v.handoff.kind != HandoffKind::Delegation && !v.escalated && !lost
    };
    let mut path: Vec<&Name> = Vec::new();
    let mut found = Vec::new();
    for verdict in verdicts.iter().filter(passed) {
        let (from, to) = (&verdict.handoff.from, &verdict.handoff.to);
        if path.last() != Some(&from) {
            path = vec![from];
        }
        if let Some(place) = path.iter().position(|agent| *agent == to) {
            let length = (path.len() - place) as u64;
            let agent = to.clone();
            let what = What::Loop { agent, length };
            found.push(Fact::new(verdict.at, verdict.trace, what));
            path.truncate(place + 1);
        } else {
            path.push(to);
        }
    }
    found
}

/// Everything that adds up.
fn steps(
    tree: &Tree<'_>,
    cast: &Activations,
    prices: &ActionPrices,
    rows: &mut Rows,
    decided: &mut Decided,
    facts: &mut Vec<Fact>,
) {
    let spend = &mut decided.spend;
    for &i in &cast.calls {
        let event = cast.measured(tree, i);
        if let Kind::Model(call) = &event.kind {
            let took = rows.took(event, call);
            facts.push(model_fact(event, call, took, tree.agent(i)));
            spend.add(took.1);
        }
    }
    for &i in &cast.tools {
        facts.extend(tool_fact(tree.events[i], cast.broken.contains(&i)));
        facts.extend(spend.on_span(tree.events[i], prices));
    }
    for (i, event) in tree.events.iter().enumerate() {
        if matches!(event.kind, Kind::Retrieval { .. }) {
            facts.push(Fact::of_span(event, What::Retrieval));
            facts.extend(spend.on_span(event, prices));
        }
        let agent = tree.agent(i).or(decided.answering.as_ref());
        facts.extend(evaluation_facts(event, agent, &tree.workflow));
        facts.extend(unusable_facts(event));
    }
}

fn outcome(tree: &Tree<'_>) -> Option<Verdict> {
    let declared = |event: &&Event| {
        Some(Verdict {
            at: event.end,
            rule: None,
            outcome: event.rare.outcome.as_ref()?.outcome,
        })
    };
    tree.events.iter().filter_map(declared).max()
}

/// The value declared last: an agent may learn more of it on the way.
fn value(tree: &Tree<'_>) -> Option<Value> {
    let declared = |e: &&Event| Some((e.end, nano(e.context.value_usd?)));
    tree.events.iter().filter_map(declared).max()
}

/// The models that answered a chat call.
fn models(tree: &Tree<'_>, cast: &Activations) -> FewOf<Name> {
    let answered = |&i: &usize| match &tree.events[i].kind {
        Kind::Model(call) if call.operation == Operation::Chat && !call.failed => {
            call.model.clone()
        }
        _ => None,
    };
    cast.calls.iter().filter_map(answered).collect()
}

/// What happened last.
fn last_act<'c>(tree: &Tree<'_>, cast: &'c Activations) -> Option<&'c Step> {
    cast.acts.iter().max_by_key(|act| {
        let event = tree.events[act.event];
        (event.end, std::cmp::Reverse(act.event))
    })
}

fn turn(
    tree: &Tree<'_>,
    cast: &Activations,
    verdicts: &[HandoffState],
    decided: &mut Decided,
) -> Option<Turn> {
    let last = last_act(tree, cast)?;
    let lost = verdicts.iter().any(|v| {
        matches!(
            v.handoff.result,
            HandoffResult::Dropped | HandoffResult::Rejected
        )
    });
    let answered = answers(tree, cast, last, verdicts);
    let root_failed = tree.events.iter().any(|e| e.parent.is_none() && e.error);
    decided.broken = !answered && (last.failed || lost || root_failed);
    let event = tree.events[last.event];
    decided.end = if answered { event.end } else { decided.end };
    let first_token = match &event.kind {
        Kind::Model(call) if answered => call.first_token_seconds,
        _ => None,
    };
    Some(Turn {
        workflow: decided.workflow.clone(),
        result: if answered {
            TurnResult::Answered
        } else {
            TurnResult::Failed
        },
        duration: decided.end.since(decided.start),
        first_token: first_token
            .and_then(|s| Duration::try_from_secs_f64(s).ok())
            .map(|s| event.start.since(decided.start).saturating_add(s)),
        by_agent: agent_time::shares(&cast.activations, (decided.start, decided.end)),
    })
}

/// Whether the last thing that happened gave the user an answer.
fn answers(tree: &Tree<'_>, cast: &Activations, last: &Step, verdicts: &[HandoffState]) -> bool {
    if last.failed {
        return false;
    }
    let escalated = verdicts.iter().any(|v| v.escalated);
    let event = tree.events[last.event];
    match &event.kind {
        Kind::Model(call) => {
            let asks = handoff::asks(tree, last.event);
            // A call for a human answers, and so does text; a call for an agent that never came does not.
            escalated || !asks && call.answered != Some(false)
        }
        Kind::Tool(tool) => {
            let shows_calls = cast
                .acts
                .iter()
                .any(|a| matches!(tree.events[a.event].kind, Kind::Model(_)));
            // Where the dialect shows no model calls, a run that ends after a tool call may have answered; so may one to which a
            // delegate returned.
            let returned = tool.delegates && !tool.failed && !event.error;
            escalated || !shows_calls && (returned || !handoff::asks(tree, last.event))
        }
        _ => true,
    }
}

fn settle_handoffs(verdicts: Vec<HandoffState>, decided: &mut Decided, facts: &mut Vec<Fact>) {
    for verdict in verdicts {
        if verdict.escalated {
            let what = What::Escalation {
                workflow: verdict.handoff.workflow.clone(),
                from: verdict.handoff.from.clone(),
            };
            facts.push(Fact::new(verdict.at, verdict.trace, what));
        }
        if verdict.pending {
            facts.push(Fact::new(verdict.at, verdict.trace, What::Pending(1)));
            decided.pending.push(verdict);
        } else {
            facts.push(Fact {
                threshold: verdict.threshold,
                ..Fact::new(verdict.at, verdict.trace, What::Handoff(verdict.handoff))
            });
        }
    }
}
