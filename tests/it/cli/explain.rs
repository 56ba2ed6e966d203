//! `baton replay --explain`: the sessions of a recording, and how one went.

use super::{baton, text};
use std::path::Path;

const FOLDER: &str = "tests/fixtures/pydantic-ai/support-delegation-v2";

/// The arguments with the recording after them.
fn explain(arguments: &[&str]) -> std::process::Output {
    let files: Vec<String> = (1..=6).map(|i| format!("{FOLDER}/00{i}.pb")).collect();
    let all = arguments
        .iter()
        .copied()
        .chain(files.iter().map(String::as_str));
    baton(&all.collect::<Vec<_>>())
}

#[test]
fn a_session_is_told_as_a_person_would_tell_it() {
    let told = text(&explain(&["replay", "--explain", "sess-pydantic-ai-A"]).stdout);
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stories/pydantic-ai.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&kept, &told).expect("written");
    }
    let known = std::fs::read_to_string(&kept).unwrap_or_default();
    assert_eq!(
        told, known,
        "read it, then UPDATE=1 cargo test --test it cli::"
    );
    let nobody = explain(&["replay", "--explain", "nobody"]);
    assert_eq!(nobody.status.code(), Some(5));
    let what = text(&nobody.stderr);
    assert!(
        what.contains("no session or trace of this ID among 2 sessions"),
        "{what}"
    );
}

#[test]
fn without_an_id_all_sessions_are_listed_and_each_trace_leads_to_its_own() {
    // The option may stand before the files or after them.
    let list = text(&explain(&["replay", "--explain"]).stdout);
    let files: Vec<String> = (1..=6).map(|i| format!("{FOLDER}/00{i}.pb")).collect();
    let mut after: Vec<&str> = vec!["replay"];
    after.extend(files.iter().map(String::as_str));
    after.push("--explain");
    assert_eq!(list, text(&baton(&after).stdout));
    let rows: Vec<&str> = list
        .lines()
        .filter(|line| line.starts_with("sess-"))
        .collect();
    assert_eq!(rows.len(), 2, "{list}");
    assert!(
        rows[0].starts_with("sess-pydantic-ai-B  2026-11-24T00:29:15Z"),
        "{list}"
    );
    assert!(rows[0].contains("dropped,target_error"), "{list}");
    let json = explain(&["replay", "--format", "json", "--explain"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let session = &json["sessions"][0];
    assert_eq!(
        (&session["id"], &json["matching"]),
        (&"sess-pydantic-ai-B".into(), &2.into())
    );
    let trace = session["failures"][0]["trace_id"]
        .as_str()
        .expect("a trace");
    let by_trace = text(&explain(&["replay", "--explain", trace]).stdout);
    let by_id = text(&explain(&["replay", "--explain", "sess-pydantic-ai-B"]).stdout);
    assert!(by_id.starts_with("Session sess-pydantic-ai-B\n"), "{by_id}");
    assert_eq!(by_trace, by_id);
    let json = explain(&["replay", "--format", "json", "--explain", trace]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(
        json["sessions"][0]["story"].as_array().map(Vec::len),
        Some(3)
    );
}

#[test]
fn what_makes_no_sense_is_a_wrong_command_line() {
    for (arguments, expected) in [
        (&["replay"][..], "no recording given"),
        (
            &["replay", "--explain", "some-session"],
            "no recording given",
        ),
        (
            &["replay", "-", "-"],
            "standard input can be read only once",
        ),
        (
            &["replay", "-", "--format", "prometheus", "--explain"],
            "its formats are text and json",
        ),
    ] {
        let output = baton(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{arguments:?}");
    }
}
