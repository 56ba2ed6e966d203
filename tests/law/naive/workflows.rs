//! Workflows: units of business work inside a session, each with exactly one outcome.

use super::handoffs::{HUMAN, Handoff};
use super::tree::{Tree, weight};
use super::turns::{Turn, failed};
use super::{Settings, Sheet, actions};
use baton::model::Name;
use baton::model::event::{Event, Kind, Operation, Outcome, Target};
use baton::model::ids::Scoped;
use baton::model::time::Timestamp;
use std::collections::BTreeSet;

/// What a closed workflow leaves.
pub struct Closed {
    user: Option<Scoped>,
    intent: Option<Name>,
    workflow: Name,
    outcome: Outcome,
    start: Timestamp,
    end: Timestamp,
    weight: f64,
}

/// Models of one workflow that are remembered, the first ones by name.
const MOST_MODELS: usize = 16;

pub fn of<'e>(
    tree: &Tree<'e>,
    turns: &[Turn<'e>],
    handoffs: &[Handoff<'e>],
    settings: &Settings,
    sheet: &mut Sheet,
) -> Vec<Closed> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (i, turn) in turns.iter().enumerate().filter(|(_, t)| t.is_one()) {
        let open = groups.last_mut().filter(|group| {
            let said = group
                .iter()
                .filter_map(|i| declared(tree, &turns[*i], settings))
                .max();
            let over = said.is_some_and(|(at, ..)| {
                let intents = (
                    group.iter().rev().find_map(|i| intent(&turns[*i])),
                    intent(turn),
                );
                let other = matches!(intents, (Some(a), Some(b)) if a != b);
                at < turn.start && (other || turn.start.since(at) > settings.settle)
            });
            let of = |i: usize| handoffs.iter().filter(|h| h.turn == i).collect::<Vec<_>>();
            let end = group
                .iter()
                .map(|i| ending(tree, &turns[*i], &of(*i)).end)
                .max();
            let idle = turn.start.since(end.unwrap_or_default()) > settings.idle_timeout;
            let ids = (
                group.iter().find_map(|i| workflow_id(&turns[*i])),
                workflow_id(turn),
            );
            let other = matches!(ids, (Some(a), Some(b)) if a != b);
            !over && !idle && !other
        });
        match open {
            Some(group) => group.push(i),
            None => groups.push(vec![i]),
        }
    }
    let groups = groups.iter();
    groups
        .map(|group| close(tree, turns, group, handoffs, settings, sheet))
        .collect()
}

/// The verdict of a turn: when, whether a rule found it, and what it is. The latest one counts.
fn declared(
    tree: &Tree<'_>,
    turn: &Turn<'_>,
    settings: &Settings,
) -> Option<(Timestamp, bool, Outcome)> {
    let refund = |event: &Event| matches!(&event.kind, Kind::Tool(tool) if &*tool.name == "issue_refund" && !tool.failed && !event.error);
    let ruled = turn
        .events
        .iter()
        .filter(|event| settings.ruled && refund(event));
    let ruled = ruled.map(|event| (event.end, true, Outcome::Resolved));
    let said = turn.events.iter().filter_map(|event| {
        let outcome = event.outcome.as_ref()?.outcome;
        match tree
            .parent(event)
            .filter(|_| matches!(event.kind, Kind::Note(_)))
        {
            // A log record speaks for its span, where that says nothing itself.
            Some(span) if span.outcome.is_some() => None,
            Some(span) => Some((span.end, false, outcome)),
            None => Some((event.end, false, outcome)),
        }
    });
    ruled.chain(said).max()
}

/// How a turn ended, by its last step.
struct Ending<'e> {
    /// The step that answered the user.
    answer: Option<&'e Event>,
    /// It did not answer, and an error or a lost handoff is why.
    broken: bool,
    end: Timestamp,
}

