//! What becomes of outcomes that are reported from outside.

use super::Name;
use super::event::Outcome;

/// A closed workflow has another outcome or value than was counted (O-5). A value that is `None` is unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    pub workflow: Name,
    pub from: Outcome,
    pub to: Outcome,
    pub value_from: Option<f64>,
    pub value_to: Option<f64>,
    /// Who reports it. `None`: what was reported belongs to another workflow.
    pub source: Option<Name>,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportResult {
    /// It was new.
    Accepted,
    /// It was known, and changed nothing.
    Duplicate,
    /// It was accepted, and no workflow came in time.
    Unmatched,
    /// It was accepted, and memory was short before a workflow came.
    Forgotten,
    /// Its session has as many as one may.
    OverLimit,
}

impl ReportResult {
    pub const ALL: [Self; 5] = [
        Self::Accepted,
        Self::Duplicate,
        Self::Unmatched,
        Self::Forgotten,
        Self::OverLimit,
    ];

    /// The value of the label `result`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Unmatched => "unmatched",
            Self::Forgotten => "forgotten",
            Self::OverLimit => "over_limit",
        }
    }
}
