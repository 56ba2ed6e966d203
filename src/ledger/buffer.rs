//! Rows that no file has yet.

use super::cell::Row;
use super::column::{Column, Leaf};
use super::table::Table;
use crate::log::Position;
use crate::model::time::Timestamp;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// The rows of one partition.
#[derive(Debug, Default)]
pub(super) struct PartitionBuffer {
    /// When the oldest row came, by the clock of the process. `None`: there is none.
    pub(super) since: Option<Timestamp>,
    /// Where the last facts were found out, with rows or without.
    pub(super) told: Position,
    pub(super) tables: BTreeMap<(Table, Date), TableBuffer>,
}

/// The rows of one table and day.
#[derive(Debug)]
pub(super) struct TableBuffer {
    columns: Vec<Column>,
    pub(super) rows: u64,
    /// The positions of the first and the last row.
    pub(super) from: Position,
    pub(super) to: Position,
    /// Roughly the bytes that they take.
    bytes: usize,
}

impl PartitionBuffer {
    pub(super) fn push(
        &mut self,
        (table, day): (Table, Date),
        (position, now): (Position, Timestamp),
        row: Row,
    ) {
        self.since.get_or_insert(now);
        let known = self.tables.entry((table, day));
        let buffer = known.or_insert_with(|| TableBuffer::new(table, position));
        buffer.push(table, position, row);
    }

    /// Roughly the bytes that all rows take.
    pub(super) fn bytes(&self) -> usize {
        self.tables.values().map(|buffer| buffer.bytes).sum()
    }
}

impl TableBuffer {
    pub(super) fn new(table: Table, from: Position) -> Self {
        let columns = table.columns();
        Self {
            columns: columns.map(|column| Column::new(column.kind)).collect(),
            rows: 0,
            from,
            to: from,
            bytes: 0,
        }
    }

    pub(super) fn push(&mut self, table: Table, position: Position, row: Row) {
        debug_assert_eq!(row.len(), self.columns.len(), "a row of {table:?}");
        self.rows += 1;
        self.to = position;
        let columns = self.columns.iter_mut().zip(table.columns());
        for ((column, kind), cell) in columns.zip(row) {
            self.bytes += column.push(cell, kind.is_optional);
        }
    }

    /// Roughly the bytes that its rows take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn leaves(&self) -> impl Iterator<Item = &Leaf> {
        self.columns.iter().flat_map(|column| &column.leaves)
    }
}
