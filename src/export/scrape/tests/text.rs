//! Known answers of the text formats.

use crate::export::scrape::{ScrapeFormat, text};
use crate::export::tests::series;
use crate::model::ids::TraceId;
use crate::model::metric::{Bucket, Exemplar, Family, FamilyKind, Histogram, Point};
use crate::model::time::Timestamp;

const OPEN: ScrapeFormat = ScrapeFormat::OpenMetrics { created: true };

fn exemplar() -> Exemplar {
    Exemplar {
        trace: TraceId::new(&[0xab; 16]).expect("not zero"),
        value: 1.0,
        at: Timestamp(2_000_000_000),
    }
}

fn families() -> Vec<Family> {
    let counter = Point::Counter {
        value: 3.0,
        exemplar: Some(exemplar()),
    };
    let mut buckets = vec![Bucket::default(); 3];
    buckets[1].count = 2;
    buckets[2].count = 1;
    let histogram = Point::Histogram(Histogram {
        bounds: [0.5, 1.0].into(),
        native: None,
        buckets,
        sum: 4.25,
    });
    vec![
        Family {
            name: "x_total".into(),
            help: "Counts \\ things.",
            kind: FamilyKind::Counter,
            unit: "".into(),
            series: vec![series(&[("k", "a\"b\\c\nd")], counter)],
        },
        Family {
            name: "w_seconds".into(),
            help: "Waits.",
            kind: FamilyKind::Histogram,
            unit: "seconds".into(),
            series: vec![series(&[("k", "v")], histogram)],
        },
        Family {
            name: "g".into(),
            help: "Level.",
            kind: FamilyKind::Gauge,
            unit: "".into(),
            series: vec![series(&[], Point::Gauge(-2.0))],
        },
    ]
}

#[test]
fn prometheus_text() {
    let expected = r#"# HELP x_total Counts \\ things.
# TYPE x_total counter
x_total{k="a\"b\\c\nd"} 3
# HELP w_seconds Waits.
# TYPE w_seconds histogram
w_seconds_bucket{k="v",le="0.5"} 0
w_seconds_bucket{k="v",le="1"} 2
w_seconds_bucket{k="v",le="+Inf"} 3
w_seconds_sum{k="v"} 4.25
w_seconds_count{k="v"} 3
# HELP g Level.
# TYPE g gauge
g -2
"#;
    assert_eq!(text::write(&families(), ScrapeFormat::Text), expected);
}

#[test]
fn openmetrics() {
    let expected = r#"# HELP x Counts \\ things.
# TYPE x counter
x_total{k="a\"b\\c\nd"} 3 # {trace_id="abababababababababababababababab"} 1 2
x_created{k="a\"b\\c\nd"} 1.5
# HELP w_seconds Waits.
# TYPE w_seconds histogram
# UNIT w_seconds seconds
w_seconds_bucket{k="v",le="0.5"} 0
w_seconds_bucket{k="v",le="1.0"} 2
w_seconds_bucket{k="v",le="+Inf"} 3
w_seconds_sum{k="v"} 4.25
w_seconds_count{k="v"} 3
w_seconds_created{k="v"} 1.5
# HELP g Level.
# TYPE g gauge
g -2
# EOF
"#;
    assert_eq!(text::write(&families(), OPEN), expected);
}

#[test]
fn the_format_is_what_the_scraper_prefers() {
    for (accept, open) in [
        ("", false),
        ("*/*", false),
        ("text/plain", false),
        ("application/openmetrics-text; version=1.0.0", true),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1",
            true,
        ),
        ("application/openmetrics-text;q=0.3,text/plain;q=0.9", false),
        ("application/openmetrics-text;q=0", false),
    ] {
        assert_eq!(
            ScrapeFormat::negotiate(accept, true) == OPEN,
            open,
            "{accept}"
        );
    }
}
