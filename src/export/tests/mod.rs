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

/// A counter with these series.
fn counter(name: &'static str, parts: &[(&[(&'static str, &str)], f64)]) -> Family {
    Family {
        name: name.into(),
        help: "",
        kind: FamilyKind::Counter,
        unit: "".into(),
        series: parts
            .iter()
            .map(|(labels, value)| {
                let (value, exemplar) = (*value, None);
                series(labels, Point::Counter { value, exemplar })
            })
            .collect(),
    }
}

/// The same for money in euros.
fn euros(name: &'static str, value: f64) -> Family {
    Family {
        unit: "eur".into(),
        ..counter(name, &[(&[], value)])
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
    let workflows = counter(
        "baton_workflows_total",
        &[
            (&[("outcome", "resolved")], 2.0),
            (&[("outcome", "failed")], 6.0),
        ],
    );
    let people = counter(
        "baton_action_cost_usd_total",
        &[(&[("kind", "escalation")], 1.5)],
    );
    let summary = KeyFigures::of(
        &[
            workflows,
            counter("baton_llm_cost_usd_total", &[(&[], 2.5)]),
            people,
        ],
        DOLLAR,
    );
    assert_eq!(summary.resolution_rate, Some(0.25));
    assert_eq!(summary.cost_per_resolution, Some(2.0));
}

/// O-8.
#[test]
fn what_was_reported_later_moves_the_key_figures() {
    let resolved = |evidence| [("outcome", "resolved"), ("evidence", evidence)];
    let moved = |from, to| [("from", from), ("to", to)];
    let families = [
        counter(
            "baton_workflows_total",
            &[
                (&resolved("declared"), 2.0),
                (&[("outcome", "unverified")], 4.0),
            ],
        ),
        counter(
            "baton_workflow_corrections_total",
            &[
                (&moved("unverified", "resolved"), 2.0),
                (&moved("resolved", "failed"), 1.0),
            ],
        ),
        counter("baton_llm_cost_usd_total", &[(&[], 6.0)]),
    ];
    let figures = KeyFigures::of(&families, DOLLAR);
    assert_eq!((figures.resolved, figures.workflows), (3.0, 6.0));
    assert_eq!(figures.resolution_rate, Some(0.5));
    assert_eq!(figures.cost_per_resolution, Some(2.0));
    assert_eq!(figures.coverage.resolutions_declared, Some(1.0));
    let text = table::write(&families, DOLLAR);
    assert!(text.contains("Outcomes corrected later"), "{text}");
}

#[test]
fn what_figures_rest_on_is_beside_them_and_unknown_results_are_in_no_rate() {
    let resolved = |evidence| [("outcome", "resolved"), ("evidence", evidence)];
    let figures = KeyFigures::of(
        &[
            counter(
                "baton_workflows_total",
                &[(&resolved("declared"), 3.0), (&resolved("rule"), 1.0)],
            ),
            counter(
                "baton_handoffs_total",
                &[
                    (&[("result", "success")], 1.0),
                    (&[("result", "unknown")], 3.0),
                ],
            ),
            counter("baton_llm_calls_total", &[(&[], 10.0)]),
            counter("baton_llm_calls_without_usage_total", &[(&[], 1.0)]),
            counter("baton_llm_calls_without_price_total", &[(&[], 2.0)]),
        ],
        DOLLAR,
    );
    assert_eq!(figures.handoff_success_rate, Some(1.0));
    let coverage = &figures.json()["coverage"];
    let expected = serde_json::json!({
        "resolutions_declared": 0.75,
        "resolutions_by_rule": 0.25,
        "cost_known": 0.7,
        "handoff_result_known": 0.25,
    });
    assert_eq!(*coverage, expected);
}

#[test]
fn a_summary_tells_money_in_its_currency() {
    let spent = euros("baton_llm_cost_eur_total", 2.5);
    let lines = KeyFigures::of(&[spent], "EUR").lines();
    assert!(
        lines.contains(&("Money spent", "2.5000 EUR".to_owned())),
        "{lines:?}"
    );
}

#[test]
fn money_is_found_by_the_catalogue_and_not_by_how_a_name_begins() {
    let spent = euros("baton_llm_cost_eur_total", 2.0);
    let other = euros("baton_llm_cost_forecast_eur_total", 2.0);
    let figures = KeyFigures::of(&[other.clone(), spent.clone()], "EUR");
    assert_eq!(figures.cost, Some(2.0));
    let text = table::write(&[other, spent], "EUR");
    assert_eq!(text.matches("Money for models (EUR)").count(), 1, "{text}");
    assert!(
        text.contains("amount") && !text.contains("count "),
        "{text}"
    );
}
