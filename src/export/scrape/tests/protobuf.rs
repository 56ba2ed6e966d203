//! Known answers of the protobuf exposition.

use crate::export::scrape::ScrapeFormat;
use crate::export::scrape::protobuf::{BucketSpan, COUNTER, HistogramMessage, MetricFamily, write};
use crate::model::ids::TraceId;
use crate::model::metric::{self, Bucket, Exemplar, Family, FamilyKind, Point, Series};
use crate::model::native::Native;
use crate::model::time::Timestamp;
use prost::Message;

fn family(kind: FamilyKind, point: Point) -> Family {
    Family {
        name: "x".into(),
        help: "Things.",
        kind,
        unit: "".into(),
        series: vec![Series {
            expired: false,
            labels: vec![("k".into(), "a\"b".to_owned())],
            point,
            start: Timestamp(1_500_000_000),
        }],
    }
}

fn read(mut bytes: &[u8]) -> Vec<MetricFamily> {
    let mut families = Vec::new();
    while !bytes.is_empty() {
        families.push(MetricFamily::decode_length_delimited(&mut bytes).expect("a family"));
    }
    families
}

fn histogram(values: &[f64]) -> HistogramMessage {
    let mut native = Native::default();
    values.iter().for_each(|value| native.observe(*value, 1));
    let below = values.iter().filter(|value| **value <= 1.0).count() as u64;
    let counts = [below, values.len() as u64 - below];
    let found = Point::Histogram(metric::Histogram {
        bounds: [1.0].into(),
        buckets: counts
            .map(|count| Bucket {
                count,
                exemplar: None,
            })
            .to_vec(),
        sum: values.iter().sum(),
        native: Some(native),
    });
    let families = read(&write(&[family(FamilyKind::Histogram, found)]));
    families[0].metric[0]
        .histogram
        .clone()
        .expect("a histogram")
}

#[test]
fn a_counter_has_its_labels_its_exemplar_and_its_start() {
    let counter = Point::Counter {
        value: 3.0,
        exemplar: Some(Exemplar {
            trace: TraceId::new(&[0xab; 16]).expect("not zero"),
            value: 1.0,
            at: Timestamp(2_000_000_000),
        }),
    };
    let gauge = family(FamilyKind::Gauge, Point::Gauge(-2.0));
    let families = read(&write(&[family(FamilyKind::Counter, counter), gauge]));
    let found = &families[0];
    assert_eq!(
        (&*found.name, &*found.help, found.kind),
        ("x", "Things.", COUNTER)
    );
    let metric = &found.metric[0];
    assert_eq!(
        (&*metric.label[0].name, &*metric.label[0].value),
        ("k", "a\"b")
    );
    let counter = metric.counter.as_ref().expect("a counter");
    let created = counter.created.expect("a start");
    assert_eq!((created.seconds, created.nanos), (1, 500_000_000));
    let exemplar = counter.exemplar.as_ref().expect("an exemplar");
    assert_eq!((counter.value, exemplar.value), (Some(3.0), 1.0));
    assert_eq!(exemplar.label[0].value, "ab".repeat(16));
    let gauge = families[1].metric[0].gauge.as_ref();
    assert_eq!(gauge.and_then(|gauge| gauge.value), Some(-2.0));
}

#[test]
fn native_buckets_are_runs_and_differences_beside_the_classic_ones() {
    // Bucket 0 ends at 1, bucket 8 at 2, bucket 9 follows it.
    let found = histogram(&[1.0, 1.0, 2.0, 2.1, 2.1, 2.1, -4.0, 0.0]);
    let span = |offset, length| BucketSpan { offset, length };
    assert_eq!(found.positive_span, [span(0, 1), span(7, 2)]);
    assert_eq!(found.positive_delta, [2, -1, 2]);
    assert_eq!(
        (found.negative_span, found.negative_delta),
        (vec![span(16, 1)], vec![1])
    );
    assert_eq!(
        (found.schema, found.zero_count, found.count),
        (Some(3), Some(1), Some(8))
    );
    let classic: Vec<_> = found
        .bucket
        .iter()
        .map(|b| (b.upper_bound, b.cumulative_count))
        .collect();
    assert_eq!(
        classic,
        [(Some(1.0), Some(4)), (Some(f64::INFINITY), Some(8))]
    );
    let empty = histogram(&[]);
    assert_eq!(
        empty.positive_span,
        [span(0, 0)],
        "it is native all the same"
    );
}

#[test]
fn the_format_is_negotiated_by_quality_and_parameters() {
    const DELIMITED: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    let prometheus = format!(
        "{DELIMITED},application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    );
    let open = ScrapeFormat::OpenMetrics { created: false };
    for (accept, expected) in [
        (prometheus.as_str(), ScrapeFormat::Protobuf),
        (DELIMITED, ScrapeFormat::Protobuf),
        ("application/vnd.google.protobuf", ScrapeFormat::Text),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
            ScrapeFormat::Text,
        ),
        (
            &format!("{DELIMITED};q=0.2,text/plain;q=0.7"),
            ScrapeFormat::Text,
        ),
        (
            &format!("{DELIMITED};q=0,application/openmetrics-text"),
            open,
        ),
        (
            &format!("{DELIMITED};q=0.5,application/openmetrics-text;q=0.9"),
            open,
        ),
    ] {
        assert_eq!(ScrapeFormat::negotiate(accept, false), expected, "{accept}");
    }
}
