//! Scores that somebody gave, and the names of those that mean something to Baton.

use super::Name;

/// Evaluations that are a user's own.
pub const FEEDBACK: &[&str] = &[
    "user_feedback",
    "user.feedback",
    "user-feedback",
    "feedback",
    "csat",
    "thumbs",
    "user_rating",
    "rating",
];

/// The evaluation that declares which share of the context a handoff passed.
pub const CONTEXT_RETENTION: &str = "context_retention";

/// The evaluation that declares whether the target of a handoff works on what the user came for.
pub const INTENT_RETENTION: &str = "intent_retention";

/// A score that somebody gave, e.g. `gen_ai.evaluation.result`.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    pub name: Name,
    pub score: Option<f64>,
    pub label: Option<Name>,
    /// A log record said it, and was given to its span: it weighs as the trace does.
    pub by_record: bool,
}
