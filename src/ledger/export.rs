//! Rows of one table for other programs, each in its newest version.

use super::buffer::TableBuffer;
use super::cell::Cell;
use super::compaction::GROUP_BYTES;
use super::parquet_file::ParquetFile;
use super::reader::{LedgerQuery, LedgerReader, LedgerRow};
use super::table::{ColumnKind, ColumnType, Table};
use crate::log::LogError;
use crate::model::time::Timestamp;
use parquet::errors::ParquetError;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::ops::Range;

/// As what rows are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LedgerFormat {
    /// A line of names, and a line for each row; lists and maps are JSON
    Csv,
    /// An object in each line; amounts of money are texts, so that no digit is lost
    Jsonl,
    /// One Parquet file
    Parquet,
}

/// Writes the rows of a table that happened in a range of time. Returns how many there were.
///
/// # Errors
/// When a file cannot be read, or the sink takes nothing.
pub fn export(
    reader: &LedgerReader,
    table: Table,
    happened: Range<Timestamp>,
    format: LedgerFormat,
    sink: &mut (impl Write + Send),
) -> Result<u64, LogError> {
    let columns: Vec<ColumnKind> = table.columns().copied().collect();
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let query = LedgerQuery {
        table,
        columns: &names,
        happened,
        decided: None,
    };
    let fault = |error| LogError::Io("the exported file".to_owned(), error);
    if format == LedgerFormat::Parquet {
        return as_parquet(reader, &query, sink);
    }
    let mut written = match format {
        LedgerFormat::Csv => writeln!(sink, "{}", names.join(",")),
        _ => Ok(()),
    };
    let rows = reader.read(&query, &mut |row| {
        if written.is_ok() {
            let line = match format {
                LedgerFormat::Csv => csv(&columns, row),
                _ => object(&columns, row),
            };
            written = writeln!(sink, "{line}");
        }
    })?;
    written.map(|()| rows).map_err(fault)
}

fn as_parquet(
    reader: &LedgerReader,
    query: &LedgerQuery<'_>,
    sink: &mut (impl Write + Send),
) -> Result<u64, LogError> {
    let fault = |error| LogError::Io("the exported file".to_owned(), io::Error::other(error));
    let mut file = ParquetFile::new(query.table, sink).map_err(fault)?;
    let mut group = TableBuffer::new(query.table, 0);
    let mut written: Result<(), ParquetError> = Ok(());
    let rows = reader.read(query, &mut |row| {
        let cells = 0..query.columns.len();
        let cells = cells.map(|column| row.cell(column).clone());
        group.push(query.table, 0, cells.collect());
        if written.is_ok() && group.bytes() >= GROUP_BYTES {
            written = file.group(group.leaves());
            group = TableBuffer::new(query.table, 0);
        }
    })?;
    let written = written.and_then(|()| match group.rows {
        0 => Ok(()),
        _ => file.group(group.leaves()),
    });
    written.and_then(|()| file.finish()).map_err(fault)?;
    Ok(rows)
}

/// A value as JSON.
fn value(kind: ColumnType, cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Whole(nanos) if kind == ColumnType::Time => {
            let time = jiff::Timestamp::from_nanosecond(i128::from(*nanos));
            json!(time.unwrap_or_default().to_string())
        }
        Cell::Whole(number) => json!(number),
        Cell::Real(number) => json!(number),
        Cell::Flag(flag) => json!(flag),
        Cell::Text(text) => json!(text.as_str()),
        Cell::Money(amount) => json!(money(*amount)),
        Cell::Texts(texts) => texts.iter().map(|text| json!(text.as_str())).collect(),
        Cell::NamedTexts(pairs) => {
            let pairs = pairs.iter();
            let pairs = pairs.map(|(name, text)| (name.to_string(), json!(text.as_str())));
            Value::Object(pairs.collect())
        }
        Cell::NamedWholes(pairs) => {
            let pairs = pairs.iter();
            let pairs = pairs.map(|(name, number)| (name.to_string(), json!(number)));
            Value::Object(pairs.collect())
        }
    }
}

/// An amount with all of its digits.
fn money(billionths: i128) -> String {
    let sign = if billionths < 0 { "-" } else { "" };
    let (whole, rest) = (
        billionths.unsigned_abs() / 1_000_000_000,
        billionths.unsigned_abs() % 1_000_000_000,
    );
    format!("{sign}{whole}.{rest:09}")
}

fn object(columns: &[ColumnKind], row: LedgerRow<'_>) -> String {
    let pairs = columns.iter().enumerate().map(|(place, column)| {
        let value = value(column.kind, row.cell(place));
        format!("\"{}\":{value}", column.name)
    });
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

fn csv(columns: &[ColumnKind], row: LedgerRow<'_>) -> String {
    let fields = columns.iter().enumerate().map(|(place, column)| {
        let text = match value(column.kind, row.cell(place)) {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => other.to_string(),
        };
        match text.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text,
        }
    });
    fields.collect::<Vec<_>>().join(",")
}
