//! Known answers of the exporters.

mod protobuf;
mod sessions;

use super::internal;
use super::prometheus::{Format, write};
use super::summary::Summary;
use crate::model::ids::{PartitionKey, TenantScoped, TraceId};
use crate::model::metric::{Bucket, Exemplar, Family, FamilyKind, Histogram, Point, Series};
use crate::model::time::Timestamp;

const OPEN: Format = Format::OpenMetrics { created: true };

fn series(labels: &[(&'static str, &str)], point: Point) -> Series {
    Series {
        expired: false,
        labels: labels
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).to_owned()))
            .collect(),
        point,
        start: Timestamp(1_500_000_000),
    }
}

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
    assert_eq!(write(&families(), Format::Text), expected);
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
"#;
    assert_eq!(write(&families(), OPEN), expected);
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
        assert_eq!(Format::negotiate(accept, true) == OPEN, open, "{accept}");
    }
}

#[test]
fn batons_own_metrics_become_openmetrics() {
    let text = "# HELP a_total Counts.\n# TYPE a_total counter\na_total{x=\"y\"} 1\n\n# TYPE g gauge\ng 2\n";
    let open = "# HELP a Counts.\n# TYPE a counter\na_total{x=\"y\"} 1\n# TYPE g gauge\ng 2\n";
    assert_eq!(internal::rewrite(text, OPEN), open);
    assert_eq!(internal::rewrite(text, Format::Text), text);
}

#[test]
fn a_rate_without_a_denominator_is_unknown() {
    let summary = Summary::of(&[]);
    assert_eq!(summary.resolution_rate, None);
    assert_eq!(summary.handoff_success_rate, None);
    assert_eq!(
        summary.lines()[0],
        ("Resolution rate", "unknown".to_owned())
    );
    let lines = summary.lines();
    assert!(
        lines.contains(&("Escalations to a human", "0".to_owned())),
        "{lines:?}"
    );
}

#[test]
fn cost_per_resolution_counts_all_money() {
    let counter = |name: &'static str, labels: &[(&'static str, &str)], value| Family {
        name: name.into(),
        help: "",
        kind: FamilyKind::Counter,
        unit: "".into(),
        series: vec![series(
            labels,
            Point::Counter {
                value,
                exemplar: None,
            },
        )],
    };
    let mut workflows = counter("baton_workflows_total", &[("outcome", "resolved")], 2.0);
    workflows.series.push(series(
        &[("outcome", "failed")],
        Point::Counter {
            value: 6.0,
            exemplar: None,
        },
    ));
    let people = counter(
        "baton_action_cost_usd_total",
        &[("kind", "escalation")],
        1.5,
    );
    let summary = Summary::of(&[
        workflows,
        counter("baton_llm_cost_usd_total", &[], 2.5),
        people,
    ]);
    assert_eq!(summary.resolution_rate, Some(0.25));
    assert_eq!(summary.cost_per_resolution, Some(2.0));
}

#[test]
fn a_summary_tells_money_in_its_currency() {
    let spent = Family {
        name: "baton_llm_cost_eur_total".into(),
        help: "",
        kind: FamilyKind::Counter,
        unit: "eur".into(),
        series: vec![series(
            &[],
            Point::Counter {
                value: 2.5,
                exemplar: None,
            },
        )],
    };
    let lines = Summary::of(&[spent]).lines();
    assert!(
        lines.contains(&("Money spent", "2.5000 EUR".to_owned())),
        "{lines:?}"
    );
}

#[test]
fn a_story_tells_what_things_cost_and_what_could_not_be_converted() {
    use crate::model::fact::{Action, ActionKind, Fact, What};
    let action = |kind, name: &str, usd| {
        let name = name.into();
        What::Action(Action { kind, name, usd })
    };
    let trace = TraceId::new(&[1; 16]).expect("not zero");
    let facts: Vec<Fact> = [
        action(ActionKind::Tool, "lookup", 0.002),
        action(ActionKind::Escalation, "desk", 4.5),
        What::Unconverted {
            currency: "GBP".into(),
        },
    ]
    .map(|what| Fact::new(Timestamp(1), trace, what))
    .to_vec();
    let id = "s".into();
    let key = PartitionKey::Session(TenantScoped { tenant: None, id });
    let told = super::story::write(&key, &facts, "USD");
    for line in [
        "the tool lookup cost $0.0020",
        "desk called in cost $4.5000",
        "in GBP is unknown",
    ] {
        assert!(told.contains(line), "{told}");
    }
    assert!(super::story::write(&key, &facts, "EUR").contains("0.0020 EUR"));
}
