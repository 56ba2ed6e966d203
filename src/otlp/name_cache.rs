//! Attribute names as emitters write them. NameCache usually repeat in the same order: the next name is predicted and confirmed with one comparison.
//! The same holds for the texts of an attribute.

use crate::model::hash::hash;
use crate::otlp::attribute_key::AttributeKey;
use crate::otlp::view::SpanSink;
use simdutf8::basic::from_utf8;

/// What is known of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup<'a> {
    Known(AttributeKey),
    /// It has no key and this hash, but is asked for.
    Asked(u32, &'a str),
    Unasked,
    /// It is asked for, and is not UTF-8.
    InvalidUtf8,
}

#[derive(Clone, Copy, Debug)]
struct CacheEntry<'a> {
    name: &'a [u8],
    told: Lookup<'a>,
    /// The text that stood under it last.
    text: &'a str,
    /// The number of the name that came after it last; 0: none did.
    next: u8,
}

/// The names met in a request, by their numbers from 1. Emitters have a few dozens; when there are too many it begins anew.
#[derive(Debug)]
pub(super) struct NameCache<'a> {
    met: Vec<CacheEntry<'a>>,
    /// Numbers by the hashes of the names; one that finds its place taken has the next free one.
    places: [u8; PLACES],
    /// The number of the last one.
    last: u8,
}

const PLACES: usize = 1024;
const MOST: usize = u8::MAX as usize;

impl<'a> NameCache<'a> {
    pub(super) fn new() -> Self {
        Self {
            met: Vec::with_capacity(64),
            places: [0; PLACES],
            last: 0,
        }
    }

    #[inline]
    fn get(&mut self, number: u8) -> Option<&mut CacheEntry<'a>> {
        self.met.get_mut(usize::from(number).wrapping_sub(1))
    }

    /// What is known of the next name.
    #[inline]
    pub(super) fn look_up(&mut self, name: &'a [u8], take: &dyn SpanSink) -> Lookup<'a> {
        let next = self.get(self.last).map_or(0, |met| met.next);
        if let Some(guess) = self.get(next)
            && guess.name == name
        {
            let told = guess.told;
            self.last = next;
            return told;
        }
        self.look(name, take)
    }

    /// What stands under the last name, as text: what has stood there is known to be one.
    #[inline]
    pub(super) fn text(&mut self, bytes: &'a [u8]) -> Option<&'a str> {
        match self.get(self.last) {
            Some(met) if met.text.as_bytes() == bytes => Some(met.text),
            Some(met) => {
                met.text = from_utf8(bytes).ok()?;
                Some(met.text)
            }
            None => from_utf8(bytes).ok(),
        }
    }

    /// Looks the next name up, and remembers what it came after.
    fn look(&mut self, name: &'a [u8], take: &dyn SpanSink) -> Lookup<'a> {
        let hash = hash(name);
        let mut place = hash as usize % PLACES;
        while let Some(met) = self.get(self.places[place])
            && met.name != name
        {
            place = (place + 1) % PLACES;
        }
        if self.places[place] == 0 {
            if self.met.len() == MOST {
                *self = Self::new();
                place = hash as usize % PLACES;
            }
            let told = match AttributeKey::find(hash, name) {
                Some(key) => Lookup::Known(key),
                None if take.asks(hash, name) => {
                    from_utf8(name).map_or(Lookup::InvalidUtf8, |name| Lookup::Asked(hash, name))
                }
                None => Lookup::Unasked,
            };
            let (text, next) = ("", 0);
            self.met.push(CacheEntry {
                name,
                told,
                text,
                next,
            });
            self.places[place] = self.met.len() as u8;
        }
        let number = self.places[place];
        if let Some(before) = self.get(self.last) {
            before.next = number;
        }
        self.last = number;
        self.get(number).map_or(Lookup::Unasked, |met| met.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::attribute_key::key;
    use crate::otlp::view::ScopeBatch;
    use proptest::prelude::*;

    #[test]
    fn a_name_that_is_no_text_is_broken_where_it_is_asked_for() {
        let mut all = |_: &ScopeBatch<'_>| {};
        for _ in 0..2 {
            assert_eq!(
                NameCache::new().look_up(b"a\xff", &all),
                Lookup::InvalidUtf8
            );
            assert_eq!(
                NameCache::new().look_up(b"a\xff", &Capitals),
                Lookup::Unasked
            );
        }
        all.add(&ScopeBatch::default());
    }

    #[test]
    fn a_text_is_its_bytes_whatever_stood_there_before() {
        let mut names = NameCache::new();
        for (name, bytes) in [
            ("A", &b"desk"[..]),
            ("B", b"desk"),
            ("A", b"desk"),
            ("A", b"de\xff"),
            ("A", b"desks"),
            ("A", b""),
            ("A", b"\xff"),
        ] {
            names.look_up(name.as_bytes(), &Capitals);
            assert_eq!(names.text(bytes), std::str::from_utf8(bytes).ok());
        }
    }

    /// Asks for names in capitals.
    struct Capitals;

    impl SpanSink for Capitals {
        fn asks(&self, _: u32, name: &[u8]) -> bool {
            name.is_ascii() && name.to_ascii_uppercase() == name
        }

        fn add(&mut self, _: &ScopeBatch<'_>) {}
    }

    proptest! {
        /// Whatever came before: of a name the same is told as when it is met first.
        #[test]
        fn what_is_told_depends_on_the_name_alone(
            names in prop::collection::vec("[A-C]{0,2}|[a-c]{0,2}|user\\.id|[A-Z]{8}", 0..600),
        ) {
            let mut all = NameCache::new();
            for name in &names {
                let told = all.look_up(name.as_bytes(), &Capitals);
                prop_assert_eq!(told, NameCache::new().look_up(name.as_bytes(), &Capitals), "{}", name);
                let upper = name.bytes().all(|b| b.is_ascii_uppercase());
                let is_right = match told {
                    Lookup::Known(key) => key == key!("user.id") && name == "user.id",
                    Lookup::Asked(hashed, text) => upper && hashed == hash(name.as_bytes()) && text == name,
                    Lookup::Unasked => !upper && name != "user.id",
                    Lookup::InvalidUtf8 => false,
                };
                prop_assert!(is_right, "{}: {:?}", name, told);
            }
        }
    }
}
