//! The default configuration with faults put into it at random places: each is told with its line, whatever the others are.

use crate::config::*;
use proptest::prelude::*;

/// A line of the annotated defaults with a value of its own: its number, its indentation, its key and its value.
fn leaves() -> Vec<(usize, String)> {
    let text = annotated();
    let lines = text.lines().enumerate();
    let has_value = |line: &str| {
        let content = line.trim_start();
        !content.starts_with('#') && content.split_once(": ").is_some()
    };
    lines
        .filter(|(_, line)| has_value(line))
        .map(|(number, line)| (number, line.to_owned()))
        .collect()
}

/// A fault that is one whatever the key: the line that takes the place of this one.
fn spoiled(line: &str, how: u8) -> String {
    let (key, value) = line.split_once(": ").unwrap_or((line, ""));
    match how % 5 {
        0 => format!("{key}zzzzzzzzzzzz: {value}"),
        1 => format!("{key}: {{a: {{b: [c]}}}}"),
        2 => format!("{key}: [[1]]"),
        3 => format!("{key}: ${{SURELY_NOT_SET_ANYWHERE}}"),
        _ => format!("{key}: [{{}}]"),
    }
}

fn faults(text: &str) -> Vec<ConfigFault> {
    of_text(text, Path::new("."), &|_| None)
        .err()
        .unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_fault_is_told_with_its_line(
        seeds in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let text = annotated();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let leaves = leaves();
        let mut spoiled_lines = std::collections::BTreeSet::new();
        for (index, how) in seeds {
            let (number, line) = index.get(&leaves);
            if spoiled_lines.insert(*number) {
                lines[*number] = spoiled(line, how);
            }
        }
        let text = lines.join("\n");
        let told = faults(&text);
        for number in spoiled_lines {
            let line = number as u64 + 1;
            prop_assert!(
                told.iter().any(|fault| fault.line == Some(line)),
                "line {line}, {:?}, is not in {told:#?}", lines[number]
            );
        }
        for fault in &told {
            for jargon in ["serde", "schema", "invalid type", "unit value", "u32", "i64", "JSON"] {
                prop_assert!(!fault.what.contains(jargon), "{fault}");
            }
        }
    }

    /// Whatever is typed: faults or a configuration, and no panic.
    #[test]
    fn no_text_makes_it_panic(
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), "[\\PC\\n\\t]{0,6}"), 1..6),
    ) {
        let mut text: Vec<char> = annotated().chars().collect();
        for (index, inserted) in edits {
            let at = index.index(text.len());
            let end = (at + inserted.chars().count() / 2).min(text.len());
            text.splice(at..end, inserted.chars());
        }
        let text: String = text.into_iter().collect();
        for fault in faults(&text) {
            prop_assert!(!fault.what.is_empty());
        }
    }
}
