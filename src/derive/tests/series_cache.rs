//! The series cache makes no difference but in time.

use super::in_cohort;
use crate::derive::*;
use crate::model::Name;
use crate::model::call_costs::CallCosts;
use crate::model::event::{Basis, Outcome, Usage};
use crate::model::fact::{
    Ending, Evidence, HandoffKind, HandoffPlace, IntentPassed, Retention, Workflow,
};
use proptest::prelude::*;
use std::time::Duration;

fn calls(known: u64, lacks_usage: bool, lacks_price: bool) -> CallCosts {
    CallCosts {
        known: known as u32,
        no_usage: lacks_usage.into(),
        no_price: lacks_price.into(),
    }
}

fn passed(kept: bool) -> IntentPassed {
    IntentPassed { kept, sides: None }
}

/// A fact whose kind, labels and parts follow from a number.
fn what(number: u64) -> What {
    let bit = |place: u32| number >> (2 + place) & 1 == 1;
    let some = |place, value: u64| bit(place).then_some(value);
    let name = |place: u32| Name::from(["a", "b", "c"][(number >> (9 + place)) as usize % 3]);
    let wait = |place| some(place, number % 7).map(Duration::from_secs);
    let usd = |place| some(place, number % 5).map(|usd| usd as f64);
    let outcome = Outcome::ALL[(number >> 10) as usize % Outcome::ALL.len()];
    match number % 4 {
        0 => What::Turn(Turn {
            workflow: name(0),
            result: TurnResult::ALL[usize::from(bit(0))],
            duration: Duration::from_secs(number % 9),
            first_token: wait(1),
            is_assumed: bit(3),
            by_agent: vec![(name(1), Duration::from_secs(1)); usize::from(bit(2))],
        }),
        1 => What::Workflow(Workflow {
            workflow: name(0),
            outcome,
            because: "r".into(),
            basis: Basis::Declared,
            duration: Duration::from_secs(number % 9),
            cost_usd: usd(0),
            value_usd: usd(1),
            models: [name(1), name(2)][..usize::from(bit(2)) + usize::from(bit(3))].to_vec(),
            calls: calls(number % 3, bit(4), bit(5)),
            has_user: bit(6),
            span: None,
        }),
        2 => What::Model(ModelCallFact {
            agent: name(0),
            provider: name(1),
            model: name(2),
            operation: [Operation::Chat, Operation::Embeddings][usize::from(bit(0))],
            ending: Ending::of(bit(1), bit(0)),
            usage: bit(2).then(|| Usage {
                input: number % 11,
                output: number % 13,
                cache_read: some(3, 1),
                cache_write: some(4, 2),
                reasoning: some(5, 3),
            }),
            cost: [
                Cost::Unknown,
                Cost::Unpriced,
                Cost::Declared(0.5),
                Cost::Computed(0.25),
            ][(number >> 10) as usize % 4],
            cache_savings: bit(4).then_some(number as f64 % 3.0 - 1.0),
            duration: Duration::from_secs(number % 9),
            first_token: wait(6),
        }),
        _ => What::Handoff(Handoff {
            workflow: name(2),
            from: name(0),
            to: name(1),
            kind: HandoffKind::ALL[(number >> 10) as usize % 3],
            result: HandoffResult::ALL[(number >> 11) as usize % 6],
            latency: wait(0),
            retention: bit(1).then_some(Retention {
                ratio: 0.5,
                evidence: [Evidence::Declared, Evidence::Content][usize::from(bit(2))],
            }),
            intent: bit(3).then(|| passed(bit(4))),
            phantom: bit(5),
            basis: Basis::Inferred,
            place: HandoffPlace::default(),
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever comes in which order, within limits that are met and with series that expire: what is found by rows is what is
    /// found by labels.
    #[test]
    fn series_are_the_same_found_by_rows_or_by_labels(
        kind in 0..4_u64,
            facts in prop::collection::vec((0..1_u64 << 10, any::<bool>(), 0..3_u64), 1..600),
    ) {
        let settings = Settings {
            max_series: 30,
            max_label_values: 2,
            expire_after: Duration::from_secs(100),
            dimensions: vec!["tier".into()],
            ..Settings::default()
        };
        let (mut rows, mut labels) = (Deriver::new(settings.clone()), Deriver::new(settings));
        let mut now = 1;
        for (number, tier, wait) in facts {
            let tier = if tier { "gold" } else { "" };
            let fact = in_cohort(&[(0, tier)], what(number << 2 | kind));
            now += wait;
            for deriver in [&mut rows, &mut labels] {
                deriver.advance(Timestamp(now * 1_000_000_000));
                deriver.apply(&fact, Timestamp(now * 1_000_000_000));
            }
            labels.store.rows.forget();
        }
        prop_assert_eq!(rows.families(), labels.families());
    }
}

/// A condition that the shape of a row does not say shifts what comes after it: nothing may be counted in a series of another metric.
#[test]
fn a_row_whose_shape_missed_something_counts_right_all_the_same() {
    let count = |present: &[bool], by_rows: bool| {
        let mut deriver = Deriver::new(Settings::default());
        let of = in_cohort(&[], What::Session);
        let when = Moment {
            now: Timestamp(1),
            at: of.at,
            trace: of.trace,
            weight: 1,
            cohort: &of.cohort,
        };
        for present in present {
            deriver
                .store
                .row((RowKind::Turn, 0), &["a"], when, |store| {
                    if *present {
                        store.observe(Metric::FeedbackScore, &["a"], 1.0, when);
                    }
                    store.count(Metric::ToolCalls, &["a", "ok"], 1, when);
                    store.observe(Metric::EvaluationScore, &["a"], 0.5, when);
                });
            if !by_rows {
                deriver.store.rows.forget();
            }
        }
        deriver.families()
    };
    for present in 0..16_u8 {
        let present = [0, 1, 2, 3].map(|bit| present >> bit & 1 == 1);
        assert_eq!(count(&present, true), count(&present, false), "{present:?}");
    }
}
