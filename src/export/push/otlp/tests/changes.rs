//! What is sent from one checkpoint to the next.

use super::{
    SECOND, by_bounds, by_exponent, checkpoint, counter, family, histogram, numbers, value,
};
use crate::export::push::otlp::HistogramAggregation::{
    Base2ExponentialBucketHistogram, ExplicitBucketHistogram,
};
use crate::export::push::otlp::Temporality::{self, Cumulative, Delta};
use crate::export::push::otlp::batches::batches;
use crate::export::push::otlp::changes::Changes;
use crate::export::push::otlp::checkpoint::Checkpoint;
use crate::export::push::otlp::encode::attribute;
use crate::model::metric::{Family, FamilyKind, Point};
use crate::model::time::Timestamp;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric, NumberDataPoint};
use proptest::prelude::*;
use prost::Message;

fn at(families: &[Family], second: u64) -> Checkpoint {
    checkpoint(families, second, ExplicitBucketHistogram)
}

fn sent(known: &Checkpoint, current: &Checkpoint, temporality: Temporality) -> Changes {
    Changes::between(known, current, temporality)
}

/// The seconds of the start and of the point, and the value.
fn read(point: &NumberDataPoint) -> (u64, u64, f64) {
    let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
    (start / SECOND, time / SECOND, value(point))
}

