//! A finished turn: its agents, calls and tools, independent of any dialect.

use super::plan::Model;

/// One user input up to the final answer. Steps name their parents by index; times are milliseconds.
#[derive(Clone, Debug)]
pub(super) struct ScriptTurn {
    pub(super) intent: &'static str,
    pub(super) outcome: Option<&'static str>,
    /// What the customer's business is worth, in dollars.
    pub(super) value: Option<u64>,
    pub(super) steps: Vec<ScriptStep>,
}

#[derive(Clone, Debug)]
pub(super) struct ScriptStep {
    pub(super) parent: usize,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) what: ScriptAction,
    pub(super) failed: bool,
    /// Evaluations attached to it: name and score.
    pub(super) scores: Vec<(&'static str, f64)>,
    /// The state of the customer's ticket, which a rule reads.
    pub(super) ticket: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(super) enum ScriptAction {
    /// The request of the support application around everything.
    App,
    Agent(&'static str),
    Call(Call),
    Tool {
        agent: &'static str,
        name: &'static str,
    },
    /// A search in the knowledge base.
    Search,
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) agent: &'static str,
    pub(super) model: Model,
    pub(super) heard: String,
    pub(super) says: Says,
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cached: u64,
    /// Whether the span says what it took.
    pub(super) has_usage: bool,
    pub(super) first_token: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Says {
    /// The tool that the model asks for.
    Tool(&'static str),
    Text(&'static str),
}
