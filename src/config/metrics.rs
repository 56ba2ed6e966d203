//! Which labels and buckets metrics have, checked against the catalogue of metrics.

use super::node::join;
use super::raw::{LabelPreset, Raw};
use super::shape::nearest;
use crate::catalogue::{DERIVED, Description};
use crate::derive::{Labels, Preset};
use crate::model::metric::FamilyKind;
use crate::model::money::DOLLAR;
use std::collections::BTreeMap;

/// More bounds than this are a mistake.
const MAX_BOUNDS: usize = 100;

/// What metrics are checked against, and who is told of faults.
struct Checks<'a> {
    dimensions: &'a [String],
    currency: &'a str,
    fault: &'a mut dyn FnMut(&str, String),
}

/// The labels of all metrics.
pub(super) fn labels(raw: &Raw, fault: &mut dyn FnMut(&str, String)) -> Labels {
    let kept = Checks::of(raw, fault).kept(raw);
    let preset = match raw.metrics.labels.preset {
        LabelPreset::Standard => Preset::Standard,
        LabelPreset::Full => Preset::Full,
        LabelPreset::Minimal => Preset::Minimal,
    };
    Labels { preset, kept }
}

/// The buckets of histograms that have others than the catalogue says.
pub(super) fn buckets(
    raw: &Raw,
    fault: &mut dyn FnMut(&str, String),
) -> BTreeMap<String, Vec<f64>> {
    Checks::of(raw, fault).buckets(raw)
}

impl<'a> Checks<'a> {
    fn of(raw: &'a Raw, fault: &'a mut dyn FnMut(&str, String)) -> Self {
        Self {
            dimensions: &raw.cohorts.dimensions,
            currency: &raw.money.currency,
            fault,
        }
    }

    fn kept(&mut self, raw: &Raw) -> BTreeMap<String, Vec<String>> {
        let mut kept = BTreeMap::new();
        for (name, labels) in &raw.metrics.labels.keep {
            let path = join("metrics.labels.keep", name);
            let Some(description) = self.metric(&path, name, |_| true) else {
                continue;
            };
            for (place, label) in labels.iter().enumerate() {
                let known = self.labels_of(description);
                if !known.contains(&label.as_str()) {
                    let what = match known.is_empty() {
                        true => "is a label that the metric does not have: it has none".to_owned(),
                        false => format!(
                            "is a label that the metric does not have: {}it has {}",
                            hint(&known, label),
                            known.join(", ")
                        ),
                    };
                    (self.fault)(&format!("{path}.{place}"), what);
                }
            }
            kept.insert(description.name.to_owned(), labels.clone());
        }
        kept
    }

    fn buckets(&mut self, raw: &Raw) -> BTreeMap<String, Vec<f64>> {
        let mut buckets = BTreeMap::new();
        for (name, bounds) in &raw.metrics.buckets {
            let path = join("metrics.buckets", name);
            let is_histogram = |d: &Description| d.kind == FamilyKind::Histogram;
            let Some(description) = self.metric(&path, name, is_histogram) else {
                continue;
            };
            let in_order = bounds.is_sorted_by(|a, b| a < b);
            if !in_order || !bounds.iter().all(|bound| bound.is_finite()) {
                let what = "is no list of growing numbers, as in [0.5, 1, 2.5]; +Inf is added";
                (self.fault)(&path, what.to_owned());
            }
            if bounds.len() > MAX_BOUNDS {
                (self.fault)(&path, format!("has more than {MAX_BOUNDS} bounds"));
            }
            buckets.insert(description.name.to_owned(), bounds.clone());
        }
        buckets
    }

    /// A metric by the name that it has on `/metrics`, in the configured currency.
    fn metric(
        &mut self,
        path: &str,
        name: &str,
        fits: impl Fn(&Description) -> bool,
    ) -> Option<&'static Description> {
        let (usd, currency) = (DOLLAR.to_lowercase(), self.currency.to_lowercase());
        let shown = |d: &Description| d.name.replace(&usd, &currency);
        let found = DERIVED.iter().find(|d| fits(d) && shown(d) == name);
        if found.is_none() {
            let names: Vec<String> = DERIVED.iter().filter(|d| fits(d)).map(shown).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let what = match DERIVED.iter().any(|d| shown(d) == name) {
                true => "is no histogram and has no buckets".to_owned(),
                false => format!(
                    "is no derived metric: {}see docs/metrics.md",
                    hint(&names, name)
                ),
            };
            (self.fault)(path, what);
        }
        found
    }

    /// All labels that a metric may carry.
    fn labels_of(&self, description: &'static Description) -> Vec<&'a str> {
        let mut known = description.labels.to_vec();
        let full = Labels {
            preset: Preset::Full,
            ..Labels::default()
        };
        let dimensions = self.dimensions.iter().map(String::as_str);
        known.extend(dimensions.filter(|name| full.keep_dimension(description, name)));
        known
    }
}

fn hint(known: &[&str], name: &str) -> String {
    nearest(name, known).map_or(String::new(), |known| format!("did you mean {known}? "))
}
