//! The queue of a shard: requests in the order of their times.

use super::protocol::PushBatch;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// Written by the loop of the exporter, read by the delivery of the shard.
#[derive(Debug)]
pub(super) struct ShardQueue {
    batches: Mutex<VecDeque<PushBatch>>,
    capacity: usize,
    filled: Notify,
}

impl ShardQueue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            batches: Mutex::default(),
            capacity,
            filled: Notify::new(),
        }
    }

    /// Adds a request. Where the queue is full, the oldest one goes, and is returned.
    pub(super) fn push(&self, batch: PushBatch) -> Option<PushBatch> {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let full = batches.len() >= self.capacity;
        let oldest = full.then(|| batches.pop_front()).flatten();
        batches.push_back(batch);
        drop(batches);
        self.filled.notify_one();
        oldest
    }

    /// Takes the oldest request.
    pub(super) fn pop(&self) -> Option<PushBatch> {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        batches.pop_front()
    }

    /// Ends when a request was added since the last one was taken.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }
}
