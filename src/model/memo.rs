//! A cache for texts that repeat.

use std::borrow::Cow;
use std::sync::OnceLock;

/// What follows from a text, remembered for the first few texts of each set of hashes: never forgotten, and never more than so many.
/// It makes no difference but in time.
#[derive(Clone, Debug)]
pub struct Memo<T>(Box<[[MemoSlot<T>; SET]]>);

/// A text with what was found for it.
type MemoSlot<T> = OnceLock<(Box<[u8]>, T)>;

const SETS: usize = 256;
/// Texts of one set.
const SET: usize = 4;
/// A longer text is no name, and would hold memory for good.
const LONGEST: usize = 128;

impl<T> Default for Memo<T> {
    fn default() -> Self {
        let empty = || std::array::from_fn(|_| OnceLock::new());
        Self((0..SETS).map(|_| empty()).collect())
    }
}

impl<T: Clone> Memo<T> {
    /// What `find` finds for a text of this hash.
    #[inline]
    pub fn get(&self, hash: u32, text: &[u8], find: impl Fn() -> T) -> Cow<'_, T> {
        for place in &self.0[hash as usize % SETS] {
            let (known, found) = match place.get() {
                Some(remembered) => remembered,
                None if text.len() > LONGEST => break,
                None => place.get_or_init(|| (text.into(), find())),
            };
            if **known == *text {
                return Cow::Borrowed(found);
            }
        }
        Cow::Owned(find())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_the_same_remembered_or_not() {
        let memo = Memo::default();
        let texts = ["desk", "billing", "triage", "refunds", "orders", "returns"];
        for round in 0..2 {
            for (hash, text) in (0..).map(|i| 7 + i * SETS as u32).zip(texts) {
                let found = memo.get(hash, text.as_bytes(), || text.to_owned());
                assert_eq!(*found, text, "round {round}");
                assert_eq!(
                    matches!(found, Cow::Borrowed(_)),
                    texts[..SET].contains(&text)
                );
            }
        }
        let again = memo.get(7, b"desk", || unreachable!("it is remembered"));
        assert_eq!(*again, "desk");
    }

    #[test]
    fn a_text_that_is_no_name_is_not_held() {
        let memo = Memo::default();
        let [name, longer] = [LONGEST, LONGEST + 1].map(|length| "x".repeat(length));
        for (hash, text, held) in [(1, &name, true), (2, &longer, false)] {
            let found = memo.get(hash, text.as_bytes(), || 1);
            assert_eq!(matches!(found, Cow::Borrowed(_)), held);
            assert_eq!(*found, 1);
        }
    }
}
