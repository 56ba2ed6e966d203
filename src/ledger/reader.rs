//! Reads the ledger, also while a Baton writes it: rows of a table that happened in a range of time, each in its newest version.

use super::cell::Cell;
use super::name::{FileName, current};
use super::parquet_rows::{FileRows, RowBatch};
use super::table::{ColumnKind, Table};
use super::tree;
use crate::log::LogError;
use crate::model::Name;
use crate::model::time::Timestamp;
use jiff::civil::Date;
use rapidhash::RapidHashMap as HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// All of time.
pub const EVER: Range<Timestamp> = Timestamp(0)..Timestamp::MAX;

/// Which rows, and what of them.
#[derive(Clone, Debug)]
pub struct LedgerQuery<'q> {
    pub table: Table,
    /// The names of the columns, which rows have in this order.
    pub columns: &'q [&'q str],
    /// When they happened: their `event_time`.
    pub happened: Range<Timestamp>,
    /// The first and the last day of UTC on which they were decided: of their `log_time`. `None`: any.
    pub decided: Option<(Date, Date)>,
}

/// A ledger that is read. Another process may have its directory.
#[derive(Debug)]
pub struct LedgerReader {
    root: PathBuf,
}

/// One row, with the columns that were asked for. A value that is not there, or of another type, is `None`, or an empty list.
#[derive(Clone, Copy, Debug)]
pub struct LedgerRow<'b> {
    columns: &'b [Vec<Cell>],
    row: usize,
}

/// The newest version of the rows that have several, by ID.
type NewestVersions = HashMap<u128, i64>;

