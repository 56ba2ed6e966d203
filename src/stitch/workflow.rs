//! The open workflow of a session, and its outcome.

use super::cost::Spend;
use super::judge::{Judge, by_default};
use super::small_map::FewOf;
use super::turn::{Decided, Value, Verdict};
use super::{Output, Settings};
use crate::model::Name;
use crate::model::cohort::Cohort;
use crate::model::event::Outcome;
use crate::model::fact::{Fact, TurnResult, What, Workflow};
use crate::model::ids::{PartitionKey, TenantScoped, TraceId};
use crate::model::record::{Contact, Record};
use crate::model::sampling::Threshold;
use crate::model::time::Timestamp;

/// Models of one workflow that are remembered.
const MOST_MODELS: usize = 16;

/// One unit of business work, open.
#[derive(Debug)]
pub(super) struct OpenWorkflow {
    pub(super) name: Name,
    pub(super) id: Option<Name>,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) spend: Spend,
    /// The latest verdict, with its time.
    pub(super) outcome: Option<Verdict>,
    /// Steps of the funnel that it came to, each once.
    pub(super) steps: FewOf<Name>,
    pub(super) agents: FewOf<Name>,
    /// Models that answered a chat call.
    pub(super) models: FewOf<Name>,
    pub(super) turns: u64,
    /// Handoffs that are judged, and how many of them failed.
    pub(super) handoffs: u64,
    pub(super) failed_handoffs: u64,
    pub(super) escalated: bool,
    /// How the last turn ended, and whether an error or a lost handoff is why.
    pub(super) last: TurnResult,
    pub(super) broken: bool,
    pub(super) trace: TraceId,
    /// The smallest one of its turns, and none where one has none: it was seen as surely as the turn that was kept most surely.
    pub(super) threshold: Option<Threshold>,
    pub(super) cohort: Cohort,
    pub(super) user: Option<Name>,
    pub(super) tenant: Option<Name>,
    pub(super) intent: Option<Name>,
    pub(super) value: Option<Value>,
    /// Arrival times, for the timers.
    pub(super) opened: Timestamp,
    pub(super) touched: Timestamp,
}

impl OpenWorkflow {
    pub(super) fn open(turn: &Decided, result: TurnResult, now: Timestamp) -> Self {
        let mut workflow = Self {
            name: turn.workflow.clone(),
            id: turn.workflow_id.clone(),
            start: turn.start,
            end: turn.end,
            spend: Spend::default(),
            outcome: None,
            steps: FewOf::default(),
            agents: FewOf::default(),
            models: FewOf::default(),
            turns: 0,
            handoffs: 0,
            failed_handoffs: 0,
            escalated: false,
            last: result,
            broken: false,
            trace: turn.trace,
            threshold: turn.threshold,
            cohort: Cohort::default(),
            user: None,
            tenant: None,
            intent: None,
            value: None,
            opened: now,
            touched: now,
        };
        workflow.extend(turn, result, now);
        workflow
    }

    /// Whether a turn is more work on this workflow, by event time.
    pub(super) fn goes_on_with(&self, turn: &Decided, settings: &Settings) -> bool {
        let same_id =
            self.id.is_none() || turn.workflow_id.is_none() || self.id == turn.workflow_id;
        // Who comes with another intent after the outcome begins something new, however soon.
        let other_intent =
            self.intent.is_some() && turn.intent.is_some() && self.intent != turn.intent;
        let proven = self.outcome.as_ref().is_some_and(|proof| {
            let at = proof.at;
            at < turn.start && (other_intent || at + settings.settle < turn.start)
        });
        let idle = turn.start > self.end + settings.idle_timeout;
        let old = turn.start > self.start + settings.max_age;
        same_id && !proven && !idle && !old
    }

