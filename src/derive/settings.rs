//! The keys of `metrics`.

use super::Labels;
use crate::model::Name;
use crate::model::money::DOLLAR;
use crate::model::tenant::TenantLimit;
use crate::setting::{Count, Interval};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Limits and labels of business metrics: the section `metrics`, and what a partition is told of other sections.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Labels that metrics carry. They determine the number of time series.
    pub labels: Labels,
    /// Upper bounds of the buckets of a histogram, for example `baton_turn_duration_seconds: [1, 5, 30]`. They replace the built-in bounds. An empty list leaves only sum and count.
    #[serde(rename = "buckets")]
    pub bounds: BTreeMap<String, Vec<f64>>,
    /// Whether to keep native histograms too. They are exposed to a Prometheus that requests the protobuf format.
    pub native_histograms: bool,
    /// Maximum number of label sets of a metric in the process, in equal shares per partition. Further values go to an overflow series. With tenants, those that have fewer than an equal share still get new ones, until there are twice as many.
    #[serde(with = "Count")]
    pub max_series: usize,
    /// Maximum number of distinct values of a label of a metric in the process, in equal shares per partition; with tenants, of each of them. Further values become `_overflow`.
    #[serde(with = "Count")]
    pub max_label_values: usize,
    /// A series without a new value for this time is removed.
    #[serde(with = "Interval")]
    pub expire_after: Duration,
    /// A new series is exposed as 0 for this time, so that increase() sees its first value. Set it to at least two scrape intervals of your slowest Prometheus.
    #[serde(with = "Interval")]
    pub zero_hold: Duration,
    /// Whether OpenMetrics exposes when each series began (`_created`). Most Prometheus versions store this as additional series. The protobuf format always contains it.
    pub created: bool,
    /// The memory of all series of this partition, in bytes, above which new ones go to an overflow series.
    #[serde(skip)]
    pub max_bytes: usize,
    /// Whether there are other partitions, in which a series may have parts.
    #[serde(skip)]
    pub shared: bool,
    /// The names of the cohort dimensions, in the order of their numbers (`cohorts`).
    #[serde(skip)]
    pub dimensions: Vec<String>,
    /// Every business metric has the dimension `tenant`, unless its labels are chosen one by one: with `tenants`.
    #[serde(skip)]
    pub has_tenants: bool,
    /// Series of each tenant, in this partition (`tenants.limits.max_series`).
    #[serde(skip)]
    pub tenant_series: TenantLimit,
    /// This partition's share of `cohorts.max_values`. Further values of a dimension become `other`.
    #[serde(skip)]
    pub max_cohort_values: usize,
    /// The currency of all money (`money`): the names of its metrics end in it.
    #[serde(skip)]
    pub currency: Name,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            labels: Labels::default(),
            bounds: BTreeMap::new(),
            native_histograms: false,
            max_series: 40_000,
            max_label_values: 800,
            expire_after: Duration::from_secs(24 * 60 * 60),
            zero_hold: Duration::from_secs(120),
            created: false,
            max_bytes: 1 << 29,
            shared: false,
            dimensions: Vec::new(),
            has_tenants: false,
            tenant_series: TenantLimit::default(),
            max_cohort_values: 50,
            currency: DOLLAR.into(),
        }
    }
}

impl Settings {
    /// The settings of one of several partitions. It knows its own series only, so that it can recover from its own entries: it gets an equal share of each
    /// limit. At least one series and one value stay.
    #[must_use]
    pub fn share(&self, partitions: usize) -> Self {
        let share = |limit: usize| (limit / partitions).max(1);
        Self {
            max_series: share(self.max_series),
            max_label_values: share(self.max_label_values),
            max_cohort_values: share(self.max_cohort_values),
            tenant_series: self.tenant_series.share(partitions),
            shared: partitions > 1,
            ..self.clone()
        }
    }
}
