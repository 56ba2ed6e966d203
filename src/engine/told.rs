//! What the running engine remembers of sessions, across its partitions.

use super::stories::Stories;
use super::{Engine, lock};
use crate::model::fact::Fact;
use crate::model::ids::{PartitionKey, TraceId};
use std::collections::BTreeSet;

impl Engine {
    /// What is known of a session, by any id it goes by, or of a trace without one; one entry for each tenant that has it.
    pub fn story(&self, id: &str) -> Vec<(PartitionKey, Vec<Fact>)> {
        self.told(|stories| stories.named(id))
    }

    /// What is known of the sessions of a trace.
    pub fn story_of_trace(&self, trace: TraceId) -> Vec<(PartitionKey, Vec<Fact>)> {
        self.told(|stories| stories.with_trace(trace))
    }

    /// Shows every session that is remembered. A partition waits for one of them at a time.
    pub fn stories(&self, visit: &mut dyn FnMut(&PartitionKey, &[Fact])) {
        for slot in &self.partitions {
            let keys = lock(&slot.stories).keys();
            for key in keys {
                visit(&key, lock(&slot.stories).facts(&key));
            }
        }
    }

    /// The facts of some sessions, each once. The partition that knows of one may not be the one that has it.
    fn told(
        &self,
        wanted: impl Fn(&Stories) -> Vec<PartitionKey>,
    ) -> Vec<(PartitionKey, Vec<Fact>)> {
        let slots = self.partitions.iter();
        let wanted: BTreeSet<PartitionKey> = slots
            .flat_map(|slot| wanted(&lock(&slot.stories)))
            .collect();
        let facts = |key: &PartitionKey| {
            let slots = self.partitions.iter();
            slots
                .flat_map(|slot| lock(&slot.stories).facts(key).to_vec())
                .collect::<Vec<Fact>>()
        };
        let told = wanted.into_iter().map(|key| (facts(&key), key));
        told.filter(|(facts, _)| !facts.is_empty())
            .map(|(facts, key)| (key, facts))
            .collect()
    }
}
