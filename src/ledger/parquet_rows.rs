//! The rows of one Parquet file in batches of cells, column by column: the opposite of `parquet_file.rs`.

use super::cell::Cell;
use super::table::{ColumnKind, ColumnType};
use crate::model::Name;
use crate::model::time::Timestamp;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use std::ops::Range;

/// Rows that are in memory at once.
const BATCH: usize = 4096;

/// The cells of some rows of a file: one list for each column that was asked for.
#[derive(Debug, Default)]
pub(super) struct RowBatch {
    pub(super) rows: usize,
    pub(super) columns: Vec<Vec<Cell>>,
}

/// One file, open.
pub(super) struct FileRows(Box<dyn FileReader>);

/// The values of a leaf in some rows, and where they stand.
#[derive(Default)]
struct LeafCells {
    cells: Vec<Cell>,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
}

impl FileRows {
    /// # Errors
    /// When it is no whole file.
    pub(super) fn open(bytes: impl ChunkReader + 'static) -> Result<Self> {
        Ok(Self(Box::new(SerializedFileReader::new(bytes)?)))
    }

    pub(super) fn rows(&self) -> u64 {
        self.0.metadata().file_metadata().num_rows() as u64
    }

    /// The first leaf of a column; `None`: the file does not have it, because an older Baton wrote it.
    fn leaf(&self, column: &str) -> Option<usize> {
        let schema = self.0.metadata().file_metadata().schema_descr();
        let mut leaves = schema.columns().iter();
        leaves.position(|leaf| {
            leaf.path()
                .parts()
                .first()
                .is_some_and(|name| name == column)
        })
    }

    /// The least and the greatest number of a column in each group of rows; `None`: the file does not say.
    fn bounds(&self, column: &str, group: &RowGroupMetaData) -> Option<(i64, i64)> {
        let leaf = self.leaf(column)?;
        match group.column(leaf).statistics()? {
            Statistics::Int32(known) => {
                Some((i64::from(*known.min_opt()?), i64::from(*known.max_opt()?)))
            }
            Statistics::Int64(known) => Some((*known.min_opt()?, *known.max_opt()?)),
            _ => None,
        }
    }

    /// Whether some row may have such a number in a column.
    pub(super) fn may_have(&self, column: &str, wanted: impl Fn(i64, i64) -> bool) -> bool {
        let mut groups = self.0.metadata().row_groups().iter();
        groups.any(|group| {
            let bounds = self.bounds(column, group);
            bounds.is_none_or(|(least, greatest)| wanted(least, greatest))
        })
    }

    /// Gives all rows of the groups in which some row may have happened in a range of time, in their order.
    ///
    /// # Errors
    /// When the file is damaged, and those of `each`.
    pub(super) fn read(
        &self,
        columns: &[ColumnKind],
        happened: &Range<Timestamp>,
        each: &mut dyn FnMut(RowBatch) -> Result<()>,
    ) -> Result<()> {
        for (place, group) in self.0.metadata().row_groups().iter().enumerate() {
            let bounds = self.bounds("event_time", group);
            let is_outside = bounds.is_some_and(|(least, greatest)| {
                Timestamp(greatest as u64) < happened.start
                    || Timestamp(least as u64) >= happened.end
            });
            if !is_outside {
                self.read_group((place, group.num_rows() as usize), columns, each)?;
            }
        }
        Ok(())
    }

    fn read_group(
        &self,
        (place, rows): (usize, usize),
        columns: &[ColumnKind],
        each: &mut dyn FnMut(RowBatch) -> Result<()>,
    ) -> Result<()> {
        let group = self.0.get_row_group(place)?;
        let mut readers = Vec::with_capacity(columns.len());
        for column in columns {
            let Some(leaf) = self.leaf(column.name) else {
                readers.push(Vec::new());
                continue;
            };
            let leaves = leaf..leaf + column.kind.leaves();
            let leaves = leaves.map(|leaf| group.get_column_reader(leaf));
            readers.push(leaves.collect::<Result<Vec<_>>>()?);
        }
        let mut left = rows;
        while left > 0 {
            let rows = left.min(BATCH);
            let read = columns.iter().zip(&mut readers);
            let read = read.map(|(column, leaves)| cells(column.kind, leaves, rows));
            let columns = read.collect::<Result<Vec<_>>>()?;
            if columns.iter().any(|cells| cells.len() != rows) {
                return Err(ParquetError::General("a column is too short".to_owned()));
            }
            each(RowBatch { rows, columns })?;
            left -= rows;
        }
        Ok(())
    }
}

