//! What is sent to a destination: from what it has and what there is, in the temporality that it takes.

use super::checkpoint::{Checkpoint, SeriesId};
use super::data_point::{DataPoint, point_count};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What the points of counters and histograms say. The name is that of OTLP, `AggregationTemporality`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Temporality {
    /// All that was counted since the start.
    Cumulative,
    /// What was counted since the point before.
    Delta,
}

/// What is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Changes {
    pub(super) metrics: Vec<Metric>,
    /// Some series are sent as 0, because the destination does not know them yet.
    pub(super) has_births: bool,
}

impl Changes {
    /// What a destination that has `known` is sent of `current`. It depends on nothing else, so that it is the same each time.
    pub(super) fn between(
        known: &Checkpoint,
        current: &Checkpoint,
        temporality: Temporality,
    ) -> Self {
        let mut rules = ChangeRules {
            temporality,
            has_births: false,
        };
        let numbers = known.by_series(|metric| match &metric.data {
            Some(Data::Sum(sum)) => Some(&*sum.data_points),
            _ => None,
        });
        let histograms = known.by_series(|metric| match &metric.data {
            Some(Data::Histogram(found)) => Some(&*found.data_points),
            _ => None,
        });
        let exponential = known.by_series(|metric| match &metric.data {
            Some(Data::ExponentialHistogram(found)) => Some(&*found.data_points),
            _ => None,
        });
        let mut metrics = current.metrics.clone();
        for metric in &mut metrics {
            let Metric { name, data, .. } = metric;
            match data {
                Some(Data::Sum(sum)) => {
                    sum.aggregation_temporality = temporality.number();
                    rules.apply(name, &mut sum.data_points, &numbers);
                }
                Some(Data::Histogram(found)) => {
                    found.aggregation_temporality = temporality.number();
                    rules.apply(name, &mut found.data_points, &histograms);
                }
                Some(Data::ExponentialHistogram(found)) => {
                    found.aggregation_temporality = temporality.number();
                    rules.apply(name, &mut found.data_points, &exponential);
                }
                Some(Data::Gauge(_) | Data::Summary(_)) | None => {}
            }
        }
        metrics.retain(|metric| point_count(metric) > 0);
        Self {
            metrics,
            has_births: rules.has_births,
        }
    }
}

impl Temporality {
    /// Its number in OTLP.
    fn number(self) -> i32 {
        i32::from(match self {
            Self::Cumulative => AggregationTemporality::Cumulative,
            Self::Delta => AggregationTemporality::Delta,
        })
    }
}

struct ChangeRules {
    temporality: Temporality,
    has_births: bool,
}

impl ChangeRules {
    /// Makes points that are sent of points with totals.
    fn apply<P: DataPoint>(
        &mut self,
        metric: &str,
        points: &mut Vec<P>,
        known: &HashMap<SeriesId<'_>, &P>,
    ) {
        let mut made = Vec::with_capacity(points.len());
        for point in points.drain(..) {
            let id = SeriesId::of(metric, point.attributes());
            let earlier = known.get(&id).copied();
            // A later start is that of another series of the same name: the one before has ended.
            let earlier = earlier.filter(|earlier| earlier.span().0 >= point.span().0);
            match self.temporality {
                // `increase()` does not see the first value of a series, so that a series is 0 until the destination has it.
                Temporality::Cumulative if earlier.is_none() => {
                    self.has_births = true;
                    made.push(point.zero());
                }
                Temporality::Cumulative => made.push(point),
                Temporality::Delta => made.extend(delta(point, earlier)),
            }
        }
        *points = made;
    }
}

/// What was counted since the point before; `None`: nothing was.
fn delta<P: DataPoint>(point: P, earlier: Option<&P>) -> Option<P> {
    let time = point.span().1;
    let after = earlier.and_then(|earlier| Some((point.minus(earlier)?, earlier.span().1)));
    match after {
        Some((mut difference, since)) => {
            difference.set_span(since, time);
            (!difference.is_zero()).then_some(difference)
        }
        // A series that is new, or began anew: all of it.
        None => Some(point),
    }
}
