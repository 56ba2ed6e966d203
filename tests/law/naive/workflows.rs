//! Workflows: units of business work inside a session, each with exactly one outcome.

use super::handoffs::{HUMAN, Handoff};
use super::tree::{Tree, weight};
use super::turns::{Turn, failed};
use super::{Settings, Sheet, actions};
use baton::model::Name;
use baton::model::event::{Event, Kind, Operation, Outcome, Target};
use baton::model::ids::{TenantScoped, TraceId};
use baton::model::time::Timestamp;
use std::collections::BTreeSet;

/// What a closed workflow leaves.
pub struct Closed {
    user: Option<TenantScoped>,
    intent: Option<Name>,
    workflow: Name,
    outcome: Outcome,
    start: Timestamp,
    end: Timestamp,
    weight: f64,
}

/// Models of one workflow that are remembered, the first ones by name.
const MOST_MODELS: usize = 16;

/// A workflow that may go on.
struct Case<'t> {
    /// By number.
    turns: BTreeSet<usize>,
    /// The turn that says how it ended.
    last: usize,
    start: (Timestamp, TraceId),
    end: (Timestamp, TraceId),
    /// The latest verdict, with its time.
    verdict: Option<(Timestamp, bool, Outcome)>,
    id: Option<&'t Name>,
    intent: Option<&'t Name>,
    user: Option<&'t Name>,
}

impl<'t> Case<'t> {
    fn new<'e>(
        tree: &Tree<'e>,
        (number, turn): (usize, &'t Turn<'e>),
        handoffs: &[Handoff<'e>],
        settings: &Settings,
    ) -> Self {
        let own: Vec<&Handoff<'e>> = handoffs.iter().filter(|h| h.turn == number).collect();
        Self {
            turns: BTreeSet::from([number]),
            last: number,
            start: (turn.start, turn.trace()),
            end: (ending(tree, turn, &own).end, turn.trace()),
            verdict: declared(tree, turn, settings),
            id: first(turn, |event| event.context.workflow_id.as_ref()),
            intent: first(turn, |event| event.context.intent.as_ref()),
            user: first(turn, |event| event.context.user.as_ref()),
        }
    }

