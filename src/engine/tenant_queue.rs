//! Keys in the order in which they came. The tenant that has the most gives its oldest one up first, so that none pushes those of others out.

use crate::model::Name;
use crate::model::ids::PartitionKey;
use rapidhash::RapidHashMap as HashMap;
use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

#[derive(Debug, Default)]
pub(super) struct TenantQueue {
    /// By the number of their arrival.
    keys: BTreeMap<u64, PartitionKey>,
    next: u64,
    /// The numbers of the keys of each tenant, and of those of nobody, oldest first. None is empty.
    tenants: HashMap<Option<Name>, VecDeque<u64>>,
}

impl TenantQueue {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Adds a key that is not there.
    pub(super) fn push(&mut self, key: PartitionKey) {
        let own = self.tenants.entry(key.tenant().cloned()).or_default();
        own.push_back(self.next);
        self.keys.insert(self.next, key);
        self.next += 1;
    }

    /// Takes the oldest key of the tenant that has the most out; of those with equally many, that which is the oldest of all.
    pub(super) fn pop(&mut self) -> Option<PartitionKey> {
        let tenants = self.tenants.iter();
        let most = tenants.max_by_key(|(_, own)| (own.len(), Reverse(own.front().copied())));
        let tenant = most?.0.clone();
        self.pop_of(tenant.as_ref())
    }

    /// Takes the oldest key of a tenant out.
    pub(super) fn pop_of(&mut self, tenant: Option<&Name>) -> Option<PartitionKey> {
        let tenant = tenant.cloned();
        let own = self.tenants.get_mut(&tenant)?;
        let oldest = own.pop_front()?;
        if own.is_empty() {
            self.tenants.remove(&tenant);
        }
        self.keys.remove(&oldest)
    }

    /// The only key of a tenant; `None`: it has several, or none.
    pub(super) fn only_of(&self, tenant: Option<&Name>) -> Option<&PartitionKey> {
        let own = self.tenants.get(&tenant.cloned())?;
        let only = own.front().filter(|_| own.len() == 1)?;
        self.keys.get(only)
    }

    /// All keys, the latest first.
    pub(super) fn latest(&self) -> impl Iterator<Item = &PartitionKey> {
        self.keys.values().rev()
    }
}
