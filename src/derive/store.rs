//! Values by metric and label set, within limits.

use super::Settings;
use super::merge::latest;
use super::reveal::Reveals;
use super::series_cache::{RowKind, SeriesCache};
use super::series_key::{cut, parts, put};
use super::units::NANO;
use super::value::{Accumulator, Number};
use super::values::{FullLimits, OverflowReason, Values, entry_weight};
use crate::catalogue::{DERIVED, Description, Metric};
use crate::model::cohort::Cohort;
use crate::model::ids::TraceId;
use crate::model::metric::{Exemplar, Family, FamilyKind, Series};
use crate::model::money::billionths;
use crate::model::time::Timestamp;
use indexmap::map::Entry;
use std::borrow::Cow;
use std::sync::Arc;

/// The label that `baton_series_overflow_total` names when a metric has too many series.
const ALL_SERIES: &str = "_series";
/// The same when all series together take too much memory.
const ALL_MEMORY: &str = "_memory";

/// The same when a tenant has too many series.
const ALL_OF_TENANT: &str = "_tenant";

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
    pub(super) settings: Settings,
    pub(super) metrics: Vec<Values>,
    pub(super) rows: SeriesCache,
    /// The key under construction.
    scratch: Vec<u8>,
    /// No series expires before this time.
    pub(super) next_expiry: Timestamp,
    pub(super) reveals: Reveals,
    /// The last time it was told.
    pub(super) now: Timestamp,
    /// Series that were expired when that was looked at last.
    pub(super) expired: usize,
    /// Roughly the bytes that all series hold. It rests on what they hold alone, so that it is the same after a restart.
    pub(super) weight: usize,
}

impl Store {
    pub(super) fn new(settings: Settings) -> Self {
        let metrics = DERIVED
            .iter()
            .map(|description| Values::new(description, &settings))
            .collect();
        Self {
            reveals: Reveals::new(settings.zero_hold),
            settings,
            metrics,
            rows: SeriesCache::default(),
            scratch: Vec::new(),
            next_expiry: Timestamp::MAX,
            now: Timestamp::default(),
            expired: 0,
            weight: 0,
        }
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
        self.add(metric, labels, billionths(more), more, when);
    }

    fn add(&mut self, metric: Metric, labels: &[&str], amount: u128, shown: f64, when: Moment<'_>) {
        let change = |value: &mut Accumulator| {
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
        let change = |value: &mut Accumulator| {
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
        change: impl FnOnce(&mut Accumulator) -> usize,
    ) {
        self.now = self.now.max(when.now);
        if DERIVED[metric as usize].kind != FamilyKind::Gauge {
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

    /// What a function changes is the row of one fact, see [`SeriesCache::begin`].
    pub(super) fn row(
        &mut self,
        (kind, shape): (RowKind, u8),
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
        change: impl FnOnce(&mut Accumulator) -> usize,
    ) {
        let description = &DERIVED[metric as usize];
        let values = &self.metrics[metric as usize];
        let tenant = cut(values.known.tenant_of(values.carried(labels, when.cohort)));
        // Which series are too many is told all the same: there are few of those.
        let full = FullLimits {
            memory: self.is_memory_full(values, tenant) && metric != Metric::SeriesOverflow,
            tenant: self.is_tenant_full(tenant),
        };
        let (key, limited) = values.admit(labels, when.cohort, &self.settings, full);
        // What is limited in the count of what is limited is not counted again: that would never end.
        let told = counts && metric != Metric::SeriesOverflow;
        if let Some(label) = limited.filter(|_| told) {
            let name = self.name(description);
            let label = match label {
                OverflowReason::Values(place) => self.label(metric, place),
                OverflowReason::Series => Cow::Borrowed(ALL_SERIES),
                OverflowReason::Memory => Cow::Borrowed(ALL_MEMORY),
                OverflowReason::Tenant => Cow::Borrowed(ALL_OF_TENANT),
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
                place.insert(Accumulator {
                    start: when.now,
                    touched: when.now,
                    number,
                })
            }
        };
        self.weight += value.take(change, when.now);
    }

    /// Whether the tenant of a new series has as many of all metrics as it may. Overflow series are a few more.
    fn is_tenant_full(&self, tenant: &str) -> bool {
        let limit = &self.settings.tenant_series;
        limit.is_set() && !tenant.is_empty() && self.series_of(tenant) >= limit.of(tenant)
    }

    /// Whether the series of all metrics take so much memory that a tenant may add none to this one. Those that have fewer than an equal
    /// share still may, until they take a quarter more.
    fn is_memory_full(&self, values: &Values, tenant: &str) -> bool {
        let max = self.settings.max_bytes;
        if self.weight < max || values.known.tenant_place().is_none() {
            return self.weight >= max;
        }
        let all = self.metrics.iter();
        let shared = all.filter(|values| values.known.tenant_place().is_some());
        let (mut series, mut tenants) = (0, 1);
        for values in shared {
            series += values.series.len();
            tenants = tenants.max(values.known.tenants().len());
        }
        self.series_of(tenant) >= series / tenants || self.weight >= max.saturating_add(max / 4)
    }

    /// How many series a tenant has.
    fn series_of(&self, tenant: &str) -> usize {
        let all = self.metrics.iter();
        all.map(|values| values.known.series_of(tenant)).sum()
    }

    /// Adds a value to the series of these labels.
    pub(super) fn join(&mut self, metric: Metric, labels: &[String], value: Accumulator) {
        if DERIVED[metric as usize].kind != FamilyKind::Gauge {
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

    /// The tenants that have series.
    pub(super) fn tenants(&self) -> impl Iterator<Item = &str> {
        let all = self.metrics.iter();
        let named = all.filter(|values| values.known.tenant_place().is_some());
        let tenants = named.flat_map(|values| values.known.tenants());
        tenants.filter(|tenant| !tenant.is_empty())
    }

    pub(super) fn native_histograms(&self) -> bool {
        self.settings.native_histograms
    }

    /// How many labels a metric carries, dimensions included.
    pub(super) fn places(&self, metric: Metric) -> usize {
        self.metrics[metric as usize].known.places()
    }

    /// The name of a metric's label by its place: its own, then the dimensions.
    pub(super) fn label(&self, metric: Metric, place: usize) -> Cow<'static, str> {
        let values = &self.metrics[metric as usize];
        match values.own.get(place) {
            Some(own) => Cow::Borrowed(DERIVED[metric as usize].labels[*own]),
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

    pub(super) fn families(&self, shown: Shown) -> Vec<Family> {
        DERIVED
            .iter()
            .zip(&self.metrics)
            .map(|(description, values)| Family {
                name: self.name(description),
                help: description.help,
                kind: description.kind,
                unit: description.unit_in(&self.settings.currency),
                series: self.series(description, values, shown),
            })
            .collect()
    }

    /// The name of a metric, here and in snapshots: money of another currency is another metric.
    pub(super) fn name(&self, description: &Description) -> Cow<'static, str> {
        description.name_in(&self.settings.currency)
    }

    /// In the order of their labels.
    fn series(&self, description: &Description, values: &Values, shown: Shown) -> Vec<Series> {
        let counts = description.kind != FamilyKind::Gauge;
        let holds = |value: &Accumulator| {
            shown == Shown::Exposed && counts && self.reveals.holds(value.start)
        };
        let (bounds, native) = (&values.bounds, self.settings.native_histograms);
        let point = |value: &Accumulator| match holds(value) {
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
    if DERIVED[metric as usize].is_business {
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
