//! All keys of a partition and their state: contiguous in memory, found by hash, ordered by time.

use super::KeyState;
use crate::model::ids::{PartitionKey, TenantScoped};
use crate::model::time::Timestamp;
use hashbrown::HashTable;
use rapidhash::fast::RandomState;
use rapidhash::v3::rapidhash_v3;
use std::collections::BTreeSet;
use std::hash::BuildHasher;

/// Where a slot is, as long as it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u32);

/// The slots. Each lies in one piece beside its key; what looks for it holds four bytes.
#[derive(Debug, Default)]
pub(super) struct Slots {
    places: HashTable<Place>,
    state: RandomState,
    held: Vec<Option<(PartitionKey, KeyState)>>,
    free: Vec<Place>,
}

impl Slots {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The place of a key, made where it is new.
    pub(super) fn open(&mut self, key: PartitionKey) -> Place {
        let hash = self.state.hash_one(&key);
        let is_it = |place: &Place| self.key(*place) == Some(&key);
        if let Some(place) = self.places.find(hash, is_it) {
            return *place;
        }
        self.put(hash, key)
    }

    pub(super) fn at(&mut self, place: Place) -> Option<(&PartitionKey, &mut KeyState)> {
        let held = self.held.get_mut(place.0 as usize)?.as_mut();
        held.map(|(key, slot)| (&*key, slot))
    }

    pub(super) fn remove(&mut self, place: Place) -> Option<(PartitionKey, KeyState)> {
        let (key, slot) = self.held.get_mut(place.0 as usize)?.take()?;
        let hash = self.state.hash_one(&key);
        if let Ok(found) = self.places.find_entry(hash, |known| *known == place) {
            found.remove();
        }
        self.free.push(place);
        Some((key, slot))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Place, &PartitionKey, &KeyState)> {
        let held = (0..).zip(&self.held);
        held.filter_map(|(place, held)| held.as_ref().map(|(key, slot)| (Place(place), key, slot)))
    }

    fn key(&self, place: Place) -> Option<&PartitionKey> {
        let held = self.held.get(place.0 as usize)?.as_ref();
        held.map(|(key, _)| key)
    }

    fn put(&mut self, hash: u64, key: PartitionKey) -> Place {
        let held = Some((key, KeyState::default()));
        let place = match self.free.pop() {
            Some(place) => {
                self.held[place.0 as usize] = held;
                place
            }
            None => {
                self.held.push(held);
                // Four thousand million slots are more than any memory holds.
                Place((self.held.len() - 1) as u32)
            }
        };
        let (state, held) = (&self.state, &self.held);
        let hash_of = |place: &Place| {
            let held = held[place.0 as usize].as_ref();
            held.map_or(0, |(key, _)| state.hash_one(key))
        };
        self.places.insert_unique(hash, place, hash_of);
        place
    }
}

/// Slots in order of a time; of one time in an order that rests on their keys alone, so that it is the same after a restart.
#[derive(Debug, Default)]
pub(super) struct Times {
    order: BTreeSet<(Timestamp, u32, Place)>,
}

impl Times {
    pub(super) fn insert(&mut self, at: Timestamp, key: &PartitionKey, place: Place) {
        self.order.insert((at, tie(key), place));
    }

    pub(super) fn remove(&mut self, at: Timestamp, key: &PartitionKey, place: Place) {
        self.order.remove(&(at, tie(key), place));
    }

    pub(super) fn first(&self) -> Option<(Timestamp, Place)> {
        self.order.first().map(|(at, _, place)| (*at, *place))
    }

    pub(super) fn pop_first(&mut self) -> Option<(Timestamp, Place)> {
        self.order.pop_first().map(|(at, _, place)| (at, place))
    }
}

fn tie(key: &PartitionKey) -> u32 {
    let hash = match key {
        PartitionKey::Trace(id) => rapidhash_v3(id.as_bytes()),
        PartitionKey::Session(TenantScoped { id, .. }) => rapidhash_v3(id.as_bytes()),
        PartitionKey::User(TenantScoped { id, .. }) => !rapidhash_v3(id.as_bytes()),
    };
    hash as u32
}
