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
use rapidhash::fast::RandomState;
use rapidhash::v3::rapidhash_v3;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};
use std::borrow::Cow;
use std::sync::Arc;

/// What a label value becomes when the label has too many.
const OVERFLOW: &str = "_overflow";
/// What the value of a cohort dimension becomes when it has too many.
const OTHER: &str = "other";
/// The label that `baton_series_overflow_total` names when a metric has too many series.
const ALL_SERIES: &str = "_series";
/// The same when all series together take too much memory.
const ALL_MEMORY: &str = "_memory";
/// What the allocator takes beside each piece of memory, roughly.
const HEAP: usize = 16;
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
    /// The last time it was told.
    now: Timestamp,
    /// Series that were expired when that was looked at last.
    expired: usize,
    /// Roughly the bytes that all series hold. It rests on what they hold alone, so that it is the same after a restart.
    weight: usize,
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
    /// Upper bounds of a histogram's buckets.
    pub(super) bounds: Arc<[f64]>,
}

/// Why a value goes to an overflow series.
#[derive(Clone, Copy)]
enum Limit {
    /// The label in this place has too many values.
    Values(usize),
    /// The metric has too many series.
    Series,
    /// All series together take too much memory.
    Memory,
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
            now: Timestamp::default(),
            expired: 0,
            weight: 0,
        }
    }

    /// Tells the time, without looking for what expired.
    pub(super) fn tell(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// Roughly the bytes that all series hold in memory.
    pub(super) fn weight(&self) -> usize {
        self.weight
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
                *exemplar = latest(*exemplar, Some(exemplar_of(shown, when)));
            }
            0
        };
        self.with(metric, labels, amount > 0, when, change);
    }

    pub(super) fn change(&mut self, metric: Metric, change: i64, when: Moment<'_>) {
        self.with(metric, &[], true, when, |value| {
            if let Number::Gauge(level) = &mut value.number {
                *level += change;
            }
            0
        });
    }

    pub(super) fn observe(
        &mut self,
        metric: Metric,
        labels: &[&str],
        observed: f64,
        when: Moment<'_>,
    ) {
        let bounds = Arc::clone(&self.metrics[metric as usize].bounds);
        let change = |value: &mut Value| {
            let Number::Histogram(known) = &mut value.number else {
                return 0;
            };
            let before = known.grown();
            let weight = weight(metric, when);
            let nano = (observed * NANO).round() as i128;
            let nano = nano.saturating_mul(weight.into());
            known.observe(observed, (nano, weight), &bounds);
            known.remember(exemplar_of(observed, when), &bounds);
            known.grown().saturating_sub(before)
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
        change: impl FnOnce(&mut Value) -> usize,
    ) {
        self.now = self.now.max(when.now);
        if CATALOGUE[metric as usize].kind != FamilyKind::Gauge {
            let expires = when.now + self.settings.expire_after;
            self.next_expiry = self.next_expiry.min(expires);
        }
        let step = self.rows.step();
        let values = &mut self.metrics[metric as usize];
        if let Some(place) = self.rows.place(step, metric)
            && let Some((key, value)) = values.series.get_index_mut(place)
        {
            debug_assert!(
                parts(key)
                    .take(values.own.len())
                    .eq(values.own.iter().map(|i| cut(labels[*i])))
            );
            self.weight += value.take(change, when.now);
            return;
        }
        self.scratch.clear();
        for value in values.carried(labels, when.cohort) {
            put(&mut self.scratch, value);
        }
        // What is known under its own name needs no admission.
        match values.series.get_full_mut(self.scratch.as_slice()) {
            Some((place, _, value)) => {
                self.weight += value.take(change, when.now);
                self.rows.is_at(step, metric, place);
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
        change: impl FnOnce(&mut Value) -> usize,
    ) {
        let description = &CATALOGUE[metric as usize];
        let values = &self.metrics[metric as usize];
        let full = self.weight >= self.settings.max_bytes;
        let (key, limited) = values.admit(labels, when.cohort, &self.settings, full);
        // What is limited in the count of what is limited is not counted again: that would never end.
        let told = counts && metric != Metric::SeriesOverflow;
        if let Some(label) = limited.filter(|_| told) {
            let name = self.name(description);
            let label = match label {
                Limit::Values(place) => self.label(metric, place),
                Limit::Series => Cow::Borrowed(ALL_SERIES),
                Limit::Memory => Cow::Borrowed(ALL_MEMORY),
            };
            let row = self.rows.leave();
            self.count(Metric::SeriesOverflow, &[&name, &label], 1, when);
            self.rows.go_on(row);
        }
        let values = &mut self.metrics[metric as usize];
        self.weight += values.use_labels(&key);
        let value = match values.series.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let native = self.settings.native_histograms;
                let number = Number::zero(description.kind, &values.bounds, native);
                self.weight += entry_weight(place.key(), &number);
                self.reveals.born(when.now);
                place.insert(Value {
                    start: when.now,
                    touched: when.now,
                    number,
                })
            }
        };
        self.weight += value.take(change, when.now);
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
        self.weight += values.use_labels(&key);
        match values.series.entry(key) {
            Entry::Vacant(place) => {
                self.weight += entry_weight(place.key(), &value.number);
                place.insert(value);
            }
            Entry::Occupied(known) => {
                let known = known.into_mut();
                self.weight -= known.number.weight();
                known.join(value, &values.bounds);
                self.weight += known.number.weight();
            }
        }
    }

    pub(super) fn native_histograms(&self) -> bool {
        self.settings.native_histograms
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

    /// Removes single series that had no value for long. Gauges stay. Where a series may have a part in another partition too, it
    /// only expires, and stays until no part lives: see [`Store::forget_expired`].
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        if now < self.next_expiry {
            return;
        }
        if !self.settings.shared {
            self.remove(|_, _, _| true);
        }
        let wait = self.settings.expire_after;
        let mut next = Timestamp::MAX;
        self.expired = 0;
        for (values, description) in self.metrics.iter().zip(CATALOGUE) {
            if description.kind == FamilyKind::Gauge {
                continue;
            }
            for value in values.series.values() {
                if value.touched + wait > now {
                    next = next.min(value.touched + wait);
                } else {
                    self.expired += 1;
                }
            }
        }
        self.next_expiry = next;
    }

    /// Removes those of these series that are still expired: no partition has a part of them that lives.
    pub(super) fn forget_expired(&mut self, dead: &HashSet<u64>, now: Timestamp) {
        self.now = self.now.max(now);
        self.remove(|store, metric, key| dead.contains(&store.id(metric, key)));
    }

    /// Removes expired series that are among those meant.
    fn remove(&mut self, meant: impl Fn(&Self, Metric, &[u8]) -> bool) {
        for description in CATALOGUE {
            let metric = description.metric;
            let gone = |(_, (key, value)): &(usize, (&Vec<u8>, &Value))| {
                self.is_expired(description, value) && meant(self, metric, key)
            };
            let series = self.metrics[metric as usize].series.iter();
            let gone: Vec<usize> = series.enumerate().filter(gone).map(|(i, _)| i).collect();
            let values = &mut self.metrics[metric as usize];
            // From the end: what takes the place of one that goes was looked at.
            for place in gone.iter().rev() {
                if let Some((key, value)) = values.series.swap_remove_index(*place) {
                    let labels = forget(&mut values.known, &key);
                    self.weight -= entry_weight(&key, &value.number) + labels;
                }
            }
            self.expired = self.expired.saturating_sub(gone.len());
            if !gone.is_empty() {
                self.rows.forget();
            }
        }
    }

    fn is_expired(&self, description: &Description, value: &Value) -> bool {
        description.kind != FamilyKind::Gauge
            && value.touched + self.settings.expire_after <= self.now
    }

    /// The series that are expired, and those that are not, each by a number that is the same in all partitions.
    pub(super) fn lives(&self) -> impl Iterator<Item = (u64, bool)> + '_ {
        CATALOGUE.iter().flat_map(move |description| {
            let values = &self.metrics[description.metric as usize];
            values.series.iter().map(move |(key, value)| {
                let lives = !self.is_expired(description, value);
                (self.id(description.metric, key), lives)
            })
        })
    }

    /// Whether any series is expired.
    pub(super) fn has_expired(&self) -> bool {
        self.expired > 0
    }

    /// A number for a label set of a metric.
    fn id(&self, metric: Metric, key: &[u8]) -> u64 {
        let name = rapidhash_v3(CATALOGUE[metric as usize].name.as_bytes());
        rapidhash_v3(key).wrapping_add(name.rotate_left(1))
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
        let (bounds, native) = (&values.bounds, self.settings.native_histograms);
        let point = |value: &Value| match holds(value) {
            true => Number::zero(description.kind, bounds, native).point(description, bounds),
            false => value.number.point(description, bounds),
        };
        let series = values.series.iter().map(|(key, value)| Series {
            expired: self.is_expired(description, value),
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

fn exemplar_of(value: f64, when: Moment<'_>) -> Exemplar {
    Exemplar {
        trace: when.trace,
        value,
        at: when.at,
    }
}

/// Roughly the bytes of one series: its place, which a growing map has half as many of again, its key, and what its number holds.
fn entry_weight(key: &[u8], number: &Number) -> usize {
    /// Hash and place in the index.
    const INDEX: usize = 24;
    (size_of::<(Vec<u8>, Value)>() + INDEX) * 3 / 2 + key.len() + HEAP + number.weight()
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
fn forget(known: &mut [HashMap<String, usize>], key: &[u8]) -> usize {
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
    fn new(description: &Description, settings: &Settings) -> Self {
        let labels = &settings.labels;
        let own = description.labels.iter().enumerate();
        let own = own.filter(|(_, label)| labels.keep(description, label));
        let dimensions = settings.dimensions.iter().enumerate();
        let dimensions = dimensions.filter(|(_, name)| labels.keep_dimension(description, name));
        let own: Vec<usize> = own.map(|(place, _)| place).collect();
        let dimensions: Vec<usize> = dimensions.map(|(number, _)| number).collect();
        let bounds = settings.bounds.get(description.name);
        Self {
            series: IndexMap::default(),
            known: vec![HashMap::default(); own.len() + dimensions.len()],
            own,
            dimensions,
            bounds: bounds.map_or(description.bounds, Vec::as_slice).into(),
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

    /// Counts the label values of a series that is about to be; returns the bytes of those that are new.
    fn use_labels(&mut self, key: &[u8]) -> usize {
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
    fn admit(
        &self,
        labels: &[&str],
        cohort: &Cohort,
        settings: &Settings,
        full: bool,
    ) -> (Vec<u8>, Option<Limit>) {
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
                limited.get_or_insert(Limit::Values(i));
            }
        }
        let key_of = |values: &[String]| {
            let mut key = Vec::new();
            values.iter().for_each(|value| put(&mut key, value));
            key
        };
        let mut key = key_of(&admitted);
        let many = self.series.len() >= settings.max_series;
        if (many || full) && !self.series.contains_key(&key) {
            admitted.fill(OVERFLOW.to_owned());
            key = key_of(&admitted);
            let limit = if many { Limit::Series } else { Limit::Memory };
            limited.get_or_insert(limit);
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
