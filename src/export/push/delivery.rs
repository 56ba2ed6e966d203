//! Sends what a shard has: one request after the other, each until it is settled.

use super::metrics::{PushDropped, PushMetrics};
use super::points::SeriesBirth;
use super::protocol::{PushAnswer, PushBatch, PushProtocol};
use super::queue::ShardQueue;
use crate::client::{Backoff, DestinationStatus, RetrySettings, SendError, SendFailure};
use crate::clock::Clock;
use std::sync::{Mutex, PoisonError};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// What all shards of an exporter share.
pub(super) struct ShardDelivery<P> {
    pub(super) protocol: P,
    pub(super) retry: RetrySettings,
    pub(super) metrics: PushMetrics,
    pub(super) clock: Clock,
    pub(super) status: DestinationStatus,
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
            self.status.failed(&error);
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
        self.status.answered();
        if lost > 0 {
            let answer = error.map_or_else(|| "accepted in part".to_owned(), |error| error.what);
            self.status.rejected(&answer, "they are not sent again");
        } else {
            self.status.accepted_all();
        }
    }
}
