//! Keys that are only remembered, by the time since when. The tenant that has the most of them gives its oldest one up first, so that none makes
//! Baton forget those of others.

use super::key_table::{KeyIndex, TimeIndex};
use crate::model::Name;
use crate::model::ids::PartitionKey;
use crate::model::time::Timestamp;
use rapidhash::RapidHashMap as HashMap;
use std::cmp::Reverse;

#[derive(Debug, Default)]
pub(super) struct IdleKeys {
    /// Those of each tenant, and of nobody. None is empty.
    tenants: HashMap<Option<Name>, TimeIndex>,
    count: usize,
}

impl IdleKeys {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn insert(&mut self, since: Timestamp, key: &PartitionKey, index: KeyIndex) {
        let own = self.tenants.entry(key.tenant().cloned()).or_default();
        own.insert(since, key, index);
        self.count += 1;
    }

    pub(super) fn remove(&mut self, since: Timestamp, key: &PartitionKey, index: KeyIndex) {
        let tenant = key.tenant().cloned();
        if let Some(own) = self.tenants.get_mut(&tenant) {
            own.remove(since, key, index);
            self.count -= 1;
            if own.len() == 0 {
                self.tenants.remove(&tenant);
            }
        }
    }

    /// The one to forget first: the oldest of the tenant that has the most; of equally many, the one that is the oldest of all.
    pub(super) fn first(&self) -> Option<KeyIndex> {
        let tenants = self.tenants.iter();
        let most = tenants.max_by_key(|(tenant, own)| {
            let since = own.first().map(|(since, _)| since);
            (own.len(), Reverse((since, *tenant)))
        });
        let (_, own) = most?;
        own.first().map(|(_, index)| index)
    }
}
