//! The seam of exporters.

use super::feed::Feed;
use std::future::Future;
use tokio_util::sync::CancellationToken;

/// A destination of metrics and facts, which it reads from a [`Feed`] when it wants to: on request, or on a timer of its own.
///
/// The wiring gives each exporter a thread and a runtime of its own and lets it run from before the state is recovered until all
/// other parts have stopped. An exporter therefore may wait and compute, and asks [`super::Readiness::starting`] before it shows a
/// figure.
pub trait Exporter: Send + 'static {
    /// Its name in tasks and log messages.
    const NAME: &str;

    /// Runs until `stop` is cancelled, then ends what it has begun and returns.
    ///
    /// # Errors
    /// It can export no more. Baton goes on without it.
    fn run(
        self,
        feed: Feed,
        stop: CancellationToken,
    ) -> impl Future<Output = Result<(), ExportError>> + Send;
}

/// Why an exporter ended before it was told to stop.
#[derive(Debug)]
pub enum ExportError {
    /// Its socket or its file failed.
    Io(std::io::Error),
}

impl std::fmt::Display for ExportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ExportError {}

impl From<std::io::Error> for ExportError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}
