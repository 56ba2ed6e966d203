//! What the rules read in a source text. Text that `cargo fmt` has laid out is regular enough: an item begins on a line of its own, and a
//! body ends with a brace at the indent of its first line.

use regex::Regex;

pub struct Function {
    pub name: String,
    /// From the line with `fn` to its closing brace.
    pub lines: usize,
}

pub fn functions(text: &str) -> Vec<Function> {
    let head = r#"^(\s*)(?:pub(?:\([^)]*\))? )?(?:const |async |unsafe |extern "\w+" )*fn (\w+)"#;
    let head = Regex::new(head).expect("a pattern");
    let lines: Vec<&str> = text.lines().collect();
    let begins = lines.iter().enumerate();
    let begins = begins.filter_map(|(at, line)| Some((at, head.captures(line)?)));
    let functions = begins.map(|(at, head)| Function {
        name: head[2].to_owned(),
        lines: length(&lines[at..], &head[1]),
    });
    functions.collect()
}

/// The lines of the item that begins with the first one.
fn length(lines: &[&str], indent: &str) -> usize {
    let opens = lines
        .iter()
        .position(|line| line.ends_with(['{', ';', '}']));
    let opens = opens.expect("a signature ends");
    if !lines[opens].ends_with('{') {
        return opens + 1;
    }
    let close = format!("{indent}}}");
    let body = lines[opens..].iter().position(|line| *line == close);
    opens + body.expect("a body ends") + 1
}

/// The names of structs, enums, traits, unions and aliases; not those of associated types.
pub fn types(text: &str) -> Vec<String> {
    let item = r"(?m)^(?:\s*(?:pub(?:\([^)]*\))? )?(?:struct|enum|trait|union)|(?:pub(?:\([^)]*\))? )?type) (\w+)";
    let item = Regex::new(item).expect("a pattern");
    let items = item.captures_iter(text);
    items.map(|item| item[1].to_owned()).collect()
}

pub fn constants(text: &str) -> Vec<String> {
    let item = r"(?m)^\s*(?:pub(?:\([^)]*\))? )?(?:const|static) (\w+):";
    let item = Regex::new(item).expect("a pattern");
    let items = item.captures_iter(text);
    items.map(|item| item[1].to_owned()).collect()
}

/// Whether a text contains a word, and not only as a part of another one.
pub fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let ends = !word.ends_with(is_part);
    text.match_indices(word).any(|(at, _)| {
        let after = &text[at + word.len()..];
        !text[..at].ends_with(is_part) && (ends || !after.starts_with(is_part))
    })
}

#[test]
fn functions_are_found_with_their_lengths() {
    let text = "impl X {\n    pub(crate) async fn one(\n        &self,\n    ) -> u8 {\n        if true {\n        }\n        1\n    }\n\n    fn two() {}\n}\n\ntrait Y {\n    fn three(\n        &self,\n    ) -> u8;\n}\n\n// fn four() {\nconst fn five() -> u8 {\n    5\n}\n";
    let found = functions(text);
    let found: Vec<_> = found.iter().map(|f| (f.name.as_str(), f.lines)).collect();
    assert_eq!(found, [("one", 7), ("two", 1), ("three", 3), ("five", 3)]);
}

#[test]
fn types_are_found_and_associated_ones_are_not() {
    let text = "pub(crate) struct One;\nenum Two<T> {}\nmod m {\n    struct Three(u8);\n}\npub trait Four {\n    type Item;\n}\ntype Five = u8;\n// struct Six;\nlet structure = 1;\n";
    assert_eq!(types(text), ["One", "Two", "Three", "Four", "Five"]);
}

#[test]
fn constants_are_found() {
    let text =
        "pub const ONE: u8 = 1;\nfn f() {\n    static TWO: u8 = 2;\n}\nconst fn three() {}\n";
    assert_eq!(constants(text), ["ONE", "TWO"]);
}

#[test]
fn words_are_whole() {
    assert!(has_word("let at = Instant::now();", "Instant"));
    assert!(has_word("metrics::counter!(NAME)", "metrics::"));
    assert!(!has_word("Instantly, an_Instant", "Instant"));
}
