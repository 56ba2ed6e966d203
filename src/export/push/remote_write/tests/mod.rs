//! Requests of remote write. `tests/it/push` sends to a server of the test and to real receivers.

mod answers;

use super::encode::{EncodedRequest, Manner, requests};
use super::message::{LegacyRequest, RemoteWriteRequest, TimeSeries};
use super::{HistogramForm, legacy};
use crate::export::push::{PointSet, SeriesHash};
use crate::model::ids::TraceId;
use crate::model::metric::{Bucket, Exemplar, Family, FamilyKind, Histogram, Point, Series};
use crate::model::native::Native;
use crate::model::time::Timestamp;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const AT: Timestamp = Timestamp(1_700_000_000_000_000_000);
const START: Timestamp = Timestamp(1_600_000_000_000_000_000);
const FORMS: &[HistogramForm] = &[HistogramForm::Classic, HistogramForm::Exponential];

fn exemplar(value: f64) -> Exemplar {
    Exemplar {
        trace: TraceId::from_nonzero([7; 16]),
        value,
        at: Timestamp(AT.0 - 1_000_000_000),
    }
}

fn family(name: &'static str, kind: FamilyKind, unit: &'static str, points: Vec<Point>) -> Family {
    let series = points
        .into_iter()
        .enumerate()
        .map(|(number, point)| Series {
            expired: false,
            labels: vec![
                ("zone".into(), "eu".into()),
                ("agent".into(), format!("a{number}")),
            ],
            point,
            start: START,
        });
    Family {
        name: name.into(),
        help: "Helps.",
        kind,
        unit: unit.into(),
        series: series.collect(),
    }
}

fn counter(value: f64) -> Family {
    let exemplar = Some(exemplar(1.0));
    family(
        "turns_total",
        FamilyKind::Counter,
        "",
        vec![Point::Counter { value, exemplar }],
    )
}

fn histogram() -> Family {
    let mut native = Native::default();
    for value in [0.5, 3.0, 3.0] {
        native.observe(value, 1);
    }
    let bucket = |count, exemplar| Bucket { count, exemplar };
    let histogram = Histogram {
        bounds: [1.0, 1e6].into(),
        buckets: vec![
            bucket(1, None),
            bucket(2, Some(exemplar(3.0))),
            bucket(0, None),
        ],
        sum: 6.5,
        native: Some(native),
    };
    family(
        "wait_seconds",
        FamilyKind::Histogram,
        "seconds",
        vec![Point::Histogram(histogram)],
    )
}

fn encoded(
    families: &[Family],
    before: &[Family],
    forms: &[HistogramForm],
    shards: usize,
) -> Vec<EncodedRequest> {
    let labels = [("instance", "i"), ("job", "j")];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let manner = Manner {
        labels: &labels,
        forms,
    };
    let points = PointSet {
        at: AT,
        families,
        hashes: &SeriesHash::of_all(families),
        before,
        births: &HashMap::new(),
    };
    requests(&points, manner, shards)
}

/// A series as text: `name{label="value"}`.
fn name(series: &TimeSeries, symbols: &[String]) -> String {
    let text = |at: u32| symbols[at as usize].as_str();
    let pairs = series.labels_refs.chunks(2);
    let pairs: Vec<(&str, &str)> = pairs.map(|pair| (text(pair[0]), text(pair[1]))).collect();
    assert!(
        pairs.is_sorted_by(|a, b| a.0 < b.0),
        "label_lexicographic_ordering: {pairs:?}"
    );
    let labels = pairs.iter().filter(|(name, _)| *name != "__name__");
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let name = pairs.iter().find(|(name, _)| *name == "__name__");
    format!(
        "{}{{{}}}",
        name.expect("metric_name_label_present").1,
        labels.join(",")
    )
}

fn only(families: &[Family], forms: &[HistogramForm]) -> RemoteWriteRequest {
    let mut all = encoded(families, &[], forms, 1);
    assert_eq!(all.len(), 1);
    all.remove(0).request
}

#[test]
fn a_counter_has_its_labels_its_times_its_metadata_and_its_exemplar() {
    let request = only(&[counter(3.0)], FORMS);
    let [series] = &*request.timeseries else {
        panic!("one series: {request:?}");
    };
    let symbols = &request.symbols;
    assert_eq!(
        name(series, symbols),
        "turns_total{agent=a0,instance=i,job=j,zone=eu}"
    );
    let sample = series.samples[0];
    assert_eq!(sample.value, 3.0);
    assert_eq!(sample.timestamp, 1_700_000_000_000);
    assert_eq!(sample.start_timestamp, 1_600_000_000_000);
    let metadata = series.metadata.expect("it has some");
    assert_eq!(metadata.kind, 1);
    assert_eq!(symbols[metadata.help_ref as usize], "Helps.");
    assert_eq!(symbols[metadata.unit_ref as usize], "");
    let exemplar = &series.exemplars[0];
    let labels = exemplar
        .labels_refs
        .iter()
        .map(|at| &*symbols[*at as usize]);
    assert_eq!(
        labels.collect::<Vec<_>>(),
        ["trace_id", "07070707070707070707070707070707"]
    );
    assert_eq!(
        (exemplar.value, exemplar.timestamp),
        (1.0, 1_699_999_999_000)
    );
}

