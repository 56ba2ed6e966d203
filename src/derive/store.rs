//! Values by metric and label set, within limits.

use super::Settings;
use super::catalogue::{CATALOGUE, Description, Metric};
use crate::model::ids::TraceId;
use crate::model::metric::{Bucket, Exemplar, Family, FamilyKind, Histogram, Point, Series};
use crate::model::time::Timestamp;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// What a label value becomes when the label has too many.
const OVERFLOW: &str = "_overflow";
/// The label that `baton_series_overflow_total` names when a metric has too many series.
const ALL_SERIES: &str = "_series";
/// Longer label values are cut.
const MAX_VALUE: usize = 128;
/// Sums are kept in billionths: nano-dollars, nanoseconds. Whole numbers add up in any order.
const NANO: f64 = 1e9;

/// When something happened and when it arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    pub(super) at: Timestamp,
    pub(super) trace: TraceId,
}

/// All series of one partition.
#[derive(Debug)]
pub(super) struct Store {
    settings: Settings,
    metrics: Vec<Values>,
    /// No series expires before this time.
    next_expiry: Timestamp,
}

#[derive(Debug, Default)]
struct Values {
    series: BTreeMap<Vec<String>, Value>,
    /// How many series use each value of each label.
    known: Vec<HashMap<String, usize>>,
}

#[derive(Debug)]
struct Value {
    start: Timestamp,
    touched: Timestamp,
    number: Number,
}

#[derive(Debug)]
enum Number {
    /// Plain counts, or billionths where the unit is money.
    Counter(u128, Option<Exemplar>),
    Gauge(i64),
    Histogram {
        buckets: Vec<Bucket>,
        sum: i128,
    },
}

impl Store {
    pub(super) fn new(settings: Settings) -> Self {
        let metrics = CATALOGUE
            .iter()
            .map(|description| Values {
                series: BTreeMap::new(),
                known: description.labels.iter().map(|_| HashMap::new()).collect(),
            })
            .collect();
        Self {
            settings,
            metrics,
            next_expiry: Timestamp::default(),
        }
    }

    /// Adds to a counter. Adding 0 makes the series show.
    pub(super) fn count(&mut self, metric: Metric, labels: &[&str], count: u64, when: Moment) {
        self.add(metric, labels, u128::from(count), count as f64, when);
    }

    /// Adds dollars to `baton_llm_cost_usd_total`.
    pub(super) fn pay(&mut self, labels: &[&str], usd: f64, when: Moment) {
        let nano = (usd.max(0.0) * NANO).round() as u128;
        self.add(Metric::LlmCost, labels, nano, usd, when);
    }

    fn add(&mut self, metric: Metric, labels: &[&str], amount: u128, shown: f64, when: Moment) {
        let value = self.value(metric, labels, amount > 0, when);
        if let Number::Counter(total, exemplar) = &mut value.number
            && amount > 0
        {
            *total = total.saturating_add(amount);
            keep(exemplar, shown, when);
        }
    }

    pub(super) fn change(&mut self, metric: Metric, change: i64, when: Moment) {
        if let Number::Gauge(level) = &mut self.value(metric, &[], true, when).number {
            *level += change;
        }
    }

    pub(super) fn observe(&mut self, metric: Metric, labels: &[&str], observed: f64, when: Moment) {
        let bounds = CATALOGUE[metric as usize].bounds;
        let value = self.value(metric, labels, true, when);
        if let Number::Histogram { buckets, sum } = &mut value.number {
            *sum = sum.saturating_add((observed * NANO).round() as i128);
            let bucket = bounds.partition_point(|bound| *bound < observed);
            buckets[bucket].count += 1;
            keep(&mut buckets[bucket].exemplar, observed, when);
        }
    }

    /// The value of a series, made where it is new. Only what counts is told of as limited, not a series that merely shows.
    fn value(&mut self, metric: Metric, labels: &[&str], counts: bool, when: Moment) -> &mut Value {
        let description = &CATALOGUE[metric as usize];
        let (labels, limited) = self.metrics[metric as usize].admit(labels, &self.settings);
        if let Some(label) = limited.filter(|_| counts) {
            let label = label.map_or(ALL_SERIES, |i| description.labels[i]);
            self.count(Metric::SeriesOverflow, &[description.name, label], 1, when);
        }
        let values = &mut self.metrics[metric as usize];
        if !values.series.contains_key(&labels) {
            for (known, value) in values.known.iter_mut().zip(&labels) {
                *known.entry(value.clone()).or_default() += 1;
            }
        }
        let value = values.series.entry(labels).or_insert_with(|| Value {
            start: when.now,
            touched: when.now,
            number: Number::zero(description),
        });
        value.touched = value.touched.max(when.now);
        value
    }

