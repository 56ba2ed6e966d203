//! The words of messages, and which of them are facts: numbers, amounts, dates, identifiers, e-mail addresses, names inside a
//! sentence.

/// The words of a text, each with and without the signs around it.
pub(super) fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(|c: char| match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => is_separator(&byte),
        _ => c.is_whitespace(),
    })
    .map(|raw| (raw, raw.trim_matches(|c: char| !c.is_alphanumeric())))
    .filter(|(_, word)| !word.is_empty())
}

/// Whether a byte of ASCII stands between words.
pub(super) fn is_separator(byte: &u8) -> bool {
    const SEPARATORS: [bool; 256] = {
        let mut table = [false; 256];
        let all = b" \t\n\x0b\x0c\r()[]{}<>\"`,;|\\";
        let mut i = 0;
        while i < all.len() {
            table[all[i] as usize] = true;
            i += 1;
        }
        table
    };
    SEPARATORS[usize::from(*byte)]
}

pub(super) fn has_word(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// The next byte from a place on that may make its word a fact.
pub(super) fn next_sign(bytes: &[u8], from: usize) -> Option<usize> {
    // `@` stands before `A` in ASCII.
    let is_sign = |b: &u8| b.is_ascii_digit() | matches!(b, b'@'..=b'Z') | !b.is_ascii();
    let rest = &bytes[from..];
    // A block at a time, without a branch inside it: the compiler makes vectors of that.
    let any = |block: &&[u8]| block.iter().fold(false, |any, b| any | is_sign(b));
    let blocks = rest.chunks_exact(16).take_while(|block| !any(block));
    let skipped = blocks.count() * 16;
    let place = rest[skipped..].iter().position(is_sign)?;
    Some(from + skipped + place)
}

/// Whether the last word of a text without signs ends a sentence; `None`: there is no word. A separator follows it.
pub(super) fn ends_sentence(text: &[u8]) -> Option<bool> {
    let letter = text.iter().rposition(u8::is_ascii_lowercase)?;
    let length = text[letter..].iter().position(is_separator)?;
    let last = text[letter + length - 1];
    Some(matches!(last, b'.' | b'!' | b'?' | b':'))
}

/// Whether a word is a fact.
pub(super) fn is_fact(word: &str, begins_sentence: bool) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if is_number(word) {
        return digits >= 2;
    }
    let is_long = || word.chars().take(3).count() == 3;
    let is_identifier = digits > 0 && is_long();
    let is_address = || word.contains('@') && word.contains('.');
    let is_name =
        || !begins_sentence && word.chars().next().is_some_and(char::is_uppercase) && is_long();
    is_identifier || is_address() || is_name()
}

/// Digits, with one point at most.
pub(super) fn is_number(word: &str) -> bool {
    let points = word.bytes().filter(|b| *b == b'.').count();
    points <= 1 && word.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}
