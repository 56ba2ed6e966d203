//! The keys of `report`.

use crate::setting::{PositiveInterval, Report, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What `baton report` writes (docs/report.md): the section `report`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whose report it is, for its title.
    pub title: String,
    /// Time zone of its days, for example Europe/Berlin.
    pub time_zone: String,
    /// What a case took before there were agents. Without `source` there is no net return.
    pub baseline: ReportBaseline,
    /// What the figures should be.
    pub targets: ReportTargets,
}

/// The section `report.baseline`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReportBaseline {
    /// Minutes of a person that a case took.
    pub minutes: f64,
    /// What an hour of that person costs, in `money.currency`.
    pub hourly_cost: f64,
    /// Other money that a case took, in `money.currency`.
    pub case_cost: f64,
    /// Who says so and when. The report prints it.
    pub source: Option<String>,
}

/// The section `report.targets`. A figure without a target is not judged by one.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReportTargets {
    /// Least share of resolved cases, in per cent.
    pub resolved_percent: Option<f64>,
    /// Greatest cost of a resolved case, in `money.currency`.
    pub cost_per_resolution: Option<f64>,
    /// Greatest median wait of customers.
    #[schemars(with = "Option<PositiveInterval>")]
    #[serde(with = "wait")]
    pub wait: Option<Duration>,
    /// Greatest share of cases that are passed to people, in per cent.
    pub escalated_percent: Option<f64>,
    /// Least share of handoffs that succeed, in per cent.
    pub handoffs_percent: Option<f64>,
    /// Least share of context that handoffs keep, in per cent.
    pub context_percent: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            title: "Agents".into(),
            time_zone: "UTC".into(),
            baseline: ReportBaseline::default(),
            targets: ReportTargets::default(),
        }
    }
}

impl ReportBaseline {
    /// What a case cost. `None`: nobody says so.
    pub fn case(&self) -> Option<f64> {
        let cost = self.minutes / 60.0 * self.hourly_cost + self.case_cost;
        (self.source.is_some() && cost > 0.0).then_some(cost)
    }
}

impl Validate for Settings {
    fn validate(&self, report: &mut Report<'_>) {
        let baseline = &self.baseline;
        for (key, amount) in [
            ("baseline.minutes", baseline.minutes),
            ("baseline.hourly_cost", baseline.hourly_cost),
            ("baseline.case_cost", baseline.case_cost),
        ] {
            if !(0.0..1e9).contains(&amount) {
                report.fault(key, "expected a number from 0 to 1e9");
            }
        }
        let targets = &self.targets;
        for (key, percent) in [
            ("targets.resolved_percent", targets.resolved_percent),
            ("targets.escalated_percent", targets.escalated_percent),
            ("targets.handoffs_percent", targets.handoffs_percent),
            ("targets.context_percent", targets.context_percent),
        ] {
            if percent.is_some_and(|percent| !(0.0..=100.0).contains(&percent)) {
                report.fault(key, "expected a percentage from 0 to 100");
            }
        }
    }
}

/// A duration that may be missing.
mod wait {
    use super::{Duration, PositiveInterval};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize, Serialize)]
    struct Wait(#[serde(with = "PositiveInterval")] Duration);

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.map(Wait).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let wait = Option::<Wait>::deserialize(deserializer)?;
        Ok(wait.map(|wait| wait.0))
    }
}
