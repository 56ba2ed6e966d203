//! Compact maps and sets of few entries, each in one allocation. A session has one or two traces, three agents and one model.

use crate::model::List;

/// A map in the order of its keys. It takes no more room than its entries until there are several.
#[derive(Debug)]
pub(super) struct SmallMap<K, V> {
    entries: List<(K, V)>,
}

impl<K, V> Default for SmallMap<K, V> {
    fn default() -> Self {
        Self {
            entries: List::new(),
        }
    }
}

impl<K: Ord, V> SmallMap<K, V> {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        let place = self.place(key).ok()?;
        Some(&self.entries[place].1)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(key).ok()?;
        Some(&mut self.entries[place].1)
    }

    pub(super) fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let place = match self.place(&key) {
            Ok(place) => place,
            Err(place) => {
                insert(&mut self.entries, place, (key, make()));
                place
            }
        };
        &mut self.entries[place].1
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(place) => self.entries[place].1 = value,
            Err(place) => insert(&mut self.entries, place, (key, value)),
        }
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.place(key).ok()?;
        Some(self.entries.remove(place).1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.iter().map(|(key, _)| key)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }

    fn place(&self, key: &K) -> Result<usize, usize> {
        self.entries.binary_search_by(|(known, _)| known.cmp(key))
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SmallMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut all = Self::default();
        for (key, value) in entries {
            all.insert(key, value);
        }
        all
    }
}

impl<K, V> IntoIterator for SmallMap<K, V> {
    type Item = (K, V);
    type IntoIter = <List<(K, V)> as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

/// A set in order. It takes no more room than its members until there are several.
#[derive(Clone, Debug)]
pub(super) struct FewOf<T> {
    members: List<T>,
}

impl<T> Default for FewOf<T> {
    fn default() -> Self {
        Self {
            members: List::new(),
        }
    }
}

impl<T: Ord> FewOf<T> {
    /// Whether it is new.
    pub(super) fn insert(&mut self, member: T) -> bool {
        let place = self.members.binary_search(&member);
        if let Err(place) = place {
            insert(&mut self.members, place, member);
        }
        place.is_err()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.members.iter()
    }

    /// Keeps the first ones.
    pub(super) fn truncate(&mut self, most: usize) {
        self.members.truncate(most);
    }
}

impl<T: Ord> Extend<T> for FewOf<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, more: I) {
        for member in more {
            self.insert(member);
        }
    }
}

impl<T: Ord> FromIterator<T> for FewOf<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        let mut all = Self::default();
        all.extend(members);
        all
    }
}

impl<T> IntoIterator for FewOf<T> {
    type Item = T;
    type IntoIter = <List<T> as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

/// Room doubles from one place on, not from four as a vector's does.
fn insert<T>(entries: &mut List<T>, place: usize, entry: T) {
    if entries.len() == entries.capacity() {
        entries.reserve_exact(entries.len().max(1));
    }
    entries.insert(place, entry);
}