fn ending<'e>(tree: &Tree<'e>, turn: &Turn<'e>, handoffs: &[&Handoff<'e>]) -> Ending<'e> {
    let escalated = handoffs
        .iter()
        .any(|handoff| handoff.to == HUMAN && handoff.reason.is_empty());
    let mut steps = turn.activations.iter().flat_map(|a| &a.steps);
    let shows_calls = steps.any(|step| matches!(step.kind, Kind::Model(_)));
    let last = turn.last_step();
    let answer = last.filter(|last| {
        let answers = match &last.kind {
            Kind::Model(call) => call.requests.is_empty() && call.answered != Some(false),
            Kind::Tool(tool) => {
                let gives = matches!(tool.hands_to, Some(Target::Agent(_) | Target::Unknown));
                let returned = tool.delegates && !tool.failed && !last.error;
                !shows_calls && (returned || !gives)
            }
            _ => return !failed(tree, last),
        };
        !failed(tree, last) && (escalated || answers)
    });
    let lost = handoffs
        .iter()
        .any(|handoff| ["dropped", "rejected"].contains(&handoff.first_reason));
    let root_failed = turn
        .events
        .iter()
        .any(|e| e.parent.is_none() && e.error && !matches!(e.kind, Kind::Note(_)));
    Ending {
        answer,
        broken: answer.is_none()
            && (last.is_some_and(|last| failed(tree, last)) || lost || root_failed),
        end: answer.map_or(turn.end, |answer| answer.end),
    }
}

