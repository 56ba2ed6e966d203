//! Interned names of attributes. Those that are read by their whole name have a number each, given at compile time: to look one up is one
//! step. What else an emitter writes is known by its name alone.

use crate::ATTRIBUTE_NAMES;
use crate::model::hash::hash;

/// The number of a name that is read: its place in `NAMES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeKey(u16);

/// Names to look for, the most trusted first.
pub type AttributeKeys = &'static [AttributeKey];

/// The key of a name, found at compile time. It is an error there if no vocabulary has the name.
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
    pub const COUNT: usize = INTERNED.count;

    /// The key of a name that is read.
    ///
    /// # Panics
    /// When no vocabulary has the name. It is called where constants are made: then it does not compile.
    pub const fn known(name: &str) -> Self {
        match INTERNED.table[place(&INTERNED, name)] {
            0 => panic!("the name is in no vocabulary of src/normalise/dialect"),
            number => Self(number - 1),
        }
    }

    /// The key of a name in a request, if it has one.
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

/// Names that are given numbers.
struct Interned {
    /// The numbers of the names, from 1, by their hashes; 0: none. A name that finds its place taken has the next free one.
    table: [u16; PLACES],
    /// The names by their numbers. There are no more than were given.
    names: [&'static str; ATTRIBUTE_NAMES.len()],
    count: usize,
}

/// Each name that was given, once.
const INTERNED: Interned = {
    let mut interned = Interned {
        table: [0; PLACES],
        names: [""; ATTRIBUTE_NAMES.len()],
        count: 0,
    };
    let mut given = 0;
    while given < ATTRIBUTE_NAMES.len() {
        let name = ATTRIBUTE_NAMES[given];
        let place = place(&interned, name);
        if interned.table[place] == 0 {
            interned.names[interned.count] = name;
            interned.count += 1;
            interned.table[place] = interned.count as u16;
        }
        given += 1;
    }
    interned
};

/// The place of a name in the table, or the free one where it would be.
const fn place(interned: &Interned, name: &str) -> usize {
    let mut place = hash(name.as_bytes()) as usize % PLACES;
    while let Some(number) = interned.table[place].checked_sub(1)
        && !same(interned.names[number as usize].as_bytes(), name.as_bytes())
    {
        place = (place + 1) % PLACES;
    }
    place
}

static NAMES: [&str; INTERNED.count] = {
    let mut names = [""; INTERNED.count];
    let mut number = 0;
    while number < INTERNED.count {
        names[number] = INTERNED.names[number];
        number += 1;
    }
    names
};

static TABLE: [u16; PLACES] = INTERNED.table;

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
}
