//! Stopping in order: the phases of a drain share one grace period.

use std::future::Future;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, timeout_at};

/// Ends at the first SIGTERM or Ctrl-C.
///
/// # Errors
/// When the process cannot listen for signals.
pub async fn asked() -> std::io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

/// The one grace period of a drain.
#[derive(Clone, Copy, Debug)]
pub struct Grace {
    ends: Instant,
}

impl Grace {
    /// Begins now.
    pub fn begin(period: Duration) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the timer of tokio, not a time that any figure sees"
        )]
        let now = Instant::now();
        Self { ends: now + period }
    }

    /// Runs one phase; `None` when the grace period ended first.
    pub async fn phase<T>(self, work: impl Future<Output = T>) -> Option<T> {
        timeout_at(self.ends, work).await.ok()
    }
}
