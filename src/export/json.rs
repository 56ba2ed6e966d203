//! Metric families as JSON, for scripts.

use crate::model::metric::{Family, FamilyKind, Point, Series};
use serde_json::{Map, Value, json};

/// `{"metrics": [{"name", "type", "help", "series": [{"labels", "value"}]}]}`; histograms have `count`, `sum` and cumulative
/// `buckets` by upper bound instead of `value`.
pub fn write(families: &[Family]) -> String {
    let metrics: Vec<Value> = families
        .iter()
        .filter(|family| !family.series.is_empty())
        .map(|family| {
            let kind = match family.kind {
                FamilyKind::Counter => "counter",
                FamilyKind::Gauge => "gauge",
                FamilyKind::Histogram => "histogram",
            };
            let series: Vec<Value> = family.series.iter().map(series).collect();
            json!({"name": family.name, "type": kind, "help": family.help, "series": series})
        })
        .collect();
    format!("{:#}\n", json!({"metrics": metrics}))
}

fn series(series: &Series) -> Value {
    let labels: Map<String, Value> = series
        .labels
        .iter()
        .map(|(name, value)| (name.to_string(), value.clone().into()))
        .collect();
    match &series.point {
        Point::Counter { value, .. } | Point::Gauge(value) => {
            json!({"labels": labels, "value": value})
        }
        Point::Histogram(histogram) => {
            let mut total = 0;
            let bounds = histogram
                .bounds
                .iter()
                .map(f64::to_string)
                .chain(["+Inf".to_owned()]);
            let buckets: Map<String, Value> = bounds
                .zip(&histogram.buckets)
                .map(|(bound, bucket)| {
                    total += bucket.count;
                    (bound, total.into())
                })
                .collect();
            json!({"labels": labels, "count": total, "sum": histogram.sum, "buckets": buckets})
        }
    }
}
