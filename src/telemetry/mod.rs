//! Baton's own log messages and metrics. Rooms take their metrics by their id in the catalogue, so that there is none that the
//! catalogue does not describe. There is no global registry.
//!
//! | File | Content |
//! |---|---|
//! | `logs.rs` | Baton's own log messages |
//! | `families.rs` | what the recorder holds, as metric families |

mod families;
pub mod logs;

use crate::catalogue::{Description, InternalMetric};
use crate::model::metric::{Family, FamilyKind};
use crate::model::time::Timestamp;
use metrics::{Counter, Gauge, Label};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// The registry of Baton's own metrics.
pub struct Telemetry {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    /// When its counters began at 0.
    start: Timestamp,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

impl Telemetry {
    pub fn new(start: Timestamp) -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let telemetry = Self {
            recorder,
            handle,
            start,
        };
        telemetry.register(|| {
            gauge(InternalMetric::BuildInfo, &[env!("CARGO_PKG_VERSION")]).set(1.0);
        });
        telemetry
    }

    /// Runs what takes metrics: [`counter`] and [`gauge`] register them here.
    pub fn register<T>(&self, room: impl FnOnce() -> T) -> T {
        metrics::with_local_recorder(&self.recorder, room)
    }

    /// All that were registered, in the order of the catalogue.
    pub fn families(&self) -> Vec<Family> {
        families::of_text(&self.handle.render(), self.start)
    }
}

/// One of Baton's own counters, with a value for each label of the catalogue, in their order. It registers with the [`Telemetry`] in
/// whose scope it is called.
pub fn counter(metric: InternalMetric, values: &[&str]) -> Counter {
    let description = metric.description();
    debug_assert_eq!(description.kind, FamilyKind::Counter, "{description:?}");
    metrics::counter!(description.name, labels(description, values))
}

/// The same for a gauge.
pub fn gauge(metric: InternalMetric, values: &[&str]) -> Gauge {
    let description = metric.description();
    debug_assert_eq!(description.kind, FamilyKind::Gauge, "{description:?}");
    metrics::gauge!(description.name, labels(description, values))
}

fn labels(description: &Description<InternalMetric>, values: &[&str]) -> Vec<Label> {
    debug_assert_eq!(description.labels.len(), values.len(), "{description:?}");
    let pairs = description.labels.iter().zip(values);
    pairs
        .map(|(name, value)| Label::new(*name, (*value).to_owned()))
        .collect()
}
