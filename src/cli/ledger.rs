//! `baton ledger`: what is in the ledger, whether it is whole, and rows of it for other programs.

use super::{Exit, LedgerAction, LedgerArgs, LedgerExport, complain, load, out};
use crate::ledger::{LedgerReader, LedgerTree, Table, TableOverview, compact, export};
use crate::log::LogError;
use crate::model::limit::Bytes;
use crate::model::time::Timestamp;
use std::io::Write;
use std::path::PathBuf;

pub(super) fn ledger(action: &LedgerAction) -> Exit {
    let (LedgerAction::List(asked)
    | LedgerAction::Verify(asked)
    | LedgerAction::Compact(asked)
    | LedgerAction::Export(LedgerExport { ledger: asked, .. })) = action;
    let directory = match directory(asked) {
        Ok(directory) => directory,
        Err(exit) => return exit,
    };
    let done = match action {
        LedgerAction::List(_) => LedgerReader::look(&directory).and_then(|reader| list(&reader)),
        LedgerAction::Verify(_) => {
            LedgerReader::look(&directory).and_then(|reader| verify(&reader))
        }
        LedgerAction::Compact(_) => LedgerTree::open(&directory).and_then(|tree| compacted(&tree)),
        LedgerAction::Export(asked) => {
            LedgerReader::look(&directory).and_then(|reader| exported(&reader, asked))
        }
    };
    done.unwrap_or_else(|error| {
        complain(&format!("baton: the ledger cannot be used: {error}"));
        Exit::State
    })
}

/// The table of a name.
pub(super) fn table(name: &str) -> Result<Table, String> {
    Table::of_name(name).ok_or_else(|| {
        let names = Table::ALL.map(Table::as_str);
        format!("must be one of {}", names.join(", "))
    })
}

/// A day in UTC, or a time in RFC 3339.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let of_day = |day: jiff::civil::Date| {
        let midnight = day.at(0, 0, 0, 0);
        jiff::tz::TimeZone::UTC.to_timestamp(midnight).ok()
    };
    // A time in RFC 3339 would be a day too.
    let time = text.parse::<jiff::Timestamp>().ok();
    let day = || of_day(text.parse().ok()?);
    let time = time.or_else(day);
    let time =
        time.ok_or("must be a day such as 2026-11-30 or a time such as 2026-11-30T12:00:00Z")?;
    let nanos = u64::try_from(time.as_nanosecond());
    nanos
        .map(Timestamp)
        .map_err(|_| "must be after 1970".to_owned())
}

/// The directory that is named, or that of the configuration.
fn directory(asked: &LedgerArgs) -> Result<PathBuf, Exit> {
    if let Some(directory) = &asked.directory {
        return Ok(directory.clone());
    }
    let config = load(asked.config.as_deref())?;
    config.ledger.directory.ok_or_else(|| {
        complain(
            "baton: the configuration has no ledger (ledger.directory): name one with --directory",
        );
        Exit::Config
    })
}

fn list(reader: &LedgerReader) -> Result<Exit, LogError> {
    let mut table = comfy_table::Table::new();
    table.set_header(["table", "first day", "last day", "files", "rows", "size"]);
    for known in Table::ALL {
        table.add_row(row(&reader.overview(known)?));
    }
    Ok(out(&format!("{table}\n")))
}

fn row(of: &TableOverview) -> [String; 6] {
    let day = |day: Option<jiff::civil::Date>| day.map_or_else(String::new, |day| day.to_string());
    [
        of.table.as_str().to_owned(),
        day(of.days.map(|(first, _)| first)),
        day(of.days.map(|(_, last)| last)),
        of.files.to_string(),
        of.rows.to_string(),
        Bytes(of.bytes).to_string(),
    ]
}

fn verify(reader: &LedgerReader) -> Result<Exit, LogError> {
    let found = reader.inspect()?;
    for fault in &found.faults {
        complain(fault);
    }
    let (files, rows, faults) = (found.files, found.rows, found.faults.len());
    let printed = out(&format!("{files} files, {rows} rows, {faults} faults\n"));
    Ok(match faults {
        0 => printed,
        _ => Exit::Failed,
    })
}

fn compacted(tree: &LedgerTree) -> Result<Exit, LogError> {
    let made = compact(tree, crate::clock::Clock::system().now())?;
    Ok(out(&format!("{made} files made of several\n")))
}

fn exported(reader: &LedgerReader, asked: &LedgerExport) -> Result<Exit, LogError> {
    let happened = asked.from.unwrap_or_default()..asked.until.unwrap_or(Timestamp::MAX);
    let mut sink = std::io::BufWriter::new(std::io::stdout());
    let written = export(reader, asked.table, happened, asked.format, &mut sink);
    written.and_then(|rows| {
        let flushed = sink.flush();
        flushed.map_err(|error| LogError::Io("standard output".to_owned(), error))?;
        complain(&format!("{rows} rows"));
        Ok(Exit::Ok)
    })
}
