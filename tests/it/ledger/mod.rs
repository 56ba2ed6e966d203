//! The ledger, read by a real DuckDB: its sums are the metrics, and every row is there once, whatever is killed.

mod commands;
mod crashes;
mod demo;
mod report;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a program of Python with the libraries of `tests/it/peers/requirements.txt`. Its output.
fn python(script: &str, arguments: &[&Path], input: &str) -> String {
    let python = root().join("target/peers/bin/python");
    let mut child = Command::new(&python)
        .arg(root().join("tests/it/ledger").join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|_| panic!("{} is there: run tests/run", python.display()));
    let mut sink = child.stdin.take().expect("its input");
    sink.write_all(input.as_bytes()).expect("it reads");
    drop(sink);
    let output = child.wait_with_output().expect("it ends");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    String::from_utf8(output.stdout).expect("text")
}

/// The rows of the answer to each statement; NULL is `-`.
fn ask(ledger: &Path, statements: &[&str]) -> Vec<Vec<Vec<String>>> {
    let input = serde_json::to_string(statements).expect("JSON");
    let answers = python("duck.py", &[ledger], &input);
    let answers: Vec<Vec<Vec<Option<String>>>> = serde_json::from_str(&answers).expect("JSON");
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let row = |row: Vec<Option<String>>| row.into_iter().map(text).collect();
    let rows = answers.into_iter();
    rows.map(|rows| rows.into_iter().map(row).collect())
        .collect()
}

/// All files below a directory.
fn files(ledger: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![ledger.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(ledger).expect("below it");
                found.push(name.display().to_string());
            }
        }
    }
    found.sort();
    found
}
