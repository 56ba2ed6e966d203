//! `baton ledger`: what it exports is what DuckDB finds in the files, in every format.

use super::ask;
use super::demo::{START, demo};
use crate::support::process::{baton, folder};
use std::path::Path;
use std::process::Output;

fn ledger(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = baton();
    command.arg("ledger").args(arguments);
    let output = command.arg("--directory").arg(directory).output();
    output.expect("it runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_what_is_there() {
    let directory = folder("ledger-commands");
    demo(&directory, START).await;
    let verified = ledger(&directory, &["verify"]);
    assert!(text(&verified.stdout).ends_with(" rows, 0 faults\n"));
    assert_eq!(verified.status.code(), Some(0));
    let listed = ledger(&directory, &["list"]);
    let listed = text(&listed.stdout);
    let sums = "count(*), sum(cost), epoch_us(min(event_time::timestamptz)), sum(duration_ns)";
    let all = format!("select {sums} from workflows");
    let from = "2027-01-16T08:00:00Z";
    let later = format!("{all} where event_time >= timestamptz '{from}'");
    for (query, range) in [(&all, None), (&later, Some(from))] {
        let expected = ask(&directory, &[query]);
        assert_ne!(expected[0][0][0], "0", "{query}");
        for (format, reader) in [
            (
                "csv",
                "read_csv('ledger/x', types = {'cost': 'DECIMAL(28,9)'})",
            ),
            (
                "jsonl",
                "read_json('ledger/x', format = 'newline_delimited')",
            ),
            ("parquet", "read_parquet('ledger/x')"),
        ] {
            let mut arguments = vec!["export", "workflows", "--format", format];
            arguments.extend(range.iter().flat_map(|from| ["--from", *from]));
            let exported = ledger(&directory, &arguments);
            assert!(exported.status.success(), "{}", text(&exported.stderr));
            std::fs::write(directory.join("x"), &exported.stdout).expect("written");
            let sums = "count(*), sum(cost::decimal(28,9)), epoch_us(min(event_time::timestamptz)), sum(duration_ns)";
            let found = ask(&directory, &[&format!("select {sums} from {reader}")]);
            assert_eq!(found, expected, "{format}");
        }
        if range.is_none() {
            assert!(listed.contains(&expected[0][0][0]), "{listed}");
        }
    }
    std::fs::remove_file(directory.join("x")).expect("removed");
    // The demo's clock is ahead of this one, so no day is past.
    let compacted = ledger(&directory, &["compact"]);
    assert_eq!(text(&compacted.stdout), "0 files made of several\n");
    let wrong = ledger(&directory, &["export", "answers"]);
    assert_eq!(wrong.status.code(), Some(2));
    let missing = ledger(&directory.join("other"), &["list"]);
    assert_eq!(missing.status.code(), Some(6));
    std::fs::remove_dir_all(&directory).expect("removed");
}
