//! Values by metric and label set, within limits.

use super::Settings;
use super::catalogue::{CATALOGUE, Description, Metric};
use super::merge::latest;
use super::reveal::Reveals;
use super::rows::{Kind, Rows};
use super::value::{Number, Value};
use crate::model::cohort::Cohort;
use crate::model::ids::TraceId;
use crate::model::metric::{Exemplar, Family, FamilyKind, Series};
use crate::model::money::DOLLAR;
use crate::model::time::Timestamp;
use indexmap::IndexMap;
use indexmap::map::Entry;
use rapidhash::RapidHashMap as HashMap;
use rapidhash::fast::RandomState;
use std::borrow::Cow;

/// What a label value becomes when the label has too many.
const OVERFLOW: &str = "_overflow";
/// What the value of a cohort dimension becomes when it has too many.
const OTHER: &str = "other";
/// The label that `baton_series_overflow_total` names when a metric has too many series.
const ALL_SERIES: &str = "_series";
/// Longer label values are cut.
const MAX_VALUE: usize = 128;
/// Sums are kept in billionths: nano-dollars, nanoseconds. Whole numbers add up in any order.
pub(super) const NANO: f64 = 1e9;

/// The unit of money in the catalogue.
pub(super) const MONEY: &str = "usd";

/// When something happened, when it arrived, and to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub(super) now: Timestamp,
    pub(super) at: Timestamp,
    pub(super) trace: TraceId,
    /// How many like it it stands for.
    pub(super) weight: u64,
    pub(super) cohort: &'a Cohort,
}

/// Whom values are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// People: as they are.
    True,
    /// Prometheus: new series are 0.
    Exposed,
}

/// All series of one partition.
#[derive(Debug)]
pub(super) struct Store {
    settings: Settings,
    pub(super) metrics: Vec<Values>,
    pub(super) rows: Rows,
    /// The key under construction.
    scratch: Vec<u8>,
    /// No series expires before this time.
    next_expiry: Timestamp,
    pub(super) reveals: Reveals,
}

#[derive(Debug, Default)]
pub(super) struct Values {
    /// By the values of its labels, see [`put`].
    pub(super) series: IndexMap<Vec<u8>, Value, RandomState>,
    /// Its own labels that it carries, by their place in the catalogue.
    own: Vec<usize>,
    /// The cohort dimensions that it carries, by their number. Their labels follow its own.
    dimensions: Vec<usize>,
    /// How many series use each value of each label.
    known: Vec<HashMap<String, usize>>,
}

impl Store {
    pub(super) fn new(settings: Settings) -> Self {
        let metrics = CATALOGUE
            .iter()
            .map(|description| Values::new(description, &settings))
            .collect();
        Self {
            reveals: Reveals::new(settings.zero_hold),
            settings,
            metrics,
            rows: Rows::default(),
            scratch: Vec::new(),
            next_expiry: Timestamp::MAX,
        }
    }

    /// Adds to a counter. Adding 0 makes the series show.
    pub(super) fn count(&mut self, metric: Metric, labels: &[&str], count: u64, when: Moment<'_>) {
        self.add(metric, labels, u128::from(count), count as f64, when);
    }

    /// Adds an amount of money or time to a counter that has a unit.
    pub(super) fn add_up(&mut self, metric: Metric, labels: &[&str], more: f64, when: Moment<'_>) {
        let nano = (more.max(0.0) * NANO).round() as u128;
        self.add(metric, labels, nano, more, when);
    }

    fn add(&mut self, metric: Metric, labels: &[&str], amount: u128, shown: f64, when: Moment<'_>) {
        let change = |value: &mut Value| {
            if let Number::Counter(total, exemplar) = &mut value.number
                && amount > 0
            {
                let weight = weight(metric, when);
                *total = total.saturating_add(amount.saturating_mul(weight.into()));
                keep(exemplar, shown, when);
            }
        };
        self.with(metric, labels, amount > 0, when, change);
    }

    pub(super) fn change(&mut self, metric: Metric, change: i64, when: Moment<'_>) {
        self.with(metric, &[], true, when, |value| {
            if let Number::Gauge(level) = &mut value.number {
                *level += change;
            }
        });
    }

    pub(super) fn observe(
        &mut self,
        metric: Metric,
        labels: &[&str],
        observed: f64,
        when: Moment<'_>,
    ) {
        let bounds = CATALOGUE[metric as usize].bounds;
        let change = |value: &mut Value| {
            if let Number::Histogram { buckets, sum } = &mut value.number {
                let weight = weight(metric, when);
                let nano = (observed * NANO).round() as i128;
                *sum = sum.saturating_add(nano.saturating_mul(weight.into()));
                let bucket = bounds.partition_point(|bound| *bound < observed);
                buckets[bucket].count += weight;
                keep(&mut buckets[bucket].exemplar, observed, when);
            }
        };
        self.with(metric, labels, true, when, change);
    }

