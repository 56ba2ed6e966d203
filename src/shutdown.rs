//! Graceful shutdown in phases that share one grace period, and the reasons for which Baton stops by itself.

use crate::setting::Interval;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
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

/// Graceful shutdown: the section `shutdown`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Maximum time to finish requests in flight and events in the log.
    #[serde(with = "Interval")]
    pub grace_period: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            grace_period: Duration::from_secs(10),
        }
    }
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

/// Why a working Baton cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The disk failed: what is on it is not known until the next start.
    Log(String),
    /// A fault of ours.
    Panic(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Log(fault) => write!(f, "the log failed: {fault}"),
            Self::Panic(who) => write!(f, "{who} panicked"),
        }
    }
}

/// Runs work to its end.
///
/// # Errors
/// It panicked, which the panic hook has told of.
pub fn unwound<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    // Nobody goes on with what it left behind: the process stops.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// Work ended in a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;
