//! A document is what `serde_json` reads, and nothing else is one.

use crate::normalise::json;
use crate::normalise::json_tape::*;
use proptest::prelude::*;
use serde_json::Value as Owned;

/// Builds the value of a document anew.
fn rebuilt(value: TapeValue<'_>) -> Owned {
    if value.is_array() {
        return value.items().map(rebuilt).collect();
    }
    if value.is_object() {
        let members = value.members();
        return members
            .map(|(key, value)| (unescaped(key), rebuilt(value)))
            .collect();
    }
    if let Some(text) = value.as_number() {
        return serde_json::from_str(&text).expect("a number");
    }
    value.to_owned().expect("JSON")
}

fn check(text: &str) {
    let theirs: Option<Owned> = json::may_be(text)
        .then(|| serde_json::from_str(text).ok())
        .flatten();
    let ours = Document::parse(text).map(|document| rebuilt(document.root()));
    assert_eq!(ours, theirs, "{text}");
}

fn value() -> impl Strategy<Value = Owned> {
    let leaf = prop_oneof![
        Just(Owned::Null),
        any::<bool>().prop_map(Owned::from),
        any::<i64>().prop_map(Owned::from),
        any::<f64>().prop_map(Owned::from),
        "[a-z\"\\\\\n\u{0}é😀 ]{0,40}".prop_map(Owned::from),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Owned::from),
            prop::collection::hash_map("[a-z\"é]{0,4}", inner, 0..5)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn a_document_is_what_serde_json_reads(value in value(), pretty: bool) {
        let text = if pretty {
            serde_json::to_string_pretty(&value)
        } else {
            serde_json::to_string(&value)
        };
        check(&text.expect("JSON"));
    }

    /// One byte is another, or gone: both must agree on what is left.
    #[test]
    fn damaged_text_is_refused_alike(value in value(), at: prop::sample::Index, new in "[\\[\\]{}\",:\\\\u0-9eE+.\\-a-f \n]?") {
        let mut text = value.to_string();
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let place = starts[at.index(starts.len())];
        let end = place + text[place..].chars().next().map_or(0, char::len_utf8);
        text.replace_range(place..end, &new);
        check(&text);
    }

    #[test]
    fn signs_of_json_in_any_order(text in "[\\[{\"][\\[\\]{}\",:\\\\u0-9eE+.\\-tfn]{0,12}") {
        check(&text);
    }
}

#[test]
fn edges() {
    for text in [
        "[1e999]",
        "[-0]",
        "[0]",
        "[ 0 ]",
        "[01]",
        "[   01]",
        "[1.]",
        "[.5]",
        "[-]",
        "[18446744073709551616]",
        "{\"a\":1,\"a\":2}",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\u00e9\"",
        "[1,]",
        "{\"a\"}",
        "[] []",
        "[\u{b}]",
        "",
        "[123456789012345678901234567890.5]",
        "  {\"a\": [true, false, null]}  ",
        "[nul]",
        "\"\t\"",
    ] {
        check(text);
    }
    for depth in [126, 127, 128, 200] {
        check(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        let (open, close) = ("{\"a\":".repeat(depth), "}".repeat(depth));
        check(&format!("{open}1{close}"));
    }
    // Too large for a float, wherever it stands.
    for before in [0, 100] {
        check(&format!("[{}{}]", " ".repeat(before), "1".repeat(400)));
    }
}
