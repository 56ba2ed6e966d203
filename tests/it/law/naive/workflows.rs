//! Workflows: units of business work inside a session, each with exactly one outcome.

use super::turns::Turn;
use super::{Settings, Sheet, about, threshold, weight};
use baton::model::Name;
use baton::model::event::{Event, Kind, Outcome};
use baton::model::ids::{TenantScoped, TraceId};
use baton::model::time::Timestamp;
use std::collections::BTreeSet;

/// What a closed workflow leaves.
pub struct Closed {
    user: Option<TenantScoped>,
    intent: Option<Name>,
    workflow: Name,
    start: Timestamp,
    end: Timestamp,
    weight: f64,
}

/// A workflow that may go on.
struct Case<'t> {
    /// By number.
    turns: BTreeSet<usize>,
    start: (Timestamp, TraceId),
    end: (Timestamp, TraceId),
    /// The latest verdict, with its time.
    verdict: Option<(Timestamp, bool, Outcome)>,
    id: Option<&'t Name>,
    intent: Option<&'t Name>,
    user: Option<&'t Name>,
}

impl<'t> Case<'t> {
    fn new(events: &[Event], (number, turn): (usize, &'t Turn<'_>), settings: &Settings) -> Self {
        Self {
            turns: BTreeSet::from([number]),
            start: (turn.start, turn.trace()),
            end: (turn.end, turn.trace()),
            verdict: declared(events, turn, settings),
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
            id: self.id.or(next.id),
            intent: next.intent.or(self.intent),
            user: self.user.or(next.user),
            ..self.joined(next)
        }
    }

    /// Two that are open where sessions meet are one. Nobody is the first of them, so of two names the greater one counts.
    fn joined(mut self, mut other: Self) -> Self {
        self.turns.append(&mut other.turns);
        Self {
            turns: self.turns,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
            verdict: self.verdict.max(other.verdict),
            id: self.id.max(other.id),
            intent: self.intent.max(other.intent),
            user: self.user.max(other.user),
        }
    }
}

pub fn of(
    events: &[Event],
    turns: &[Turn<'_>],
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
        let next = is_one.then(|| Case::new(events, (number, turn), settings));
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
        .map(|case| close(events, turns, case, sheet))
        .collect()
}

/// The verdict of a turn: when, whether a rule found it, and what it is. The latest one counts.
fn declared(
    events: &[Event],
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
        match about(events, event) {
            // A log record speaks for its span, where that says nothing itself.
            Some(span) if span.rare.outcome.is_some() => None,
            Some(span) => Some((span.end, false, outcome)),
            None => Some((event.end, false, outcome)),
        }
    });
    ruled.chain(said).max()
}

fn close(events: &[Event], turns: &[Turn<'_>], case: &Case<'_>, sheet: &mut Sheet) -> Closed {
    let own: Vec<&Turn<'_>> = case.turns.iter().map(|i| &turns[*i]).collect();
    let kept = own.iter();
    let kept = kept.map(|turn| threshold(events, turn.trace(), turn.shown));
    let kept = kept.min();
    let weight = weight(kept.flatten(), own[0].trace()).unwrap_or(1.0);
    let workflow = own[0].workflow();
    sheet.add("baton_workflows_total", &[("workflow", &*workflow)], weight);
    if case.user.is_none() {
        let labels = [("workflow", &*workflow)];
        sheet.add("baton_workflows_without_user_total", &labels, weight);
    }
    let mut spans = own.iter().flat_map(|turn| turn.naming());
    Closed {
        user: case.user.map(|user| TenantScoped {
            tenant: spans.find_map(|e| e.context.tenant.clone()),
            id: user.clone(),
        }),
        intent: case.intent.cloned(),
        workflow,
        start: case.start.0,
        end: case.end.0,
        weight,
    }
}

/// What a turn says first.
fn first<'t>(turn: &'t Turn<'_>, says: fn(&Event) -> Option<&Name>) -> Option<&'t Name> {
    turn.naming().find_map(says)
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
            let labels = [("workflow", &*earlier.workflow)];
            sheet.add("baton_workflow_recontacts_total", &labels, earlier.weight);
        }
    }
}
