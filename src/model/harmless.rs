//! Names from outside, made harmless where they are read: control characters, bidirectional controls and invisible characters are
//! written as escapes such as `\u{202e}`.
//!
//! Labels, tables, stories and logs are made of these names, so none of them holds such a character. Names of all scripts stay as they
//! are: accents, CJK, right-to-left letters, emoji and their sequences (a zero-width joiner between two emoji, a variation selector
//! after one). A joiner between letters, which Persian and Indic scripts use, is escaped: between other letters nobody sees it.
//!
//! The encoding is injective: a backslash that would read like an escape is escaped too. Two names that differ stay two.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with its harmful characters escaped; most texts have none and are not copied.
#[inline]
pub fn harmless(text: &str) -> Cow<'_, str> {
    within(text, usize::MAX)
}

/// As [`harmless`], cut where it is longer than so many bytes, and never inside a character or an escape.
#[inline]
pub fn within(text: &str, most: usize) -> Cow<'_, str> {
    if is_plain(text.as_bytes()) {
        return Cow::Borrowed(&text[..text.len().min(most)]);
    }
    escaped(text, most)
}

/// Whether all are printable ASCII, and none is a backslash.
fn is_plain(bytes: &[u8]) -> bool {
    // Without a branch between the bytes, of which the compiler makes vectors.
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) & (byte != b'\\');
    bytes.iter().fold(true, |all, byte| all & plain(*byte))
}

fn escaped(text: &str, most: usize) -> Cow<'_, str> {
    let mut out = String::new();
    // The character before, where it was kept.
    let mut before = None;
    for (at, character) in text.char_indices() {
        let rest = &text[at + character.len_utf8()..];
        let length = out.len();
        if is_harmful(before, character, rest) {
            // Writing to a text does not fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            before = None;
        } else {
            out.push(character);
            before = Some(character);
        }
        if out.len() > most {
            out.truncate(length);
            break;
        }
    }
    match out == text {
        true => Cow::Borrowed(text),
        false => Cow::Owned(out),
    }
}

/// Whether a character is to be escaped where it stands.
fn is_harmful(before: Option<char>, character: char, rest: &str) -> bool {
    let next = || rest.chars().next();
    match character {
        '\\' => rest.starts_with("u{"),
        ZERO_WIDTH_JOINER => {
            let joins = before.is_some_and(|b| is_emoji(b) || b == EMOJI_STYLE);
            !(joins && next().is_some_and(is_emoji))
        }
        TEXT_STYLE | EMOJI_STYLE => {
            let keycap = before.is_some_and(|b| matches!(b, '0'..='9' | '#' | '*'))
                && next() == Some('\u{20e3}');
            !(keycap || before.is_some_and(is_emoji))
        }
        _ => character.is_control() || is_invisible(character),
    }
}

const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// Variation selectors 15 and 16: how the emoji before them looks.
const TEXT_STYLE: char = '\u{fe0e}';
const EMOJI_STYLE: char = '\u{fe0f}';

