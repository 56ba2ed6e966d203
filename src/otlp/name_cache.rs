//! Per-request intern table of attribute names with successor prediction: the next name is compared with the one that followed last time before
//! it is hashed. The last text under each name is kept too, so that a text that repeats is not validated as UTF-8 again.

use crate::model::hash::hash;
use crate::otlp::attribute_key::AttributeKey;
use crate::otlp::view::SpanSink;
use simdutf8::basic::from_utf8;

/// Whether the value of an attribute is read, by its name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup<'a> {
    /// Read under this key.
    Known(AttributeKey),
    /// Has no key, but the sink asks for it: its hash and its name.
    Asked(u32, &'a str),
    /// Passed over.
    Unasked,
    /// Asked for, and not UTF-8.
    InvalidUtf8,
}

/// One distinct name of a request.
#[derive(Clone, Copy, Debug)]
struct CacheEntry<'a> {
    /// Set when the name is first met, as is the lookup; both stay.
    name: &'a [u8],
    lookup: Lookup<'a>,
    /// The latest text under the name; written and read by [`NameCache::text`].
    text: &'a str,
    /// The predicted successor: the number of the name that followed last; 0: none yet.
    next: u8,
}

/// The intern table of one request. Emitters use a few dozen names; at more than [`MAX_NAMES`] it starts anew.
#[derive(Debug)]
pub(super) struct NameCache<'a> {
    /// Distinct names in the order of their first use. The number of an entry is its index plus one.
    entries: Vec<CacheEntry<'a>>,
    /// Hash table of entry numbers with linear probing; 0: free.
    slots: [u8; SLOTS],
    /// The number of the latest name; 0: none yet.
    last: u8,
}

const SLOTS: usize = 1024;
/// Numbers of entries are one byte wide.
const MAX_NAMES: usize = u8::MAX as usize;

impl<'a> NameCache<'a> {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::with_capacity(64),
            slots: [0; SLOTS],
            last: 0,
        }
    }

    #[inline]
    fn entry(&mut self, number: u8) -> Option<&mut CacheEntry<'a>> {
        self.entries.get_mut(usize::from(number).wrapping_sub(1))
    }

    /// The lookup of the next name. The predicted successor costs one comparison, any other name a hash.
    #[inline]
    pub(super) fn look_up(&mut self, name: &'a [u8], sink: &dyn SpanSink) -> Lookup<'a> {
        let next = self.entry(self.last).map_or(0, |entry| entry.next);
        if let Some(predicted) = self.entry(next)
            && predicted.name == name
        {
            let lookup = predicted.lookup;
            self.last = next;
            return lookup;
        }
        self.find_or_insert(name, sink)
    }

    /// A value under the latest name as text; `None`: it is not UTF-8.
    #[inline]
    pub(super) fn text(&mut self, bytes: &'a [u8]) -> Option<&'a str> {
        match self.entry(self.last) {
            Some(entry) if entry.text.as_bytes() == bytes => Some(entry.text),
            Some(entry) => {
                entry.text = from_utf8(bytes).ok()?;
                Some(entry.text)
            }
            None => from_utf8(bytes).ok(),
        }
    }

    /// Finds a name by its hash, or enters it, and makes it the predicted successor of the latest one.
    fn find_or_insert(&mut self, name: &'a [u8], sink: &dyn SpanSink) -> Lookup<'a> {
        let hash = hash(name);
        let mut slot = hash as usize % SLOTS;
        while let Some(entry) = self.entry(self.slots[slot])
            && entry.name != name
        {
            slot = (slot + 1) % SLOTS;
        }
        if self.slots[slot] == 0 {
            if self.entries.len() == MAX_NAMES {
                *self = Self::new();
                slot = hash as usize % SLOTS;
            }
            let lookup = match AttributeKey::find(hash, name) {
                Some(key) => Lookup::Known(key),
                None if sink.asks(hash, name) => {
                    from_utf8(name).map_or(Lookup::InvalidUtf8, |name| Lookup::Asked(hash, name))
                }
                None => Lookup::Unasked,
            };
            let (text, next) = ("", 0);
            self.entries.push(CacheEntry {
                name,
                lookup,
                text,
                next,
            });
            self.slots[slot] = self.entries.len() as u8;
        }
        let number = self.slots[slot];
        if let Some(before) = self.entry(self.last) {
            before.next = number;
        }
        self.last = number;
        self.entry(number)
            .map_or(Lookup::Unasked, |entry| entry.lookup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::attribute_key::key;
    use crate::otlp::view::ScopeBatch;
    use proptest::prelude::*;

    #[test]
    fn a_name_that_is_not_utf8_is_invalid_where_it_is_asked_for() {
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
    fn a_text_is_its_bytes_whatever_the_text_before_was() {
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
        /// Whatever came before, the lookup of a name is that of a new table.
        #[test]
        fn a_lookup_depends_on_the_name_alone(
            names in prop::collection::vec("[A-C]{0,2}|[a-c]{0,2}|user\\.id|[A-Z]{8}", 0..600),
        ) {
            let mut all = NameCache::new();
            for name in &names {
                let lookup = all.look_up(name.as_bytes(), &Capitals);
                prop_assert_eq!(lookup, NameCache::new().look_up(name.as_bytes(), &Capitals), "{}", name);
                let upper = name.bytes().all(|b| b.is_ascii_uppercase());
                let is_right = match lookup {
                    Lookup::Known(key) => key == key!("user.id") && name == "user.id",
                    Lookup::Asked(hashed, text) => upper && hashed == hash(name.as_bytes()) && text == name,
                    Lookup::Unasked => !upper && name != "user.id",
                    Lookup::InvalidUtf8 => false,
                };
                prop_assert!(is_right, "{}: {:?}", name, lookup);
            }
        }
    }
}