/// The cells of one column in the next rows.
fn cells(kind: ColumnType, leaves: &mut [ColumnReader], rows: usize) -> Result<Vec<Cell>> {
    let read = leaves.iter_mut().map(|leaf| read_leaf(leaf, rows));
    let mut read = read.collect::<Result<Vec<_>>>()?.into_iter();
    Ok(match (kind, read.next(), read.next()) {
        (_, None, _) => vec![kind.missing(); rows],
        (ColumnType::Texts, Some(texts), _) => {
            let cells = texts.lists(None).into_iter();
            let text = |(text, _)| text_of(text);
            cells
                .map(|list| Cell::Texts(list.into_iter().map(text).collect()))
                .collect()
        }
        (ColumnType::NamedTexts, Some(names), values) => {
            let cells = names.lists(values).into_iter();
            let pair = |(name, value)| (text_of(name), text_of(value));
            cells
                .map(|list| Cell::NamedTexts(list.into_iter().map(pair).collect()))
                .collect()
        }
        (ColumnType::NamedWholes, Some(names), values) => {
            let cells = names.lists(values).into_iter();
            let pair = |(name, value): (Cell, Cell)| (text_of(name), value.as_whole().unwrap_or(0));
            cells
                .map(|list| Cell::NamedWholes(list.into_iter().map(pair).collect()))
                .collect()
        }
        (_, Some(values), _) => values.optional(),
    })
}

fn text_of(cell: Cell) -> Name {
    match cell {
        Cell::Text(text) => text,
        _ => Name::default(),
    }
}

impl LeafCells {
    /// One cell for each row, of a column with at most one value in a row.
    fn optional(self) -> Vec<Cell> {
        if self.definitions.is_empty() {
            return self.cells;
        }
        let mut cells = self.cells.into_iter();
        let defined = self.definitions.into_iter();
        let cell = |defined| match defined {
            0 => Some(Cell::Null),
            _ => cells.next(),
        };
        defined.map_while(cell).collect()
    }

    /// A list for each row, whose values come from this leaf and from a second one that has as many.
    fn lists(self, second: Option<Self>) -> Vec<Vec<(Cell, Cell)>> {
        let mut firsts = self.cells.into_iter();
        let mut seconds = second.map(|leaf| leaf.cells).into_iter().flatten();
        let mut rows: Vec<Vec<(Cell, Cell)>> = Vec::new();
        for (defined, repeated) in self.definitions.into_iter().zip(self.repetitions) {
            if repeated == 0 {
                rows.push(Vec::new());
            }
            let value = (defined > 0).then(|| firsts.next()).flatten();
            if let (Some(first), Some(row)) = (value, rows.last_mut()) {
                row.push((first, seconds.next().unwrap_or(Cell::Null)));
            }
        }
        rows
    }
}

/// The values of a leaf in the next rows.
fn read_leaf(reader: &mut ColumnReader, rows: usize) -> Result<LeafCells> {
    let mut leaf = LeafCells::default();
    leaf.cells = match reader {
        ColumnReader::Int32ColumnReader(reader) => {
            let all = values(reader, rows, &mut leaf)?.into_iter();
            all.map(|one| Cell::Whole(i64::from(one))).collect()
        }
        ColumnReader::Int64ColumnReader(reader) => {
            let all = values(reader, rows, &mut leaf)?.into_iter();
            all.map(Cell::Whole).collect()
        }
        ColumnReader::DoubleColumnReader(reader) => {
            let all = values(reader, rows, &mut leaf)?.into_iter();
            all.map(Cell::Real).collect()
        }
        ColumnReader::BoolColumnReader(reader) => {
            let all = values(reader, rows, &mut leaf)?.into_iter();
            all.map(Cell::Flag).collect()
        }
        ColumnReader::ByteArrayColumnReader(reader) => texts(&values(reader, rows, &mut leaf)?)?,
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            let all = values(reader, rows, &mut leaf)?.into_iter();
            all.map(|bytes| Cell::Money(amount(bytes.data()))).collect()
        }
        _ => {
            let what = "a column of a type that no ledger has";
            return Err(ParquetError::General(what.to_owned()));
        }
    };
    Ok(leaf)
}

fn values<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    leaf: &mut LeafCells,
) -> Result<Vec<T::T>> {
    let mut values = Vec::new();
    let levels = (&mut leaf.definitions, &mut leaf.repetitions);
    reader.read_records(rows, Some(levels.0), Some(levels.1), &mut values)?;
    Ok(values)
}

/// Texts, of which equal ones that follow each other share their bytes.
fn texts(all: &[ByteArray]) -> Result<Vec<Cell>> {
    let mut last = Name::default();
    let text = |bytes: &ByteArray| {
        let text = bytes.as_utf8()?;
        if last != text {
            last = Name::from(text);
        }
        Ok(Cell::Text(last.clone()))
    };
    all.iter().map(text).collect()
}

/// An amount, from the order of bytes of Parquet.
fn amount(bytes: &[u8]) -> i128 {
    let sign = bytes.first().map_or(0, |first| *first as i8 >> 7);
    let digits = bytes.iter();
    digits.fold(i128::from(sign), |sum, byte| sum << 8 | i128::from(*byte))
}
