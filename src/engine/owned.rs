//! A partition that this engine owns, shared by its worker, the exporters and the probes.

use super::Partition;
use super::stories::Stories;
use crate::clock::Heartbeat;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The state of a partition, as long as it is assigned to this engine.
pub(super) struct OwnedPartition {
    pub(super) index: usize,
    /// Its worker alone writes; a scrape reads, also while the worker saves the state.
    partition: RwLock<Partition>,
    /// Its worker writes; who asks for sessions reads.
    stories: Mutex<Stories>,
    /// Its worker beats; readiness looks.
    pub(super) heartbeat: Heartbeat,
    /// Set by whoever revokes the partition; its worker reads it and gives the partition up.
    revoked: AtomicBool,
}

impl OwnedPartition {
    pub(super) fn new(
        index: usize,
        partition: Partition,
        stories: usize,
        heartbeat: Heartbeat,
    ) -> Self {
        Self {
            index,
            partition: RwLock::new(partition),
            stories: Mutex::new(Stories::new(stories)),
            heartbeat,
            revoked: AtomicBool::new(false),
        }
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Partition> {
        let partition = self.partition.read();
        partition.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Partition> {
        let partition = self.partition.write();
        partition.unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic while applying is a fault of ours that stops the process; a scrape meanwhile may still read.
    pub(super) fn stories(&self) -> MutexGuard<'_, Stories> {
        self.stories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn revoke(&self) {
        self.revoked.store(true, Ordering::Release);
    }

    pub(super) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }
}
