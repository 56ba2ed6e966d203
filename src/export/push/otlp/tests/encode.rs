//! Known answers of the encoder.

use super::{
    SECOND, by_bounds, by_exponent, checkpoint, counter, family, histogram, numbers, value,
};
use crate::catalogue::{DERIVED, INTERNAL};
use crate::export::push::otlp::HistogramAggregation::{
    Base2ExponentialBucketHistogram, ExplicitBucketHistogram,
};
use crate::export::push::otlp::encode::attribute;
use crate::model::ids::TraceId;
use crate::model::metric::{Exemplar, Family, FamilyKind, Point};
use crate::model::time::Timestamp;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric, exemplar};
use std::collections::BTreeMap;

fn one(family: Family, second: u64) -> Metric {
    let mut made = checkpoint(&[family], second, ExplicitBucketHistogram).metrics;
    assert_eq!(made.len(), 1);
    made.remove(0)
}

fn exemplar_of(value: f64) -> Exemplar {
    Exemplar {
        trace: TraceId::new(&[7; 16]).expect("not zero"),
        value,
        at: Timestamp(5 * SECOND),
    }
}

#[test]
fn a_counter_has_its_start_its_labels_and_its_exemplar() {
    let point = Point::Counter {
        value: 3.0,
        exemplar: Some(exemplar_of(2.0)),
    };
    let made = one(
        family("x_total", FamilyKind::Counter, [("a\"b", point, 4)]),
        9,
    );
    assert_eq!((&*made.name, &*made.description), ("x_total", "Things."));
    let Some(Data::Sum(sum)) = &made.data else {
        panic!("{made:?}");
    };
    assert!(sum.is_monotonic);
    let cumulative = i32::from(AggregationTemporality::Cumulative);
    assert_eq!(sum.aggregation_temporality, cumulative);
    let point = &sum.data_points[0];
    assert_eq!(point.attributes, [attribute("k", "a\"b")]);
    assert_eq!(point.start_time_unix_nano, 4 * SECOND);
    assert_eq!(point.time_unix_nano, 9 * SECOND);
    assert_eq!(value(point), 3.0);
    let exemplar = &point.exemplars[0];
    assert_eq!(exemplar.trace_id, [7; 16]);
    assert_eq!(exemplar.time_unix_nano, 5 * SECOND);
    assert_eq!(exemplar.value, Some(exemplar::Value::AsDouble(2.0)));
    assert!(exemplar.filtered_attributes.is_empty() && exemplar.span_id.is_empty());
}

#[test]
fn a_level_has_no_start_and_a_start_is_never_after_its_point() {
    let level = one(
        family("x", FamilyKind::Gauge, [("a", Point::Gauge(-2.0), 4)]),
        9,
    );
    assert_eq!(numbers(&level)[0].start_time_unix_nano, 0);
    assert_eq!(value(&numbers(&level)[0]), -2.0);
    let early = one(counter(&[("a", 1.0, 9)]), 8);
    assert_eq!(numbers(&early)[0].start_time_unix_nano, 8 * SECOND);
}

#[test]
fn a_histogram_has_its_buckets_its_sum_and_the_exemplars_of_all_buckets() {
    let mut found = histogram(&[0.5, 1.0, 2.5]);
    for (bucket, value) in found.buckets.iter_mut().zip([0.5, 2.5]) {
        bucket.exemplar = Some(exemplar_of(value));
    }
    let made = one(
        family(
            "x",
            FamilyKind::Histogram,
            [("a", Point::Histogram(found), 4)],
        ),
        9,
    );
    let point = &by_bounds(&made)[0];
    assert_eq!(
        (&*point.explicit_bounds, &*point.bucket_counts),
        (&[1.0][..], &[2, 1][..])
    );
    assert_eq!((point.count, point.sum), (3, Some(4.0)));
    let values = point.exemplars.iter().map(|exemplar| exemplar.value);
    let expected = [0.5, 2.5].map(|value| Some(exemplar::Value::AsDouble(value)));
    assert_eq!(values.collect::<Vec<_>>(), expected);
    assert_eq!(point.start_time_unix_nano, 4 * SECOND);
}

/// Bucket `i` of Prometheus is `(2^((i-1)/8), 2^(i/8)]`, bucket `i` of OTLP is `(2^(i/8), 2^((i+1)/8)]`.
#[test]
fn exponential_buckets_have_the_numbers_of_otlp() {
    let found = histogram(&[1.0, 2.0, 2.0, 0.0, -1.0]);
    let family = family(
        "x",
        FamilyKind::Histogram,
        [("a", Point::Histogram(found), 4)],
    );
    let made = checkpoint(&[family], 9, Base2ExponentialBucketHistogram).metrics;
    let point = &by_exponent(&made[0])[0];
    assert_eq!((point.scale, point.count, point.zero_count), (3, 5, 1));
    assert_eq!(point.sum, Some(4.0));
    let positive = point.positive.as_ref().expect("some");
    assert_eq!(
        (positive.offset, &*positive.bucket_counts),
        (-1, &[1, 0, 0, 0, 0, 0, 0, 0, 2][..])
    );
    let negative = point.negative.as_ref().expect("some");
    assert_eq!((negative.offset, &*negative.bucket_counts), (-1, &[1][..]));
}

/// Receivers add units to names. A unit that this test does not know may change a name.
#[test]
fn every_unit_of_the_catalogue_is_ucum_and_stands_in_its_name() {
    let derived = DERIVED.iter().map(|row| (row.name, row.unit, row.kind));
    let own = INTERNAL.iter().map(|row| (row.name, row.unit, row.kind));
    let mut units = BTreeMap::new();
    for (name, unit, kind) in derived.chain(own) {
        let family = Family {
            unit: unit.into(),
            ..family(name, FamilyKind::Gauge, [("a", Point::Gauge(1.0), 4)])
        };
        units.insert(unit, one(family, 9).unit);
        let stem = name.strip_suffix("_total").unwrap_or(name);
        assert!(
            stem.split('_').any(|word| unit.is_empty() || word == unit),
            "{name}"
        );
        assert_eq!(name != stem, kind == FamilyKind::Counter, "{name}");
    }
    let expected = [
        ("", ""),
        ("bytes", "By"),
        ("ratio", "1"),
        ("seconds", "s"),
        ("usd", "{USD}"),
    ];
    let expected = expected.map(|(unit, ucum)| (unit, ucum.to_owned()));
    assert_eq!(units, BTreeMap::from(expected));
}

#[test]
fn a_family_without_series_is_not_sent() {
    let made = checkpoint(&[counter(&[])], 9, ExplicitBucketHistogram);
    assert_eq!(made.metrics, []);
}
