//! The numbered rules of `docs/semantics.md`: each is cited in the code that follows it, and in a test that proves it.

use crate::{all_sources, is_test, refuse};
use std::collections::BTreeSet;

/// The numbers that a text cites, a letter and a number.
fn numbers(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let is_number = |word: &&str| {
        let parts = word.split_once('-');
        parts.is_some_and(|(letter, number)| {
            ["S", "L", "T", "A", "C", "H", "W", "O"].contains(&letter)
                && number.parse::<u8>().is_ok()
        })
    };
    words.filter(is_number).map(str::to_owned).collect()
}

#[test]
fn numbers_are_read() {
    let found = numbers("/// Rules (T-99, H-98). Not A-4711, x-1 or T-.");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["H-98", "T-99"]);
}

#[test]
fn every_rule_is_cited_in_code_and_in_a_test() {
    let page = include_str!("../../docs/semantics.md");
    let rules: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("- **")?.split_once(".**"))
        .map(|(number, _)| number)
        .collect();
    assert!(rules.len() > 40, "the rules are there");
    let (mut in_code, mut in_tests) = (BTreeSet::new(), BTreeSet::new());
    for source in all_sources() {
        let cited = numbers(&source.text);
        if is_test(&source.path) {
            in_tests.extend(cited);
        } else {
            in_code.extend(cited);
        }
    }
    let missing = |cited: &BTreeSet<String>, place: &str| -> Vec<String> {
        let rules = rules.iter().filter(|rule| !cited.contains(**rule));
        rules
            .map(|rule| format!("{rule} is cited in no {place}"))
            .collect()
    };
    refuse(&[missing(&in_code, "code"), missing(&in_tests, "test")].concat());
}
