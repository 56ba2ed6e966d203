//! What is in a ledger, and whether it is whole.

use super::cell::Cell;
use super::name::{FileName, day};
use super::parquet_rows::RowBatch;
use super::reader::{EVER, LedgerReader};
use super::table::{ColumnKind, Table};
use crate::log::LogError;
use crate::model::time::Timestamp;
use jiff::civil::Date;

/// What the ledger has of one table.
#[derive(Clone, Copy, Debug)]
pub struct TableOverview {
    pub table: Table,
    pub files: u64,
    pub rows: u64,
    pub bytes: u64,
    /// The first and the last day. `None`: there is no file.
    pub days: Option<(Date, Date)>,
}

/// What a look at every byte found.
#[derive(Clone, Debug, Default)]
pub struct LedgerInspection {
    pub files: u64,
    pub rows: u64,
    /// What is wrong, a sentence each.
    pub faults: Vec<String>,
}

impl LedgerReader {
    /// How much there is of a table.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn overview(&self, table: Table) -> Result<TableOverview, LogError> {
        let names = self.files(table)?;
        let days = names.iter().map(|name| name.key.day);
        let mut overview = TableOverview {
            table,
            files: names.len() as u64,
            rows: 0,
            bytes: 0,
            days: days.clone().min().zip(days.max()),
        };
        for name in &names {
            overview.rows += self.open(name)?.rows();
            overview.bytes += self.size(name)?;
        }
        Ok(overview)
    }

    /// Reads every value of every file, and compares it with what the name of its file says.
    ///
    /// # Errors
    /// When the directory cannot be read. A damaged file is a fault that is found.
    pub fn inspect(&self) -> Result<LedgerInspection, LogError> {
        let mut found = LedgerInspection::default();
        for table in Table::ALL {
            let mut last: Option<FileName> = None;
            for name in self.files(table)? {
                if let Some(before) =
                    last.filter(|last| last.key == name.key && last.to >= name.from)
                {
                    let what = format!("{name}: has positions that {before} has too");
                    found.faults.push(what);
                }
                last = Some(name);
                found.files += 1;
                match self.inspect_file(&name) {
                    Ok(rows) => found.rows += rows,
                    Err(what) => found.faults.push(what),
                }
            }
        }
        Ok(found)
    }

    /// The rows of a whole file, or what is wrong with it.
    fn inspect_file(&self, name: &FileName) -> Result<u64, String> {
        let file = self.open(name).map_err(|error| error.to_string())?;
        let columns: Vec<ColumnKind> = name.key.table.columns().copied().collect();
        let mut place = None;
        let mut fault = None;
        let mut batch = |batch: RowBatch| {
            for row in 0..batch.rows {
                let next = RowPlace::of(&batch, row);
                let wrong = next.wrong(name, place);
                fault = fault.take().or(wrong.map(|what| format!("{name}: {what}")));
                place = Some(next);
            }
            Ok(())
        };
        let read = file.read(&columns, &EVER, &mut batch);
        read.map_err(|error| self.fault(name, error).to_string())?;
        match fault {
            Some(fault) => Err(fault),
            None => Ok(file.rows()),
        }
    }
}

/// Where a row stands in the log: what its first columns say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RowPlace {
    partition: i64,
    position: i64,
    ordinal: i64,
    log_time: i64,
}

impl RowPlace {
    fn of(batch: &RowBatch, row: usize) -> Self {
        let number = |column: usize| batch.columns[column].get(row).and_then(Cell::as_whole);
        let [partition, position, ordinal, log_time] = [1, 2, 3, 4].map(number);
        Self {
            partition: partition.unwrap_or(-1),
            position: position.unwrap_or(-1),
            ordinal: ordinal.unwrap_or(-1),
            log_time: log_time.unwrap_or(0),
        }
    }

    /// What is wrong with a row of a file that follows another one there.
    fn wrong(self, name: &FileName, last: Option<Self>) -> Option<String> {
        let place = |of: Self| (of.position, of.ordinal);
        let (position, ordinal) = place(self);
        let row = format!("the row at position {position}, number {ordinal},");
        let is_of_name = |position: i64| {
            u64::try_from(position).is_ok_and(|position| (name.from..=name.to).contains(&position))
        };
        if !is_of_name(position) || usize::try_from(self.partition) != Ok(name.key.partition) {
            return Some(format!("{row} is of another file"));
        }
        if day(Timestamp(self.log_time as u64)) != name.key.day {
            return Some(format!("{row} is of another day"));
        }
        let is_after = last.is_none_or(|last| place(last) < place(self));
        (!is_after).then(|| format!("{row} is there twice, or not in its order"))
    }
}
