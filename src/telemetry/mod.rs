//! Baton's own log messages and metrics. Rooms register their metrics where they are built. There is no global registry.

pub mod logs;

use metrics::{describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// The registry of Baton's own metrics.
pub struct Telemetry {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

impl Telemetry {
    pub fn new() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let telemetry = Self { recorder, handle };
        telemetry.register(|| {
            describe_gauge!(
                "baton_build_info",
                "Version of Baton, as a label. The value is always 1."
            );
            gauge!("baton_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        });
        telemetry
    }

    /// Runs what registers metrics.
    pub fn register<T>(&self, room: impl FnOnce() -> T) -> T {
        metrics::with_local_recorder(&self.recorder, room)
    }

    /// All of them as Prometheus text 0.0.4.
    pub fn render(&self) -> String {
        self.handle.render()
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}
