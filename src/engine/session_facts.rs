//! The facts of sessions that the running engine remembers, across its partitions.

use super::Engine;
use super::stories::{self, Stories};
use crate::model::fact::Fact;
use crate::model::ids::{PartitionKey, TraceId};
use rapidhash::RapidHashMap as HashMap;
use std::collections::BTreeSet;

impl Engine {
    /// What is known of a session, by any id it goes by, or of a trace without one; one entry for each tenant that has it.
    pub fn story(&self, id: &str) -> Vec<(PartitionKey, Vec<Fact>)> {
        self.facts_of(|stories| stories.named(id))
    }

    /// What is known of the sessions of a trace.
    pub fn story_of_trace(&self, trace: TraceId) -> Vec<(PartitionKey, Vec<Fact>)> {
        self.facts_of(|stories| stories.with_trace(trace))
    }

    /// Shows every session that is remembered. A partition waits for one of them at a time.
    pub fn stories(&self, visit: &mut dyn FnMut(&PartitionKey, &[Fact])) {
        for owned in self.owned() {
            let keys = owned.stories().keys();
            for key in keys {
                visit(&key, owned.stories().facts(&key));
            }
        }
    }

    /// The facts of some sessions, each once. The partition that knows of one may not be the one that has it.
    fn facts_of(
        &self,
        wanted: impl Fn(&Stories) -> Vec<PartitionKey>,
    ) -> Vec<(PartitionKey, Vec<Fact>)> {
        let owned = self.owned();
        let wanted: BTreeSet<PartitionKey> = owned
            .iter()
            .flat_map(|one| wanted(&one.stories()))
            .collect();
        let facts = |key: &PartitionKey| {
            let facts = owned.iter();
            facts
                .flat_map(|one| one.stories().facts(key).to_vec())
                .collect::<Vec<Fact>>()
        };
        let mut names = HashMap::default();
        for one in owned.iter() {
            let stories = one.stories();
            let more = stories.other_names();
            names.extend(more.map(|(from, to)| (from.clone(), to.clone())));
        }
        stories::joined(&names, wanted, facts)
    }
}
