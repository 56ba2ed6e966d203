//! The house rules: who may import whom, who asks for the time, who starts tasks, how long and how named things are. Read from the source text.

#[path = "house/circles.rs"]
mod circles;
#[path = "house/limits.rs"]
mod limits;
#[path = "house/map.rs"]
mod map;
#[path = "house/rules.rs"]
mod rules;
#[path = "house/scan.rs"]
mod scan;

use map::ROOMS;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PURE: &[&str] = &[
    "verdict",
    "catalogue",
    "derive",
    "doctor",
    "expression",
    "model",
    "normalise",
    "otlp",
    "proto",
    "report",
    "rules",
    "setting",
    "statistics",
    "stitch",
    "turn",
];
/// What a pure room does not know.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net",
    "std::thread",
    "std::env",
    "tracing::",
    "metrics::",
    "SystemTime",
    "Instant",
    "crate::clock",
    "thread_local!",
];

/// Fails for whatever breaks a rule, and says all of it.
fn refuse(offences: &[String]) {
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

struct Source {
    path: String,
    room: String,
    text: String,
}

/// The code of the library and of the binary, with the tests in it.
fn sources() -> Vec<Source> {
    of_folder("src", "")
}

/// The same and the tests outside of it.
fn all_sources() -> Vec<Source> {
    let mut all = sources();
    all.extend(of_folder("tests", "tests/"));
    all
}

fn of_folder(folder: &str, prefix: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    collect(&root, &mut found);
    found.retain(|file| file.extension().is_some_and(|end| end == "rs"));
    // Generated from `proto/`, and kept so by a test of its own.
    found.retain(|file| !file.ends_with("proto/baton.v1.rs"));
    assert!(found.len() > 40, "the source is there");
    found
        .into_iter()
        .map(|file| {
            let path = file.strip_prefix(&root).expect("inside").display();
            let path = format!("{prefix}{path}");
            let first = path.split(['/', '.']).next().expect("a name").to_owned();
            let text = fs::read_to_string(&file).expect("text");
            Source {
                path,
                room: first,
                text,
            }
        })
        .collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The code without comments and without its tests.
fn code(text: &str) -> String {
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The rooms that a text names: `crate::room` and `use crate::{room, …}`.
fn rooms_named(text: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        let list = match rest.strip_prefix('{') {
            Some(group) => group.split("};").next().unwrap_or_default(),
            None => rest.split([';', ')', '(', ' ']).next().unwrap_or_default(),
        };
        for item in list
            .split(',')
            .take(if rest.starts_with('{') { usize::MAX } else { 1 })
        {
            let first = item.trim().split("::").next().unwrap_or_default();
            let word: String = first
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if ROOMS.iter().any(|(room, _)| *room == word) {
                named.insert(word);
            }
        }
    }
    named
}

#[test]
fn the_reader_finds_imports() {
    let named = |text| rooms_named(text).into_iter().collect::<Vec<_>>();
    assert_eq!(named("use crate::stitch::Settings;"), ["stitch"]);
    assert_eq!(named("use crate::{derive, stitch};"), ["derive", "stitch"]);
    assert_eq!(
        named("crate::engine::Engine::new(crate::model::x)"),
        ["engine", "model"]
    );
    assert!(named("use std::fmt;").is_empty());
}

#[test]
fn the_engine_works_over_any_log() {
    for source in sources() {
        let kinds = ["log::disk", "log::memory"].iter();
        let is_engine = source.room == "engine" && !source.path.contains("/tests/");
        let known = kinds.filter(|kind| is_engine && source.text.contains(**kind));
        assert_eq!(known.count(), 0, "{} knows one kind of log", source.path);
    }
}

#[test]
fn rooms_import_only_what_the_map_allows() {
    for source in sources()
        .iter()
        .filter(|s| s.room != "main" && s.room != "lib" && !is_test(&s.path))
    {
        let (_, allowed) = ROOMS
            .iter()
            .find(|(room, _)| *room == source.room)
            .unwrap_or_else(|| panic!("{}: a room that is not on the map", source.path));
        for named in rooms_named(&code(&source.text)) {
            let fine = named == source.room
                || ["model", "setting", "catalogue"].contains(&named.as_str())
                || allowed.contains(&named.as_str());
            assert!(fine, "{} may not name {named}", source.path);
        }
    }
}

#[test]
fn every_arrow_of_the_map_is_used() {
    let sources = sources();
    for (room, allowed) in ROOMS {
        let own = sources.iter().filter(|source| source.room == *room);
        let named: BTreeSet<String> = own.flat_map(|s| rooms_named(&code(&s.text))).collect();
        for arrow in *allowed {
            assert!(named.contains(*arrow), "{room} does not name {arrow}");
        }
    }
}

fn is_test(path: &str) -> bool {
    path.contains("tests/")
}

fn impurities(source: &Source) -> Vec<String> {
    let text = code(&source.text);
    let named = IMPURE.iter().filter(|word| scan::has_word(&text, word));
    let named = named.map(|word| format!("{} names {word}", source.path));
    named.collect()
}

#[test]
fn pure_rooms_know_no_io_no_clock_and_no_thread() {
    let sources = sources().into_iter();
    let pure = sources.filter(|s| PURE.contains(&s.room.as_str()) && !is_test(&s.path));
    let found: Vec<String> = pure.flat_map(|source| impurities(&source)).collect();
    refuse(&found);
}

#[test]
fn a_clock_and_a_thread_local_in_a_pure_room_are_refused() {
    let refused = |text: &str| {
        let source = Source {
            path: String::from("turn/mod.rs"),
            room: String::from("turn"),
            text: text.to_owned(),
        };
        !impurities(&source).is_empty()
    };
    assert!(refused("    thread_local! {\n"));
    assert!(refused("use std::time::{Duration, Instant};\n"));
    assert!(refused("let now = std::time::SystemTime::now();\n"));
    assert!(refused("use crate::clock::Clock;\n"));
    assert!(refused("let text = std::fs::read(path);\n"));
    assert!(!refused(
        "// It knows no Instant.\nuse std::time::Duration;\n"
    ));
}

#[test]
fn one_file_asks_for_the_time_and_one_starts_tasks() {
    // Tests may have a thread of their own.
    for source in sources().into_iter().filter(|s| !is_test(&s.path)) {
        let text = code(&source.text);
        let time = ["SystemTime::now", "Instant::now"]
            .iter()
            .any(|w| text.contains(w));
        assert!(
            !time || source.path == "clock.rs",
            "{} asks for the time",
            source.path
        );
        let mut words = ["spawn(", "spawn_blocking("].iter();
        let spawns = !is_test(&source.path) && words.any(|word| text.contains(word));
        assert!(
            // A connection is a task of its own, which the wiring cannot start.
            !spawns || ["app/tasks.rs", "net/server.rs"].contains(&source.path.as_str()),
            "{} starts a task",
            source.path
        );
    }
}

/// A metric of Baton's own that is not in the catalogue cannot be made where nobody makes one by a name.
#[test]
fn own_metrics_are_made_by_telemetry_alone() {
    for source in sources().iter().filter(|s| s.room != "telemetry") {
        for word in ["counter!(", "gauge!(", "histogram!("] {
            let text = code(&source.text);
            assert!(
                !text.contains(word),
                "{} makes a metric by name",
                source.path
            );
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for source in sources() {
        assert!(
            source.text.starts_with("//!"),
            "{} does not say what it is",
            source.path
        );
    }
}

fn is_misplaced(path: &str) -> bool {
    path.ends_with("tests.rs") || path.ends_with("test.rs")
}

/// Tests of a room are in its folder `tests`, under the name of what they test.
#[test]
fn tests_of_a_room_are_in_its_folder() {
    for source in all_sources() {
        assert!(!is_misplaced(&source.path), "{}", source.path);
    }
    assert!(is_misplaced("turn/tests.rs") && is_misplaced("turn/tree_tests.rs"));
    assert!(!is_misplaced("turn/tests/mod.rs"));
}

#[test]
fn no_name_from_the_recordings_is_in_the_code() {
    let names = [
        "triage_agent",
        "refund_agent",
        "billing_agent",
        "crypto_agent",
        "lookup_order",
        "issue_refund",
        "get_invoice",
        "search_kb",
        "support_swarm",
        "support_crew",
        "sess-",
        "u-alice",
        "u-bob",
    ];
    for source in sources() {
        for name in names {
            assert!(!source.text.contains(name), "{} knows {name}", source.path);
        }
    }
}

/// An attribute that a dialect calls its own, but that nobody reads, would be decoded for nothing. So would a topic without a list.
#[test]
fn every_attribute_of_a_vocabulary_is_read() {
    let rooms = sources();
    let all: String = rooms.iter().map(|s| code(&s.text)).collect();
    let mut names = 0;
    for list in all.split(" own(&[").skip(1) {
        let (list, _) = list.split_once("])").expect("the list ends");
        for name in list.split('"').skip(1).step_by(2) {
            names += 1;
            let times = all.matches(&format!("\"{name}\"")).count();
            assert!(times > 1, "nobody reads {name}");
        }
    }
    assert!(names > 50, "{names} names");
    let lists = include_str!("../src/normalise/topics.rs");
    for topic in all.split("terms(Topic::").skip(1) {
        let (topic, _) = topic.split_once(',').expect("a rank follows");
        let has_list = lists.contains(&format!(": {topic},"));
        assert!(has_list || topic == "Own", "there is no list of {topic}");
    }
}

/// Licenses that an Apache-2.0 product may ship, as SPDX identifiers: no strong copyleft (GPL, AGPL), no source-available license (SSPL, BUSL).
/// `BSL-1.0` is the Boost Software License, not the Business Source License (`BUSL-1.1`).
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "0BSD",
    "CC0-1.0",
    "MIT-0",
    "BSL-1.0",
    "Apache-2.0 WITH LLVM-exception",
    "MPL-2.0",
    "CDLA-Permissive-2.0",
];

#[test]
fn every_dependency_comes_from_the_registry_with_a_fine_licence() {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100, "the dependencies are there");
    for package in packages.iter().filter(|p| p["name"] != "baton") {
        let name = &package["name"];
        let source = package["source"].as_str().unwrap_or("a folder");
        assert!(
            source.starts_with("registry+"),
            "{name} comes from {source}"
        );
        let licence = package["license"]
            .as_str()
            .unwrap_or("none")
            .replace('/', " OR ");
        let fine = licence.split(" OR ").any(|either| {
            let either = either.trim_matches(['(', ')', ' ']);
            either
                .split(" AND ")
                .all(|l| LICENCES.contains(&l.trim_matches(['(', ')', ' '])))
        });
        assert!(fine, "{name} has the licence {licence}");
    }
}
