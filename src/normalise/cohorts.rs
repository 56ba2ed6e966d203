//! The keys of `cohorts`: the dimensions by which business metrics are broken down, and the attributes that declare their values.

use crate::model::cohort::preset;
use crate::setting::{Count, Report, Validate, key_path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Every dimension multiplies the number of time series: more are a mistake.
const MAX_DIMENSIONS: usize = 16;

/// Labels that Prometheus uses itself.
const RESERVED_LABELS: [&str; 4] = ["le", "quantile", "job", "instance"];

/// The section `cohorts`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CohortSettings {
    /// Names of the dimensions, which become labels. Attributes of tier, intent, channel, tenant and agent_version are built in.
    pub dimensions: Vec<String>,
    /// Attributes of a dimension, for example `region: [customer.region]`. They are tried before the built-in ones.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// Maximum number of distinct values of a dimension in the process, in equal shares per partition; with tenants, of each of them. Further values become `other`.
    #[serde(with = "Count")]
    pub max_values: usize,
}

impl Default for CohortSettings {
    fn default() -> Self {
        Self {
            dimensions: ["tier", "intent", "channel", "tenant"]
                .map(String::from)
                .to_vec(),
            attributes: BTreeMap::new(),
            max_values: 200,
        }
    }
}

impl CohortSettings {
    /// The attributes that declare a dimension: those of the operator, then those known for its name.
    pub fn attributes_of(&self, dimension: &str) -> Vec<String> {
        let mut attributes = self.attributes.get(dimension).cloned().unwrap_or_default();
        let known = preset(dimension).into_iter().flatten();
        attributes.extend(known.map(|name| (*name).to_owned()));
        attributes
    }

    /// The attributes that declare the intent. It matters without a dimension too.
    pub fn intent_attributes(&self) -> Vec<String> {
        self.attributes_of("intent")
    }
}

impl Validate for CohortSettings {
    fn validate(&self, report: &mut Report<'_>) {
        if self.dimensions.len() > MAX_DIMENSIONS {
            report.fault("dimensions", format!("has more than {MAX_DIMENSIONS}"));
        }
        let unused = self.attributes.keys();
        let unused = unused.filter(|name| !self.dimensions.contains(name));
        for name in unused
            .filter(|_| report.is_sound("dimensions"))
            .collect::<Vec<_>>()
        {
            let key = key_path("attributes", name);
            report.fault(&key, "is not in cohorts.dimensions");
        }
        for (i, name) in self.dimensions.iter().enumerate() {
            let key = format!("dimensions.{i}");
            if !is_label(name) {
                report.fault(
                    &key,
                    "expected a label name: lower-case letters, digits and _, and no name that Prometheus uses",
                );
            }
            if self.dimensions[..i].contains(name) {
                report.fault(&key, "is a duplicate: each dimension is listed once");
            }
            let attributes = key_path("attributes", name);
            if self.attributes_of(name).is_empty() && report.is_sound(&attributes) {
                let what = format!(
                    "has no attributes: name some in {}",
                    report.path(&attributes)
                );
                report.fault(&key, what);
            }
        }
    }
}

/// Whether a text may be the name of a label that an operator chooses.
fn is_label(text: &str) -> bool {
    let rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let reserved = RESERVED_LABELS.contains(&text) || text.starts_with("__");
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(rest) && !reserved
}
