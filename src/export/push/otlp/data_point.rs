//! What the three kinds of data points with a start have in common: they can be 0, and differ from an earlier point.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    number_data_point::Value,
};

/// Nine million: below it a double holds every billionth.
const EXACT: f64 = 9e6;
const NANO: f64 = 1e9;

/// How many points a metric has.
pub(super) fn point_count(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Histogram(found)) => found.data_points.len(),
        Some(Data::ExponentialHistogram(found)) => found.data_points.len(),
        Some(Data::Summary(_)) | None => 0,
    }
}

/// A point of a counter or a histogram.
pub(super) trait DataPoint: Clone {
    fn attributes(&self) -> &[KeyValue];
    /// The times of its start and of itself.
    fn span(&self) -> (u64, u64);
    fn set_span(&mut self, start: u64, time: u64);
    /// The same with nothing counted.
    fn zero(&self) -> Self;
    /// What was counted after an earlier point; `None`: it cannot be, because less is counted now.
    fn minus(&self, earlier: &Self) -> Option<Self>;
    fn is_zero(&self) -> bool;
}

impl DataPoint for NumberDataPoint {
    fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }

    fn span(&self) -> (u64, u64) {
        (self.start_time_unix_nano, self.time_unix_nano)
    }

    fn set_span(&mut self, start: u64, time: u64) {
        (self.start_time_unix_nano, self.time_unix_nano) = (start, time);
    }

    fn zero(&self) -> Self {
        Self {
            value: Some(Value::AsDouble(0.0)),
            exemplars: Vec::new(),
            ..self.clone()
        }
    }

    fn minus(&self, earlier: &Self) -> Option<Self> {
        let (now, before) = (number(self), number(earlier));
        (now >= before).then(|| Self {
            value: Some(Value::AsDouble(difference(now, before))),
            exemplars: newer(&self.exemplars, &earlier.exemplars),
            ..self.clone()
        })
    }

    fn is_zero(&self) -> bool {
        number(self) == 0.0
    }
}

fn number(point: &NumberDataPoint) -> f64 {
    match point.value {
        Some(Value::AsDouble(value)) => value,
        Some(Value::AsInt(value)) => value as f64,
        None => 0.0,
    }
}

impl DataPoint for HistogramDataPoint {
    fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }

    fn span(&self) -> (u64, u64) {
        (self.start_time_unix_nano, self.time_unix_nano)
    }

    fn set_span(&mut self, start: u64, time: u64) {
        (self.start_time_unix_nano, self.time_unix_nano) = (start, time);
    }

    fn zero(&self) -> Self {
        Self {
            count: 0,
            sum: self.sum.map(|_| 0.0),
            bucket_counts: vec![0; self.bucket_counts.len()],
            exemplars: Vec::new(),
            ..self.clone()
        }
    }

    fn minus(&self, earlier: &Self) -> Option<Self> {
        if self.explicit_bounds != earlier.explicit_bounds {
            return None;
        }
        let pairs = self.bucket_counts.iter().zip(&earlier.bucket_counts);
        let counts: Option<Vec<u64>> = pairs.map(|(now, then)| now.checked_sub(*then)).collect();
        Some(Self {
            count: self.count.checked_sub(earlier.count)?,
            sum: less(self.sum, earlier.sum),
            bucket_counts: counts?,
            exemplars: newer(&self.exemplars, &earlier.exemplars),
            ..self.clone()
        })
    }

    fn is_zero(&self) -> bool {
        self.count == 0
    }
}

impl DataPoint for ExponentialHistogramDataPoint {
    fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }

    fn span(&self) -> (u64, u64) {
        (self.start_time_unix_nano, self.time_unix_nano)
    }

    fn set_span(&mut self, start: u64, time: u64) {
        (self.start_time_unix_nano, self.time_unix_nano) = (start, time);
    }

    fn zero(&self) -> Self {
        Self {
            count: 0,
            zero_count: 0,
            sum: self.sum.map(|_| 0.0),
            positive: Some(Buckets::default()),
            negative: Some(Buckets::default()),
            exemplars: Vec::new(),
            ..self.clone()
        }
    }

    /// A histogram only loses resolution, so the earlier one is brought to that of this one.
    fn minus(&self, earlier: &Self) -> Option<Self> {
        let steps = u32::try_from(earlier.scale - self.scale).ok()?;
        let side = |now: &Option<Buckets>, then: &Option<Buckets>| {
            let (now, then) = (now.clone().unwrap_or_default(), then.as_ref());
            then.map_or(Some(now.clone()), |then| left(now, then, steps))
        };
        Some(Self {
            count: self.count.checked_sub(earlier.count)?,
            zero_count: self.zero_count.checked_sub(earlier.zero_count)?,
            sum: less(self.sum, earlier.sum),
            positive: Some(side(&self.positive, &earlier.positive)?),
            negative: Some(side(&self.negative, &earlier.negative)?),
            exemplars: newer(&self.exemplars, &earlier.exemplars),
            ..self.clone()
        })
    }

    fn is_zero(&self) -> bool {
        self.count == 0
    }
}

/// What is left of counts without earlier ones, whose buckets are joined in pairs so many times.
fn left(mut now: Buckets, earlier: &Buckets, steps: u32) -> Option<Buckets> {
    for (bucket, count) in (earlier.offset..).zip(&earlier.bucket_counts) {
        if *count == 0 {
            continue;
        }
        let place = usize::try_from((bucket >> steps) - now.offset).ok()?;
        let known = now.bucket_counts.get_mut(place)?;
        *known = known.checked_sub(*count)?;
    }
    Some(now)
}

fn less(now: Option<f64>, earlier: Option<f64>) -> Option<f64> {
    Some(difference(now?, earlier.unwrap_or(0.0)))
}

/// Amounts are whole billionths, and so is what lies between two of them.
fn difference(now: f64, earlier: f64) -> f64 {
    let difference = now - earlier;
    match now.abs() < EXACT {
        true => (difference * NANO).round() / NANO,
        false => difference,
    }
}

/// The exemplars that were not there before.
fn newer(now: &[Exemplar], earlier: &[Exemplar]) -> Vec<Exemplar> {
    let new = now.iter().filter(|one| !earlier.contains(one));
    new.cloned().collect()
}
