//! The open workflow of a session, and its outcome.

use super::outcomes::{ClosedWorkflow, Standing, amount};
use super::{Output, Settings};
use crate::model::Name;
use crate::model::event::{Basis, Outcome};
use crate::model::fact::{Fact, TurnResult, What, Workflow};
use crate::model::ids::{PartitionKey, TenantScoped};
use crate::model::record::{Contact, Record};
use crate::model::time::Timestamp;
use crate::turn::{Judge, WorkflowSummary};

/// One unit of business work that is not closed: the summary of its turns, with the times of its timers.
#[derive(Debug)]
pub(super) struct OpenWorkflow {
    /// Written by each decided turn and by late calls (cost), read when it closes.
    pub(super) summary: WorkflowSummary,
    /// Arrival time of its first turn, for `max_age`.
    pub(super) opened: Timestamp,
    /// Arrival time of its last turn, for `settle` and `idle_timeout`.
    pub(super) touched: Timestamp,
}

impl OpenWorkflow {
    /// A workflow that begins with a turn.
    pub(super) fn open(mut turn: WorkflowSummary, now: Timestamp) -> Self {
        turn.limit_models();
        Self {
            summary: turn,
            opened: now,
            touched: now,
        }
    }

    /// Whether a turn is more work on this workflow, by event time (W-2).
    pub(super) fn continues_with(&self, turn: &WorkflowSummary, settings: &Settings) -> bool {
        let own = &self.summary;
        let same_id = own.id.is_none() || turn.id.is_none() || own.id == turn.id;
        // A user who brings another intent after the outcome begins something new, however soon.
        let other_intent =
            own.intent.is_some() && turn.intent.is_some() && own.intent != turn.intent;
        let has_outcome = own.outcome.as_ref().is_some_and(|verdict| {
            let at = verdict.at;
            at < turn.start && (other_intent || at + settings.settle < turn.start)
        });
        let idle = turn.start > own.end + settings.idle_timeout;
        let old = turn.start > own.start + settings.max_age;
        same_id && !has_outcome && !idle && !old
    }

    /// Adds the turn that was decided last.
    pub(super) fn append(&mut self, turn: WorkflowSummary, now: Timestamp) {
        self.summary.append(turn);
        self.touched = now;
    }

    /// Two workflows that are open in one session, because its IDs have met, become one (S-3).
    pub(super) fn merge(&mut self, other: Self) {
        let Self {
            summary,
            opened,
            touched,
        } = other;
        self.summary.merge(summary);
        self.opened = self.opened.min(opened);
        self.touched = self.touched.max(touched);
    }

    /// When its timers close it, in arrival time (W-7).
    pub(super) fn deadline(&self, settings: &Settings) -> Timestamp {
        let wait = if self.summary.outcome.is_some() {
            settings.settle
        } else {
            settings.idle_timeout
        };
        (self.touched + wait).min(self.opened + settings.max_age)
    }

    /// The outcome by the evidence; the first rule that applies decides.
    fn outcome(&self) -> Outcome {
        let summary = &self.summary;
        if let Some(verdict) = &summary.outcome {
            verdict.outcome
        } else if summary.escalated {
            Outcome::Escalated
        } else if summary.last_broke {
            Outcome::Failed
        } else if summary.last_result == Some(TurnResult::Failed) {
            Outcome::Abandoned
        } else {
            Outcome::Unverified
        }
    }

    /// The steps by the rules over workflows, and the outcome by all evidence of the agents, with what it rests on.
    fn judged(&mut self, judge: &Judge) -> (Vec<Name>, (Outcome, Name, Basis)) {
        let by_evidence = self.outcome();
        let (ruled, steps) = judge.workflow(&self.summary, by_evidence);
        let outcome = match (ruled, self.summary.outcome.take()) {
            (Some((outcome, rule)), _) => (outcome, rule, Basis::Rule),
            (None, Some(verdict)) => match verdict.rule {
                Some(rule) => (verdict.outcome, rule, Basis::Rule),
                None => {
                    let because = Name::from("a span declares it");
                    (verdict.outcome, because, Basis::Declared)
                }
            },
            (None, None) => (by_evidence, by_default(by_evidence), Basis::Inferred),
        };
        (steps, outcome)
    }

    /// Closes it for good, and leaves a record at its user. The outcome says what it rests on (W-9). `remember` keeps it for reports from
    /// outside, and says what those that are there make of it (O-2).
    pub(super) fn close(
        mut self,
        judge: &Judge,
        now: Timestamp,
        remember: impl FnOnce(ClosedWorkflow) -> (Standing, Option<Name>),
        out: &mut Output,
    ) {
        let (steps, (found, because, basis)) = self.judged(judge);
        self.summary.steps.extend(steps);
        let found = Standing {
            outcome: found,
            value: self.summary.value.map(|(_, nano)| nano),
        };
        let closed = ClosedWorkflow::new(&self.summary, found, now);
        let (Standing { outcome, value }, source) = remember(closed);
        let (because, basis) = match source {
            Some(source) => (
                Name::from(format!("outcome from {source}")),
                Basis::Declared,
            ),
            None => (because, basis),
        };
        let mut summary = self.summary;
        let fact = |summary: &WorkflowSummary, what| Fact {
            cohort: summary.cohort.clone(),
            threshold: summary.threshold,
            ..Fact::new(summary.end, summary.trace, what)
        };
        for step in std::mem::take(&mut summary.steps) {
            let workflow = summary.name.clone();
            let what = What::FunnelStep { workflow, step };
            out.facts.push(fact(&summary, what));
        }
        let what = What::Workflow(Workflow {
            workflow: summary.name.clone(),
            outcome,
            because,
            basis,
            duration: summary.end.since(summary.start),
            cost_usd: summary.cost.usd(),
            value_usd: amount(value),
            models: std::mem::take(&mut summary.models).into_iter().collect(),
            calls: summary.cost.calls,
            has_user: summary.user.is_some(),
            span: summary.span,
        });
        out.facts.push(fact(&summary, what));
        out.sends.extend(contact(summary, outcome));
    }
}

/// The record of a closed workflow for its user, to detect repeat contacts. `None`: no span names the user.
fn contact(summary: WorkflowSummary, outcome: Outcome) -> Option<(PartitionKey, Record)> {
    let key = PartitionKey::User(TenantScoped {
        tenant: summary.tenant,
        id: summary.user?,
    });
    let contact = Contact {
        workflow: summary.name,
        intent: summary.intent,
        outcome,
        start: summary.start,
        end: summary.end,
        trace: summary.trace,
        cohort: summary.cohort,
        threshold: summary.threshold,
    };
    Some((key, Record::Contact(Box::new(contact))))
}

/// The reason for an outcome that neither a rule nor a span declares.
fn by_default(outcome: Outcome) -> Name {
    Name::from(match outcome {
        Outcome::Escalated => "a human took over",
        Outcome::Failed => "the last turn broke",
        Outcome::Abandoned => "the last request got no answer",
        Outcome::Resolved | Outcome::Unverified => "nothing proved the result",
    })
}
