//! The merge of summaries.

use crate::model::Name;
use crate::model::call_costs::{CallCost, CallCosts};
use crate::model::cohort::Cohort;
use crate::model::event::Outcome;
use crate::model::fact::TurnResult;
use crate::model::ids::{SpanId, TraceId};
use crate::model::sampling::Threshold;
use crate::model::small_map::SmallSet;
use crate::model::time::Timestamp;
use crate::turn::summary::MAX_MODELS_PER_WORKFLOW;
use crate::turn::{DeclaredValue, TotalCost, Verdict, WorkflowSummary};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn name() -> impl Strategy<Value = Name> {
    (0..3).prop_map(|n| Name::from(format!("name {n}")))
}

fn names(most: usize) -> impl Strategy<Value = SmallSet<Name>> {
    let one = (0..40).prop_map(|n| Name::from(format!("name {n}")));
    vec(one, 0..most).prop_map(|names| names.into_iter().collect())
}

/// Few values of each field, so that many are equal.
fn time() -> impl Strategy<Value = Timestamp> {
    (0..3u64).prop_map(Timestamp)
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let outcome = prop_oneof![Just(Outcome::Resolved), Just(Outcome::Failed)];
    (time(), option::of(name()), outcome).prop_map(|(at, rule, outcome)| Verdict {
        at,
        rule,
        outcome,
    })
}

fn value() -> impl Strategy<Value = Option<DeclaredValue>> {
    option::of((time(), -2..3i128))
}

fn cohort() -> impl Strategy<Value = Cohort> {
    let value = prop_oneof![Just(Name::from("")), name()];
    vec(value, 0..3).prop_map(Cohort::of_values)
}

fn summary() -> impl Strategy<Value = WorkflowSummary> {
    let whose = (name(), 1..4u8, option::of(name()), time(), time(), cohort());
    let result = prop_oneof![Just(TurnResult::Answered), Just(TurnResult::Failed)];
    let known = (option::of(verdict()), names(4), names(4), names(30));
    let counts = (0..5u64, 0..5u64, 0..5u64, any::<bool>());
    let last = (
        option::of(result),
        any::<bool>(),
        option::of(0..3u64),
        0..9i128,
    );
    let labels = (
        option::of(name()),
        option::of(name()),
        option::of(name()),
        value(),
    );
    (whose, known, counts, last, labels).prop_map(|(whose, known, counts, last, labels)| {
        let mut summary = WorkflowSummary {
            name: whose.0,
            trace: TraceId::new(&[whose.1; 16]).expect("not zero"),
            span: SpanId::new(&[whose.1; 8]),
            id: whose.2,
            start: whose.3,
            end: whose.4,
            cohort: whose.5,
            outcome: known.0,
            steps: known.1,
            agents: known.2,
            models: known.3,
            turns: counts.0,
            handoffs: counts.1,
            failed_handoffs: counts.2,
            escalated: counts.3,
            last_result: last.0,
            last_broke: last.1,
            threshold: last.2.and_then(Threshold::new),
            cost: TotalCost {
                nano_usd: last.3,
                known: last.3 > 0,
                calls: CallCosts {
                    known: last.3 as u32 % 5,
                    no_usage: counts.1 as u32 % 3,
                    no_price: counts.2 as u32 % 2,
                },
            },
            user: labels.0,
            tenant: labels.1,
            intent: labels.2,
            value: labels.3,
        };
        summary.limit_models();
        summary
    })
}

fn merged(one: &WorkflowSummary, other: &WorkflowSummary) -> WorkflowSummary {
    let mut both = one.clone();
    both.merge(other.clone());
    both
}

proptest! {
    /// S-3: sessions may meet in any order.
    #[test]
    fn the_merge_is_commutative_and_associative(a in summary(), b in summary(), c in summary()) {
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert!(merged(&a, &b).models.iter().count() <= MAX_MODELS_PER_WORKFLOW);
    }

    /// S-3: each field by its rule, stated a second way.
    /// S-8.
    #[test]
    fn the_merge_keeps_what_both_know(a in summary(), b in summary()) {
        let both = merged(&a, &b);
        prop_assert_eq!((both.start, both.end), (a.start.min(b.start), a.end.max(b.end)));
        let first = if a.start < b.start { Some(&a) } else if b.start < a.start { Some(&b) } else { None };
        if let Some(first) = first {
            prop_assert_eq!((&both.name, both.trace), (&first.name, first.trace));
        }
        let last = if a.end > b.end { Some(&a) } else if b.end > a.end { Some(&b) } else { None };
        if let Some(last) = last {
            prop_assert_eq!((both.last_result, both.last_broke), (last.last_result, last.last_broke));
        }
        prop_assert_eq!(both.cost.nano_usd, a.cost.nano_usd + b.cost.nano_usd);
        prop_assert_eq!(both.cost.known, a.cost.known || b.cost.known);
        for cost in CallCost::ALL {
            prop_assert_eq!(both.cost.calls.of(cost), a.cost.calls.of(cost) + b.cost.calls.of(cost));
        }
        prop_assert_eq!(
            (both.turns, both.handoffs, both.failed_handoffs),
            (a.turns + b.turns, a.handoffs + b.handoffs, a.failed_handoffs + b.failed_handoffs)
        );
        prop_assert_eq!(both.escalated, a.escalated || b.escalated);
        let certain = a.threshold.is_none() || b.threshold.is_none();
        prop_assert_eq!(both.threshold.is_none(), certain);
        for one in [&a, &b] {
            prop_assert!(one.steps.iter().all(|step| both.steps.iter().any(|s| s == step)));
            prop_assert!(one.agents.iter().all(|agent| both.agents.iter().any(|a| a == agent)));
            prop_assert!(both.outcome >= one.outcome && both.value >= one.value);
            prop_assert!(both.id >= one.id && both.user >= one.user);
            prop_assert!(both.tenant >= one.tenant && both.intent >= one.intent);
            for dimension in 0..3 {
                prop_assert!(both.cohort.value(dimension) >= one.cohort.value(dimension));
            }
        }
    }

    /// W-3: the next turn is known to be the later one, so its intent, cohort and result count whatever their size.
    #[test]
    fn the_next_turn_is_appended_by_its_order(workflow in summary(), turn in summary()) {
        let mut both = workflow.clone();
        both.append(turn.clone());
        prop_assert_eq!((&both.name, both.trace), (&workflow.name, workflow.trace));
        prop_assert_eq!(&both.user, &workflow.user.clone().or(turn.user.clone()));
        prop_assert_eq!(&both.tenant, &workflow.tenant.clone().or(turn.tenant.clone()));
        prop_assert_eq!(&both.intent, &turn.intent.clone().or(workflow.intent.clone()));
        prop_assert_eq!(both.cohort, turn.cohort.or(&workflow.cohort));
        prop_assert_eq!((both.last_result, both.last_broke), (turn.last_result, turn.last_broke));
        prop_assert_eq!((both.start, both.end), (workflow.start.min(turn.start), workflow.end.max(turn.end)));
        prop_assert_eq!(both.turns, workflow.turns + turn.turns);
    }
}
