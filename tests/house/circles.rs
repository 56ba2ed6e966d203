//! No file of a room imports a file that imports it. Files may import from the `mod.rs` above them: a module and its parts are one.

use crate::refuse;
use crate::{Source, code, is_test, sources};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// The path of a module, without `crate`.
type Module = Vec<String>;
type Imports = BTreeMap<Module, BTreeSet<Module>>;

fn module(path: &str) -> Module {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

/// The paths of a tree of imports: `a::{b, c::d}` are `a::b` and `a::c::d`.
fn paths(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else {
        return vec![tree.trim().to_owned()];
    };
    let list = rest.rsplit_once('}').map_or(rest, |(list, _)| list);
    let (mut depth, mut items) = (0, vec![String::new()]);
    for sign in list.chars() {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match sign {
            ',' if depth == 0 => items.push(String::new()),
            _ => items.last_mut().expect("never empty").push(sign),
        }
    }
    let items = items.iter().filter(|item| !item.trim().is_empty());
    let inner = items.flat_map(|item| paths(item.trim()));
    inner
        .map(|item| format!("{}{item}", prefix.trim()))
        .collect()
}

/// All paths of a text that begin in this crate.
fn own_paths(text: &str) -> Vec<String> {
    let path = r"\b(?:crate|super|self)::(?:\w+::)*(?:\w+|\{[^;]*\};)";
    let path = Regex::new(path).expect("a pattern");
    let found = path.find_iter(text);
    found
        .flat_map(|found| paths(found.as_str().trim_end_matches(';')))
        .collect()
}

/// The module in which a path from that one ends.
fn resolve(from: &Module, path: &str, all: &BTreeSet<Module>) -> Option<Module> {
    let mut at = from.clone();
    for part in path.split("::") {
        match part {
            "crate" => at.clear(),
            "self" => {}
            "super" => drop(at.pop()),
            name => {
                at.push(name.to_owned());
                if !all.contains(&at) {
                    at.pop();
                    break;
                }
            }
        }
    }
    all.contains(&at).then_some(at)
}

fn imports(sources: &[Source]) -> Imports {
    let all: BTreeSet<Module> = sources.iter().map(|source| module(&source.path)).collect();
    let of = |source: &Source| {
        let from = module(&source.path);
        let paths = own_paths(&code(&source.text));
        let used = paths.iter().filter_map(|path| resolve(&from, path, &all));
        let is_neighbour = |to: &Module| to[0] == from[0] && !from.starts_with(to);
        (from.clone(), used.filter(is_neighbour).collect())
    };
    sources.iter().map(of).collect()
}

fn reached(from: &Module, imports: &Imports) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        let new = imports[next].iter();
        open.extend(new.filter(|to| reached.insert((*to).clone())));
    }
    reached
}

fn circles(sources: &[Source]) -> Vec<String> {
    let imports = imports(sources);
    let reach = |from| (from, reached(from, &imports));
    let reach: BTreeMap<&Module, BTreeSet<Module>> = imports.keys().map(reach).collect();
    let mut circles = BTreeSet::new();
    for (from, reached) in &reach {
        let back = reached.iter().filter(|to| reach[to].contains(*from));
        let members: Vec<String> = back.map(|module| module.join("::")).collect();
        if !members.is_empty() {
            circles.insert((from[0].clone(), members.join(", ")));
        }
    }
    let offence = |(_, members)| format!("{members} import each other");
    circles.into_iter().map(offence).collect()
}

#[test]
fn no_files_of_a_room_import_each_other() {
    let mut sources = sources();
    sources
        .retain(|source| !is_test(&source.path) && !["main.rs", "lib.rs"].contains(&&*source.path));
    refuse(&circles(&sources));
}

#[test]
fn trees_of_imports_are_read() {
    let text =
        "use crate::a::{self, b::{C, D}, e};\nuse super::f;\nlet x = self::g::h(std::i::J);\n";
    let expected = [
        "crate::a::self",
        "crate::a::b::C",
        "crate::a::b::D",
        "crate::a::e",
        "super::f",
        "self::g::h",
    ];
    assert_eq!(own_paths(text), expected);
}

#[test]
fn two_files_that_import_each_other_are_refused() {
    let source = |path: &str, text: &str| Source {
        path: path.to_owned(),
        room: String::from("turn"),
        text: text.to_owned(),
    };
    let refused = circles;
    let parent = source("turn/mod.rs", "use tree::Tree;\nmod tree;\n");
    let tree = source("turn/tree.rs", "use super::{Span, cost::Cost};\n");
    let cost = source("turn/cost.rs", "pub struct Cost;\n");
    let files = [parent, tree, cost];
    assert!(refused(&files).is_empty());
    let [parent, tree, _] = files;
    let cost = source("turn/cost.rs", "fn of(tree: &crate::turn::tree::Tree) {}\n");
    assert_eq!(
        refused(&[parent, tree, cost]),
        ["turn::cost, turn::tree import each other"]
    );
}