fn close<'e>(
    tree: &Tree<'e>,
    turns: &[Turn<'e>],
    group: &[usize],
    handoffs: &[Handoff<'e>],
    settings: &Settings,
    sheet: &mut Sheet,
) -> Closed {
    let own: Vec<&Turn<'e>> = group.iter().map(|i| &turns[*i]).collect();
    let events: Vec<&Event> = own
        .iter()
        .flat_map(|turn| turn.events.iter().copied())
        .collect();
    let mut endings = Vec::new();
    for &number in group {
        let turn = &turns[number];
        let of_turn: Vec<&Handoff<'e>> = handoffs.iter().filter(|h| h.turn == number).collect();
        let ending = ending(tree, turn, &of_turn);
        let mut seen = sheet.by(1.0);
        let sampling = match tree.threshold(turn.trace()) {
            Some(_) => "weighted",
            None => "unweighted",
        };
        seen.count("baton_observed_turns_total", &[("sampling", sampling)]);
        let mut sheet = sheet.by(tree.weight_of_trace(turn.trace()));
        let workflow = workflow(turn);
        let label = [("workflow", &*workflow)];
        let result = if ending.answer.is_some() {
            "answered"
        } else {
            "failed"
        };
        sheet.count(
            "baton_turns_total",
            &[&label[..], &[("result", result)]].concat(),
        );
        let wait = ending.end.since(turn.start).as_secs_f64();
        sheet.observe("baton_turn_duration_seconds", &label, wait);
        for (agent, seconds) in turn.shares(ending.end) {
            let labels = [&label[..], &[("agent", agent)]].concat();
            sheet.observe("baton_turn_agent_duration_seconds", &labels, seconds);
        }
        let first = ending.answer.and_then(|event| match &event.kind {
            Kind::Model(call) => {
                Some(event.start.since(turn.start).as_secs_f64() + call.first_token_seconds?)
            }
            _ => None,
        });
        if let Some(first) = first {
            sheet.observe("baton_turn_first_token_seconds", &label, first);
        }
        endings.push(ending);
    }
    let workflow = workflow(own[0]);
    let all_handoffs: Vec<&Handoff<'e>> = handoffs.iter().collect();
    let handoffs: Vec<&Handoff<'e>> = handoffs
        .iter()
        .filter(|h| group.contains(&h.turn))
        .collect();
    let outcome = outcome(tree, &own, &endings, &handoffs, settings);
    let labels = [("workflow", &*workflow), ("outcome", outcome.as_str())];
    let trace = own[0].trace();
    let kept = own.iter().map(|turn| tree.threshold(turn.trace())).min();
    let weight = weight(kept.flatten(), trace);
    let mut sheet = sheet.by(weight);
    sheet.count("baton_workflows_total", &labels);
    let start = own.iter().map(|turn| turn.start).min().unwrap_or_default();
    let end = endings
        .iter()
        .map(|ending| ending.end)
        .max()
        .unwrap_or_default();
    sheet.observe(
        "baton_workflow_duration_seconds",
        &labels,
        end.since(start).as_secs_f64(),
    );
    let calls: Vec<_> = own.iter().flat_map(|turn| turn.calls(tree)).collect();
    let of_calls = calls
        .iter()
        .map(|(event, _)| tree.measured(event).1.cost.usd());
    let of_actions = own
        .iter()
        .flat_map(|turn| actions(tree, turn, &settings.prices));
    let of_actions = of_actions.map(|(_, _, _, usd)| Some(usd));
    let of_people = handoffs
        .iter()
        .map(|handoff| handoff.cost(&settings.prices));
    let costs = of_calls.chain(of_actions).chain(of_people).flatten();
    let cost = costs.reduce(|a, b| a + b);
    if let Some(usd) = cost {
        sheet.observe("baton_workflow_cost_usd", &labels, usd);
    }
    let answered = calls
        .iter()
        .filter(|(_, call)| call.operation == Operation::Chat && !call.failed);
    let models: BTreeSet<&Name> = answered
        .filter_map(|(_, call)| call.model.as_ref())
        .collect();
    if models.len() > 1 {
        sheet.count("baton_workflow_cascades_total", &labels);
    }
    for model in models.into_iter().take(MOST_MODELS) {
        let labels = [("model", &**model), ("outcome", outcome.as_str())];
        sheet.count("baton_model_workflows_total", &labels);
        sheet.add(
            "baton_model_workflow_cost_usd_total",
            &labels,
            cost.unwrap_or_default(),
        );
    }
    let values = events
        .iter()
        .filter_map(|event| Some((event.end, event.value_usd?)));
    if let Some((_, value)) = values.max_by_key(|(end, _)| *end) {
        sheet.add("baton_workflow_value_usd_total", &labels, value);
    }
    for step in steps(&own, group, &all_handoffs, settings) {
        sheet.count(
            "baton_funnel_steps_total",
            &[("workflow", &*workflow), ("step", step)],
        );
    }
    Closed {
        user: events.iter().find_map(|event| {
            Some(Scoped {
                tenant: events.iter().find_map(|e| e.tenant.clone()),
                id: event.user.clone()?,
            })
        }),
        intent: own.iter().rev().find_map(|turn| intent(turn)).cloned(),
        workflow,
        outcome,
        start,
        end,
        weight,
    }
}

fn outcome<'e>(
    tree: &Tree<'e>,
    turns: &[&Turn<'e>],
    endings: &[Ending<'e>],
    handoffs: &[&Handoff<'e>],
    settings: &Settings,
) -> Outcome {
    let escalated = handoffs
        .iter()
        .any(|h| h.to == HUMAN && h.reason.is_empty());
    if settings.ruled && turns.len() > 2 && escalated {
        return Outcome::Failed;
    }
    let declared = turns
        .iter()
        .filter_map(|turn| declared(tree, turn, settings))
        .max();
    let last = &endings[endings.len() - 1];
    match declared {
        Some((_, _, outcome)) => outcome,
        None if escalated => Outcome::Escalated,
        None if last.broken => Outcome::Failed,
        None if last.answer.is_none() => Outcome::Abandoned,
        None => Outcome::Unverified,
    }
}

/// What the user came for, as a turn first says it.
fn intent<'t>(turn: &'t Turn<'_>) -> Option<&'t Name> {
    turn.events.iter().find_map(|event| event.intent.as_ref())
}

fn workflow_id<'t>(turn: &'t Turn<'_>) -> Option<&'t Name> {
    turn.events
        .iter()
        .find_map(|event| event.workflow_id.as_ref())
}

/// The name of the outermost workflow.
fn workflow(turn: &Turn<'_>) -> Name {
    let named = turn.events.iter().find_map(|event| event.workflow.clone());
    named.unwrap_or("default".into())
}

fn steps(
    turns: &[&Turn<'_>],
    group: &[usize],
    handoffs: &[&Handoff<'_>],
    settings: &Settings,
) -> BTreeSet<&'static str> {
    let mut steps = BTreeSet::new();
    if !settings.ruled {
        return steps;
    }
    let mut events = turns.iter().flat_map(|turn| &turn.events);
    if events.any(|event| matches!(&event.kind, Kind::Tool(tool) if &*tool.name == "lookup")) {
        steps.insert("looked");
    }
    let judged = |h: &&Handoff<'_>| h.judged_in.is_some_and(|turn| group.contains(&turn));
    if handoffs.iter().any(judged) {
        steps.insert("passed on");
    }
    if turns.len() > 1 {
        steps.insert("long");
    }
    steps
}

/// The same user comes with the same intent (or none both times) soon after a workflow ended: it was not settled.
pub fn recontacts(closed: &[Closed], settings: &Settings, sheet: &mut Sheet) {
    for earlier in closed.iter().filter(|closed| closed.user.is_some()) {
        let again = closed.iter().any(|later| {
            later.user == earlier.user
                && later.intent == earlier.intent
                && later.start > earlier.end
                && later.start.since(earlier.end) <= settings.recontact_window
        });
        if again {
            let labels = [
                ("workflow", &*earlier.workflow),
                ("outcome", earlier.outcome.as_str()),
            ];
            let mut sheet = sheet.by(earlier.weight);
            sheet.count("baton_workflow_recontacts_total", &labels);
        }
    }
}