    /// Whether it is not closed yet when its session next shows something: with a verdict it closes as soon as its turns are decided.
    fn is_open(&self, turns: &[Turn<'_>], at: Timestamp, settings: &Settings) -> bool {
        let turns = || self.turns.iter().map(|i| &turns[*i]);
        match self.verdict {
            Some(_) => turns().any(|turn| at <= turn.decided),
            None => turns().any(|turn| at.since(turn.shown) <= settings.idle_timeout),
        }
    }

    /// Whether the next turn is more work on it.
    fn goes_on_with(&self, next: &Self, settings: &Settings) -> bool {
        let differ = |one, other| matches!((one, other), (Some(a), Some(b)) if a != b);
        let start = next.start.0;
        let over = self.verdict.is_some_and(|(at, ..)| {
            let other = differ(self.intent, next.intent);
            at < start && (other || start.since(at) > settings.settle)
        });
        let idle = start.since(self.end.0) > settings.idle_timeout;
        !over && !idle && !differ(self.id, next.id)
    }

    /// With one more turn: the first id and user that are named count, and the last intent.
    fn and(self, next: Self) -> Self {
        Self {
            last: next.last,
            id: self.id.or(next.id),
            intent: next.intent.or(self.intent),
            user: self.user.or(next.user),
            ..self.joined(next)
        }
    }

    /// Two that are open where sessions meet are one. Nobody is the first of them, so of two names the greater one counts.
    fn joined(mut self, mut other: Self) -> Self {
        let last = if self.end > other.end {
            self.last
        } else {
            other.last
        };
        self.turns.append(&mut other.turns);
        Self {
            turns: self.turns,
            last,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
            verdict: self.verdict.max(other.verdict),
            id: self.id.max(other.id),
            intent: self.intent.max(other.intent),
            user: self.user.max(other.user),
        }
    }
}

pub fn of<'e>(
    tree: &Tree<'e>,
    turns: &[Turn<'e>],
    handoffs: &[Handoff<'e>],
    settings: &Settings,
    sheet: &mut Sheet,
) -> Vec<Closed> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    let mut closed: Vec<Case<'_>> = Vec::new();
    for (number, turn) in turns.iter().enumerate() {
        let mut open = None;
        for (at, session) in &turn.before {
            let own = |case: &mut Case<'_>| !case.turns.is_disjoint(session);
            for case in cases.extract_if(.., own) {
                if case.is_open(turns, *at, settings) {
                    open = match open {
                        Some(other) => Some(case.joined(other)),
                        None => Some(case),
                    };
                } else {
                    closed.push(case);
                }
            }
        }
        let is_one = turn.is_one();
        let next = is_one.then(|| Case::new(tree, (number, turn), handoffs, settings));
        match (open, next) {
            (Some(case), Some(next)) if case.goes_on_with(&next, settings) => {
                cases.push(case.and(next));
            }
            (ended, Some(next)) => {
                closed.extend(ended);
                cases.push(next);
            }
            // In no workflow, though sessions may have met in it.
            (open, None) => cases.extend(open),
        }
    }
    let cases = closed.iter().chain(&cases);
    cases
        .map(|case| close(tree, turns, case, handoffs, settings, sheet))
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
        let outcome = event.rare.outcome.as_ref()?.outcome;
        match tree
            .parent(event)
            .filter(|_| matches!(event.kind, Kind::Note(_)))
        {
            // A log record speaks for its span, where that says nothing itself.
            Some(span) if span.rare.outcome.is_some() => None,
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
    case: &Case<'_>,
    handoffs: &[Handoff<'e>],
    settings: &Settings,
    sheet: &mut Sheet,
) -> Closed {
    let own: Vec<&Turn<'e>> = case.turns.iter().map(|i| &turns[*i]).collect();
    let events: Vec<&Event> = own
        .iter()
        .flat_map(|turn| turn.events.iter().copied())
        .collect();
    let mut last = None;
    for &number in &case.turns {
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
        let workflow = turn.workflow();
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
        if number == case.last {
            last = Some(ending);
        }
    }
    let workflow = own[0].workflow();
    let all_handoffs: Vec<&Handoff<'e>> = handoffs.iter().collect();
    let handoffs: Vec<&Handoff<'e>> = handoffs
        .iter()
        .filter(|h| case.turns.contains(&h.turn))
        .collect();
    let outcome = outcome(case, last.as_ref(), &handoffs, settings);
    let labels = [("workflow", &*workflow), ("outcome", outcome.as_str())];
    let trace = own[0].trace();
    let kept = own.iter().map(|turn| tree.threshold(turn.trace())).min();
    let weight = weight(kept.flatten(), trace);
    let mut sheet = sheet.by(weight);
    sheet.count("baton_workflows_total", &labels);
    let (start, end) = (case.start.0, case.end.0);
    let elapsed = end.since(start).as_secs_f64();
    sheet.observe("baton_workflow_duration_seconds", &labels, elapsed);
    sheet.add("baton_workflow_elapsed_seconds_total", &labels, elapsed);
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
        sheet.add("baton_workflow_spend_usd_total", &labels, usd);
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
        let labels = [labels[0], ("model", &**model), labels[1]];
        sheet.count("baton_model_workflows_total", &labels);
        sheet.add(
            "baton_model_workflow_cost_usd_total",
            &labels,
            cost.unwrap_or_default(),
        );
    }
    let values = events
        .iter()
        .filter_map(|event| Some((event.end, event.context.value_usd?)));
    if let Some((_, value)) = values.max_by_key(|(end, _)| *end) {
        sheet.add("baton_workflow_value_usd_total", &labels, value);
    }
    for step in steps(&own, case, &all_handoffs, settings) {
        sheet.count(
            "baton_funnel_steps_total",
            &[("workflow", &*workflow), ("step", step)],
        );
    }
    Closed {
        user: case.user.map(|user| TenantScoped {
            tenant: events.iter().find_map(|e| e.context.tenant.clone()),
            id: user.clone(),
        }),
        intent: case.intent.cloned(),
        workflow,
        outcome,
        start,
        end,
        weight,
    }
}

fn outcome(
    case: &Case<'_>,
    last: Option<&Ending<'_>>,
    handoffs: &[&Handoff<'_>],
    settings: &Settings,
) -> Outcome {
    let escalated = handoffs
        .iter()
        .any(|h| h.to == HUMAN && h.reason.is_empty());
    if settings.ruled && case.turns.len() > 2 && escalated {
        return Outcome::Failed;
    }
    match (case.verdict, last) {
        (Some((_, _, outcome)), _) => outcome,
        _ if escalated => Outcome::Escalated,
        (None, Some(last)) if last.broken => Outcome::Failed,
        (None, Some(last)) if last.answer.is_none() => Outcome::Abandoned,
        _ => Outcome::Unverified,
    }
}

/// What a turn says first.
fn first<'t>(turn: &'t Turn<'_>, says: fn(&Event) -> Option<&Name>) -> Option<&'t Name> {
    turn.events.iter().find_map(|event| says(event))
}

fn steps(
    turns: &[&Turn<'_>],
    case: &Case<'_>,
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
    let judged = |h: &&Handoff<'_>| h.judged_in.is_some_and(|turn| case.turns.contains(&turn));
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
