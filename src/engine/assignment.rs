//! Which partitions are this engine's: they are assigned, and revoked, while it runs.

use super::Engine;
use super::owned::OwnedPartition;
use super::recover::{Recovered, recover};
use super::worker::PartitionWorker;
use crate::log::LogError;
use crate::model::record::Frame;
use crate::model::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLockWriteGuard};

impl Engine {
    /// Brings partitions to the end of the log and makes them this engine's: from here on their metrics and sessions are shown.
    /// Each worker that is returned has to work, see [`Engine::work`].
    ///
    /// # Errors
    /// When the state of one of them cannot be had: none of them is assigned.
    pub fn assign(
        &self,
        partitions: impl IntoIterator<Item = usize>,
    ) -> Result<(Vec<PartitionWorker>, Recovered), LogError> {
        let parts = (&*self.log, &*self.snapshots);
        let mut all = Vec::new();
        for index in partitions {
            all.push((index, recover(&self.settings, parts, index, &self.sinks)?));
        }
        let mut found = Recovered::default();
        let mut log_time = Timestamp::default();
        for (_, one) in &all {
            found += one.recovered;
            log_time = log_time.max(one.partition.log_time());
        }
        // Nothing enters the log with an earlier time than what is in it, wherever the wall clock of this process stands.
        let clock = self.time.clock();
        clock.advance_to(log_time);
        let is_new = all.iter().all(|(_, one)| one.partition.position() == 0);
        if !is_new && self.owned().is_empty() {
            self.time.begin_at(log_time);
        }
        if !is_new || self.log.appended_entries().is_some() {
            let indices = all.iter().map(|(index, _)| *index);
            let times = (self.time.now(), clock.now());
            self.log.forward(Frame::restart(indices, times));
        }
        // Not sooner: where recovery fails, another Baton may read what this one cannot.
        self.metrics.damaged_snapshots.increment(found.damaged);
        for (index, one) in &all {
            for position in &one.damaged {
                self.snapshots.discard(*index, *position)?;
            }
        }
        let mut workers = Vec::with_capacity(all.len());
        for (index, one) in all {
            for frame in one.sends {
                // As late as what is in the log: it goes on behind it.
                let arrival = self.time.now();
                self.log.forward(Frame { arrival, ..frame });
            }
            self.memory.set(index, one.partition.weight());
            let heartbeat = self.heartbeats.begin(format!("partition {index}"));
            let stories = self.settings.stories;
            let owned = Arc::new(OwnedPartition::new(
                index,
                one.partition,
                stories,
                heartbeat,
            ));
            self.table().insert(index, Arc::clone(&owned));
            workers.push(PartitionWorker::new(owned, one.replay, self.time.now()));
        }
        Ok((workers, found))
    }

    /// Asks the worker of a partition to give it up: [`Engine::work`] saves the state and returns. `false`: it is not this engine's.
    pub fn revoke(&self, partition: usize) -> bool {
        let owned = self.table().get(&partition).cloned();
        let Some(owned) = owned else {
            return false;
        };
        owned.revoke();
        self.log.wake();
        true
    }

    /// The partition is this engine's no more.
    pub(super) fn disown(&self, partition: usize) {
        self.table().remove(&partition);
        self.memory.set(partition, 0);
    }

    /// The partitions that are this engine's now, in order.
    pub(super) fn owned(&self) -> Vec<Arc<OwnedPartition>> {
        let owned = self.owned.read().unwrap_or_else(PoisonError::into_inner);
        owned.values().cloned().collect()
    }

    fn table(&self) -> RwLockWriteGuard<'_, BTreeMap<usize, Arc<OwnedPartition>>> {
        self.owned.write().unwrap_or_else(PoisonError::into_inner)
    }
}
