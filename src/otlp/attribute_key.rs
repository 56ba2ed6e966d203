//! Names of attributes. Those that are asked for have a number each, given when Baton is compiled: to look one up is one step, and
//! what else an emitter writes is told by its name alone.

use super::attribute_names::NAMES;
use crate::model::hash::hash;

/// A name that is asked for: its number in the list of `otlp/attribute_names.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeKey(u16);

/// Names to look for, the most trusted first.
pub type AttributeKeys = &'static [AttributeKey];

/// The key of a name, found when Baton is compiled; there it is an error when the name is not in the list.
macro_rules! key {
    ($name:expr) => {
        const { $crate::otlp::attribute_key::AttributeKey::known($name) }
    };
}
pub(crate) use key;

/// The keys of several names, as [`AttributeKey::known`].
pub const fn keys<const N: usize>(names: [&str; N]) -> [AttributeKey; N] {
    let mut keys = [AttributeKey(0); N];
    let mut i = 0;
    while i < N {
        keys[i] = AttributeKey::known(names[i]);
        i += 1;
    }
    keys
}

impl AttributeKey {
    /// How many there are.
    pub const COUNT: usize = NAMES.len();

    /// The key of a name in the list.
    ///
    /// # Panics
    /// When it is not there. It is called where constants are made: then it does not compile.
    pub const fn known(name: &str) -> Self {
        let mut number = 0;
        while number < NAMES.len() {
            if same(NAMES[number].as_bytes(), name.as_bytes()) {
                return Self(number as u16);
            }
            number += 1;
        }
        panic!("the name is not in src/otlp/attribute_names.rs")
    }

    /// The key of a name that was met, if it has one.
    pub fn of(name: &str) -> Option<Self> {
        Self::find(hash(name.as_bytes()), name.as_bytes())
    }

    /// As [`AttributeKey::of`], where the name's [`hash`] is known.
    #[inline]
    pub fn find(hash: u32, name: &[u8]) -> Option<Self> {
        let mut place = hash as usize % PLACES;
        while let Some(number) = TABLE[place].checked_sub(1) {
            if NAMES[usize::from(number)].as_bytes() == name {
                return Some(Self(number));
            }
            place = (place + 1) % PLACES;
        }
        None
    }

    /// All of them, by their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT as u16).map(Self)
    }

    pub fn number(self) -> usize {
        usize::from(self.0)
    }

    pub fn name(self) -> &'static str {
        NAMES[self.number()]
    }
}

/// Places of the table. Most are free, so that a name that is not in the list mostly meets a free one.
const PLACES: usize = 2048;

/// The numbers of the names, from 1, by their hashes; 0: none. A name that finds its place taken has the next free one.
static TABLE: [u16; PLACES] = {
    let mut table = [0; PLACES];
    let mut number = 0;
    while number < NAMES.len() {
        let mut place = hash(NAMES[number].as_bytes()) as usize % PLACES;
        while table[place] > 0 {
            place = (place + 1) % PLACES;
        }
        number += 1;
        table[place] = number as u16;
    }
    table
};

/// `==`, which constants cannot have.
const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut i = 0;
    while i < one.len() && i < other.len() && one[i] == other[i] {
        i += 1;
    }
    i == one.len() && i == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        for (number, name) in NAMES.iter().enumerate() {
            let key = AttributeKey::of(name).expect("it is in the list");
            assert_eq!((key.number(), key.name()), (number, *name));
            for other in [
                format!("{name}x"),
                name[1..].to_owned(),
                name.to_uppercase(),
            ] {
                let found = AttributeKey::of(&other).map(AttributeKey::name);
                assert_eq!(found, NAMES.iter().copied().find(|name| *name == other));
            }
        }
        assert_eq!(AttributeKey::of(""), None);
    }

    #[test]
    fn the_list_is_in_order_and_names_nothing_twice() {
        assert!(NAMES.is_sorted_by(|one, next| one < next));
    }
}
