//! Connections that give their place up at the limit, the first one in an order first.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Connections of a listener of which one gives way to a new one. Each enters and removes itself.
#[derive(Debug, Default)]
pub(super) struct EvictionQueue {
    /// By their rank and a number: the least rank first, and of the same rank the one that entered first.
    entries: Mutex<BTreeMap<(u64, u64), Arc<Notify>>>,
    /// The last number given.
    number: AtomicU64,
}

impl EvictionQueue {
    /// Asks the first one to give its place up. `false`: there is none.
    pub(super) fn evict_first(&self) -> bool {
        let first = self.lock().pop_first();
        first.inspect(|(_, entry)| entry.notify_one()).is_some()
    }

    pub(super) fn enter(&self, rank: u64) -> EvictionEntry<'_> {
        let key = (rank, self.number.fetch_add(1, Ordering::Relaxed));
        let evicted = Arc::new(Notify::new());
        self.lock().insert(key, Arc::clone(&evicted));
        EvictionEntry {
            queue: self,
            key,
            evicted,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(u64, u64), Arc<Notify>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in the queue, while it is held.
pub(super) struct EvictionEntry<'q> {
    queue: &'q EvictionQueue,
    key: (u64, u64),
    evicted: Arc<Notify>,
}

impl EvictionEntry<'_> {
    /// Ends when the place is needed.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }
}

impl Drop for EvictionEntry<'_> {
    fn drop(&mut self) {
        self.queue.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_evicted(entry: &EvictionEntry<'_>) -> bool {
        let asked = std::pin::pin!(entry.evicted());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        asked.poll(&mut context).is_ready()
    }

    #[test]
    fn the_least_rank_gives_way_first_and_then_the_oldest() {
        let queue = EvictionQueue::default();
        let [slow, oldest, gone, newest] = [3, 1, 1, 1].map(|rank| queue.enter(rank));
        drop(gone);
        for next in [&oldest, &newest, &slow] {
            assert!(!is_evicted(next));
            assert!(queue.evict_first());
            assert!(is_evicted(next));
        }
        assert!(!queue.evict_first(), "nobody is left");
    }
}
