//! All keys of a partition and their state: contiguous in memory, found by hash, ordered by time.

use super::KeyState;
use crate::model::Name;
use crate::model::ids::PartitionKey;
use crate::model::time::Timestamp;
use hashbrown::HashTable;
use rapidhash::RapidHashMap as HashMap;
use rapidhash::fast::RandomState;
use std::collections::BTreeSet;
use std::hash::BuildHasher;

/// Position of a key, as long as it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyIndex(u32);

/// The keys. Each lies in one piece beside its key; what looks for it holds four bytes.
#[derive(Debug, Default)]
pub(super) struct KeyTable {
    places: HashTable<KeyIndex>,
    state: RandomState,
    held: Vec<Option<(PartitionKey, KeyState)>>,
    free: Vec<KeyIndex>,
    /// How many keys each tenant has.
    tenants: HashMap<Name, usize>,
}

impl KeyTable {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The index of a key, made where it is new.
    pub(super) fn open(&mut self, key: PartitionKey) -> KeyIndex {
        let hash = self.state.hash_one(&key);
        let is_it = |index: &KeyIndex| self.key(*index) == Some(&key);
        if let Some(index) = self.places.find(hash, is_it) {
            return *index;
        }
        self.put(hash, key)
    }

    pub(super) fn at(&mut self, index: KeyIndex) -> Option<(&PartitionKey, &mut KeyState)> {
        let held = self.held.get_mut(index.0 as usize)?.as_mut();
        held.map(|(key, state)| (&*key, state))
    }

    pub(super) fn remove(&mut self, index: KeyIndex) -> Option<(PartitionKey, KeyState)> {
        let (key, state) = self.held.get_mut(index.0 as usize)?.take()?;
        let hash = self.state.hash_one(&key);
        if let Ok(found) = self.places.find_entry(hash, |known| *known == index) {
            found.remove();
        }
        self.free.push(index);
        if let Some(tenant) = key.tenant()
            && let Some(keys) = self.tenants.get_mut(tenant)
        {
            *keys -= 1;
            if *keys == 0 {
                self.tenants.remove(tenant);
            }
        }
        Some((key, state))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (KeyIndex, &PartitionKey, &KeyState)> {
        let held = (0..).zip(&self.held);
        held.filter_map(|(index, held)| {
            held.as_ref()
                .map(|(key, state)| (KeyIndex(index), key, state))
        })
    }

    fn key(&self, index: KeyIndex) -> Option<&PartitionKey> {
        let held = self.held.get(index.0 as usize)?.as_ref();
        held.map(|(key, _)| key)
    }

    /// The tenants that have keys.
    pub(super) fn tenants(&self) -> impl Iterator<Item = &Name> {
        self.tenants.keys()
    }

    /// How many keys a tenant has.
    pub(super) fn of_tenant(&self, tenant: &Name) -> usize {
        self.tenants.get(tenant).copied().unwrap_or(0)
    }

    fn put(&mut self, hash: u64, key: PartitionKey) -> KeyIndex {
        if let Some(tenant) = key.tenant() {
            *self.tenants.entry(tenant.clone()).or_default() += 1;
        }
        let held = Some((key, KeyState::default()));
        let index = match self.free.pop() {
            Some(index) => {
                self.held[index.0 as usize] = held;
                index
            }
            None => {
                self.held.push(held);
                // Four thousand million keys are more than any memory holds.
                KeyIndex((self.held.len() - 1) as u32)
            }
        };
        let (state, held) = (&self.state, &self.held);
        let hash_of = |index: &KeyIndex| {
            let held = held[index.0 as usize].as_ref();
            held.map_or(0, |(key, _)| state.hash_one(key))
        };
        self.places.insert_unique(hash, index, hash_of);
        index
    }
}

/// Index of keys by a time; of one time in an order that rests on the keys alone, so that it is the same after a restart.
#[derive(Debug, Default)]
pub(super) struct TimeIndex {
    order: BTreeSet<(Timestamp, u32, KeyIndex)>,
}

impl TimeIndex {
    pub(super) fn insert(&mut self, at: Timestamp, key: &PartitionKey, index: KeyIndex) {
        self.order.insert((at, tie(key), index));
    }

    pub(super) fn remove(&mut self, at: Timestamp, key: &PartitionKey, index: KeyIndex) {
        self.order.remove(&(at, tie(key), index));
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn first(&self) -> Option<(Timestamp, KeyIndex)> {
        self.order.first().map(|(at, _, index)| (*at, *index))
    }

    pub(super) fn pop_first(&mut self) -> Option<(Timestamp, KeyIndex)> {
        self.order.pop_first().map(|(at, _, index)| (at, index))
    }
}

fn tie(key: &PartitionKey) -> u32 {
    let hash = key.stable_hash();
    match key {
        PartitionKey::User(_) => !hash as u32,
        _ => hash as u32,
    }
}