impl LedgerReader {
    /// The ledger of a directory.
    ///
    /// # Errors
    /// When there is no such directory.
    pub fn look(root: &Path) -> Result<Self, LogError> {
        let known = std::fs::read_dir(root);
        known.map_err(|error| LogError::Io(root.display().to_string(), error))?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// Gives each row, in no order, in its newest version. Returns how many there were. It holds a few thousand rows at once, and the IDs of
    /// those that have several versions.
    ///
    /// # Errors
    /// When a column is not one of the table, and when a file cannot be read. A file that a Baton has just put together with others of its day
    /// is not there: then read again.
    pub fn read(
        &self,
        query: &LedgerQuery<'_>,
        each: &mut dyn FnMut(LedgerRow<'_>),
    ) -> Result<u64, LogError> {
        let columns = query.columns.iter();
        let columns = columns.map(|name| self.column(query.table, name));
        let mut columns = columns.collect::<Result<Vec<_>, _>>()?;
        let asked = columns.len();
        columns.push(self.column(query.table, "event_time")?);
        let newest = self.newest(query.table)?;
        if !newest.is_empty() {
            columns.push(self.column(query.table, "id")?);
            columns.push(self.column(query.table, "version")?);
        }
        let mut rows = 0;
        let mut batch = |batch: RowBatch| {
            let (shown, hidden) = batch.columns.split_at(asked);
            for row in 0..batch.rows {
                let hidden = LedgerRow {
                    columns: hidden,
                    row,
                };
                let at = Timestamp(hidden.whole(0).unwrap_or(0) as u64);
                let is_newest = newest.is_empty() || is_newest(&newest, hidden);
                if query.happened.contains(&at) && is_newest {
                    rows += 1;
                    each(LedgerRow {
                        columns: shown,
                        row,
                    });
                }
            }
            Ok(())
        };
        let is_wanted = |name: &FileName| {
            let (first, last) = query.decided.unwrap_or((Date::MIN, Date::MAX));
            (first..=last).contains(&name.key.day)
        };
        let files = self.files(query.table)?.into_iter();
        for name in files.filter(is_wanted) {
            let file = self.open(&name)?;
            let read = file.read(&columns, &query.happened, &mut batch);
            read.map_err(|error| self.fault(&name, error))?;
        }
        Ok(rows)
    }

    /// The files of a table that count, in the order of their days.
    pub(super) fn files(&self, table: Table) -> Result<Vec<FileName>, LogError> {
        let mut names = Vec::new();
        match tree::names(&self.root, Path::new(table.as_str()), &mut names) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(LogError::Io(self.root.display().to_string(), error)),
            Ok(()) => {}
        }
        let names = names.iter().filter_map(|name| FileName::parse(name));
        Ok(current(names.collect()))
    }

    pub(super) fn open(&self, name: &FileName) -> Result<FileRows, LogError> {
        let path = self.root.join(name.to_string());
        let file = File::open(&path);
        let file = file.map_err(|error| LogError::Io(path.display().to_string(), error))?;
        FileRows::open(file).map_err(|error| self.fault(name, error))
    }

    /// Bytes of a file.
    pub(super) fn size(&self, name: &FileName) -> Result<u64, LogError> {
        let path = self.root.join(name.to_string());
        let known = std::fs::metadata(&path);
        let known = known.map_err(|error| LogError::Io(path.display().to_string(), error))?;
        Ok(known.len())
    }

    pub(super) fn fault(
        &self,
        name: &FileName,
        error: impl Into<parquet::errors::ParquetError>,
    ) -> LogError {
        let path = self.root.join(name.to_string());
        LogError::Io(path.display().to_string(), io::Error::other(error.into()))
    }

    fn column(&self, table: Table, name: &str) -> Result<ColumnKind, LogError> {
        let mut columns = table.columns();
        let found = columns.find(|column| column.name == name).copied();
        found.ok_or_else(|| {
            let what = format!("the table {} has no column {name}", table.as_str());
            LogError::Io(self.root.display().to_string(), io::Error::other(what))
        })
    }

    /// Which rows of a table have several versions.
    fn newest(&self, table: Table) -> Result<NewestVersions, LogError> {
        let mut newest = NewestVersions::default();
        if !table.has_versions() {
            return Ok(newest);
        }
        let columns = [self.column(table, "id")?, self.column(table, "version")?];
        let mut batch = |batch: RowBatch| {
            for row in 0..batch.rows {
                let row = LedgerRow {
                    columns: &batch.columns,
                    row,
                };
                let version = row.whole(1).unwrap_or(1);
                if version > 1 {
                    let known = newest.entry(id(row, 0)).or_insert(version);
                    *known = version.max(*known);
                }
            }
            Ok(())
        };
        for name in self.files(table)? {
            let file = self.open(&name)?;
            if file.may_have("version", |_, greatest| greatest > 1) {
                let read = file.read(&columns, &EVER, &mut batch);
                read.map_err(|error| self.fault(&name, error))?;
            }
        }
        Ok(newest)
    }
}

/// Of a row: when it happened, its ID and its version.
fn is_newest(newest: &NewestVersions, row: LedgerRow<'_>) -> bool {
    let known = newest.get(&id(row, 1));
    known.is_none_or(|newest| row.whole(2) == Some(*newest))
}

/// A UUID as a number.
fn id(row: LedgerRow<'_>, column: usize) -> u128 {
    let digits = row.text(column).map_or("", |id| id.as_str()).bytes();
    let digits = digits.filter_map(|byte| char::from(byte).to_digit(16));
    digits.fold(0, |number, digit| number << 4 | u128::from(digit))
}

impl<'b> LedgerRow<'b> {
    pub(super) fn cell(self, column: usize) -> &'b Cell {
        let known = self.columns.get(column);
        known
            .and_then(|cells| cells.get(self.row))
            .unwrap_or(&Cell::Null)
    }

    /// A whole number, or a time in nanoseconds.
    pub fn whole(self, column: usize) -> Option<i64> {
        self.cell(column).as_whole()
    }

    /// A number that need not be whole.
    pub fn real(self, column: usize) -> Option<f64> {
        match self.cell(column) {
            Cell::Real(real) => Some(*real),
            _ => None,
        }
    }

    /// Whether something is so.
    pub fn flag(self, column: usize) -> Option<bool> {
        match self.cell(column) {
            Cell::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// A text.
    pub fn text(self, column: usize) -> Option<&'b Name> {
        match self.cell(column) {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Billionths of the currency.
    pub fn money(self, column: usize) -> Option<i128> {
        match self.cell(column) {
            Cell::Money(amount) => Some(*amount),
            _ => None,
        }
    }

    /// A list of texts.
    pub fn texts(self, column: usize) -> &'b [Name] {
        match self.cell(column) {
            Cell::Texts(texts) => texts,
            _ => &[],
        }
    }

    /// A map from texts to texts.
    pub fn named_texts(self, column: usize) -> &'b [(Name, Name)] {
        match self.cell(column) {
            Cell::NamedTexts(pairs) => pairs,
            _ => &[],
        }
    }

    /// A map from texts to numbers.
    pub fn named_wholes(self, column: usize) -> &'b [(Name, i64)] {
        match self.cell(column) {
            Cell::NamedWholes(pairs) => pairs,
            _ => &[],
        }
    }
}
