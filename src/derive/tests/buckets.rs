//! Buckets: how they are chosen, kept, and changed over a restart; what series weigh.

use super::{fact, settings, shown, tool};
use crate::derive::*;
use crate::model::Name;
use crate::model::metric::{Histogram, Point};

const SCORES: &str = "baton_evaluation_score";

fn scored(settings: Settings, scores: &[f64]) -> Deriver {
    let mut deriver = Deriver::new(settings);
    for (second, score) in scores.iter().enumerate() {
        let what = What::Evaluation {
            name: Name::from("x"),
            score: *score,
        };
        deriver.apply(&fact(second as u64, what), Timestamp(1));
    }
    deriver
}

fn with(bounds: &[f64], native_histograms: bool) -> Settings {
    Settings {
        bounds: [(SCORES.to_owned(), bounds.to_vec())].into(),
        native_histograms,
        ..settings()
    }
}

fn histogram(deriver: &Deriver) -> Histogram {
    let families = deriver.families();
    let family = families.iter().find(|f| f.name == SCORES).expect("scores");
    match &family.series[0].point {
        Point::Histogram(histogram) => histogram.clone(),
        other => panic!("{other:?}"),
    }
}

fn counts(deriver: &Deriver) -> Vec<u64> {
    histogram(deriver).buckets.iter().map(|b| b.count).collect()
}

fn restored(from: &Deriver, settings: Settings) -> (Deriver, Vec<Restored>) {
    let mut next = Deriver::new(settings);
    let answers = from.save().map(|series| next.restore(series));
    let answers = answers.collect::<Result<_, _>>().expect("what it wrote");
    (next, answers)
}

#[test]
fn buckets_are_the_configured_ones_and_their_exemplars_are_few() {
    let deriver = scored(
        with(&[1.0, 2.0, 3.0, 4.0, 5.0], false),
        &[0.5, 1.5, 1.2, 9.0],
    );
    assert_eq!(counts(&deriver), [1, 2, 0, 0, 0, 1]);
    let exemplars = histogram(&deriver).buckets.into_iter();
    let exemplars: Vec<_> = exemplars.map(|b| b.exemplar.map(|e| e.value)).collect();
    // The latest of the first four buckets, and of the last two.
    assert_eq!(exemplars, [None, Some(1.2), None, None, None, Some(9.0)]);
    let none = scored(with(&[], false), &[0.5, 2.0]);
    assert_eq!((counts(&none), histogram(&none).sum), (vec![2], 2.5));
}

#[test]
fn a_snapshot_keeps_all_of_a_histogram() {
    for native in [false, true] {
        let settings = with(&[1.0, 2.0], native);
        let deriver = scored(settings.clone(), &[0.5, -1.5, 1.7, 0.0, 9.0]);
        let (next, answers) = restored(&deriver, settings);
        assert_eq!(answers, [Restored::Taken]);
        assert_eq!(next.families(), deriver.families());
        assert_eq!(next.weight(), deriver.weight());
        assert_eq!(histogram(&next).native.is_some(), native);
    }
}

#[test]
fn fewer_buckets_are_added_up_and_others_start_anew() {
    let deriver = scored(with(&[1.0, 2.0, 3.0], false), &[0.5, 1.5, 2.5, 9.0]);
    let (fewer, answers) = restored(&deriver, with(&[2.0], false));
    assert_eq!(answers, [Restored::Taken]);
    assert_eq!((counts(&fewer), histogram(&fewer).sum), (vec![2, 2], 13.5));
    let exemplar = histogram(&fewer).buckets[1].exemplar;
    assert_eq!(exemplar.map(|exemplar| exemplar.value), Some(9.0));
    let (other, answers) = restored(&deriver, with(&[1.0, 2.5], false));
    assert_eq!(answers, [Restored::Anew(SCORES)]);
    assert_eq!(other.series(), 0);
}

#[test]
fn native_buckets_that_were_not_kept_start_anew_and_go_without_a_trace() {
    let bounds = &[1.0];
    let without = scored(with(bounds, false), &[0.5]);
    let (_, answers) = restored(&without, with(bounds, true));
    assert_eq!(answers, [Restored::Anew(SCORES)]);
    let (next, answers) = restored(&scored(with(bounds, true), &[0.5]), with(bounds, false));
    assert_eq!(answers, [Restored::Taken]);
    assert_eq!(next.families(), without.families());
}

#[test]
fn what_series_weigh_is_what_they_hold_and_goes_with_them() {
    let mut deriver = scored(with(&[1.0, 2.0, 3.0, 4.0], true), &[0.5]);
    let one = deriver.weight();
    let more = |deriver: &mut Deriver, score| {
        let name = Name::from("x");
        deriver.apply(&fact(9, What::Evaluation { name, score }), Timestamp(1));
        deriver.weight()
    };
    assert_eq!(more(&mut deriver, 0.5), one, "nothing is new");
    assert!(more(&mut deriver, 9.0) > one, "a bucket and an exemplar");
    deriver.apply(&fact(1, tool("lookup")), Timestamp(1));
    let (next, _) = restored(&deriver, with(&[1.0, 2.0, 3.0, 4.0], true));
    assert_eq!(next.weight(), deriver.weight());
    deriver.advance(Timestamp(1_000_000_000_000));
    assert_eq!((deriver.series(), deriver.weight()), (0, 0));
}

#[test]
fn above_the_limit_of_memory_new_series_overflow_and_known_ones_count_on() {
    let mut deriver = scored(settings(), &[0.5]);
    deriver.apply(&fact(1, tool("known")), Timestamp(1));
    let full = Settings {
        max_bytes: deriver.weight(),
        ..settings()
    };
    let mut deriver = restored(&deriver, full).0;
    for name in ["known", "new"] {
        deriver.apply(&fact(1, tool(name)), Timestamp(1));
    }
    let families = deriver.families();
    assert_eq!(
        shown(&families, "baton_tool_calls_total"),
        ["_overflow _overflow = 1", "known error = 0", "known ok = 2"]
    );
    assert_eq!(
        shown(&families, "baton_series_overflow_total"),
        ["baton_tool_calls_total _memory = 1"]
    );
}
