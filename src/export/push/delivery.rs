//! Sends what a shard has: one request after the other, each until it is settled.

use super::metrics::{PushDropped, PushMetrics};
use super::points::SeriesBirth;
use super::protocol::{PushAnswer, PushBatch, PushProtocol};
use super::queue::ShardQueue;
use crate::client::{Backoff, RetrySettings, SendError, SendFailure};
use crate::clock::Clock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// What all shards of an exporter share.
pub(super) struct ShardDelivery<P> {
    pub(super) name: String,
    pub(super) protocol: P,
    pub(super) retry: RetrySettings,
    pub(super) metrics: PushMetrics,
    pub(super) clock: Clock,
    /// The last attempt failed: it is told when that changes.
    pub(super) failing: AtomicBool,
    /// The receiver did not take some of the last points: it is told once.
    pub(super) rejecting: AtomicBool,
    /// Series that the receiver knows since it was asked last. Written by all shards, taken by the loop of the exporter.
    pub(super) acknowledged: Mutex<Vec<SeriesBirth>>,
    /// Is cancelled when no more requests come: what waits gets one more attempt.
    pub(super) closed: CancellationToken,
}

/// Whether it makes sense to go on with the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivered {
    Settled,
    /// No more requests come, and the receiver does not take this one.
    GivenUp,
}

impl<P: PushProtocol> ShardDelivery<P> {
    /// Sends what a shard gets, until no more comes.
    pub(super) async fn run(&self, queue: &ShardQueue) {
        loop {
            let Some(batch) = queue.pop() else {
                tokio::select! {
                    biased;
                    () = queue.filled() => continue,
                    () = self.closed.cancelled() => return,
                }
            };
            let delivered = self.deliver(&batch).await;
            self.metrics.settled(batch.points);
            if delivered == Delivered::GivenUp {
                while let Some(batch) = queue.pop() {
                    self.metrics.settled(batch.points);
                    self.metrics.dropped(PushDropped::Shutdown, batch.points);
                }
            }
        }
    }

    /// Takes the series that the receiver knows since this was called last.
    pub(super) fn acknowledged(&self) -> Vec<SeriesBirth> {
        let acknowledged = self.acknowledged.lock();
        std::mem::take(&mut acknowledged.unwrap_or_else(PoisonError::into_inner))
    }

    /// One attempt.
    async fn send(&self, batch: &PushBatch) -> (u64, Option<SendError>) {
        let answer = self.protocol.send(batch).await;
        let PushAnswer {
            written,
            is_known,
            error,
        } = answer;
        if is_known {
            let acknowledged = self.acknowledged.lock();
            let mut acknowledged = acknowledged.unwrap_or_else(PoisonError::into_inner);
            acknowledged.extend(&batch.births);
        }
        (written, error)
    }

    async fn deliver(&self, batch: &PushBatch) -> Delivered {
        let mut backoff = Backoff::new(&self.retry);
        let begun = self.clock.now();
        loop {
            // What was closed before an attempt gets no further one.
            let is_last = self.closed.is_cancelled();
            let (written, error) = self.send(batch).await;
            let error = match error {
                Some(error) if error.reason != SendFailure::Rejected => error,
                other => {
                    self.settle(batch, written, other);
                    return Delivered::Settled;
                }
            };
            self.metrics.failed(error.reason);
            self.tell_failing(&error);
            if is_last {
                self.metrics.dropped(PushDropped::Shutdown, batch.points);
                return Delivered::GivenUp;
            }
            let elapsed = self.clock.now().since(begun);
            let Some(wait) = backoff.retry(error.wait, elapsed) else {
                self.metrics.dropped(PushDropped::RetryLimit, batch.points);
                return Delivered::Settled;
            };
            tokio::select! {
                biased;
                () = self.closed.cancelled() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// The receiver has what it takes of a request.
    fn settle(&self, batch: &PushBatch, written: u64, error: Option<SendError>) {
        let lost = batch.points.saturating_sub(written);
        self.metrics.sent(written);
        self.metrics.dropped(PushDropped::Rejected, lost);
        if let Some(error) = &error {
            self.metrics.failed(error.reason);
        }
        if error.is_none() || written > 0 {
            self.metrics.succeeded(self.clock.now());
        }
        let exporter = &*self.name;
        if self.failing.swap(false, Ordering::Relaxed) {
            info!(exporter, "the receiver answers again");
        }
        let rejects = lost > 0;
        if rejects && !self.rejecting.swap(rejects, Ordering::Relaxed) {
            let answer = error.map_or_else(|| "accepted in part".to_owned(), |error| error.what);
            warn!(exporter, lost, %answer, "the receiver does not take all points: they are not sent again");
        } else if !rejects {
            self.rejecting.store(false, Ordering::Relaxed);
        }
    }

    fn tell_failing(&self, error: &SendError) {
        if !self.failing.swap(true, Ordering::Relaxed) {
            let (exporter, reason, fault) = (&*self.name, error.reason.as_str(), &error.what);
            warn!(exporter, reason, %fault, "the receiver does not take points: they are sent again");
        }
    }
}
