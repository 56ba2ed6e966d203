//! What a destination has: all series with their totals, as cumulative metrics.

use super::data_point::DataPoint;
use crate::model::time::Timestamp;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// All series at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Checkpoint {
    pub(super) at: Timestamp,
    /// Cumulative.
    pub(super) metrics: Vec<Metric>,
}

/// A series: its metric and its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SeriesId<'a> {
    metric: &'a str,
    attributes: SeriesAttributes<'a>,
}

/// Texts by name, in the order of the labels of their metric.
#[derive(Clone, Copy, Debug)]
struct SeriesAttributes<'a>(&'a [KeyValue]);

impl<'a> SeriesId<'a> {
    pub(super) fn of(metric: &'a str, attributes: &'a [KeyValue]) -> Self {
        Self {
            metric,
            attributes: SeriesAttributes(attributes),
        }
    }
}

impl SeriesAttributes<'_> {
    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|attribute| {
            let value = match &attribute.value {
                Some(AnyValue {
                    value: Some(any_value::Value::StringValue(text)),
                }) => text,
                _ => "",
            };
            (attribute.key.as_str(), value)
        })
    }
}

impl PartialEq for SeriesAttributes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.texts().eq(other.texts())
    }
}

impl Eq for SeriesAttributes<'_> {}

impl Hash for SeriesAttributes<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.texts().for_each(|text| text.hash(state));
    }
}

impl Checkpoint {
    /// The start of a destination: what began to count before it is known there as it is now, and is not sent as if it were new.
    pub(super) fn begin(current: &Self, since: Timestamp) -> Self {
        let mut begun = current.clone();
        for metric in &mut begun.metrics {
            retain(metric, |_, (start, _)| start < since.0);
        }
        begun
    }

    /// What the destination has after it got all but these points of `current`.
    pub(super) fn after(self, current: Self, refused: &[Metric]) -> Self {
        let mut refused_ids = HashSet::new();
        for metric in refused {
            visit(metric, |id| {
                refused_ids.insert(id);
            });
        }
        if refused_ids.is_empty() {
            return current;
        }
        let mut after = current;
        for metric in &mut after.metrics {
            retain(metric, |id, _| !refused_ids.contains(&id));
        }
        for mut metric in self.metrics {
            retain(&mut metric, |id, _| refused_ids.contains(&id));
            match after.metrics.iter_mut().find(|m| m.name == metric.name) {
                Some(known) => join(known, metric),
                None => after.metrics.push(metric),
            }
        }
        after
    }

    /// Its points of one kind by their series.
    pub(super) fn by_series<'a, P: DataPoint + 'a>(
        &'a self,
        points: impl Fn(&'a Metric) -> Option<&'a [P]>,
    ) -> HashMap<SeriesId<'a>, &'a P> {
        let metrics = self.metrics.iter();
        let all = metrics.flat_map(|metric| {
            let points = points(metric).unwrap_or_default().iter();
            points.map(|point| (SeriesId::of(&metric.name, point.attributes()), point))
        });
        all.collect()
    }
}

/// Calls with the series of each point that has a start.
fn visit<'a>(metric: &'a Metric, mut with: impl FnMut(SeriesId<'a>)) {
    let name = &metric.name;
    match &metric.data {
        Some(Data::Sum(sum)) => each(name, &sum.data_points, &mut with),
        Some(Data::Histogram(found)) => each(name, &found.data_points, &mut with),
        Some(Data::ExponentialHistogram(found)) => each(name, &found.data_points, &mut with),
        Some(Data::Gauge(_) | Data::Summary(_)) | None => {}
    }
}

fn each<'a, P: DataPoint>(metric: &'a str, points: &'a [P], with: &mut impl FnMut(SeriesId<'a>)) {
    for point in points {
        with(SeriesId::of(metric, point.attributes()));
    }
}

/// Keeps the points with a start for which this holds.
fn retain(metric: &mut Metric, keep: impl Fn(SeriesId<'_>, (u64, u64)) -> bool) {
    let Metric { name, data, .. } = metric;
    match data {
        Some(Data::Sum(sum)) => keep_points(name, &mut sum.data_points, keep),
        Some(Data::Histogram(found)) => keep_points(name, &mut found.data_points, keep),
        Some(Data::ExponentialHistogram(found)) => keep_points(name, &mut found.data_points, keep),
        Some(Data::Gauge(_) | Data::Summary(_)) | None => {}
    }
}

fn keep_points<P: DataPoint>(
    metric: &str,
    points: &mut Vec<P>,
    keep: impl Fn(SeriesId<'_>, (u64, u64)) -> bool,
) {
    points.retain(|point| keep(SeriesId::of(metric, point.attributes()), point.span()));
}

/// Adds the points of a metric of the same kind.
fn join(known: &mut Metric, more: Metric) {
    match (&mut known.data, more.data) {
        (Some(Data::Sum(known)), Some(Data::Sum(more))) => {
            known.data_points.extend(more.data_points);
        }
        (Some(Data::Histogram(known)), Some(Data::Histogram(more))) => {
            known.data_points.extend(more.data_points);
        }
        (Some(Data::ExponentialHistogram(known)), Some(Data::ExponentialHistogram(more))) => {
            known.data_points.extend(more.data_points);
        }
        _ => {}
    }
}
