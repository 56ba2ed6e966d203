//! The spool: requests that wait for their destinations, in memory or on disk. One queue, and one cursor for each destination.
//!
//! ```text
//! reserve ─► (append to the log) ─► write ─► acknowledged
//!                                     │
//!                           one queue of payloads, by position
//!                             ▲            ▲            ▲
//!                       cursor of A   cursor of B   cursor of C      each destination reads at its own pace
//! ```
//!
//! What every destination has is removed. A payload is opaque here: [`forward`](crate::forward) knows what is in it. On disk the queue is a
//! journal of the log's own kind (`log/disk`), so an acknowledged payload survives a crash. Cursors are saved every second: after a
//! crash, what was delivered since is delivered again.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | where the spool is, its size, and what happens when it is full |
//! | `queue.rs` | the state that all share: cursors, room, payloads in memory |
//! | `place.rs` | a place in the spool, reserved before the log is asked and written after |
//! | `reader.rs` | the requests of one destination, in order |
//! | `writer.rs` | the spool on disk: one thread that writes |
//! | `cursors.rs` | the cursors on disk |
//! | `quarantine.rs` | requests that a destination rejected permanently |
//! | `overview.rs` | what a spool on disk holds, for people |
//! | `metrics.rs` | what the spool counts |

mod cursors;
mod metrics;
mod overview;
mod payload;
mod place;
mod quarantine;
mod queue;
mod reader;
mod settings;
mod writer;

#[cfg(test)]
mod tests;

pub use overview::SpoolOverview;
pub use payload::SpoolPayload;
pub use place::{Admitted, SpoolPlace, WriteFuture};
pub use quarantine::{Quarantine, quarantined};
pub use reader::SpoolReader;
pub use settings::{Settings, WhenFull};
pub use writer::SpoolWriter;

use crate::clock::Clock;
use crate::log::LogError;
use crate::log::disk::files::Files;
use metrics::SpoolMetrics;
use queue::SpoolQueue;
use std::sync::Arc;

/// How large a spool may become, and what then.
#[derive(Clone, Copy, Debug)]
pub struct SpoolLimits {
    /// Greatest size in bytes; `None`: it follows the volume.
    pub max_bytes: Option<u64>,
    /// It is never smaller, so that the largest request has room.
    pub min_bytes: u64,
    pub segment_bytes: u64,
    pub when_full: WhenFull,
}

/// The spool, as who writes to it and who reads it see it. Clones are the same spool.
#[derive(Clone, Debug)]
pub struct Spool(Arc<SpoolQueue>);

impl Spool {
    /// A spool in memory for these destinations. Registers its metrics with the recorder in whose scope it is called.
    pub fn in_memory(destinations: &[String], limits: SpoolLimits) -> Self {
        let metrics = SpoolMetrics::new(destinations);
        Self(Arc::new(SpoolQueue::in_memory(
            destinations,
            limits,
            metrics,
        )))
    }

    /// A spool in a folder for these destinations, and its writer. A new destination begins with the next request. What waits for a
    /// destination that is not there any more stays until its room is needed.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn on_disk(
        files: Arc<dyn Files>,
        destinations: &[String],
        limits: SpoolLimits,
        clock: Clock,
    ) -> Result<(Self, SpoolWriter), LogError> {
        let metrics = SpoolMetrics::new(destinations);
        let (queue, writer) = writer::open(files, destinations, (limits, metrics), clock)?;
        Ok((Self(queue), writer))
    }

    /// A place for a payload of so many bytes.
    ///
    /// # Errors
    /// When there is no room and the policy is to refuse, or the spool has ended.
    pub fn reserve(&self, bytes: usize) -> Result<Admitted, LogError> {
        place::reserve(&self.0, bytes)
    }

    /// A destination does not get a request for which there was no place.
    pub fn dropped(&self, destination: &str) {
        self.0.metrics.dropped(destination, 1);
    }

    /// What waits for a destination. Each has one reader at a time.
    pub fn reader(&self, destination: &str) -> SpoolReader {
        SpoolReader::new(Arc::clone(&self.0), destination)
    }

    /// Why requests are refused now; `None`: there is room, or they are dropped.
    pub fn shortage(&self) -> Option<String> {
        self.0.shortage()
    }

    /// The requests that wait for each destination.
    pub fn waiting(&self) -> Vec<(String, u64)> {
        self.0.waiting()
    }

    /// Brings the gauges up to date, before they are read.
    pub fn measure(&self) {
        self.0.measure();
    }

    /// Takes nothing more. The writer ends when all is on disk.
    pub fn end(&self) {
        self.0.end();
    }
}
