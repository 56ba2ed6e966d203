//! Interner of names that repeat from span to span.

use crate::model::Name;
use crate::model::hash::hash;
use std::cell::RefCell;

/// Names made of texts, remembered by each thread; a new one takes the place of an old one with the same hash. It makes no
/// difference but in memory and time.
#[derive(Debug)]
pub(super) struct NameInterner(RefCell<Box<[Place]>>);

/// A text and the name made of it.
type Place = Option<(Name, Name)>;

const MOST: usize = 1024;
/// A longer text is none that comes again.
const LONGEST: usize = 256;

impl NameInterner {
    pub(super) fn new() -> Self {
        Self(RefCell::new(vec![None; MOST].into()))
    }

    /// The name that `make` makes of a text.
    pub(super) fn of(&self, text: &str, make: impl FnOnce(&str) -> Name) -> Name {
        if text.len() > LONGEST {
            return make(text);
        }
        let place = hash(text.as_bytes()) as usize % MOST;
        if let Some((known, made)) = &self.0.borrow()[place]
            && **known == *text
        {
            return made.clone();
        }
        let made = make(text);
        let known = if *made == *text {
            made.clone()
        } else {
            text.into()
        };
        self.0.borrow_mut()[place] = Some((known, made.clone()));
        made
    }
}

/// The name that a function makes of a text, in a table of its own: `made!(text, function)`.
macro_rules! made {
    ($text:expr, $make:expr) => {{
        thread_local! {
            static MADE: $crate::normalise::interner::NameInterner = $crate::normalise::interner::NameInterner::new();
        }
        MADE.with(|made| made.of($text, $make))
    }};
}
pub(super) use made;

/// A text without blanks around it; most have none.
#[inline]
pub(super) fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::id;
    use super::*;

    #[test]
    fn blanks_are_only_around_a_text() {
        for text in [
            "desk",
            " desk",
            "desk\n",
            "a",
            " ",
            "",
            "a b",
            "\u{a0}é\u{a0}",
        ] {
            assert_eq!(trimmed(text), text.trim(), "{text:?}");
        }
    }

    #[test]
    fn a_name_is_its_text_whatever_else_is_remembered() {
        for round in 0..2 {
            // More than are remembered: some take the place of others.
            for number in 0..3 * MOST {
                let text = format!("name {number}");
                assert_eq!(*id(&text), *text, "round {round}");
            }
        }
        assert!(Name::ptr_eq(&id("desk"), &id("desk")));
    }
}
