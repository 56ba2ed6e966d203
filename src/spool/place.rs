//! A place in the spool: reserved before the log is asked, so that a request that the log takes can be written.

use super::SpoolPayload;
use super::queue::{SpoolItem, SpoolQueue, room};
use crate::log::LogError;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A write under way; it ends when the payload is as safe as the spool promises.
pub type WriteFuture = Pin<Box<dyn Future<Output = Result<(), LogError>> + Send>>;

/// Whether there is room.
#[derive(Debug)]
pub enum Admitted {
    Place(SpoolPlace),
    /// There is none, and what comes is dropped.
    Dropped,
}

/// Reserved bytes. Dropped, it gives them back.
pub struct SpoolPlace {
    queue: Arc<SpoolQueue>,
    bytes: u64,
}

impl std::fmt::Debug for SpoolPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpoolPlace")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

pub(super) fn reserve(queue: &Arc<SpoolQueue>, bytes: usize) -> Result<Admitted, LogError> {
    let bytes = room(bytes);
    Ok(if queue.reserve(bytes)? {
        Admitted::Place(SpoolPlace {
            queue: Arc::clone(queue),
            bytes,
        })
    } else {
        Admitted::Dropped
    })
}

impl SpoolPlace {
    /// Writes the payload for which the place was reserved.
    pub fn write(mut self, payload: impl Into<SpoolPayload>) -> WriteFuture {
        let payload = payload.into();
        let queue = Arc::clone(&self.queue);
        if queue.files.is_none() {
            queue.push(payload);
            return Box::pin(std::future::ready(Ok(())));
        }
        let (answer, outcome) = oneshot::channel();
        queue.put(SpoolItem {
            payload,
            answer,
            // Whoever writes it gives them back.
            reserved: std::mem::take(&mut self.bytes),
        });
        // A writer that goes away without an answer has failed.
        Box::pin(async move { outcome.await.unwrap_or(Err(LogError::WriteFailed)) })
    }
}

impl Drop for SpoolPlace {
    fn drop(&mut self) {
        self.queue.release(self.bytes);
    }
}