    /// Changes the value of a series, which is made where it is new. Only what counts is told of as limited, not a series that
    /// merely shows.
    fn with(
        &mut self,
        metric: Metric,
        labels: &[&str],
        counts: bool,
        when: Moment<'_>,
        change: impl FnOnce(&mut Value),
    ) {
        if CATALOGUE[metric as usize].kind != FamilyKind::Gauge {
            let expires = when.now + self.settings.expire_after;
            self.next_expiry = self.next_expiry.min(expires);
        }
        let step = self.rows.step();
        let values = &mut self.metrics[metric as usize];
        if let Some(place) = self.rows.place(step)
            && let Some((key, value)) = values.series.get_index_mut(place)
        {
            debug_assert!(
                parts(key)
                    .take(values.own.len())
                    .eq(values.own.iter().map(|i| cut(labels[*i])))
            );
            value.take(change, when.now);
            return;
        }
        self.scratch.clear();
        for value in values.carried(labels, when.cohort) {
            put(&mut self.scratch, value);
        }
        // What is known under its own name needs no admission.
        match values.series.get_full_mut(self.scratch.as_slice()) {
            Some((place, _, value)) => {
                value.take(change, when.now);
                self.rows.is_at(step, place);
            }
            None => self.admit(metric, labels, counts, when, change),
        }
    }

    /// What a function changes is the row of one fact, see [`Rows::begin`].
    pub(super) fn row(
        &mut self,
        (kind, shape): (Kind, u8),
        labels: &[&str],
        when: Moment<'_>,
        changes: impl FnOnce(&mut Self),
    ) {
        self.rows.begin(kind, shape, labels, when.cohort);
        changes(self);
        self.rows.leave();
    }

    /// Changes the value of a series that is not known under its own name.
    fn admit(
        &mut self,
        metric: Metric,
        labels: &[&str],
        counts: bool,
        when: Moment<'_>,
        change: impl FnOnce(&mut Value),
    ) {
        let description = &CATALOGUE[metric as usize];
        let values = &self.metrics[metric as usize];
        let (key, limited) = values.admit(labels, when.cohort, &self.settings);
        // What is limited in the count of what is limited is not counted again: that would never end.
        let told = counts && metric != Metric::SeriesOverflow;
        if let Some(label) = limited.filter(|_| told) {
            let name = self.name(description);
            let label = label.map_or(Cow::Borrowed(ALL_SERIES), |i| self.label(metric, i));
            let row = self.rows.leave();
            self.count(Metric::SeriesOverflow, &[&name, &label], 1, when);
            self.rows.go_on(row);
        }
        let values = &mut self.metrics[metric as usize];
        values.use_labels(&key);
        let reveals = &mut self.reveals;
        let new = || {
            reveals.born(when.now);
            Value {
                start: when.now,
                touched: when.now,
                number: Number::zero(description),
            }
        };
        let value = values.series.entry(key).or_insert_with(new);
        value.take(change, when.now);
    }

    /// Adds a value to the series of these labels.
    pub(super) fn join(&mut self, metric: Metric, labels: &[String], value: Value) {
        if CATALOGUE[metric as usize].kind != FamilyKind::Gauge {
            let expires = value.touched + self.settings.expire_after;
            self.next_expiry = self.next_expiry.min(expires);
        }
        // Snapshots of before log time was kept: it was this late at the least.
        self.reveals.advance(value.touched);
        self.reveals.born(value.start);
        let mut key = Vec::new();
        labels.iter().for_each(|label| put(&mut key, label));
        let values = &mut self.metrics[metric as usize];
        values.use_labels(&key);
        match values.series.entry(key) {
            Entry::Vacant(place) => {
                place.insert(value);
            }
            Entry::Occupied(known) => known.into_mut().join(value),
        }
    }

    /// How many labels a metric carries, dimensions included.
    pub(super) fn places(&self, metric: Metric) -> usize {
        self.metrics[metric as usize].known.len()
    }