#[test]
fn symbols_begin_with_the_empty_one_and_none_is_there_twice() {
    let request = only(&[counter(3.0), histogram()], FORMS);
    assert_eq!(request.symbols[0], "");
    let different: BTreeSet<&String> = request.symbols.iter().collect();
    assert_eq!(different.len(), request.symbols.len());
}

#[test]
fn a_gauge_has_no_start() {
    let gauge = family("waiting", FamilyKind::Gauge, "", vec![Point::Gauge(-2.0)]);
    let request = only(&[gauge], FORMS);
    let sample = request.timeseries[0].samples[0];
    assert_eq!((sample.value, sample.start_timestamp), (-2.0, 0));
    assert!(request.timeseries[0].exemplars.is_empty());
}

/// To the bit. A label without a value is none.
#[test]
fn odd_values_and_texts_arrive_as_they_are() {
    let long = "x".repeat(100_000);
    let values = [
        0.0,
        -0.0,
        7.0,
        -2.5,
        0.1,
        1.0 / 3.0,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        1.5e300,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    let texts = ["", "ä 漢 🦀", "a\"b\\c\nd\te", &long];
    for (value, text) in values.iter().zip(texts.iter().cycle()) {
        let mut gauge = family("waiting", FamilyKind::Gauge, "", vec![Point::Gauge(*value)]);
        gauge.series[0].labels[1].1 = (*text).to_owned();
        let request = only(&[gauge], FORMS);
        let series = &request.timeseries[0];
        assert_eq!(series.samples[0].value.to_bits(), value.to_bits());
        assert_eq!(series.samples[0].timestamp, 1_700_000_000_000);
        let agent = if text.is_empty() {
            String::new()
        } else {
            format!("agent={text},")
        };
        let expected = format!("waiting{{{agent}instance=i,job=j,zone=eu}}");
        assert_eq!(name(series, &request.symbols), expected);
    }
}

#[test]
fn a_histogram_is_pushed_in_the_forms_that_are_asked_for() {
    let shown = |forms: &[HistogramForm]| {
        let request = only(&[histogram()], forms);
        let series = request.timeseries.iter();
        let shown: Vec<String> = series
            .map(|series| {
                let name = name(series, &request.symbols).replace("agent=a0,instance=i,job=j,", "");
                let value = series
                    .samples
                    .first()
                    .map(|sample| sample.value.to_string());
                let native = series.histograms.first().map(|native| {
                    assert_eq!((native.sum, native.count), (6.5, Some(3)));
                    assert_eq!(native.start_timestamp, 1_600_000_000_000);
                    let spans = native.positive_spans.iter();
                    let spans: Vec<(i32, u32)> =
                        spans.map(|span| (span.offset, span.length)).collect();
                    format!(
                        "{} {spans:?} {:?} {:?}",
                        native.schema, native.positive_deltas, native.custom_values
                    )
                });
                format!(
                    "{name} {} {}",
                    value.or(native).expect("a point"),
                    series.exemplars.len()
                )
            })
            .collect();
        shown
    };
    let classic = [
        "wait_seconds_bucket{le=1.0,zone=eu} 1 0",
        "wait_seconds_bucket{le=1e+06,zone=eu} 3 1",
        "wait_seconds_bucket{le=+Inf,zone=eu} 3 0",
        "wait_seconds_sum{zone=eu} 6.5 0",
        "wait_seconds_count{zone=eu} 3 0",
    ];
    let exponential = "wait_seconds{zone=eu} 3 [(-8, 1), (20, 1)] [1, 1] [] 1";
    let custom = "wait_seconds{zone=eu} -53 [(0, 2)] [1, 1] [1.0, 1000000.0] 1";
    assert_eq!(shown(&[HistogramForm::Classic]), classic);
    assert_eq!(shown(&[HistogramForm::Exponential]), [exponential]);
    assert_eq!(shown(&[HistogramForm::CustomBuckets]), [custom]);
    let both: Vec<&str> = classic.into_iter().chain([exponential]).collect();
    assert_eq!(shown(FORMS), both);
}

#[test]
fn an_exemplar_is_pushed_once() {
    let before = [counter(3.0), histogram()];
    let again = encoded(&before, &before, FORMS, 1);
    let series = || again[0].request.timeseries.iter();
    assert!(series().all(|series| series.exemplars.is_empty()));
    assert_eq!(series().count(), 7);
    let mut now = counter(4.0);
    let point = &mut now.series[0].point;
    *point = Point::Counter {
        value: 4.0,
        exemplar: Some(exemplar(2.0)),
    };
    let new = encoded(&[now], &before, &[HistogramForm::Classic], 1);
    assert_eq!(new[0].request.timeseries[0].exemplars[0].value, 2.0);
}

#[test]
fn series_that_have_ended_get_stale_markers_in_all_their_forms() {
    let gauge = family(
        "waiting",
        FamilyKind::Gauge,
        "",
        vec![Point::Gauge(1.0), Point::Gauge(2.0)],
    );
    let mut now = gauge.clone();
    now.series.remove(1);
    let all = encoded(&[now], &[gauge, counter(3.0), histogram()], FORMS, 1);
    let request = &all[0].request;
    let is_stale = |series: &&TimeSeries| {
        let stale = 0x7ff0_0000_0000_0002;
        let samples = series.samples.iter().map(|sample| sample.value);
        let sums = series.histograms.iter().map(|native| native.sum);
        samples.chain(sums).all(|value| value.to_bits() == stale)
    };
    let stale = request.timeseries.iter().filter(is_stale);
    let stale: Vec<String> = stale.map(|series| name(series, &request.symbols)).collect();
    assert_eq!(stale.len(), 1 + 1 + 6, "{stale:?}");
    assert_eq!(stale[0], "waiting{agent=a1,instance=i,job=j,zone=eu}");
    assert_eq!(request.timeseries.len(), 9, "the rest goes on");
}

#[test]
fn a_series_keeps_its_shard_and_a_request_its_size() {
    let points = || {
        (0..9000)
            .map(|value| Point::Gauge(f64::from(value)))
            .collect()
    };
    let families = [family("waiting", FamilyKind::Gauge, "", points())];
    let shards = |families: &[Family]| {
        let mut shards = BTreeMap::new();
        for one in encoded(families, &[], FORMS, 3) {
            assert!(one.points <= 2000);
            assert_eq!(one.points, one.request.timeseries.len() as u64);
            for series in &one.request.timeseries {
                shards.insert(name(series, &one.request.symbols), one.shard);
            }
        }
        shards
    };
    let all = shards(&families);
    assert_eq!(all.len(), 9000);
    assert_eq!(all.values().collect::<BTreeSet<_>>().len(), 3);
    let mut fewer = families;
    fewer[0].series.drain(..500);
    assert!(
        shards(&fewer)
            .into_iter()
            .all(|(name, shard)| all[&name] == shard)
    );
}

#[test]
fn remote_write_1_has_the_same_points_without_starts_and_symbols() {
    let LegacyRequest { timeseries } = legacy::request(only(&[counter(3.0), histogram()], FORMS));
    assert_eq!(timeseries.len(), 7);
    let labels = timeseries[0].labels.iter();
    let labels: Vec<(&str, &str)> = labels.map(|l| (&*l.name, &*l.value)).collect();
    assert_eq!(labels[0], ("__name__", "turns_total"));
    assert_eq!(labels.last(), Some(&("zone", "eu")));
    assert_eq!(timeseries[0].exemplars[0].labels[0].name, "trace_id");
    let samples = timeseries.iter().flat_map(|series| &series.samples);
    assert!(samples.clone().all(|sample| sample.start_timestamp == 0));
    assert_eq!(samples.count(), 6);
    let native = &timeseries[6].histograms[0];
    assert_eq!((native.start_timestamp, native.count), (0, Some(3)));
}

proptest! {
    /// Whatever came and went, no series has two points in a set, and all points have the time of the set.
    #[test]
    fn no_series_is_there_twice(now in prop::collection::vec(0..40_usize, 0..60), before in prop::collection::vec(0..40_usize, 0..60), shards in 1..4_usize) {
        let of = |numbers: Vec<usize>| {
            let numbers: BTreeSet<usize> = numbers.into_iter().collect();
            let mut families = [counter(1.0), histogram()];
            for family in &mut families {
                let one = family.series[0].clone();
                let series = numbers.iter().map(|number| {
                    let mut series = one.clone();
                    series.labels[1].1 = format!("a{number}");
                    series
                });
                family.series = series.collect();
            }
            families
        };
        let mut known = BTreeSet::new();
        for one in encoded(&of(now), &of(before), FORMS, shards) {
            for series in &one.request.timeseries {
                prop_assert!(known.insert(name(series, &one.request.symbols)));
                prop_assert_eq!(series.samples.len() + series.histograms.len(), 1);
                let times = series.samples.iter().map(|sample| sample.timestamp);
                let times = times.chain(series.histograms.iter().map(|native| native.timestamp));
                prop_assert!(times.into_iter().all(|at| at == 1_700_000_000_000));
            }
        }
    }
}
