//! Names that span after span repeats, made once and shared.

use crate::model::Name;
use rapidhash::v3::rapidhash_v3;
use std::cell::RefCell;

/// Names remembered by each thread; a new one takes the place of an old one with the same hash.
const MOST: usize = 1024;

thread_local! {
    static KNOWN: RefCell<Vec<Option<Name>>> = RefCell::new(vec![None; MOST]);
}

/// The name of a text: a known one where it is remembered, else a new one. It makes no difference but in memory and time.
pub(super) fn shared(text: &str) -> Name {
    let place = rapidhash_v3(text.as_bytes()) as usize % MOST;
    KNOWN.with_borrow_mut(|known| match &known[place] {
        Some(name) if **name == *text => name.clone(),
        _ => known[place].insert(Name::from(text)).clone(),
    })
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
    fn a_name_is_its_text_whatever_else_is_remembered() {
        for round in 0..2 {
            // More than are remembered: some take the place of others.
            for number in 0..3 * MOST {
                let text = format!("name {number}");
                assert_eq!(*shared(&text), *text, "round {round}");
            }
        }
        assert!(Name::ptr_eq(&shared("desk"), &shared("desk")));
    }
}
