//! Which labels a metric carries: the number of its series is the product of their values.

use crate::catalogue::Description;
use crate::model::tenant::TENANT_DIMENSION;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A choice of labels for all metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Preset {
    #[default]
    Standard,
    Full,
    Minimal,
}

/// The labels of all metrics: the section `metrics.labels`. Once the configuration is validated, the metrics in it have their names of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Labels {
    /// standard: cohort dimensions on metrics of workflows, not on metrics of agents, models and tools. full: all labels and dimensions on all metrics. minimal: no cohort dimensions.
    pub preset: Preset,
    /// Labels of single metrics, for example `baton_handoffs_total: [from, to, result, tier]`. They replace the labels of the preset. Series that differ only in other labels are added up.
    #[serde(rename = "keep")]
    pub kept: BTreeMap<String, Vec<String>>,
}

impl Labels {
    /// Whether a metric carries one of its own labels.
    pub fn keep(&self, description: &Description, label: &str) -> bool {
        match self.kept.get(description.name) {
            Some(kept) => kept.iter().any(|kept| kept == label),
            None => self.preset == Preset::Full || !description.detail.contains(&label),
        }
    }

    /// Whether a metric carries a cohort dimension. A dimension named like a label of its own is left out: it would say something
    /// else than elsewhere.
    pub fn keep_dimension(&self, description: &Description, dimension: &str) -> bool {
        if !has_dimension(description, dimension) {
            return false;
        }
        match (self.kept.get(description.name), self.preset) {
            (Some(kept), _) => kept.iter().any(|kept| kept == dimension),
            (None, Preset::Standard) => description.cohorts.contain(dimension),
            (None, Preset::Full) => true,
            (None, Preset::Minimal) => false,
        }
    }

    /// Whether a metric may carry the tenant, where there are tenants: its labels are those of the preset.
    pub(super) fn may_keep_tenant(&self, description: &Description) -> bool {
        let is_preset = !self.kept.contains_key(description.name);
        is_preset && has_dimension(description, TENANT_DIMENSION)
    }
}

/// Whether a dimension of that name says what it says elsewhere.
fn has_dimension(description: &Description, dimension: &str) -> bool {
    description.is_business && !description.labels.contains(&dimension)
}
