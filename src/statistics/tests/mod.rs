//! Tests of intervals, differences and verdicts. `tests/it/peers/statistics.rs` compares them with scipy and statsmodels.

mod unchanged;

use super::*;

/// Sums of cases, each of a customer of its own: how many of them are hits.
fn rate(hits: u64, cases: u64) -> Statistic {
    let mut sums = Grouped::<2>::default();
    for case in 0..cases {
        sums.add(scattered(case), [f64::from(u8::from(case < hits)), 1.0]);
    }
    sums.rate(0, 1).expect("there are cases")
}

/// A hash of a number.
fn scattered(number: u64) -> u64 {
    rapidhash::v3::rapidhash_v3(&number.to_le_bytes())
}

fn near(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 5e-5,
        "{found} instead of {expected}"
    );
}

#[test]
fn newcombes_own_example_has_his_interval() {
    // Newcombe 1998, table II, (a): 56/70 less 48/80 is 0.2, from 0.0524 to 0.3339.
    let plain = |share: f64, cases: f64| Statistic::Rate { share, cases };
    let change = Difference::new(&plain(56.0 / 70.0, 70.0), &plain(48.0 / 80.0, 80.0));
    let (low, high) = change.interval(ALPHA);
    near(low, 0.0524);
    near(high, 0.3339);
}

#[test]
fn cases_of_one_customer_are_one_piece_of_evidence() {
    let mut sums = Grouped::<2>::default();
    for customer in 0..100 {
        for _ in 0..10 {
            sums.add(
                scattered(customer),
                [f64::from(u8::from(customer < 30)), 1.0],
            );
        }
    }
    let Some(Statistic::Rate { share, cases }) = sums.rate(0, 1) else {
        panic!("there are cases");
    };
    near(share, 0.3);
    assert!(
        (60.0..110.0).contains(&cases),
        "{cases} of 1000 cases count"
    );
    let Statistic::Rate { cases, .. } = rate(300, 1000) else {
        panic!("a rate");
    };
    assert!(cases > 850.0, "{cases} of 1000 cases count");
}

#[test]
fn a_share_of_nothing_is_no_share_and_one_of_all_has_an_interval() {
    assert!(Grouped::<2>::default().rate(0, 1).is_none());
    let (low, high) = rate(0, 50).interval(ALPHA);
    near(low, 0.0);
    near(high, 0.07135);
}

#[test]
fn holms_values_are_those_of_the_rule() {
    let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
    for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
        near(*found, expected);
    }
    assert!(holm(&[]).is_empty());
}

#[test]
fn what_cannot_be_told_says_how_many_cases_it_takes() {
    let (now, before) = (rate(268, 2412), rate(283, 2375));
    let change = Difference::new(&now, &before);
    let told = assess(&change, change.p_value(), Merit::Down, [2412, 2375]);
    let Assessment::CannotTell { needed } = told else {
        panic!("{told:?}");
    };
    let needed = needed.expect("a number") as f64;
    // With so many cases the change is 2.8 standard errors.
    let plain = |share: f64| share * (1.0 - share) / needed;
    let errors = (change.value().powi(2) / (plain(now.value()) + plain(before.value()))).sqrt();
    assert!((2.5..3.1).contains(&errors), "{errors} with {needed}");
}

#[test]
fn verdicts_know_the_direction_and_few_cases_give_none() {
    let change = Difference::new(&rate(90, 100), &rate(50, 100));
    let p = change.p_value();
    assert_eq!(assess(&change, p, Merit::Up, [100; 2]), Assessment::Better);
    assert_eq!(assess(&change, p, Merit::Down, [100; 2]), Assessment::Worse);
    let few = assess(&change, p, Merit::Up, [100, 19]);
    assert!(matches!(few, Assessment::CannotTell { .. }), "{few:?}");
}

#[test]
fn a_target_is_met_or_missed_where_the_interval_says_so() {
    let figure = rate(670, 1000);
    assert_eq!(target(&figure, 0.6, Merit::Up), TargetResult::Met);
    assert_eq!(target(&figure, 0.8, Merit::Up), TargetResult::Missed);
    assert_eq!(target(&figure, 0.68, Merit::Up), TargetResult::CannotTell);
    assert_eq!(target(&figure, 0.6, Merit::Down), TargetResult::Missed);
}

#[test]
fn a_difference_is_the_effects_of_its_strata_and_of_the_mix() {
    let stratum = |now: (u64, u64), before: (u64, u64)| Stratum {
        cases: [now.1 as f64, before.1 as f64],
        figures: [Some(rate(now.0, now.1)), Some(rate(before.0, before.1))],
    };
    // Each kind is as before; there are more of the easy kind.
    let strata = [stratum((90, 100), (45, 50)), stratum((10, 50), (20, 100))];
    let parts = standardised(&strata).expect("both have cases");
    near(parts.difference.value(), 0.0);
    near(parts.mix, 100.0 / 150.0 - 65.0 / 150.0);
    // A kind that is new is mix, not effect.
    let new = Stratum {
        cases: [50.0, 0.0],
        figures: [Some(rate(25, 50)), None],
    };
    let parts = standardised(&[stratum((50, 100), (50, 100)), new]).expect("both have cases");
    near(parts.effects[1], 0.0);
}

#[test]
fn the_median_has_the_interval_of_its_distribution() {
    let mut waits = WaitHistogram::default();
    assert!(waits.median().is_none());
    for case in 0..1001 {
        waits.add(scattered(case), 1.0 + case as f64 / 1000.0, 1.0);
    }
    let median = waits.median().expect("there are waits");
    let (low, high) = median.interval(ALPHA);
    assert!((median.value() - 1.5).abs() < 0.02, "{median:?}");
    // Wilson's interval of one half of 1001 is 0.469 to 0.531.
    assert!(
        (low - 1.469).abs() < 0.02 && (high - 1.531).abs() < 0.02,
        "{low} {high}"
    );
}
