//! Names of attributes. Those that are asked for have a number each, given when Baton is compiled: to look one up is one step, and
//! what else an emitter writes is told by its name alone.

use super::names::NAMES;

/// A name that is asked for: its number in the list of `model/names.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u16);

/// Names to look for, the most trusted first.
pub type Keys = &'static [Key];

/// The key of a name, found when Baton is compiled; there it is an error when the name is not in the list.
macro_rules! key {
    ($name:expr) => {
        const { $crate::model::key::Key::known($name) }
    };
}
pub(crate) use key;

/// The keys of several names, as [`Key::known`].
pub const fn keys<const N: usize>(names: [&str; N]) -> [Key; N] {
    let mut keys = [Key(0); N];
    let mut i = 0;
    while i < N {
        keys[i] = Key::known(names[i]);
        i += 1;
    }
    keys
}

impl Key {
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
        panic!("the name is not in src/model/names.rs")
    }

    /// The key of a name that was met, if it has one.
    pub fn of(name: &str) -> Option<Self> {
        Self::find(hash(name.as_bytes()), name.as_bytes())
    }

    /// As [`Key::of`], where the name's [`hash`] is known.
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

/// The hash of a name: of its length, its beginning, its middle and its end, which is all of a name of up to 24 letters. Names are
/// compared where it is the same.
#[inline(always)]
pub const fn hash(name: &[u8]) -> u32 {
    let (first, middle, last) = match (name.first_chunk(), name.last_chunk()) {
        (Some(first), Some(last)) => {
            let (_, rest) = name.split_at(name.len() / 2 - 4);
            let middle = match rest.first_chunk() {
                Some(middle) => u64::from_le_bytes(*middle),
                None => 0,
            };
            (
                u64::from_le_bytes(*first),
                middle,
                u64::from_le_bytes(*last),
            )
        }
        _ => (short(name), 0, 0),
    };
    let mixed = (first ^ name.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ middle.wrapping_mul(0xC2B2_AE3D_27D4_EB4F).rotate_left(21)
        ^ last.wrapping_mul(0x1656_67B1_9E37_79F9).rotate_left(42);
    (mixed.wrapping_mul(0x9FB2_1C65_1E98_DF25) >> 32) as u32
}

/// Fewer than eight letters as a number.
const fn short(name: &[u8]) -> u64 {
    let (mut number, mut i) = (0, 0);
    while i < name.len() {
        number = number << 8 | name[i] as u64;
        i += 1;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        for (number, name) in NAMES.iter().enumerate() {
            let key = Key::of(name).expect("it is in the list");
            assert_eq!((key.number(), key.name()), (number, *name));
            for other in [
                format!("{name}x"),
                name[1..].to_owned(),
                name.to_uppercase(),
            ] {
                let found = Key::of(&other).map(Key::name);
                assert_eq!(found, NAMES.iter().copied().find(|name| *name == other));
            }
        }
        assert_eq!(Key::of(""), None);
    }

    #[test]
    fn the_list_is_in_order_and_names_nothing_twice() {
        assert!(NAMES.is_sorted_by(|one, next| one < next));
    }
}
