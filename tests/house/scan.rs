//! What the rules read in a source text. Text that `cargo fmt` has laid out is regular enough: an item begins on a line of its own, and a
//! body ends with a brace at the indent of its first line.

pub struct Function {
    pub name: String,
    /// From the line with `fn` to its closing brace.
    pub lines: usize,
}

pub fn functions(text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let begins = lines.iter().enumerate();
    let begins = begins.filter_map(|(at, line)| {
        let mut rest = without_visibility(line);
        for modifier in ["const ", "async ", "unsafe "] {
            rest = rest.strip_prefix(modifier).unwrap_or(rest);
        }
        Some((at, name(rest.strip_prefix("fn ")?)))
    });
    let function = |(at, name): (usize, &str)| Function {
        name: name.to_owned(),
        lines: length(&lines[at..]),
    };
    begins.map(function).collect()
}

/// A line without its indent and without `pub`.
fn without_visibility(line: &str) -> &str {
    let line = line.trim_start();
    let narrow = line.strip_prefix("pub(");
    let narrow = narrow.and_then(|rest| Some(rest.split_once(") ")?.1));
    narrow.or(line.strip_prefix("pub ")).unwrap_or(line)
}

fn is_part_of_a_name(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

fn name(text: &str) -> &str {
    let end = text.find(|sign| !is_part_of_a_name(sign));
    &text[..end.unwrap_or(text.len())]
}

/// The lines of the item that begins with the first one.
fn length(lines: &[&str]) -> usize {
    let opens = lines
        .iter()
        .position(|line| line.ends_with(['{', ';', '}']));
    let opens = opens.expect("a signature ends");
    if !lines[opens].ends_with('{') {
        return opens + 1;
    }
    let indent = lines[0].len() - lines[0].trim_start().len();
    let is_end = |line: &&str| line.trim_start() == "}" && line.len() == indent + 1;
    let body = lines[opens..].iter().position(is_end);
    opens + body.expect("a body ends") + 1
}

/// The names of structs, enums, traits, unions and aliases; not those of associated types.
pub fn types(text: &str) -> Vec<String> {
    let types = text.lines().filter_map(|line| {
        let rest = without_visibility(line);
        let mut words = ["struct ", "enum ", "trait ", "union "].iter();
        let named = words.find_map(|word| rest.strip_prefix(word));
        let is_associated = line.starts_with(' ');
        let alias = || rest.strip_prefix("type ").filter(|_| !is_associated);
        Some(name(named.or_else(alias)?).to_owned())
    });
    // A macro names what it is told to.
    types.filter(|name| !name.is_empty()).collect()
}

pub fn constants(text: &str) -> Vec<String> {
    let constants = text.lines().filter_map(|line| {
        let rest = without_visibility(line);
        let mut words = ["const ", "static "].iter();
        let rest = words.find_map(|word| rest.strip_prefix(word))?;
        let name = name(rest);
        rest[name.len()..].starts_with(':').then(|| name.to_owned())
    });
    constants.collect()
}

/// Whether a text contains a word, and not only as a part of another one.
pub fn has_word(text: &str, word: &str) -> bool {
    let ends = !word.ends_with(is_part_of_a_name);
    text.match_indices(word).any(|(at, _)| {
        let after = &text[at + word.len()..];
        !text[..at].ends_with(is_part_of_a_name) && (ends || !after.starts_with(is_part_of_a_name))
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
    let text = "pub(crate) struct One;\nenum Two<T> {}\nmod m {\n    struct Three(u8);\n}\npub trait Four {\n    type Item;\n}\ntype Five = u8;\n// struct Six;\nstruct $name;\nlet structure = 1;\n";
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
