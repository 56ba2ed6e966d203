//! The words of messages, and which of them are salient tokens: numbers, amounts, dates, identifiers, e-mail addresses, names inside a
//! sentence.

use super::swar;

/// The words of a text, each with and without the signs around it.
pub(super) fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    let raw = std::iter::from_fn(move || {
        let end = word_end(rest);
        let (word, after) = rest.split_at(end);
        let separator = after.chars().next().map_or(0, char::len_utf8);
        rest = &after[separator..];
        (end + separator > 0).then_some(word)
    });
    raw.map(|raw| (raw, bare(raw)))
        .filter(|(_, word)| !word.is_empty())
}

/// Separators, and what may be a part of one beyond ASCII.
const ENDS: [bool; 256] = {
    let mut ends = table(SEPARATORS);
    let mut byte = 128;
    while byte < 256 {
        ends[byte] = true;
        byte += 1;
    }
    ends
};

/// Where the first separator of a text is, or its end.
fn word_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.iter().position(|b| ENDS[usize::from(*b)]) {
        None => text.len(),
        Some(at) if bytes[at].is_ascii() => at,
        // Beyond ASCII blanks separate too.
        Some(at) => {
            let separates = |c: char| match u8::try_from(c) {
                Ok(byte) if byte.is_ascii() => is_separator(&byte),
                _ => c.is_whitespace(),
            };
            text[at..]
                .find(separates)
                .map_or(text.len(), |end| at + end)
        }
    }
}

/// A word without the signs around it; most have none.
fn bare(raw: &str) -> &str {
    let is_sign = |byte: Option<&u8>| !byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = raw.as_bytes();
    if is_sign(bytes.first()) || is_sign(bytes.last()) {
        raw.trim_matches(|c: char| !c.is_alphanumeric())
    } else {
        raw
    }
}

/// No more words than a text has, and nearly as many: those that begin with a letter or a digit after a blank.
pub(super) fn count_at_least(text: &str) -> usize {
    // So many are counted in a byte, which many bytes at a time can be.
    const PIECE: usize = 128;
    let bytes = text.as_bytes();
    let firsts = bytes.get(1..).unwrap_or_default().chunks(PIECE);
    let begins =
        |(before, first): (&u8, &u8)| u8::from((*before == b' ') & first.is_ascii_alphanumeric());
    let counts = bytes.chunks(PIECE).zip(firsts);
    counts
        .map(|(before, first)| usize::from(before.iter().zip(first).map(begins).sum::<u8>()))
        .sum()
}

/// What stands between words.
const SEPARATORS: &[u8] = b" \t\n\x0b\x0c\r()[]{}<>\"`,;|\\";

/// Whether a byte of ASCII stands between words.
pub(super) fn is_separator(byte: &u8) -> bool {
    const TABLE: [bool; 256] = table(SEPARATORS);
    TABLE[usize::from(*byte)]
}

/// Which bytes are in a set.
const fn table(set: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut i = 0;
    while i < set.len() {
        table[set[i] as usize] = true;
        i += 1;
    }
    table
}

pub(super) fn has_word(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// The next byte from a place on that may make its word salient: a digit, a capital, an `@` or one beyond ASCII.
pub(super) fn next_sign(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = &bytes[from..];
    let place = swar::first(rest, |lanes| {
        // Without their highest bits, no byte of a sum reaches into the next one.
        let low = lanes & !swar::HIGH_BITS;
        let from = |first: u8| low + swar::splat(0x80 - first);
        let digit = from(b'0') & !from(b'9' + 1);
        // `@` stands before `A` in ASCII.
        let capital = from(b'@') & !from(b'Z' + 1);
        digit | capital | lanes
    });
    place.map(|place| from + place)
}

/// Whether the last word of a text without signs ends a sentence; `None`: there is no word. A separator follows it.
pub(super) fn ends_sentence(text: &[u8]) -> Option<bool> {
    let letter = text.iter().rposition(u8::is_ascii_lowercase)?;
    let length = text[letter..].iter().position(is_separator)?;
    let last = text[letter + length - 1];
    Some(matches!(last, b'.' | b'!' | b'?' | b':'))
}

/// Whether a word is a salient token.
pub(super) fn is_salient(word: &str, begins_sentence: bool) -> bool {
    let count = |is: fn(&u8) -> bool| word.bytes().filter(is).count();
    let digits = count(u8::is_ascii_digit);
    if digits > 0 && is_number(word) {
        return digits >= 2;
    }
    let is_long = || word.chars().take(3).count() == 3;
    let is_identifier = digits > 0 && is_long();
    let is_address = || word.contains('@') && word.contains('.');
    let is_name =
        || !begins_sentence && word.chars().next().is_some_and(char::is_uppercase) && is_long();
    is_identifier || is_name() || is_address()
}

/// Digits, with one point at most.
pub(super) fn is_number(word: &str) -> bool {
    let points = word.bytes().filter(|b| *b == b'.').count();
    points <= 1 && word.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_sign_is_a_digit_a_capital_an_at_or_beyond_ascii(text in "[a-c ,;:/?\\[@-C0-9X-Z\u{7f}\u{80}é]{0,40}", from in 0..40_usize) {
            let is_sign = |b: &u8| b.is_ascii_digit() || matches!(b, b'@'..=b'Z') || !b.is_ascii();
            let from = from.min(text.len());
            let plain = text.as_bytes()[from..].iter().position(is_sign);
            prop_assert_eq!(next_sign(text.as_bytes(), from), plain.map(|at| from + at));
        }

        /// The quick ways say what the plain ones say.
        #[test]
        fn words_lie_between_separators(text in "[ab1 ,.é\u{a0}\u{2003}\u{85}\\-\n]{0,40}") {
            let separates = |c: char| match u8::try_from(c) {
                Ok(byte) if byte.is_ascii() => is_separator(&byte),
                _ => c.is_whitespace(),
            };
            let plain = text.split(separates);
            let plain = plain.map(|raw| (raw, raw.trim_matches(|c: char| !c.is_alphanumeric())));
            let plain: Vec<_> = plain.filter(|(_, word)| !word.is_empty()).collect();
            prop_assert!(count_at_least(&text) <= plain.len());
            let begins = |pair: &&[u8]| pair[0] == b' ' && pair[1].is_ascii_alphanumeric();
            let long = text.repeat(9);
            let expected = long.as_bytes().windows(2).filter(begins).count();
            prop_assert_eq!(count_at_least(&long), expected);
            prop_assert_eq!(words(&text).collect::<Vec<_>>(), plain);
        }
    }
}
