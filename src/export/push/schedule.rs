//! When metrics are read, and the times of their points: what the loops of all exporters that push have in common.

use crate::clock::Clock;
use crate::export::Readiness;
use crate::model::time::Timestamp;
use std::time::Duration;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

/// Points have times in whole milliseconds: no protocol of Prometheus knows shorter ones.
const MILLISECOND: u64 = 1_000_000;
/// How often an exporter looks whether the state is complete.
const START_POLL: Duration = Duration::from_millis(100);

/// Waits until the state is complete. `false`: Baton stops before.
pub(super) async fn state_is_complete(readiness: &dyn Readiness, stop: &CancellationToken) -> bool {
    let mut wait = interval(START_POLL);
    while readiness.starting().is_some() {
        tokio::select! {
            biased;
            () = stop.cancelled() => return false,
            _ = wait.tick() => {}
        }
    }
    true
}

/// The time of points that are read now. It is later than that of the ones before, also where the clock shows the same millisecond.
pub(super) fn point_time(clock: &Clock, before: Timestamp) -> Timestamp {
    let now = clock.now().0 / MILLISECOND * MILLISECOND;
    Timestamp(now.max(before.0 + MILLISECOND))
}
