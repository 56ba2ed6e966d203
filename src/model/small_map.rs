//! Compact maps and sets of few entries, each in one allocation. A session has one or two traces, three agents and one model.

use crate::model::List;

/// A map in the order of its keys. It takes no more room than its entries until there are several.
#[derive(Debug)]
pub struct SmallMap<K, V> {
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
    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        let place = self.place(key).ok()?;
        Some(&self.entries[place].1)
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(key).ok()?;
        Some(&mut self.entries[place].1)
    }

    /// The value of a key, made where there is none.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let place = match self.place(&key) {
            Ok(place) => place,
            Err(place) => {
                insert(&mut self.entries, place, (key, make()));
                place
            }
        };
        &mut self.entries[place].1
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(place) => self.entries[place].1 = value,
            Err(place) => insert(&mut self.entries, place, (key, value)),
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.place(key).ok()?;
        Some(self.entries.remove(place).1)
    }

    /// All entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.iter().map(|(key, _)| key)
    }

    /// All values, in the order of their keys, to change them.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// All values, in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmallSet<T> {
    members: List<T>,
}

impl<T> Default for SmallSet<T> {
    fn default() -> Self {
        Self {
            members: List::new(),
        }
    }
}

impl<T: Ord> SmallSet<T> {
    /// Whether it is new.
    pub fn insert(&mut self, member: T) -> bool {
        let place = self.members.binary_search(&member);
        if let Err(place) = place {
            insert(&mut self.members, place, member);
        }
        place.is_err()
    }

    /// All members, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.members.iter()
    }

    /// Keeps the first ones.
    pub fn truncate(&mut self, most: usize) {
        self.members.truncate(most);
    }
}

impl<T: Ord> Extend<T> for SmallSet<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, more: I) {
        for member in more {
            self.insert(member);
        }
    }
}

impl<T: Ord> FromIterator<T> for SmallSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        let mut all = Self::default();
        all.extend(members);
        all
    }
}

impl<T> IntoIterator for SmallSet<T> {
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
