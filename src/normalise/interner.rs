//! Interner of names that repeat from span to span. It makes no difference but in memory and time.

use crate::model::hash::hash;
use crate::model::{Name, harmless};
use std::borrow::Cow;
use std::cell::RefCell;

/// Names longer than this are cut: they are labels, not texts.
const MAX_NAME_BYTES: usize = 128;
/// Ids up to this length are kept whole. A longer one is cut and gets a hash of the whole: two that begin alike stay two.
const MAX_ID_BYTES: usize = 256;

/// Slots of one interner.
const SLOTS: usize = 1024;
/// A longer text is none that comes again.
const MAX_INTERNED_BYTES: usize = 256;

/// The names that one function makes of texts. A new one takes the slot of an old one with the same hash.
#[derive(Debug, Default)]
pub(super) struct NameInterner(RefCell<Vec<InternerSlot>>);

/// A text and the name made of it.
type InternerSlot = Option<(Name, Name)>;

impl NameInterner {
    /// The name that `make` makes of a text. It has to be the same function each time.
    pub(super) fn of(&self, text: &str, make: impl FnOnce(&str) -> Name) -> Name {
        if text.len() > MAX_INTERNED_BYTES {
            return make(text);
        }
        let slot = hash(text.as_bytes()) as usize % SLOTS;
        if let Some(Some((known, made))) = self.0.borrow().get(slot)
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
        let mut slots = self.0.borrow_mut();
        slots.resize(SLOTS, None);
        slots[slot] = Some((known, made.clone()));
        made
    }
}

/// The interners of a [`Scratch`](super::Scratch), one for each function that makes names.
#[derive(Debug, Default)]
pub(super) struct NameInterners {
    names: NameInterner,
    ids: NameInterner,
    /// Written and read by `business.rs`.
    pub(super) cohorts: NameInterner,
    /// Names as they are compared. Written and read by `handoff.rs`.
    pub(super) compared: NameInterner,
    /// Written and read by `model_name.rs`, as the next.
    pub(super) models: NameInterner,
    pub(super) providers: NameInterner,
}

impl NameInterners {
    /// A name, harmless, without blanks around it (roles from YAML end in a line break), cut where it is too long for a label.
    pub(super) fn name(&self, text: &str) -> Name {
        self.names.of(text, |text| {
            let text = one_line(trimmed(text));
            Name::from(&*harmless::within(&text, MAX_NAME_BYTES))
        })
    }

    /// An id, which only has to stay itself: two that differ stay two.
    pub(super) fn id(&self, text: &str) -> Name {
        let text = trimmed(text);
        if text.len() > MAX_ID_BYTES {
            return long_id(text);
        }
        self.ids.of(text, whole_id)
    }
}

/// An id that is not interned, equal to what [`NameInterners::id`] makes of the same text.
pub(super) fn whole_id(text: &str) -> Name {
    let text = trimmed(text);
    match text.len() <= MAX_ID_BYTES {
        true => match &*harmless::harmless(text) {
            id if id.len() <= MAX_ID_BYTES => id.into(),
            _ => long_id(text),
        },
        false => long_id(text),
    }
}

fn long_id(text: &str) -> Name {
    let hash = rapidhash::v3::rapidhash_v3(text.as_bytes());
    let beginning = harmless::within(text, MAX_NAME_BYTES);
    Name::from(format!("{beginning}~{hash:016x}").as_str())
}

/// A text with one blank in place of several, of line breaks and of blanks that do not break: nobody sees the difference.
fn one_line(text: &str) -> Cow<'_, str> {
    let is_plain = |word: &str| !word.contains(char::is_whitespace) && !word.is_empty();
    match text.split(' ').all(is_plain) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

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
    fn a_name_has_single_blanks() {
        let names = NameInterners::default();
        for text in [
            "night desk",
            "night  desk",
            "night\u{a0}desk",
            " night\n\tdesk ",
        ] {
            assert_eq!(&*names.name(text), "night desk", "{text:?}");
        }
    }

    #[test]
    fn a_name_is_its_text_whatever_else_is_remembered() {
        let names = NameInterners::default();
        for round in 0..2 {
            // More than are remembered: some take the place of others.
            for number in 0..3 * SLOTS {
                let text = format!("name {number}");
                assert_eq!(*names.id(&text), *text, "round {round}");
            }
        }
        assert!(Name::ptr_eq(&names.id("desk"), &names.id("desk")));
    }
}