    /// The name of a metric's label by its place: its own, then the dimensions.
    pub(super) fn label(&self, metric: Metric, place: usize) -> Cow<'static, str> {
        let values = &self.metrics[metric as usize];
        match values.own.get(place) {
            Some(own) => Cow::Borrowed(CATALOGUE[metric as usize].labels[*own]),
            None => {
                let dimension = values.dimensions[place - values.own.len()];
                Cow::Owned(self.settings.dimensions[dimension].clone())
            }
        }
    }

    /// Names and values; a dimension whose value is not known is left out.
    pub(super) fn labels(&self, metric: Metric, key: &[u8]) -> Vec<(Cow<'static, str>, String)> {
        let own = self.metrics[metric as usize].own.len();
        let shown = parts(key).enumerate();
        shown
            .filter(|(place, value)| *place < own || !value.is_empty())
            .map(|(place, value)| (self.label(metric, place), value.to_owned()))
            .collect()
    }

    /// Removes single series that had no value for long. Gauges stay.
    pub(super) fn expire(&mut self, now: Timestamp) {
        if now < self.next_expiry {
            return;
        }
        let wait = self.settings.expire_after;
        let mut next = Timestamp::MAX;
        for (values, description) in self.metrics.iter_mut().zip(CATALOGUE) {
            if description.kind == FamilyKind::Gauge {
                continue;
            }
            let known = &mut values.known;
            let before = values.series.len();
            values.series.retain(|labels, value| {
                let keep = value.touched + wait > now;
                if keep {
                    next = next.min(value.touched + wait);
                } else {
                    forget(known, labels);
                }
                keep
            });
            if values.series.len() < before {
                self.rows.forget();
            }
        }
        self.next_expiry = next;
    }

    /// When a series may expire next.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        (self.next_expiry < Timestamp::MAX).then_some(self.next_expiry)
    }

    pub(super) fn families(&self, shown: Shown) -> Vec<Family> {
        CATALOGUE
            .iter()
            .zip(&self.metrics)
            .map(|(description, values)| Family {
                name: self.name(description),
                help: description.help,
                kind: description.kind,
                unit: self.in_currency(description.unit),
                series: self.series(description, values, shown),
            })
            .collect()
    }

    /// The name of a metric, here and in snapshots: money of another currency is another metric.
    pub(super) fn name(&self, description: &Description) -> Cow<'static, str> {
        self.in_currency(description.name)
    }

    fn in_currency(&self, text: &'static str) -> Cow<'static, str> {
        let currency = &self.settings.currency;
        if **currency == *DOLLAR {
            return Cow::Borrowed(text);
        }
        Cow::Owned(text.replace(MONEY, &currency.to_ascii_lowercase()))
    }

    /// In the order of their labels.
    fn series(&self, description: &Description, values: &Values, shown: Shown) -> Vec<Series> {
        let counts = description.kind != FamilyKind::Gauge;
        let holds =
            |value: &Value| shown == Shown::Exposed && counts && self.reveals.holds(value.start);
        let point = |value: &Value| match holds(value) {
            true => Number::zero(description).point(description),
            false => value.number.point(description),
        };
        let series = values.series.iter().map(|(key, value)| Series {
            labels: self.labels(description.metric, key),
            point: point(value),
            start: value.start,
        });
        let mut series: Vec<Series> = series.collect();
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        series
    }
}

/// Only the business is weighed: what Baton saw and holds itself is what it is.
fn weight(metric: Metric, when: Moment<'_>) -> u64 {
    if CATALOGUE[metric as usize].is_business {
        when.weight
    } else {
        1
    }
}

fn keep(exemplar: &mut Option<Exemplar>, value: f64, when: Moment<'_>) {
    let new = Exemplar {
        trace: when.trace,
        value,
        at: when.at,
    };
    *exemplar = latest(*exemplar, Some(new));
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

fn forget(known: &mut [HashMap<String, usize>], key: &[u8]) {
    for (known, value) in known.iter_mut().zip(parts(key)) {
        if let Some(uses) = known.get_mut(value) {
            *uses -= 1;
            if *uses == 0 {
                known.remove(value);
            }
        }
    }
}

impl Values {
    fn new(description: &Description, settings: &Settings) -> Self {
        let labels = &settings.labels;
        let own = description.labels.iter().enumerate();
        let own = own.filter(|(_, label)| labels.keep(description, label));
        let dimensions = settings.dimensions.iter().enumerate();
        let dimensions = dimensions.filter(|(_, name)| labels.keep_dimension(description, name));
        let own: Vec<usize> = own.map(|(place, _)| place).collect();
        let dimensions: Vec<usize> = dimensions.map(|(number, _)| number).collect();
        Self {
            series: IndexMap::default(),
            known: vec![HashMap::default(); own.len() + dimensions.len()],
            own,
            dimensions,
        }
    }

    /// The values of the labels that it carries, of all that a fact says.
    fn carried<'a>(
        &'a self,
        labels: &'a [&'a str],
        cohort: &'a Cohort,
    ) -> impl Iterator<Item = &'a str> {
        let own = self.own.iter().map(|place| labels[*place]);
        own.chain(self.dimensions.iter().map(|i| cohort.value(*i)))
    }

    /// Counts the label values of a series that is about to be.
    fn use_labels(&mut self, key: &[u8]) {
        if !self.series.contains_key(key) {
            for (known, value) in self.known.iter_mut().zip(parts(key)) {
                *known.entry(value.to_owned()).or_default() += 1;
            }
        }
    }

    /// The label values to use, and what was limited: `Some(Some(label))`, or `Some(None)` for too many series.
    fn admit(
        &self,
        labels: &[&str],
        cohort: &Cohort,
        settings: &Settings,
    ) -> (Vec<u8>, Option<Option<usize>>) {
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
                limited.get_or_insert(Some(i));
            }
        }
        let key_of = |values: &[String]| {
            let mut key = Vec::new();
            values.iter().for_each(|value| put(&mut key, value));
            key
        };
        let mut key = key_of(&admitted);
        if self.series.len() >= settings.max_series && !self.series.contains_key(&key) {
            admitted.fill(OVERFLOW.to_owned());
            key = key_of(&admitted);
            limited.get_or_insert(None);
        }
        (key, limited)
    }
}

fn cut(value: &str) -> &str {
    let mut end = value.len().min(MAX_VALUE);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    &value[..end]
}
