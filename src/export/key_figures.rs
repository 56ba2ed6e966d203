//! The figures for executives, from the metric families alone. An unknown figure is `None`, never 0.

use crate::catalogue::Metric;
use crate::model::metric::{Family, Histogram, Point, Series};
use crate::model::money::written;
use std::ops::Add;

/// All money that is spent.
const SPENT: [Metric; 2] = [Metric::LlmCost, Metric::ActionCost];

/// The business at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyFigures {
    pub sessions: f64,
    pub turns: f64,
    /// Closed workflows, all outcomes.
    pub workflows: f64,
    /// Corrected by reports that came later (O-8).
    pub resolved: f64,
    pub escalations: f64,
    pub handoffs: f64,
    /// Resolved workflows of all closed ones.
    pub resolution_rate: Option<f64>,
    /// All money spent, failures included, for each resolved workflow.
    pub cost_per_resolution: Option<f64>,
    pub cost: Option<f64>,
    /// The code of the currency of both.
    pub currency: String,
    /// Mean user wait in seconds.
    pub user_wait_seconds: Option<f64>,
    /// Successful handoffs of those whose result is known.
    pub handoff_success_rate: Option<f64>,
    /// What the figures above rest on.
    pub coverage: Coverage,
}

/// How much of the key figures is known, each as a share.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Coverage {
    /// Resolutions that were declared when their workflow closed, and those that a rule decided then.
    pub resolutions_declared: Option<f64>,
    pub resolutions_by_rule: Option<f64>,
    /// Model calls whose cost is known.
    pub cost_known: Option<f64>,
    /// Handoffs whose result is known.
    pub handoff_result_known: Option<f64>,
}

impl KeyFigures {
    /// The figures of all families, whose money is in this currency.
    pub fn of(families: &[Family], currency: &str) -> Self {
        let find = |metric| find(families, metric, currency);
        let count = |metric, wanted: &[(&str, &str)]| find(metric).map_or(0.0, |f| sum(f, wanted));
        let workflows = count(Metric::Workflows, &[]);
        // What declares and decides outcomes is counted when a workflow closes.
        let at_closing = count(Metric::Workflows, &[("outcome", "resolved")]);
        let moved = |label| count(Metric::Corrections, &[(label, "resolved")]);
        let resolved = at_closing + moved("to") - moved("from");
        let handoffs = count(Metric::Handoffs, &[]);
        let succeeded = count(Metric::Handoffs, &[("result", "success")]);
        let known = handoffs - count(Metric::Handoffs, &[("result", "unknown")]);
        let by = |evidence| {
            let wanted = [("outcome", "resolved"), ("evidence", evidence)];
            ratio(count(Metric::Workflows, &wanted), at_closing)
        };
        let calls = count(Metric::LlmCalls, &[]);
        let costly = calls
            - count(Metric::LlmCallsWithoutUsage, &[])
            - count(Metric::LlmCallsWithoutPrice, &[]);
        let spent = SPENT.iter().filter_map(|metric| find(*metric));
        let cost = spent
            .filter(|family| !family.series.is_empty())
            .map(|family| sum(family, &[]))
            .reduce(f64::add);
        let (waits, waited) = find(Metric::TurnDuration)
            .into_iter()
            .flat_map(|family| &family.series)
            .filter_map(histogram)
            .fold((0, 0.0), |(n, s), h| (n + total(h), s + h.sum));
        Self {
            sessions: count(Metric::Sessions, &[]),
            turns: count(Metric::Turns, &[]),
            workflows,
            resolved,
            escalations: count(Metric::Escalations, &[]),
            handoffs,
            resolution_rate: ratio(resolved, workflows),
            cost_per_resolution: cost.and_then(|money| ratio(money, resolved)),
            cost,
            currency: currency.to_owned(),
            user_wait_seconds: ratio(waited, waits as f64),
            handoff_success_rate: ratio(succeeded, known),
            coverage: Coverage {
                resolutions_declared: by("declared"),
                resolutions_by_rule: by("rule"),
                cost_known: ratio(costly, calls),
                handoff_result_known: ratio(known, handoffs),
            },
        }
    }

    /// The figures for scripts; what cannot be known is `null`.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "sessions": self.sessions,
            "turns": self.turns,
            "workflows": self.workflows,
            "resolved": self.resolved,
            "escalations": self.escalations,
            "handoffs": self.handoffs,
            "resolution_rate": self.resolution_rate,
            "cost_per_resolution": self.cost_per_resolution,
            "cost": self.cost,
            "currency": self.currency,
            "user_wait_seconds": self.user_wait_seconds,
            "handoff_success_rate": self.handoff_success_rate,
            "coverage": {
                "resolutions_declared": self.coverage.resolutions_declared,
                "resolutions_by_rule": self.coverage.resolutions_by_rule,
                "cost_known": self.coverage.cost_known,
                "handoff_result_known": self.coverage.handoff_result_known,
            },
        })
    }

    /// Names and values as people read them.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let percent = |rate: Option<f64>| unknown(rate.map(|r| format!("{:.1} %", r * 100.0)));
        let money = |sum: Option<f64>| unknown(sum.map(|sum| written(sum, &self.currency, 4)));
        vec![
            ("Resolution rate", percent(self.resolution_rate)),
            (
                "  declared, by rule",
                format!(
                    "{}, {}",
                    percent(self.coverage.resolutions_declared),
                    percent(self.coverage.resolutions_by_rule)
                ),
            ),
            ("Cost per resolution", money(self.cost_per_resolution)),
            ("  cost known, of calls", percent(self.coverage.cost_known)),
            (
                "Customer wait (mean)",
                unknown(self.user_wait_seconds.map(|s| format!("{s:.2} s"))),
            ),
            ("Handoff success", percent(self.handoff_success_rate)),
            (
                "  result known",
                percent(self.coverage.handoff_result_known),
            ),
            ("Escalations to a human", self.escalations.to_string()),
            ("Sessions", self.sessions.to_string()),
            ("Workflows closed", self.workflows.to_string()),
            ("Money spent", money(self.cost)),
        ]
    }
}

fn unknown(value: Option<String>) -> String {
    value.unwrap_or_else(|| "unknown".into())
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// The family of a metric, by its name in this currency.
pub(super) fn find<'f>(
    families: &'f [Family],
    metric: Metric,
    currency: &str,
) -> Option<&'f Family> {
    let name = metric.description().name_in(currency);
    families.iter().find(|family| family.name == name)
}

/// The sum of the series with these labels.
fn sum(family: &Family, wanted: &[(&str, &str)]) -> f64 {
    let series = family.series.iter();
    series
        .filter(|series| {
            wanted
                .iter()
                .all(|(key, value)| series.labels.iter().any(|(k, v)| k == key && v == value))
        })
        .map(|series| match series.point {
            Point::Counter { value, .. } | Point::Gauge(value) => value,
            Point::Histogram(_) => 0.0,
        })
        // The sum of nothing is -0.0 in Rust, and is written so.
        .fold(0.0, f64::add)
}

fn histogram(series: &Series) -> Option<&Histogram> {
    match &series.point {
        Point::Histogram(histogram) => Some(histogram),
        _ => None,
    }
}

fn total(histogram: &Histogram) -> u64 {
    histogram.buckets.iter().map(|bucket| bucket.count).sum()
}
