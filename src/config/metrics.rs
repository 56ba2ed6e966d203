//! Which labels and buckets metrics have, checked against the catalogue of metrics.

use super::Config;
use super::shape::nearest;
use crate::catalogue::{DERIVED, Description};
use crate::derive::{Labels, Preset};
use crate::model::metric::FamilyKind;
use crate::model::money::DOLLAR;
use crate::setting::{Report, key_path};
use std::collections::BTreeMap;

/// More bounds than this are a mistake.
const MAX_BOUNDS: usize = 100;

/// Checks labels and buckets, and gives the metrics in them their names of the catalogue, which have the currency of the catalogue.
pub(super) fn check(config: &mut Config, report: &mut Report<'_>) {
    let mut checks = Checks {
        dimensions: &config.cohorts.dimensions,
        currency: &config.money.currency,
        report,
    };
    let kept = checks.kept(&config.metrics.labels.kept);
    let bounds = checks.bounds(&config.metrics.bounds);
    config.metrics.labels.kept = kept;
    config.metrics.bounds = bounds;
}

/// What metrics are checked against, and where faults are reported.
struct Checks<'a, 'r, 's> {
    dimensions: &'a [String],
    currency: &'a str,
    report: &'r mut Report<'s>,
}

impl<'a> Checks<'a, '_, '_> {
    fn kept(&mut self, keep: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
        let mut kept = BTreeMap::new();
        for (name, labels) in keep {
            let path = key_path("metrics.labels.keep", name);
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
                    self.report.fault(&key_path(&path, place), what);
                }
            }
            kept.insert(description.name.to_owned(), labels.clone());
        }
        kept
    }

    fn bounds(&mut self, buckets: &BTreeMap<String, Vec<f64>>) -> BTreeMap<String, Vec<f64>> {
        let mut checked = BTreeMap::new();
        for (name, bounds) in buckets {
            let path = key_path("metrics.buckets", name);
            let is_histogram = |d: &Description| d.kind == FamilyKind::Histogram;
            let Some(description) = self.metric(&path, name, is_histogram) else {
                continue;
            };
            let in_order = bounds.is_sorted_by(|a, b| a < b);
            if !in_order || !bounds.iter().all(|bound| bound.is_finite()) {
                let what = "is no list of growing numbers, as in [0.5, 1, 2.5]; +Inf is added";
                self.report.fault(&path, what);
            }
            if bounds.len() > MAX_BOUNDS {
                let what = format!("has more than {MAX_BOUNDS} bounds");
                self.report.fault(&path, what);
            }
            checked.insert(description.name.to_owned(), bounds.clone());
        }
        checked
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
            self.report.fault(path, what);
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
