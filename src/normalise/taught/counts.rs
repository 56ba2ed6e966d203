//! What became of the spans of taught dialects, in numbers: no text of a span is ever told.

use super::settings::Field;

/// Why an expression of a dialect gave a span nothing. What a span does not have is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misreading {
    /// It could not be evaluated.
    Evaluation,
    /// It gave a value that cannot stand there, such as a list for a number.
    Type,
    /// The text that it reads as JSON is none.
    Json,
    /// It gave a word that names no kind of span.
    Kind,
}

impl Misreading {
    pub const ALL: [Self; 4] = [Self::Evaluation, Self::Type, Self::Json, Self::Kind];

    /// The value of the label `reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evaluation => "evaluation",
            Self::Type => "type",
            Self::Json => "json",
            Self::Kind => "kind",
        }
    }
}

/// Numbers of one dialect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaughtCounts {
    /// Spans that it read.
    pub spans: u64,
    /// Spans for which an expression was evaluated, so that what a dialect costs others can be told.
    pub evaluated: u64,
    misreadings: [[u64; Misreading::ALL.len()]; Field::ALL.len()],
}

impl TaughtCounts {
    /// How often expressions gave nothing: the key that they stand under, the reason, and the number where it is not 0.
    pub fn misreadings(&self) -> impl Iterator<Item = (&'static str, Misreading, u64)> {
        let all = Field::ALL.into_iter().flat_map(|field| {
            Misreading::ALL.map(|reason| (field.key(), reason, self.of(field, reason)))
        });
        all.filter(|(.., count)| *count > 0)
    }

    fn of(&self, field: Field, reason: Misreading) -> u64 {
        self.misreadings[field as usize][reason as usize]
    }

    /// Counts one more.
    pub(in crate::normalise) fn add(&mut self, field: Field, reason: Misreading) {
        self.misreadings[field as usize][reason as usize] += 1;
    }
}
