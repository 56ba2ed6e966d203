//! Which labels a metric carries: the number of its series is the product of their values.

use crate::catalogue::Description;
use std::collections::BTreeMap;

/// A choice of labels for all metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Cohort dimensions on what describes the business, agents and models on what describes the work, not both.
    #[default]
    Standard,
    /// Every label and every dimension on every metric.
    Full,
    /// No cohort dimension on any metric.
    Minimal,
}

/// The labels of all metrics: a preset, and what single metrics carry instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    pub preset: Preset,
    /// By the name of the metric in the catalogue: the labels that it keeps, its own and dimensions.
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
        if !description.is_business || description.labels.contains(&dimension) {
            return false;
        }
        match (self.kept.get(description.name), self.preset) {
            (Some(kept), _) => kept.iter().any(|kept| kept == dimension),
            (None, Preset::Standard) => description.cohorts.contain(dimension),
            (None, Preset::Full) => true,
            (None, Preset::Minimal) => false,
        }
    }
}