    /// Removes single series that had no value for long. Gauges stay.
    pub(super) fn expire(&mut self, now: Timestamp) {
        if now < self.next_expiry || now == Timestamp::MAX {
            return;
        }
        let wait = self.settings.expire_after;
        let mut next = now + wait;
        for (values, description) in self.metrics.iter_mut().zip(CATALOGUE) {
            if description.kind == FamilyKind::Gauge {
                continue;
            }
            let known = &mut values.known;
            values.series.retain(|labels, value| {
                let keep = value.touched + wait > now;
                if keep {
                    next = next.min(value.touched + wait);
                } else {
                    forget(known, labels);
                }
                keep
            });
        }
        self.next_expiry = next;
    }

    pub(super) fn families(&self) -> Vec<Family> {
        CATALOGUE
            .iter()
            .zip(&self.metrics)
            .map(|(description, values)| Family {
                name: description.name,
                help: description.help,
                kind: description.kind,
                unit: description.unit,
                series: values
                    .series
                    .iter()
                    .map(|(labels, value)| value.series(description, labels))
                    .collect(),
            })
            .collect()
    }
}

/// The exemplar with the latest event time stays; of equal ones the greater trace id and value, so that order does not show.
fn keep(exemplar: &mut Option<Exemplar>, value: f64, when: Moment) {
    let newer = exemplar.is_none_or(|old| {
        let order = (old.at, old.trace).cmp(&(when.at, when.trace));
        order.then(old.value.total_cmp(&value)).is_le()
    });
    if newer {
        *exemplar = Some(Exemplar {
            trace: when.trace,
            value,
            at: when.at,
        });
    }
}

fn forget(known: &mut [HashMap<String, usize>], labels: &[String]) {
    for (known, value) in known.iter_mut().zip(labels) {
        if let Some(uses) = known.get_mut(value) {
            *uses -= 1;
            if *uses == 0 {
                known.remove(value);
            }
        }
    }
}

impl Values {
    /// The label values to use, and what was limited: `Some(Some(label))`, or `Some(None)` for too many series.
    fn admit(&self, labels: &[&str], settings: &Settings) -> (Vec<String>, Option<Option<usize>>) {
        let mut limited = None;
        let mut admitted: Vec<String> = labels.iter().map(|value| cut(value).to_owned()).collect();
        for (i, value) in admitted.iter_mut().enumerate() {
            let known = &self.known[i];
            if known.len() >= settings.max_label_values && !known.contains_key(value) {
                OVERFLOW.clone_into(value);
                limited.get_or_insert(Some(i));
            }
        }
        if self.series.len() >= settings.max_series && !self.series.contains_key(&admitted) {
            admitted.fill(OVERFLOW.to_owned());
            limited.get_or_insert(None);
        }
        (admitted, limited)
    }
}

fn cut(value: &str) -> &str {
    let mut end = value.len().min(MAX_VALUE);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    &value[..end]
}

impl Number {
    fn zero(description: &Description) -> Self {
        match description.kind {
            FamilyKind::Counter => Self::Counter(0, None),
            FamilyKind::Gauge => Self::Gauge(0),
            FamilyKind::Histogram => Self::Histogram {
                buckets: vec![Bucket::default(); description.bounds.len() + 1],
                sum: 0,
            },
        }
    }
}

impl Value {
    fn series(&self, description: &Description, labels: &[String]) -> Series {
        let names = description.labels.iter().map(|name| Cow::Borrowed(*name));
        let point = match &self.number {
            Number::Counter(total, exemplar) => Point::Counter {
                value: if description.unit == "usd" {
                    *total as f64 / NANO
                } else {
                    *total as f64
                },
                exemplar: *exemplar,
            },
            Number::Gauge(level) => Point::Gauge(*level as f64),
            Number::Histogram { buckets, sum } => Point::Histogram(Histogram {
                bounds: description.bounds,
                buckets: buckets.clone(),
                sum: *sum as f64 / NANO,
            }),
        };
        Series {
            labels: names.zip(labels.iter().cloned()).collect(),
            point,
            start: self.start,
        }
    }
}
