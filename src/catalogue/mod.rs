//! The one catalogue of metrics: name, help, type, unit and labels of every metric that Baton exposes. Plain static tables;
//! `docs/metrics.md` is generated from them.
//!
//! | File | Content |
//! |---|---|
//! | `metric.rs` | the ids of the derived metrics |
//! | `buckets.rs` | the bounds of the buckets of derived histograms |
//! | `derived.rs` | the table of the metrics that `derive` makes from facts, and of what they need besides |
//! | `internal.rs` | ids and table of Baton's own metrics, which its rooms count themselves |

mod buckets;
mod derived;
mod internal;
mod metric;

#[cfg(test)]
mod tests;

pub use derived::DERIVED;
pub use internal::{INTERNAL, InternalMetric};
pub use metric::Metric;

use crate::model::metric::FamilyKind;
use crate::model::money::DOLLAR;
use std::borrow::Cow;

/// What stands for the currency in names and units of the tables.
const MONEY: &str = "usd";

/// What is known of a metric before it has values: one row of the catalogue. `M` is its id, which is its place in the table.
#[derive(Clone, Copy, Debug)]
pub struct Description<M = Metric> {
    pub metric: M,
    pub name: &'static str,
    pub help: &'static str,
    pub kind: FamilyKind,
    /// As OpenMetrics wants it; empty when there is none. `usd` stands for the configured currency, here and in names.
    pub unit: &'static str,
    /// All its own labels.
    pub labels: &'static [&'static str],
    /// Those of its own labels that only the preset `full` keeps.
    pub detail: &'static [&'static str],
    /// The cohort dimensions that it carries under the preset `standard`.
    pub cohorts: Cohorts,
    /// Whether it describes the business: then the weights of sampling apply, and it can carry cohort dimensions. A metric of
    /// Baton's own work has neither.
    pub is_business: bool,
    /// Upper bounds of a histogram's buckets. None: only its sum and its count.
    pub bounds: &'static [f64],
}

impl<M: Copy> Description<M> {
    /// A counter of Baton's own work, without unit or labels.
    const fn counter(metric: M, name: &'static str, help: &'static str) -> Self {
        Self {
            metric,
            name,
            help,
            kind: FamilyKind::Counter,
            unit: "",
            labels: &[],
            detail: &[],
            cohorts: Cohorts::None,
            is_business: false,
            bounds: &[],
        }
    }

    /// A level of Baton's own work, without unit or labels.
    const fn gauge(metric: M, name: &'static str, help: &'static str) -> Self {
        Self {
            kind: FamilyKind::Gauge,
            ..Self::counter(metric, name, help)
        }
    }

    const fn in_unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    const fn with_labels(self, labels: &'static [&'static str]) -> Self {
        Self { labels, ..self }
    }
}

impl<M> Description<M> {
    /// Its name where money is in this currency (a code of ISO 4217): money of another currency is another metric.
    pub fn name_in(&self, currency: &str) -> Cow<'static, str> {
        in_currency(self.name, currency)
    }

    /// Its unit where money is in this currency.
    pub fn unit_in(&self, currency: &str) -> Cow<'static, str> {
        in_currency(self.unit, currency)
    }
}

fn in_currency(text: &'static str, currency: &str) -> Cow<'static, str> {
    match currency == DOLLAR {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.replace(MONEY, &currency.to_ascii_lowercase())),
    }
}

impl Description {
    /// It carries cohort dimensions under the preset `standard`.
    const fn by(self, cohorts: Cohorts) -> Self {
        Self { cohorts, ..self }
    }

    /// Some of its own labels are kept by the preset `full` only.
    const fn with_detail(self, detail: &'static [&'static str]) -> Self {
        Self { detail, ..self }
    }

    /// Whether a counter adds up amounts (money, seconds), which it keeps in billionths, and not things.
    pub fn is_amount(&self) -> bool {
        !self.unit.is_empty()
    }
}

/// The cohort dimensions of a metric under the preset `standard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cohorts {
    All,
    Only(&'static [&'static str]),
    None,
}

impl Cohorts {
    pub fn contain(self, dimension: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(some) => some.contains(&dimension),
            Self::None => false,
        }
    }
}