fn temporality_of(metric: &Metric) -> i32 {
    match &metric.data {
        Some(Data::Sum(sum)) => sum.aggregation_temporality,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_series_is_0_until_the_destination_knows_it() {
    let known = at(&[counter(&[("old", 5.0, 1)])], 100);
    let current = at(&[counter(&[("new", 1.0, 103), ("old", 6.0, 1)])], 110);
    let changes = sent(&known, &current, Cumulative);
    assert!(changes.has_births);
    let points = numbers(&changes.metrics[0]).iter().map(read);
    let expected = [(103, 110, 0.0), (1, 110, 6.0)];
    assert_eq!(points.collect::<Vec<_>>(), expected);
    let again = at(&[counter(&[("new", 1.0, 103), ("old", 6.0, 1)])], 120);
    let changes = sent(&current, &again, Cumulative);
    assert!(!changes.has_births, "nothing is new");
    let points = numbers(&changes.metrics[0]).iter().map(read);
    let expected = [(103, 120, 1.0), (1, 120, 6.0)];
    assert_eq!(points.collect::<Vec<_>>(), expected);
    let families = histograms(&[0.5, 2.0]);
    for aggregation in [ExplicitBucketHistogram, Base2ExponentialBucketHistogram] {
        let current = checkpoint(&families, 110, aggregation);
        let changes = sent(&known, &current, Cumulative);
        match &changes.metrics[0].data {
            Some(Data::Histogram(found)) => {
                let point = &found.data_points[0];
                assert_eq!((point.count, point.sum), (0, Some(0.0)));
                assert_eq!(point.bucket_counts, [0, 0]);
            }
            Some(Data::ExponentialHistogram(found)) => {
                let point = &found.data_points[0];
                assert_eq!(
                    (point.count, point.sum, point.zero_count),
                    (0, Some(0.0), 0)
                );
                assert_eq!(point.positive, Some(Buckets::default()));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_series_that_begins_anew_begins_at_0_again() {
    let known = at(&[counter(&[("a", 5.0, 1)])], 100);
    let current = at(&[counter(&[("a", 2.0, 105)])], 110);
    let changes = sent(&known, &current, Cumulative);
    let points = numbers(&changes.metrics[0]).iter().map(read);
    assert_eq!(points.collect::<Vec<_>>(), [(105, 110, 0.0)]);
    let changes = sent(&known, &current, Delta);
    let points = numbers(&changes.metrics[0]).iter().map(read);
    assert_eq!(points.collect::<Vec<_>>(), [(105, 110, 2.0)]);
}

#[test]
fn a_delta_is_what_was_counted_after_the_point_before() {
    let known = at(&[counter(&[("a", 0.1, 1), ("b", 5.0, 1)])], 100);
    let current = at(
        &[counter(&[("a", 0.3, 1), ("b", 5.0, 1), ("c", 2.0, 104)])],
        110,
    );
    let changes = sent(&known, &current, Delta);
    assert!(!changes.has_births);
    let delta = i32::from(AggregationTemporality::Delta);
    assert_eq!(temporality_of(&changes.metrics[0]), delta);
    let points = numbers(&changes.metrics[0]).iter().map(read);
    // Whole billionths: not 0.19999999999999998.
    assert_eq!(
        points.collect::<Vec<_>>(),
        [(100, 110, 0.2), (104, 110, 2.0)]
    );
    let changes = sent(&current, &current, Delta);
    assert_eq!(changes.metrics, [], "nothing was counted");
}

#[test]
fn levels_are_sent_as_they_are() {
    let level = |value| family("x", FamilyKind::Gauge, [("a", Point::Gauge(value), 1)]);
    let known = at(&[level(5.0)], 100);
    let current = at(&[level(3.0)], 110);
    for temporality in [Cumulative, Delta] {
        let changes = sent(&known, &current, temporality);
        assert_eq!(changes.metrics, current.metrics);
    }
}

fn histograms(values: &[f64]) -> Vec<Family> {
    let point = Point::Histogram(histogram(values));
    vec![family("x", FamilyKind::Histogram, [("a", point, 1)])]
}

#[test]
fn a_delta_of_a_histogram_has_the_values_after_the_point_before() {
    let of = |values: &[f64], second, kind| checkpoint(&histograms(values), second, kind);
    let explicit = ExplicitBucketHistogram;
    let (known, current) = (
        of(&[0.5, 2.0], 100, explicit),
        of(&[0.5, 2.0, 3.0], 110, explicit),
    );
    let changes = sent(&known, &current, Delta);
    let point = &by_bounds(&changes.metrics[0])[0];
    assert_eq!((point.count, point.sum), (1, Some(3.0)));
    assert_eq!(point.bucket_counts, [0, 1]);
    let exponential = Base2ExponentialBucketHistogram;
    // So many octaves that the later one has a lower resolution.
    let wide: Vec<f64> = (-20..20)
        .map(|octave| f64::from(octave).exp2() * 1.1)
        .collect();
    let more: Vec<f64> = wide
        .iter()
        .flat_map(|v| [1.0, 1.2, 1.4, 1.7, 1.85].map(|f| v * f))
        .collect();
    let (known, current) = (
        of(&wide, 100, exponential),
        of(&[&*wide, &*more].concat(), 110, exponential),
    );
    let resolution = |one: &Checkpoint| by_exponent(&one.metrics[0])[0].scale;
    assert!(resolution(&known) > resolution(&current));
    let changes = sent(&known, &current, Delta);
    let point = &by_exponent(&changes.metrics[0])[0];
    assert_eq!(point.count, more.len() as u64);
    let counts = &point.positive.as_ref().expect("some").bucket_counts;
    assert_eq!(counts.iter().sum::<u64>(), more.len() as u64);
}

#[test]
fn what_counted_before_a_destination_is_known_there() {
    let current = at(&[counter(&[("new", 1.0, 95), ("old", 6.0, 1)])], 100);
    let begun = Checkpoint::begin(&current, Timestamp(90 * SECOND));
    let changes = sent(&begun, &current, Delta);
    let points = numbers(&changes.metrics[0]).iter().map(read);
    assert_eq!(points.collect::<Vec<_>>(), [(95, 100, 1.0)]);
}

#[test]
fn a_refused_batch_is_carried_into_the_next_one() {
    let known = at(&[counter(&[("a", 1.0, 1), ("b", 1.0, 1)])], 100);
    let families = [counter(&[("a", 2.0, 1), ("b", 3.0, 1), ("c", 1.0, 105)])];
    let current = at(&families, 110);
    let changes = sent(&known, &current, Delta);
    let mut batches = batches(changes.metrics, 1);
    assert_eq!(batches.len(), 3, "one for each series");
    let refused: Vec<Metric> = batches.drain(1..).flatten().collect();
    let after = known.after(current, &refused);
    let next = at(
        &[counter(&[("a", 2.0, 1), ("b", 4.0, 1), ("c", 1.0, 105)])],
        120,
    );
    let changes = sent(&after, &next, Delta);
    let points = numbers(&changes.metrics[0]).iter().map(read);
    // b from where it was accepted last, c from its start.
    assert_eq!(
        points.collect::<Vec<_>>(),
        [(100, 120, 3.0), (105, 120, 1.0)]
    );
}

#[test]
fn batches_hold_every_point_once_and_none_is_too_large() {
    let many = ["a", "b", "c", "d", "e"].map(|label| (label, 1.0, 1));
    let level = family("y", FamilyKind::Gauge, [("a", Point::Gauge(1.0), 1)]);
    let whole = at(&[counter(&many), level], 100).metrics;
    let points = |metrics: &[Metric]| -> Vec<NumberDataPoint> {
        let all = metrics.iter().flat_map(|metric| numbers(metric).to_vec());
        all.collect()
    };
    let size = numbers(&whole[0])[0].encoded_len();
    let cut = batches(whole.clone(), 2 * size);
    let sizes: Vec<usize> = cut.iter().map(|batch| points(batch).len()).collect();
    assert_eq!(sizes, [2, 2, 2]);
    let all: Vec<NumberDataPoint> = cut.iter().flat_map(|batch| points(batch)).collect();
    assert_eq!(all, points(&whole));
    assert_eq!(batches(whole.clone(), 1 << 20), [whole]);
}

proptest! {
    /// Whatever is refused, expires or begins anew: the points of a series add up to what was counted.
    #[test]
    fn deltas_add_up(
        rounds in prop::collection::vec((prop::collection::vec(0..5_u32, 3), any::<[bool; 3]>()), 1..12),
        exponential in any::<bool>(),
    ) {
        let aggregation = match exponential {
            true => Base2ExponentialBucketHistogram,
            false => ExplicitBucketHistogram,
        };
        let mut totals = [0_u32; 3];
        let mut values = Vec::new();
        let (mut added, mut observed) = ([0.0; 3], 0);
        let mut known = Checkpoint::default();
        let last = vec![(vec![0; 3], [false; 3])];
        for (round, (counts, refused)) in rounds.into_iter().chain(last).enumerate() {
            for (total, count) in totals.iter_mut().zip(&counts) {
                *total += count;
            }
            values.extend(counts.iter().map(|count| f64::from(*count)));
            let labels = ["a", "b", "c"].into_iter().zip(totals);
            let series: Vec<_> = labels.map(|(label, total)| (label, f64::from(total), 1)).collect();
            let mut families = histograms(&values);
            families.push(counter(&series));
            let current = checkpoint(&families, 100 + round as u64, aggregation);
            let changes = Changes::between(&known, &current, Delta);
            let (mut lost, mut place) = (Vec::new(), 0);
            for batch in batches(changes.metrics, 1) {
                place += 1;
                if refused[place % 3] {
                    lost.extend(batch);
                    continue;
                }
                for metric in &batch {
                    match &metric.data {
                        Some(Data::Sum(sum)) => for point in &sum.data_points {
                            let label = sum_label(point);
                            added[label] += value(point);
                        },
                        Some(Data::Histogram(found)) => {
                            observed += found.data_points.iter().map(|p| p.count).sum::<u64>();
                        }
                        Some(Data::ExponentialHistogram(found)) => {
                            observed += found.data_points.iter().map(|p| p.count).sum::<u64>();
                        }
                        _ => {}
                    }
                }
            }
            known = known.after(current, &lost);
        }
        prop_assert_eq!(added, totals.map(f64::from));
        prop_assert_eq!(observed, values.len() as u64);
    }
}

/// The place of the series among `a`, `b`, `c`.
fn sum_label(point: &NumberDataPoint) -> usize {
    let place = ["a", "b", "c"]
        .iter()
        .position(|k| point.attributes == [attribute("k", k)]);
    place.expect("a known series")
}
