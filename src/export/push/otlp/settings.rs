//! The section `derived` of an exporter of the type `otlp`. The names are those of OpenTelemetry's declarative configuration.

use super::changes::Temporality;
use super::encode::HistogramAggregation;
use crate::setting::PositiveInterval;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How Baton's own metrics are pushed, if `send` has `derived`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct OtlpPushSettings {
    /// Time from one push to the next.
    #[serde(with = "PositiveInterval")]
    pub interval: Duration,
    /// cumulative (Prometheus and most others) or delta (Datadog, Dynatrace).
    pub temporality_preference: Temporality,
    /// explicit_bucket_histogram or base2_exponential_bucket_histogram. The second one needs metrics.native_histograms.
    pub default_histogram_aggregation: HistogramAggregation,
}

impl Default for OtlpPushSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            temporality_preference: Temporality::Cumulative,
            default_histogram_aggregation: HistogramAggregation::ExplicitBucketHistogram,
        }
    }
}