    pub(super) fn extend(&mut self, turn: &Decided, result: TurnResult, now: Timestamp) {
        self.id = self.id.take().or_else(|| turn.workflow_id.clone());
        self.start = self.start.min(turn.start);
        self.end = self.end.max(turn.end);
        self.spend.join(turn.spend);
        self.outcome = self.outcome.take().max(turn.outcome.clone());
        self.steps.extend(turn.steps.iter().cloned());
        self.agents.extend(turn.agents.iter().cloned());
        self.models.extend(turn.models.iter().cloned());
        // The first ones by name, so that their order leaves no mark.
        self.models.truncate(MOST_MODELS);
        self.turns += 1;
        self.handoffs += turn.handoffs;
        self.failed_handoffs += turn.failed_handoffs;
        self.escalated |= turn.escalated;
        self.last = result;
        self.broken = turn.broken;
        // A case may begin with a greeting: what it turned out to be about is declared later.
        self.cohort = turn.cohort.or(&self.cohort);
        self.user = self.user.take().or_else(|| turn.user.clone());
        self.tenant = self.tenant.take().or_else(|| turn.tenant.clone());
        self.intent = turn.intent.clone().or_else(|| self.intent.take());
        self.value = self.value.max(turn.value);
        self.threshold = self.threshold.min(turn.threshold);
        self.touched = now;
    }

    /// Two that are open in one session, as its ids have met, are one. Of names that differ the greater one stays: three may meet in
    /// any order.
    pub(super) fn joined(one: Self, other: Self) -> Self {
        let is_later = (other.end, other.trace) > (one.end, one.trace);
        let last = if is_later { &other } else { &one };
        let (last, broken) = (last.last, last.broken);
        let is_earlier = (other.start, other.trace) < (one.start, one.trace);
        let (mut first, then) = if is_earlier {
            (other, one)
        } else {
            (one, other)
        };
        first.spend.join(then.spend);
        first.steps.extend(then.steps);
        first.agents.extend(then.agents);
        first.models.extend(then.models);
        first.models.truncate(MOST_MODELS);
        Self {
            id: first.id.max(then.id),
            end: first.end.max(then.end),
            outcome: first.outcome.max(then.outcome),
            turns: first.turns + then.turns,
            handoffs: first.handoffs + then.handoffs,
            failed_handoffs: first.failed_handoffs + then.failed_handoffs,
            escalated: first.escalated || then.escalated,
            last,
            broken,
            threshold: first.threshold.min(then.threshold),
            cohort: first.cohort.joined(&then.cohort),
            user: first.user.max(then.user),
            tenant: first.tenant.max(then.tenant),
            intent: first.intent.max(then.intent),
            value: first.value.max(then.value),
            opened: first.opened.min(then.opened),
            touched: first.touched.max(then.touched),
            ..first
        }
    }

    /// Money of a call or an action that came late.
    pub(super) fn spend(&mut self, spend: Spend) {
        self.spend.join(spend);
    }

    /// When its timers close it, in arrival time.
    pub(super) fn deadline(&self, settings: &Settings) -> Timestamp {
        let wait = if self.outcome.is_some() {
            settings.settle
        } else {
            settings.idle_timeout
        };
        (self.touched + wait).min(self.opened + settings.max_age)
    }

    /// A handoff of it found no target.
    pub(super) fn lose_handoff(&mut self) {
        self.handoffs += 1;
        self.failed_handoffs += 1;
    }

    /// The default rules, first hit wins.
    fn outcome(&self) -> Outcome {
        if let Some(proof) = &self.outcome {
            proof.outcome
        } else if self.escalated {
            Outcome::Escalated
        } else if self.broken {
            Outcome::Failed
        } else if self.last == TurnResult::Failed {
            Outcome::Abandoned
        } else {
            Outcome::Unverified
        }
    }