/// Characters that emoji sequences are made of, skin tones among them.
fn is_emoji(character: char) -> bool {
    matches!(character,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2194}'..='\u{21aa}' | '\u{231a}'..='\u{23ff}' | '\u{24c2}' | '\u{25aa}'..='\u{25fe}'
        | '\u{2600}'..='\u{27bf}' | '\u{2934}'..='\u{2935}' | '\u{2b05}'..='\u{2b55}' | '\u{3030}' | '\u{303d}'
        | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// Unicode's format characters (Cf) that have no glyph, separators of lines and paragraphs, default-ignorable characters and
/// noncharacters.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{70f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        // The last two code points of each plane.
        || u32::from(character) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::Regex;

    /// What no text that is shown may hold, in the words of Unicode.
    const INVISIBLE: &str = r"[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]";
    /// What of it is visible in an emoji.
    const EMOJI: &str = "[\u{200d}\u{fe0e}\u{fe0f}]";
    /// Formats that do have a glyph: number signs of Arabic and Kaithi.
    const VISIBLE: &str = r"[\u{600}-\u{605}\u{6dd}\u{890}\u{891}\u{8e2}\u{110bd}\u{110cd}]";

    fn pattern(text: &str) -> Regex {
        Regex::new(text).expect("a pattern")
    }

    /// The one text that a harmless one was made of.
    fn source(harmless: &str) -> String {
        let mut parts = harmless.split("\\u{");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (digits, rest) = part.split_once('}').expect("an escape ends");
            let sign = u32::from_str_radix(digits, 16).expect("hexadecimal");
            text.push(char::from_u32(sign).expect("a sign"));
            text.push_str(rest);
        }
        text
    }

    #[test]
    fn every_character_that_unicode_calls_invisible_is_escaped_and_no_other() {
        let invisible = pattern(&format!(r"{INVISIBLE}|\p{{Cf}}"));
        let visible = pattern(VISIBLE);
        for character in '\0'..=char::MAX {
            let text = format!("a{character}b");
            let expected = invisible.is_match(&text) && !visible.is_match(&text);
            let escaped = format!("a\\u{{{:x}}}b", u32::from(character));
            let wanted = if expected { &escaped } else { &text };
            assert_eq!(&*harmless(&text), wanted, "{:x}", u32::from(character));
        }
    }

    #[test]
    fn names_of_all_scripts_stay_and_what_does_harm_is_told() {
        for same in [
            "",
            "support_agent",
            "Zoë Müller-Šmíd",
            "e\u{301}",
            "客服代理",
            "حجز الرحلات",
            "דלפק",
            "सहायता",
            "👩🏽‍🚀 crew",
            "❤️ care",
            "👩‍❤️‍👨",
            "1️⃣",
            "🏳️‍🌈",
            "C:\\users\\desk",
            "a\\",
            "\u{3000}",
        ] {
            assert_eq!(&*harmless(same), same);
        }
        for (given, shown) in [
            ("a\nb\tc", "a\\u{a}b\\u{9}c"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("pay\u{202e}dnuefer", "pay\\u{202e}dnuefer"),
            ("sup\u{200b}port", "sup\\u{200b}port"),
            ("sup\u{200d}port", "sup\\u{200d}port"),
            ("1\u{fe0f}", "1\\u{fe0f}"),
            ("می\u{200c}خواهم", "می\\u{200c}خواهم"),
            ("🏴\u{e0067}\u{e007f}", "🏴\\u{e0067}\\u{e007f}"),
            ("👩\u{200d}", "👩\\u{200d}"),
            ("a\u{fe0f}\u{200d}👩", "a\\u{fe0f}\\u{200d}👩"),
            ("\\u{a}", "\\u{5c}u{a}"),
        ] {
            assert_eq!(&*harmless(given), shown);
        }
    }

    #[test]
    fn a_cut_is_never_inside_a_letter_or_an_escape() {
        for (given, most, shown) in [
            ("desk", 3, "des"),
            ("déšk", 2, "d"),
            ("déšk", 3, "dé"),
            ("a\nb", 5, "a"),
            ("a\nb", 6, "a\\u{a}"),
            ("a\nb", 7, "a\\u{a}b"),
            ("日本", 5, "日"),
        ] {
            assert_eq!(&*within(given, most), shown, "{given:?} {most}");
        }
    }

    proptest! {
        #[test]
        fn no_text_does_harm_and_no_two_become_one(
            text in "[a-z\\\\u{}0-9🚀👩❤\u{200d}\u{fe0f}\u{200b}\u{202e}\u{1b}\n]{0,12}|\\PC{0,8}|\\p{any}{0,8}",
            most in 0..40_usize,
        ) {
            let shown = harmless(&text);
            let left = pattern(INVISIBLE).find_iter(&shown).map(|m| m.as_str().to_owned()).collect::<String>();
            prop_assert_eq!(pattern(EMOJI).replace_all(&left, ""), "", "{:?}", shown);
            prop_assert_eq!(source(&shown), text.clone());
            let part = within(&text, most);
            prop_assert!(part.len() <= most && shown.starts_with(&*part), "{:?}", part);
        }
    }
}
