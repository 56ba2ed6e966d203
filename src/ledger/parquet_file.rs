//! Columns as the bytes of one Parquet file, without a library of tables in memory: it would bring twenty crates, and rows go one way only.

use super::column::{ColumnValues, Leaf};
use super::table::Table;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::io::Write;
use std::sync::Arc;

/// Of an amount of money: 96 bits hold 28 digits.
const MONEY_BYTES: usize = 12;

/// A file that is being written.
pub(super) struct ParquetFile<W: Write + Send>(SerializedFileWriter<W>);

impl<W: Write + Send> ParquetFile<W> {
    pub(super) fn new(table: Table, sink: W) -> Result<Self> {
        let schema = Arc::new(parse_message_type(&table.schema())?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("baton ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        SerializedFileWriter::new(sink, schema, Arc::new(properties)).map(Self)
    }

    /// Writes a group of rows: the leaves of all columns of the table, in their order.
    pub(super) fn group<'l>(&mut self, leaves: impl Iterator<Item = &'l Leaf>) -> Result<()> {
        let mut rows = self.0.next_row_group()?;
        for leaf in leaves {
            if let Some(mut column) = rows.next_column()? {
                write(column.untyped(), leaf)?;
                column.close()?;
            }
        }
        rows.close().map(drop)
    }

    /// Writes the end. Returns what it was written to.
    pub(super) fn finish(self) -> Result<W> {
        self.0.into_inner()
    }
}

/// The file of one group of rows.
pub(super) fn file<'l>(table: Table, leaves: impl Iterator<Item = &'l Leaf>) -> Result<Vec<u8>> {
    let mut file = ParquetFile::new(table, Vec::new())?;
    file.group(leaves)?;
    file.finish()
}

fn write(column: &mut ColumnWriter<'_>, leaf: &Leaf) -> Result<()> {
    let levels = |all: &'_ Vec<i16>| -> Option<Vec<i16>> { (!all.is_empty()).then(|| all.clone()) };
    let (definitions, repetitions) = (levels(&leaf.definitions), levels(&leaf.repetitions));
    let (defined, repeated) = (definitions.as_deref(), repetitions.as_deref());
    match (column, &leaf.values) {
        (ColumnWriter::Int32ColumnWriter(column), ColumnValues::Whole32(all)) => {
            column.write_batch(all, defined, repeated)
        }
        (ColumnWriter::Int64ColumnWriter(column), ColumnValues::Whole64(all)) => {
            column.write_batch(all, defined, repeated)
        }
        (ColumnWriter::DoubleColumnWriter(column), ColumnValues::Real(all)) => {
            column.write_batch(all, defined, repeated)
        }
        (ColumnWriter::BoolColumnWriter(column), ColumnValues::Flag(all)) => {
            column.write_batch(all, defined, repeated)
        }
        (ColumnWriter::ByteArrayColumnWriter(column), ColumnValues::Text(all)) => {
            let all: Vec<ByteArray> = all
                .iter()
                .map(|text| ByteArray::from(text.as_str()))
                .collect();
            column.write_batch(&all, defined, repeated)
        }
        (ColumnWriter::FixedLenByteArrayColumnWriter(column), ColumnValues::Money(all)) => {
            let all: Vec<FixedLenByteArray> = all.iter().map(|amount| decimal(*amount)).collect();
            column.write_batch(&all, defined, repeated)
        }
        _ => unreachable!("the schema of a table has the types of its columns"),
    }
    .map(drop)
}

/// An amount in the order of bytes that Parquet wants.
fn decimal(amount: i128) -> FixedLenByteArray {
    let bytes = amount.to_be_bytes();
    let bytes = bytes[bytes.len() - MONEY_BYTES..].to_vec();
    FixedLenByteArray::from(ByteArray::from(bytes))
}
