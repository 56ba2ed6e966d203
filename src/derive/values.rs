//! The series of one metric: by the values of their labels, within limits.

use super::Settings;
use super::known_values::{HEAP, KnownValues};
use super::series_key::{cut, put};
use super::value::{Accumulator, Number};
use crate::catalogue::Description;
use crate::model::cohort::Cohort;
use crate::model::metric::OVERFLOW;
use crate::model::tenant::TENANT_DIMENSION;
use indexmap::IndexMap;
use rapidhash::fast::RandomState;
use std::sync::Arc;

/// What the value of a cohort dimension becomes when it has too many.
const OTHER: &str = "other";

#[derive(Debug, Default)]
pub(super) struct Values {
    /// By the values of its labels, see [`put`].
    pub(super) series: IndexMap<Vec<u8>, Accumulator, RandomState>,
    /// Its own labels that it carries, by their place in the catalogue.
    pub(super) own: Vec<usize>,
    /// The cohort dimensions that it carries, by their number. Their labels follow its own.
    pub(super) dimensions: Vec<usize>,
    /// The label values that its series use.
    pub(super) known: KnownValues,
    /// Upper bounds of a histogram's buckets.
    pub(super) bounds: Arc<[f64]>,
}

/// Why a value goes to an overflow series.
#[derive(Clone, Copy)]
pub(super) enum OverflowReason {
    /// The label in this place has too many values.
    Values(usize),
    /// The metric has too many series.
    Series,
    /// All series together take too much memory.
    Memory,
    /// The tenant has too many series of all metrics.
    Tenant,
}

/// What is full where a series would be new.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FullLimits {
    pub(super) memory: bool,
    pub(super) tenant: bool,
}

/// Roughly the bytes of one series: its place, which a growing map has half as many of again, its key, and what its number holds.
pub(super) fn entry_weight(key: &[u8], number: &Number) -> usize {
    /// Hash and place in the index.
    const INDEX: usize = 24;
    (size_of::<(Vec<u8>, Accumulator)>() + INDEX) * 3 / 2 + key.len() + HEAP + number.weight()
}

impl Values {
    pub(super) fn new(description: &Description, settings: &Settings) -> Self {
        let labels = &settings.labels;
        let own = description.labels.iter().enumerate();
        let own = own.filter(|(_, label)| labels.keep(description, label));
        let dimensions = settings.dimensions.iter().enumerate();
        let dimensions = dimensions.filter(|(_, name)| {
            let is_tenant = settings.has_tenants && *name == TENANT_DIMENSION;
            labels.keep_dimension(description, name)
                || (is_tenant && labels.may_keep_tenant(description))
        });
        let own: Vec<usize> = own.map(|(place, _)| place).collect();
        let dimensions: Vec<usize> = dimensions.map(|(number, _)| number).collect();
        let bounds = settings.bounds.get(description.name);
        let is_tenant = |number: &usize| settings.dimensions[*number] == TENANT_DIMENSION;
        let tenant = dimensions.iter().position(is_tenant);
        let tenant = tenant.map(|place| own.len() + place);
        let tenant = tenant.filter(|_| settings.has_tenants);
        Self {
            series: IndexMap::default(),
            known: KnownValues::new(own.len() + dimensions.len(), tenant),
            own,
            dimensions,
            bounds: bounds.map_or(description.bounds, Vec::as_slice).into(),
        }
    }

    /// The values of the labels that it carries, of all that a fact says.
    pub(super) fn carried<'a>(
        &'a self,
        labels: &'a [&'a str],
        cohort: &'a Cohort,
    ) -> impl Iterator<Item = &'a str> {
        let own = self.own.iter().map(|place| labels[*place]);
        own.chain(self.dimensions.iter().map(|i| cohort.value(*i)))
    }

    /// Counts the label values of a series that is about to be; returns the bytes of those that are new.
    pub(super) fn use_labels(&mut self, key: &[u8]) -> usize {
        match self.series.contains_key(key) {
            true => 0,
            false => self.known.take(key),
        }
    }

    /// The label values to use, and what was limited.
    pub(super) fn admit(
        &self,
        labels: &[&str],
        cohort: &Cohort,
        settings: &Settings,
        full: FullLimits,
    ) -> (Vec<u8>, Option<OverflowReason>) {
        let mut limited = None;
        let own = self.own.len();
        let values = self.carried(labels, cohort);
        let mut admitted: Vec<String> = values.map(|value| cut(value).to_owned()).collect();
        let tenant = self.known.tenant_of(admitted.iter().map(String::as_str));
        let tenant = tenant.to_owned();
        // The name of a tenant is the only one of its own: it never is one too many.
        let known = self.known.of(&tenant).iter();
        for ((i, value), known) in admitted.iter_mut().enumerate().zip(known) {
            let (limit, rest) = if i < own {
                (settings.max_label_values, OVERFLOW)
            } else {
                (settings.max_cohort_values, OTHER)
            };
            // The rest has its place beside the limit, and an unknown dimension is no value.
            let beside = ["", OTHER].map(|free| usize::from(i >= own && known.contains_key(free)));
            let used = known.len() - beside.iter().sum::<usize>();
            let free = i >= own && (value.is_empty() || value == OTHER);
            if used >= limit && !known.contains_key(value) && !free {
                rest.clone_into(value);
                limited.get_or_insert(OverflowReason::Values(i));
            }
        }
        let key_of = |values: &[String]| {
            let mut key = Vec::new();
            values.iter().for_each(|value| put(&mut key, value));
            key
        };
        let mut key = key_of(&admitted);
        let many = self.is_full(&tenant, settings.max_series);
        let over = match full {
            _ if many => Some(OverflowReason::Series),
            FullLimits { memory: true, .. } => Some(OverflowReason::Memory),
            FullLimits { tenant: true, .. } => Some(OverflowReason::Tenant),
            _ => None,
        };
        if let Some(reason) = over.filter(|_| !self.series.contains_key(&key)) {
            // A tenant keeps its name: what overflows is its own.
            for (place, value) in admitted.iter_mut().enumerate() {
                if self.known.tenant_place() != Some(place) {
                    OVERFLOW.clone_into(value);
                }
            }
            key = key_of(&admitted);
            limited.get_or_insert(reason);
        }
        (key, limited)
    }

    /// Whether a tenant may add no series. Where there are too many, those with fewer than an equal share still may, until there are twice as many:
    /// a tenant that came first leaves room for others.
    fn is_full(&self, tenant: &str, max_series: usize) -> bool {
        let all = self.series.len();
        let tenants = self.known.tenants().len().max(1);
        let has_share = self.known.series_of(tenant) >= max_series / tenants;
        let is_shared = self.known.tenant_place().is_some();
        all >= max_series && (!is_shared || has_share || all >= max_series.saturating_mul(2))
    }
}
