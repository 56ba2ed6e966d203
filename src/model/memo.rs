//! What was found for texts that come again and again.

use std::borrow::Cow;
use std::sync::OnceLock;

/// Lists that follow from a text, each remembered for the first text of its hash: never forgotten, and never more than so many.
/// It makes no difference but in time.
#[derive(Clone, Debug)]
pub struct Memo<T>(Box<[OnceLock<Found<T>>]>);

/// A text with what was found for it.
type Found<T> = (Box<str>, Box<[T]>);

const PLACES: usize = 1024;
/// A longer text is no name, and would hold memory for good.
const LONGEST: usize = 128;

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self((0..PLACES).map(|_| OnceLock::new()).collect())
    }
}

impl<T: Clone> Memo<T> {
    /// What `find` finds for a text of this hash.
    pub fn get(&self, hash: u32, text: &str, find: impl Fn() -> Box<[T]>) -> Cow<'_, [T]> {
        if text.len() > LONGEST {
            return Cow::Owned(find().into_vec());
        }
        let place = &self.0[hash as usize % PLACES];
        match place.get_or_init(|| (text.into(), find())) {
            (known, found) if **known == *text => Cow::Borrowed(found),
            _ => Cow::Owned(find().into_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_the_same_remembered_or_not() {
        let memo = Memo::default();
        for round in 0..2 {
            for (hash, text) in [(7, "desk"), (7, "billing"), (7 + PLACES as u32, "triage")] {
                let found = memo.get(hash, text, || text.bytes().collect());
                assert_eq!(*found, *text.as_bytes(), "round {round}");
            }
        }
        let again = memo.get(7, "desk", || unreachable!("it is remembered"));
        assert_eq!(*again, *b"desk");
    }

    #[test]
    fn a_text_that_is_no_name_is_not_held() {
        let memo = Memo::default();
        let [name, longer] = [LONGEST, LONGEST + 1].map(|length| "x".repeat(length));
        for (hash, text, held) in [(1, &name, true), (2, &longer, false)] {
            let found = memo.get(hash, text, || [1].into());
            assert_eq!(matches!(found, Cow::Borrowed(_)), held);
            assert_eq!(*found, [1]);
        }
    }
}
