//! Money spent on what is no model call.

use super::Name;

/// Money spent on one action that is no model call.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    pub kind: ActionKind,
    /// The tool, the knowledge base, or the agent that called a human in.
    pub name: Name,
    pub usd: f64,
}

/// The actions that may have a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    Tool,
    Retrieval,
    Escalation,
}

impl ActionKind {
    /// The value of the label `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Retrieval => "retrieval",
            Self::Escalation => "escalation",
        }
    }
}
