//! Known answers of the key figures.

use super::key_figures::KeyFigures;
use super::table;
use crate::model::metric::{Family, FamilyKind, Point, Series};
use crate::model::money::DOLLAR;
use crate::model::time::Timestamp;

/// One series of a family, with its labels.
pub(super) fn series(labels: &[(&'static str, &str)], point: Point) -> Series {
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

#[test]
fn a_rate_without_a_denominator_is_unknown() {
    let summary = KeyFigures::of(&[], DOLLAR);
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
    let summary = KeyFigures::of(
        &[
            workflows,
            counter("baton_llm_cost_usd_total", &[], 2.5),
            people,
        ],
        DOLLAR,
    );
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
    let lines = KeyFigures::of(&[spent], "EUR").lines();
    assert!(
        lines.contains(&("Money spent", "2.5000 EUR".to_owned())),
        "{lines:?}"
    );
}

#[test]
fn money_is_found_by_the_catalogue_and_not_by_how_a_name_begins() {
    let counter = |name: &'static str| Family {
        name: name.into(),
        help: "",
        kind: FamilyKind::Counter,
        unit: "eur".into(),
        series: vec![series(
            &[],
            Point::Counter {
                value: 2.0,
                exemplar: None,
            },
        )],
    };
    let spent = counter("baton_llm_cost_eur_total");
    let other = counter("baton_llm_cost_forecast_eur_total");
    let figures = KeyFigures::of(&[other.clone(), spent.clone()], "EUR");
    assert_eq!(figures.cost, Some(2.0));
    let text = table::write(&[other, spent], "EUR");
    assert_eq!(text.matches("Money for models (EUR)").count(), 1, "{text}");
}
