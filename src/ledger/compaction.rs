//! Several files of one partition, table and day as one.

use super::buffer::TableBuffer;
use super::cell::Row;
use super::file_list::FileList;
use super::name::{FileName, day};
use super::parquet_file::ParquetFile;
use super::parquet_rows::{FileRows, RowBatch};
use super::reader::EVER;
use super::table::ColumnKind;
use super::tree::{self, LedgerTree, Unfinished};
use crate::log::LogError;
use crate::log::disk::files::Files;
use crate::model::time::Timestamp;
use bytes::Bytes;
use jiff::civil::Date;
use parquet::errors::Result;
use std::io::{self, Read};
use std::time::Duration;

/// Bytes in memory of the rows of one group: what a reader takes at once.
pub(super) const GROUP_BYTES: usize = 32 << 20;
/// How long rows of a day may still come after its end.
const LATE: Duration = Duration::from_secs(3600);

/// Puts together all files of past days, while no Baton runs. Returns how many files it made.
///
/// # Errors
/// When the disk fails. All rows are in files then too.
pub fn compact(tree: &LedgerTree, now: Timestamp) -> std::result::Result<u64, LogError> {
    let fault = |error| LogError::Io(tree.place(), error);
    let mut list = FileList::read(tree).map_err(fault)?;
    let mut made = 0;
    while step(tree, &mut list, past(now)).map_err(fault)?.is_some() {
        made += 1;
    }
    Ok(made)
}

/// The day before which days are past: an hour after its end a day has all of its rows.
pub(super) fn past(now: Timestamp) -> Date {
    let late = LATE.as_nanos() as u64;
    day(Timestamp(now.0.saturating_sub(late)))
}

/// Puts together the files of one partition, table and day that lies before a day. `None`: there is nothing left to do.
///
/// The new file has its name before the others go. A process that dies between leaves both, and the next one removes the others.
///
/// # Errors
/// When the disk fails. All rows are in files then too.
pub(super) fn step(
    files: &dyn Files,
    list: &mut FileList,
    before: Date,
) -> io::Result<Option<FileName>> {
    let Some(several) = list.several(before).map(<[FileName]>::to_vec) else {
        return Ok(None);
    };
    let (Some(first), Some(to)) = (several.first(), several.iter().map(|name| name.to).max())
    else {
        return Ok(None);
    };
    let whole = FileName { to, ..*first };
    let content = |sink| merged(files, &several, sink).map_err(io::Error::other);
    tree::write(files, &whole.to_string(), content)?;
    list.insert(whole);
    for name in several.iter().filter(|name| **name != whole) {
        files.remove(&name.to_string())?;
    }
    files.sync()?;
    Ok(Some(whole))
}

/// Writes the rows of all files, in their order.
fn merged(files: &dyn Files, several: &[FileName], sink: Unfinished) -> Result<Unfinished> {
    let table = several[0].key.table;
    let columns: Vec<ColumnKind> = table.columns().copied().collect();
    let mut file = ParquetFile::new(table, sink)?;
    let mut group = TableBuffer::new(table, several[0].from);
    for name in several {
        let mut bytes = Vec::new();
        files.read(&name.to_string())?.read_to_end(&mut bytes)?;
        let rows = FileRows::open(Bytes::from(bytes))?;
        rows.read(&columns, &EVER, &mut |batch| {
            for row in rows_of(batch) {
                group.push(table, name.from, row);
            }
            if group.bytes() >= GROUP_BYTES {
                file.group(group.leaves())?;
                group = TableBuffer::new(table, name.from);
            }
            Ok(())
        })?;
    }
    if group.rows > 0 {
        file.group(group.leaves())?;
    }
    file.finish()
}

/// The rows of a batch of columns.
fn rows_of(batch: RowBatch) -> impl Iterator<Item = Row> {
    let columns = batch.columns.into_iter();
    let mut columns: Vec<_> = columns.map(Vec::into_iter).collect();
    let row = move |_| columns.iter_mut().filter_map(Iterator::next).collect();
    (0..batch.rows).map(row)
}
