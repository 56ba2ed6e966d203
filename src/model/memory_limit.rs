//! The soft limit of memory: partitions say what their state takes, and the ingest refuses requests while the limit is exceeded.

use super::limit::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of state by partition, and the limit of their sum. Clones share the figures.
#[derive(Clone, Debug)]
pub struct MemoryLimit {
    max_bytes: usize,
    /// The worker of a partition alone writes its figure; the ingest and the metrics read all of them.
    state_bytes: Arc<[AtomicUsize]>,
}

impl MemoryLimit {
    pub fn new(max_bytes: usize, partitions: usize) -> Self {
        Self {
            max_bytes,
            state_bytes: (0..partitions).map(|_| AtomicUsize::new(0)).collect(),
        }
    }

    /// How many partitions share the limit.
    pub fn partitions(&self) -> usize {
        self.state_bytes.len()
    }

    /// Says what the state of a partition takes now.
    pub fn set(&self, partition: usize, bytes: usize) {
        self.state_bytes[partition].store(bytes, Ordering::Relaxed);
    }

    /// What the states of all partitions take.
    pub fn state_bytes(&self) -> usize {
        let bytes = self.state_bytes.iter();
        bytes.map(|bytes| bytes.load(Ordering::Relaxed)).sum()
    }

    /// Whether the states exceed the limit together with so many bytes of waiting events.
    pub fn is_exceeded(&self, waiting_bytes: usize) -> bool {
        self.state_bytes().saturating_add(waiting_bytes) > self.max_bytes
    }

    /// The limit.
    pub fn max_bytes(&self) -> Bytes {
        Bytes(self.max_bytes as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_exceeded_by_the_states_of_all_partitions_and_what_waits() {
        let limit = MemoryLimit::new(100, 2);
        let writer = limit.clone();
        writer.set(0, 60);
        writer.set(1, 30);
        assert_eq!(limit.state_bytes(), 90);
        assert!(!limit.is_exceeded(10));
        assert!(limit.is_exceeded(11));
        writer.set(0, 0);
        assert!(!limit.is_exceeded(70));
        assert!(!MemoryLimit::new(usize::MAX, 1).is_exceeded(usize::MAX));
    }
}