    /// Closes it for good, and leaves a record at its user.
    pub(super) fn close(mut self, judge: &Judge, out: &mut Output) {
        let by_evidence = self.outcome();
        let (ruled, steps) = judge.workflow(&self, by_evidence);
        self.steps.extend(steps);
        let (outcome, because) = match (ruled, self.outcome.take()) {
            (Some(ruled), _) => ruled,
            (None, Some(proof)) => {
                let rule = proof
                    .rule
                    .unwrap_or_else(|| Name::from("a span declares it"));
                (proof.outcome, rule)
            }
            (None, None) => (by_evidence, by_default(by_evidence)),
        };
        for step in std::mem::take(&mut self.steps) {
            let workflow = self.name.clone();
            out.facts.push(Fact {
                cohort: self.cohort.clone(),
                threshold: self.threshold,
                ..Fact::new(self.end, self.trace, What::FunnelStep { workflow, step })
            });
        }
        let what = What::Workflow(Workflow {
            workflow: self.name.clone(),
            outcome,
            because,
            duration: self.end.since(self.start),
            cost_usd: self.spend.usd(),
            value_usd: self.value.map(|(_, nano)| nano as f64 / 1e9),
            models: self.models.into_iter().collect(),
        });
        out.facts.push(Fact {
            cohort: self.cohort.clone(),
            threshold: self.threshold,
            ..Fact::new(self.end, self.trace, what)
        });
        let Some(user) = self.user else {
            return;
        };
        let key = PartitionKey::User(TenantScoped {
            tenant: self.tenant,
            id: user,
        });
        let contact = Contact {
            workflow: self.name,
            intent: self.intent,
            outcome,
            start: self.start,
            end: self.end,
            trace: self.trace,
            cohort: self.cohort,
            threshold: self.threshold,
        };
        out.sends.push((key, Record::Contact(Box::new(contact))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<Name> {
        Some(Name::from(text))
    }

    fn part(n: u8, words: &str) -> OpenWorkflow {
        let at = |seconds: u64| Timestamp(seconds * 1_000_000_000);
        let n_seconds = u64::from(n);
        OpenWorkflow {
            name: Name::from("care"),
            id: name(words),
            start: at(n_seconds),
            end: at(100 + n_seconds),
            spend: Spend::default(),
            outcome: Some(Verdict {
                at: at(n_seconds),
                rule: None,
                outcome: Outcome::Resolved,
            }),
            steps: [Name::from(words)].into_iter().collect(),
            agents: [Name::from(words)].into_iter().collect(),
            models: [Name::from(words)].into_iter().collect(),
            turns: 2 + n_seconds,
            handoffs: 5 + n_seconds,
            failed_handoffs: 3 + n_seconds,
            escalated: n > 1,
            last: [TurnResult::Failed, TurnResult::Answered][usize::from(n > 1)],
            broken: n > 1,
            trace: TraceId::new(&[n; 16]).expect("not zero"),
            threshold: Threshold::new(3 - n_seconds),
            cohort: [(n - 1, Name::from(words))].iter().collect(),
            user: name(words),
            tenant: name(words),
            intent: name(words),
            value: Some((at(n_seconds), 7)),
            opened: at(10 - n_seconds),
            touched: at(20 + n_seconds),
        }
    }

    /// What is not of the earlier part alone is not what the earlier part has.
    #[test]
    fn two_parts_are_one_whichever_comes_first() {
        let parts = || [part(1, "a"), part(2, "z")];
        let [one, other] = parts();
        let [last, first] = parts();
        for joined in [
            OpenWorkflow::joined(one, other),
            OpenWorkflow::joined(first, last),
        ] {
            let [early, late] = parts();
            assert_eq!((joined.start, joined.trace), (early.start, early.trace));
            assert_eq!((joined.end, joined.outcome), (late.end, late.outcome));
            assert_eq!((joined.turns, joined.handoffs), (3 + 4, 6 + 7));
            assert_eq!((joined.failed_handoffs, joined.escalated), (4 + 5, true));
            assert_eq!((joined.last, joined.broken), (late.last, late.broken));
            assert_eq!(joined.threshold, late.threshold);
            assert_eq!(joined.cohort.values(), ["a", "z"].map(Name::from));
            for words in [joined.id, joined.user, joined.tenant, joined.intent] {
                assert_eq!(words, name("z"));
            }
            assert_eq!(joined.value, late.value);
            assert_eq!((joined.opened, joined.touched), (late.opened, late.touched));
            for known in [joined.steps, joined.agents, joined.models] {
                assert!(known.iter().map(|one| &**one).eq(["a", "z"]));
            }
        }
        // Of two that end at once the greater trace was last.
        let twins = || {
            [1, 2].map(|n| OpenWorkflow {
                end: Timestamp(9),
                start: Timestamp(1),
                ..part(n, "a")
            })
        };
        let [one, other] = twins();
        assert!(OpenWorkflow::joined(one, other).broken);
        let [one, other] = twins();
        assert!(OpenWorkflow::joined(other, one).broken);
        // Of two parts of one trace that are of one time, that of the session which stays counts.
        let [own, other] = [1, 2].map(|n| OpenWorkflow {
            name: Name::from(["care", "sales"][usize::from(n) - 1]),
            trace: part(1, "a").trace,
            end: Timestamp(9),
            start: Timestamp(1),
            ..part(n, "a")
        });
        let joined = OpenWorkflow::joined(own, other);
        assert_eq!((&*joined.name, joined.broken), ("care", false));
    }
}
