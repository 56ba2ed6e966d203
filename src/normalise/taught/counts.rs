//! What became of the spans of taught dialects, in numbers: no text of a span is ever told.

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
    misreadings: [u64; Misreading::ALL.len()],
}

impl TaughtCounts {
    /// How often an expression gave nothing for this reason.
    pub fn of(&self, reason: Misreading) -> u64 {
        self.misreadings[reason as usize]
    }

    /// Counts so many more.
    pub(in crate::normalise) fn add(&mut self, reason: Misreading, count: usize) {
        self.misreadings[reason as usize] += count as u64;
    }
}
