//! The salient tokens of a text, as salted hashes.
//!
//! Salient tokens are what a customer would have to say again: numbers, amounts, dates, identifiers, e-mail addresses, names inside
//! a sentence. Common words are none: an agent that puts things in its own words loses nothing.

use super::words::{ends_sentence, is_number, is_salient, is_separator, next_sign, words};
use rapidhash::RapidHashMap as HashMap;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use std::cell::RefCell;

/// The secret that keeps hashes of one installation from being looked up elsewhere.
#[derive(Clone)]
pub(super) struct HashSalt(RapidSecrets);

impl std::fmt::Debug for HashSalt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashSalt")
    }
}

impl HashSalt {
    pub(super) fn new(seed: u64) -> Self {
        Self(RapidSecrets::seed(seed))
    }

    fn hash(&self, text: &[u8]) -> u32 {
        (rapidhash_v3_seeded(text, &self.0) >> 32) as u32
    }

    /// Of a word in lower case.
    pub(super) fn hash_of_lower(&self, word: &str) -> u32 {
        let mut short = [0; 32];
        match short.get_mut(..word.len()) {
            Some(lower) if word.is_ascii() => {
                lower.copy_from_slice(word.as_bytes());
                lower.make_ascii_lowercase();
                self.hash(lower)
            }
            _ => self.hash(word.to_lowercase().as_bytes()),
        }
    }

    /// Of a salient token in one spelling: `129.90` and `129.9` are the same.
    pub(super) fn hash_of_token(&self, word: &str) -> u32 {
        if is_number(word) && word.contains('.') {
            let plain = word.trim_end_matches('0').trim_end_matches('.');
            self.hash(plain.as_bytes())
        } else {
            self.hash_of_lower(word)
        }
    }
}

/// Hashes the salient tokens of the texts of a few spans, and remembers long texts: with each call of a conversation the messages before it come
/// again.
pub(super) struct TokenHasher<'k> {
    pub(super) salt: &'k HashSalt,
    remembered: RefCell<HashMap<Box<str>, Box<[u32]>>>,
}

/// A shorter text is read again.
const MIN_REMEMBERED_BYTES: usize = 128;

impl<'k> TokenHasher<'k> {
    pub(super) fn new(salt: &'k HashSalt) -> Self {
        Self {
            salt,
            remembered: RefCell::default(),
        }
    }

    /// Adds the salient tokens of a text.
    pub(super) fn add(&self, text: &str, into: &mut Vec<u32>) {
        if text.len() < MIN_REMEMBERED_BYTES {
            return read(text, self.salt, into);
        }
        if let Some(tokens) = self.remembered.borrow().get(text) {
            return into.extend_from_slice(tokens);
        }
        let before = into.len();
        read(text, self.salt, into);
        let tokens = into[before..].into();
        self.remembered.borrow_mut().insert(text.into(), tokens);
    }
}

/// Most words are not salient, and are passed over: only those with a digit, a capital, an `@` or a letter beyond ASCII are looked at.
fn read(text: &str, salt: &HashSalt, into: &mut Vec<u32>) {
    let bytes = text.as_bytes();
    let (mut at, mut begins) = (0, true);
    while let Some(found) = next_sign(bytes, at) {
        let before = bytes[at..found].iter().rposition(is_separator);
        let begin = before.map_or(at, |place| at + place + 1);
        let length = bytes[found..].iter().position(is_separator);
        let end = length.map_or(bytes.len(), |length| found + length);
        begins = ends_sentence(&bytes[at..begin]).unwrap_or(begins);
        for (raw, word) in words(&text[begin..end]) {
            if is_salient(word, begins) {
                into.push(salt.hash_of_token(word));
            }
            begins = raw.ends_with(['.', '!', '?', ':']);
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_same_tokens_each_time() {
        let salt = HashSalt::new(1);
        let hasher = TokenHasher::new(&salt);
        let long = "Order A-4711 of Jane Doe, 49.90 and 12.50. ".repeat(4);
        for text in ["Order A-4711", &long, "no tokens", &long, &long[..130]] {
            let (mut fresh, mut again) = (vec![7], vec![7]);
            read(text, &salt, &mut fresh);
            hasher.add(text, &mut again);
            assert_eq!(again, fresh, "{text}");
        }
        assert_eq!(hasher.remembered.borrow().len(), 2);
    }
}
