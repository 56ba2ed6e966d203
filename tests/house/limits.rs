//! Rules about sizes and names: no long function or file, no type name used twice, no constant without a noun.

use crate::refuse;
use crate::scan::{constants, functions, types};
use crate::{Source, all_sources, sources};
use std::collections::BTreeMap;

/// A function fits a screen; a file fits a head.
const FUNCTION_LINES: usize = 70;
const FILE_LINES: usize = 500;

fn long_functions(sources: &[Source]) -> Vec<String> {
    let all = sources.iter().flat_map(|source| {
        let functions = functions(&source.text).into_iter();
        let long = functions.filter(|function| function.lines > FUNCTION_LINES);
        long.map(|f| format!("{}: {} has {} lines", source.path, f.name, f.lines))
    });
    all.collect()
}

fn long_files(sources: &[Source]) -> Vec<String> {
    let lines = sources.iter().map(|s| (&s.path, s.text.lines().count()));
    let long = lines.filter(|(_, lines)| *lines > FILE_LINES);
    long.map(|(path, lines)| format!("{path} has {lines} lines"))
        .collect()
}

/// Every room has its own `Settings`; all other names mean one thing.
fn repeated_types(sources: &[Source]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for source in sources {
        for name in types(&source.text) {
            places.entry(name).or_default().push(&source.path);
        }
    }
    places.remove("Settings");
    let repeated = places.into_iter().filter(|(_, places)| places.len() > 1);
    let offence =
        |(name, places): (String, Vec<&str>)| format!("{name} is in {}", places.join(", "));
    repeated.map(offence).collect()
}

fn nameless_constants(sources: &[Source]) -> Vec<String> {
    let all = sources.iter().flat_map(|source| {
        let constants = constants(&source.text).into_iter();
        let nameless = constants.filter(|name| name == "MOST");
        nameless.map(|name| format!("{}: {name} says neither of what nor the unit", source.path))
    });
    all.collect()
}

#[test]
fn no_function_is_long() {
    refuse(&long_functions(&all_sources()));
}

#[test]
fn no_file_is_long() {
    refuse(&long_files(&all_sources()));
}

#[test]
fn no_type_name_is_used_twice() {
    refuse(&repeated_types(&sources()));
}

#[test]
fn every_constant_says_what_it_is() {
    refuse(&nameless_constants(&sources()));
}

fn made_up(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        room: String::new(),
        text: text.to_owned(),
    }
}

#[test]
fn a_function_of_71_lines_is_refused() {
    let function = |body| format!("fn long() {{\n{}}}\n", "    x();\n".repeat(body));
    assert!(long_functions(&[made_up("a.rs", &function(68))]).is_empty());
    let refused = long_functions(&[made_up("a.rs", &function(69))]);
    assert_eq!(refused, ["a.rs: long has 71 lines"]);
}

#[test]
fn a_file_of_501_lines_is_refused() {
    assert!(long_files(&[made_up("a.rs", &"\n".repeat(500))]).is_empty());
    let refused = long_files(&[made_up("a.rs", &"\n".repeat(501))]);
    assert_eq!(refused, ["a.rs has 501 lines"]);
}

#[test]
fn a_type_name_of_two_rooms_is_refused_and_settings_are_not() {
    let one = made_up("a.rs", "struct Settings;\nstruct Same;\n");
    let other = made_up("b.rs", "pub struct Settings;\nenum Same {}\n");
    let refused = repeated_types(&[one, other]);
    assert_eq!(refused, ["Same is in a.rs, b.rs"]);
}

#[test]
fn a_constant_called_most_is_refused() {
    let refused = |text| nameless_constants(&[made_up("a.rs", text)]);
    assert_eq!(refused("pub const MOST: usize = 1;").len(), 1);
    assert!(refused("const MOST_MODELS: usize = 1;").is_empty());
}
