//! Stopping in order: the phases of a drain share one grace period.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Sleep, sleep};

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
#[derive(Debug)]
pub struct Grace {
    ends: Pin<Box<Sleep>>,
}

impl Grace {
    /// Begins now. Call it inside a tokio runtime.
    pub fn begin(period: Duration) -> Self {
        Self {
            ends: Box::pin(sleep(period)),
        }
    }

    /// Runs one phase; `None` when the grace period ended first.
    pub async fn phase<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = &mut self.ends => None,
        }
    }
}
