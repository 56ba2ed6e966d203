//! What was written is read again: every type of value, rows of a range, and only what counts.

use crate::ledger::buffer::TableBuffer;
use crate::ledger::cell::{Cell, Row};
use crate::ledger::name::{FileKey, FileName};
use crate::ledger::table::ColumnType;
use crate::ledger::{EVER, LedgerQuery, LedgerReader, Table, parquet_file};
use crate::log::LogError;
use crate::model::Name;
use crate::model::time::Timestamp;
use std::path::Path;

/// Writes the file of some rows, as the writer would. Its first position is that of all of its rows.
fn write(root: &Path, table: Table, (from, to): (u64, u64), rows: &[Row]) {
    let mut buffer = TableBuffer::new(table, from);
    for row in rows {
        buffer.push(table, from, row.clone());
    }
    let key = FileKey {
        table,
        day: jiff::civil::date(2026, 11, 30),
        log: 5,
        partition: 0,
    };
    let path = root.join(FileName { key, from, to }.to_string());
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    let bytes = parquet_file::file(table, buffer.leaves()).expect("a file");
    std::fs::write(path, bytes).expect("written");
}

/// A value of a type that is another one for every number; every third one is missing where it may be.
fn cell(kind: ColumnType, is_optional: bool, number: i64) -> Cell {
    let text = |of: i64| Name::from(format!("é {of}"));
    let several = number % 4;
    match kind {
        _ if is_optional && number % 3 == 0 => Cell::Null,
        ColumnType::Int => Cell::Whole(number - 2),
        ColumnType::Long | ColumnType::Time => Cell::Whole(number << 40),
        ColumnType::Double => Cell::Real(number as f64 / 7.0),
        ColumnType::Flag => Cell::Flag(number % 2 == 0),
        ColumnType::Text => Cell::Text(text(number / 2)),
        ColumnType::Money => Cell::Money((i128::from(number) - 1) * 10_i128.pow(22)),
        ColumnType::Texts => Cell::Texts((0..several).map(text).collect()),
        ColumnType::NamedTexts => {
            Cell::NamedTexts((0..several).map(|of| (text(of), text(number))).collect())
        }
        ColumnType::NamedWholes => {
            Cell::NamedWholes((0..several).map(|of| (text(of), of - number)).collect())
        }
    }
}

#[test]
fn every_value_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    for table in Table::ALL {
        let row = |number| {
            let columns = table.columns();
            let cells = columns.map(|column| match column.name {
                "version" => Cell::Whole(1),
                _ => cell(column.kind, column.is_optional, number),
            });
            cells.collect::<Row>()
        };
        // More rows than are in memory at once.
        let rows: Vec<Row> = (0..9000).map(row).collect();
        write(folder.path(), table, (1, 9000), &rows);
        let names: Vec<&str> = table.columns().map(|column| column.name).collect();
        let query = LedgerQuery {
            table,
            columns: &names,
            happened: EVER,
            decided: None,
        };
        let reader = LedgerReader::look(folder.path()).expect("a ledger");
        let mut expected = rows.iter();
        let count = reader.read(&query, &mut |row| {
            let expected = expected.next().expect("one more row");
            for (column, cell) in expected.iter().enumerate() {
                assert_eq!(row.cell(column), cell, "{table:?} {}", names[column]);
            }
        });
        assert_eq!(count.expect("it is read"), 9000, "{table:?}");
    }
}

/// A row of a workflow that is named by a number, with the time at which it happened.
fn workflow_row(id: u64, version: i64, at: i64) -> Row {
    let columns = Table::Workflows.columns();
    let cells = columns.map(|column| match column.name {
        "id" => Cell::Text(Name::from(format!("00000000-0000-8000-8000-{id:012x}"))),
        "version" => Cell::Whole(version),
        "event_time" => Cell::Whole(at),
        _ => cell(column.kind, false, 1),
    });
    cells.collect()
}

/// ID and version of the rows of a range.
fn read(root: &Path, happened: std::ops::Range<Timestamp>) -> Vec<(String, i64)> {
    let query = LedgerQuery {
        table: Table::Workflows,
        columns: &["version", "id"],
        happened,
        decided: None,
    };
    let reader = LedgerReader::look(root).expect("a ledger");
    let mut found = Vec::new();
    let read = reader.read(&query, &mut |row| {
        let id = row.text(1).expect("an ID").replace('-', "");
        found.push((
            id.trim_start_matches(['0', '8']).to_owned(),
            row.whole(0).expect("a version"),
        ));
    });
    assert_eq!(read.expect("it is read"), found.len() as u64);
    found.sort();
    found
}

#[test]
fn a_row_counts_in_its_newest_version_in_the_range_and_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = |id: &str, version| (id.to_owned(), version);
    assert_eq!(read(folder.path(), EVER), [], "there is none yet");
    let first = [
        workflow_row(1, 1, 10),
        workflow_row(2, 1, 20),
        workflow_row(3, 1, 30),
    ];
    write(folder.path(), Table::Workflows, (1, 3), &first);
    assert_eq!(
        read(folder.path(), Timestamp(20)..Timestamp(30)),
        [own("2", 1)],
        "a range has its start and not its end"
    );
    // Corrections, of which the newer one comes first.
    write(
        folder.path(),
        Table::Workflows,
        (7, 7),
        &[workflow_row(2, 3, 20)],
    );
    write(
        folder.path(),
        Table::Workflows,
        (9, 9),
        &[workflow_row(2, 2, 20), workflow_row(3, 2, 30)],
    );
    let newest = [own("1", 1), own("2", 3), own("3", 2)];
    assert_eq!(read(folder.path(), EVER), newest);
    assert_eq!(
        read(folder.path(), Timestamp(20)..Timestamp(30)),
        [own("2", 3)]
    );
    // One file of the first two: what they have counts no more.
    let mut both = first.to_vec();
    both.push(workflow_row(2, 3, 20));
    write(folder.path(), Table::Workflows, (1, 7), &both);
    assert_eq!(read(folder.path(), EVER), newest);
}

#[test]
fn what_is_no_ledger_and_no_column_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(LedgerReader::look(&folder.path().join("other")).is_err());
    let reader = LedgerReader::look(folder.path()).expect("a ledger");
    let query = LedgerQuery {
        table: Table::Turns,
        columns: &["version"],
        happened: EVER,
        decided: None,
    };
    let fault = reader.read(&query, &mut |_| {}).expect_err("no column");
    assert!(matches!(fault, LogError::Io(..)));
    assert!(fault.to_string().contains("turns has no column version"));
    write(folder.path(), Table::Turns, (1, 1), &[]);
    let path = folder.path().join(
        "turns/day=2026-11-30/0-0000000000000005-00000000000000000001-00000000000000000001.parquet",
    );
    let bytes = std::fs::read(&path).expect("the file");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    let query = LedgerQuery {
        table: Table::Turns,
        columns: &["result"],
        happened: EVER,
        decided: None,
    };
    let fault = reader.read(&query, &mut |_| {}).expect_err("half a file");
    assert!(fault.to_string().contains("turns/day=2026-11-30/0-"));
}
