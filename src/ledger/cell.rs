//! One value of a row.

use crate::model::Name;
use crate::model::money::billionths;

/// The greatest amount that `DECIMAL(28,9)` has. No business has it.
const MAX_MONEY: i128 = 10_i128.pow(28) - 1;

/// One value. Unknown is `Null`, never 0.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Whole(i64),
    Real(f64),
    Flag(bool),
    Text(Name),
    /// In billionths of the currency.
    Money(i128),
    Texts(Vec<Name>),
    /// Names with a text each.
    NamedTexts(Vec<(Name, Name)>),
    /// Names with a number each.
    NamedWholes(Vec<(Name, i64)>),
}

impl Cell {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(Name::from(text))
    }

    /// A text that is missing where it is empty.
    pub(super) fn word(text: &Name) -> Self {
        match text.is_empty() {
            true => Self::Null,
            false => Self::Text(text.clone()),
        }
    }

    /// A number that no sender makes this large.
    pub(super) fn whole(number: impl TryInto<i64>) -> Self {
        Self::Whole(number.try_into().unwrap_or(i64::MAX))
    }

    /// The number of a whole one.
    pub(super) fn as_whole(&self) -> Option<i64> {
        match self {
            Self::Whole(number) => Some(*number),
            _ => None,
        }
    }

    /// What is known, or nothing.
    pub(super) fn maybe<T>(known: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        known.map_or(Self::Null, cell)
    }

    /// An amount of money, rounded as the metrics round it.
    pub(super) fn money(amount: f64) -> Self {
        Self::billionths(billionths(amount))
    }

    /// An amount of money in billionths.
    pub(super) fn billionths(amount: u128) -> Self {
        Self::Money(i128::try_from(amount).unwrap_or(MAX_MONEY).min(MAX_MONEY))
    }
}

/// The cells of one row, in the order of the columns of its table.
pub(super) type Row = Vec<Cell>;
