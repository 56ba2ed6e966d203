//! The series of one metric: by the values of their labels, within limits.

use super::Settings;
use super::value::{Accumulator, Number};
use crate::catalogue::Description;
use crate::model::cohort::Cohort;
use crate::model::tenant::TENANT_DIMENSION;
use indexmap::IndexMap;
use rapidhash::RapidHashMap as HashMap;
use rapidhash::fast::RandomState;
use std::sync::Arc;

/// What a label value becomes when the label has too many.
const OVERFLOW: &str = "_overflow";
/// What the value of a cohort dimension becomes when it has too many.
const OTHER: &str = "other";
/// What the allocator takes beside each piece of memory, roughly.
const HEAP: usize = 16;
/// Longer label values are cut.
const MAX_VALUE: usize = 128;

#[derive(Debug, Default)]
pub(super) struct Values {
    /// By the values of its labels, see [`put`].
    pub(super) series: IndexMap<Vec<u8>, Accumulator, RandomState>,
    /// Its own labels that it carries, by their place in the catalogue.
    pub(super) own: Vec<usize>,
    /// The cohort dimensions that it carries, by their number. Their labels follow its own.
    pub(super) dimensions: Vec<usize>,
    /// The place of the tenant among its labels, where there are tenants.
    pub(super) tenant: Option<usize>,
    /// How many series use each value of each label.
    pub(super) known: Vec<HashMap<String, usize>>,
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

/// Roughly the bytes of a label value that is known.
fn known_weight(value: &str) -> usize {
    size_of::<(String, usize)>() * 3 / 2 + value.len() + HEAP
}

/// Appends one label value to a key: its length, then its bytes. Values are cut to what one byte can count.
pub(super) fn put(key: &mut Vec<u8>, value: &str) {
    let value = cut(value);
    key.push(value.len() as u8);
    key.extend_from_slice(value.as_bytes());
}

/// The label values of a key.
pub(super) fn parts(mut key: &[u8]) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (length, rest) = key.split_first()?;
        let (value, rest) = rest.split_at_checked(usize::from(*length))?;
        key = rest;
        std::str::from_utf8(value).ok()
    })
}

/// Takes a series from those that use its label values; returns the bytes of the values that no other one uses.
pub(super) fn forget(known: &mut [HashMap<String, usize>], key: &[u8]) -> usize {
    let mut freed = 0;
    for (known, value) in known.iter_mut().zip(parts(key)) {
        if let Some(uses) = known.get_mut(value) {
            *uses -= 1;
            if *uses == 0 {
                known.remove(value);
                freed += known_weight(value);
            }
        }
    }
    freed
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
        Self {
            tenant: tenant.filter(|_| settings.has_tenants),
            series: IndexMap::default(),
            known: vec![HashMap::default(); own.len() + dimensions.len()],
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
        let mut taken = 0;
        if !self.series.contains_key(key) {
            for (known, value) in self.known.iter_mut().zip(parts(key)) {
                match known.get_mut(value) {
                    Some(uses) => *uses += 1,
                    None => {
                        known.insert(value.to_owned(), 1);
                        taken += known_weight(value);
                    }
                }
            }
        }
        taken
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
        for (i, value) in admitted.iter_mut().enumerate() {
            let known = &self.known[i];
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
        let many = self.series.len() >= settings.max_series;
        let over = match full {
            _ if many => Some(OverflowReason::Series),
            FullLimits { memory: true, .. } => Some(OverflowReason::Memory),
            FullLimits { tenant: true, .. } => Some(OverflowReason::Tenant),
            _ => None,
        };
        if let Some(reason) = over.filter(|_| !self.series.contains_key(&key)) {
            // A tenant keeps its name: what overflows is its own.
            for (place, value) in admitted.iter_mut().enumerate() {
                if self.tenant != Some(place) {
                    OVERFLOW.clone_into(value);
                }
            }
            key = key_of(&admitted);
            limited.get_or_insert(reason);
        }
        (key, limited)
    }
}

pub(super) fn cut(value: &str) -> &str {
    let mut end = value.len().min(MAX_VALUE);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    &value[..end]
}
