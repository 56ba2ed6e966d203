//! The names of files: which rows a file has, without a look into it.

use super::table::Table;
use crate::model::time::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::cmp::Reverse;
use std::fmt;

/// What follows the name of a file until all of it is durable.
pub(super) const UNFINISHED: &str = ".new";

/// Whose rows a file has: those of one partition of one log that were decided on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FileKey {
    pub(super) table: Table,
    pub(super) day: Date,
    /// The random ID of the log, whose positions begin anew in every other one.
    pub(super) log: u64,
    pub(super) partition: usize,
}

/// A file of the ledger: `TABLE/day=YYYY-MM-DD/PARTITION-LOG-FROM-TO.parquet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileName {
    pub(super) key: FileKey,
    /// The positions of the first and the last of its rows.
    pub(super) from: u64,
    pub(super) to: u64,
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FileKey {
            table,
            day,
            log,
            partition,
        } = self.key;
        let (table, from, to) = (table.as_str(), self.from, self.to);
        write!(
            f,
            "{table}/day={day}/{partition}-{log:016x}-{from:020}-{to:020}.parquet"
        )
    }
}

impl FileName {
    /// Reads a name. `None`: it is none of a file of the ledger.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut folders = name.split('/');
        let table = Table::of_name(folders.next()?)?;
        let day = folders.next()?.strip_prefix("day=")?.parse().ok()?;
        let file = folders.next()?.strip_suffix(".parquet")?;
        let mut parts = file.split('-');
        let partition = parts.next()?.parse().ok()?;
        let log = u64::from_str_radix(parts.next()?, 16).ok()?;
        let key = FileKey {
            table,
            day,
            log,
            partition,
        };
        let [from, to] = [parts.next()?, parts.next()?].map(|part| part.parse().ok());
        let name = Self {
            key,
            from: from?,
            to: to?,
        };
        (folders.next().is_none() && parts.next().is_none()).then_some(name)
    }
}

/// The files that count among some, in the order of their days: without those whose rows are in one that was put together of them.
pub(super) fn current(mut names: Vec<FileName>) -> Vec<FileName> {
    names.sort_by_key(|name| (name.key, name.from, Reverse(name.to)));
    let mut kept: Vec<FileName> = Vec::new();
    for name in names {
        let is_within = |last: &FileName| last.key == name.key && name.to <= last.to;
        if !kept.last().is_some_and(is_within) {
            kept.push(name);
        }
    }
    kept
}

/// The day of a time, in UTC.
pub(super) fn day(time: Timestamp) -> Date {
    // OTLP's times end long before those of the calendar do.
    let time = jiff::Timestamp::from_nanosecond(i128::from(time.0));
    let time = time.unwrap_or(jiff::Timestamp::MAX);
    TimeZone::UTC.to_datetime(time).date()
}
