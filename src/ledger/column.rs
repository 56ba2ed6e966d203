//! The values of one column, as Parquet wants them: those that are there, and for each row whether it has one.

use super::cell::Cell;
use super::table::ColumnType;
use crate::model::Name;

/// The values of a column.
#[derive(Debug)]
pub(super) enum ColumnValues {
    Whole32(Vec<i32>),
    Whole64(Vec<i64>),
    Real(Vec<f64>),
    Flag(Vec<bool>),
    Text(Vec<Name>),
    Money(Vec<i128>),
}

/// One leaf of the schema.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) values: ColumnValues,
    /// 1 where there is a value, 0 where there is none. Empty where every row has one.
    pub(super) definitions: Vec<i16>,
    /// 0 at the first value of a row, 1 at further ones. Empty where no row has several.
    pub(super) repetitions: Vec<i16>,
}

/// One column: a leaf, or two where values have names.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) leaves: Vec<Leaf>,
}

impl Leaf {
    fn new(values: ColumnValues) -> Self {
        Self {
            values,
            definitions: Vec::new(),
            repetitions: Vec::new(),
        }
    }
}

impl Column {
    pub(super) fn new(kind: ColumnType) -> Self {
        let leaves = match kind {
            ColumnType::Int => vec![ColumnValues::Whole32(Vec::new())],
            ColumnType::Long | ColumnType::Time => vec![ColumnValues::Whole64(Vec::new())],
            ColumnType::Double => vec![ColumnValues::Real(Vec::new())],
            ColumnType::Flag => vec![ColumnValues::Flag(Vec::new())],
            ColumnType::Text | ColumnType::Texts => vec![ColumnValues::Text(Vec::new())],
            ColumnType::Money => vec![ColumnValues::Money(Vec::new())],
            ColumnType::NamedTexts => vec![
                ColumnValues::Text(Vec::new()),
                ColumnValues::Text(Vec::new()),
            ],
            ColumnType::NamedWholes => vec![
                ColumnValues::Text(Vec::new()),
                ColumnValues::Whole64(Vec::new()),
            ],
        };
        Self {
            leaves: leaves.into_iter().map(Leaf::new).collect(),
        }
    }

    /// Takes the value of one more row. Returns about how many bytes that takes.
    pub(super) fn push(&mut self, cell: Cell, is_optional: bool) -> usize {
        match cell {
            Cell::Texts(texts) => {
                let all = texts.into_iter().map(|text| [Cell::Text(text)]);
                self.push_list(all.collect::<Vec<_>>())
            }
            Cell::NamedTexts(pairs) => {
                let all = pairs.into_iter();
                let all = all.map(|(name, text)| [Cell::Text(name), Cell::Text(text)]);
                self.push_list(all.collect::<Vec<_>>())
            }
            Cell::NamedWholes(pairs) => {
                let all = pairs.into_iter();
                let all = all.map(|(name, number)| [Cell::Text(name), Cell::Whole(number)]);
                self.push_list(all.collect::<Vec<_>>())
            }
            cell => {
                let leaf = &mut self.leaves[0];
                if is_optional {
                    leaf.definitions.push(i16::from(cell != Cell::Null));
                }
                leaf.values.push(cell)
            }
        }
    }

    /// Takes the values of one row that may have any number of them, each with one value for every leaf.
    fn push_list<const N: usize>(&mut self, all: Vec<[Cell; N]>) -> usize {
        if all.is_empty() {
            for leaf in &mut self.leaves {
                leaf.definitions.push(0);
                leaf.repetitions.push(0);
            }
        }
        let mut bytes = 4;
        for (place, cells) in all.into_iter().enumerate() {
            for (leaf, cell) in self.leaves.iter_mut().zip(cells) {
                leaf.definitions.push(1);
                leaf.repetitions.push(i16::from(place > 0));
                bytes += leaf.values.push(cell);
            }
        }
        bytes
    }
}

impl ColumnValues {
    fn push(&mut self, cell: Cell) -> usize {
        match (self, cell) {
            (_, Cell::Null) => 2,
            (Self::Whole32(all), Cell::Whole(one)) => {
                all.push(i32::try_from(one).unwrap_or(i32::MAX));
                4
            }
            (Self::Whole64(all), Cell::Whole(one)) => {
                all.push(one);
                8
            }
            (Self::Real(all), Cell::Real(one)) => {
                all.push(one);
                10
            }
            (Self::Flag(all), Cell::Flag(one)) => {
                all.push(one);
                3
            }
            (Self::Text(all), Cell::Text(one)) => {
                // Most texts are shared with facts or with other rows; IDs are not.
                let bytes = 10 + one.len();
                all.push(one);
                bytes
            }
            (Self::Money(all), Cell::Money(one)) => {
                all.push(one);
                18
            }
            // A row fits its table: the tests write every kind of fact.
            (_, cell) => unreachable!("{cell:?} is no value of this column"),
        }
    }
}
