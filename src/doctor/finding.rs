//! What is missing, how much of it, and what to do.

use serde::Serialize;

pub(super) const DIALECTS_PAGE: &str = "docs/dialects.md";
pub(super) const TEACH_PAGE: &str = "docs/teach-a-dialect.md";

/// What is missing or not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Spans that may be the work of agents and are of no known dialect.
    UnknownSpans,
    /// Expressions of a dialect of the configuration that gave nothing.
    Misreadings,
    /// Traces that name no session.
    NoSession,
    /// Workflows that name no user.
    NoUser,
    /// Workflows that declare no business value.
    NoValue,
    /// Agents at work without any model call.
    NoModelCalls,
    /// Model calls of no agent.
    NoAgentName,
    /// Model calls without tokens.
    NoUsage,
    /// Model calls without a price.
    NoPrice,
    /// Answers whose text nobody recorded.
    NoText,
    /// A tool that sounds like a handoff and is not read as one.
    HandoffTool,
    /// Handoffs whose result nothing shows.
    UnknownHandoffs,
    /// Workflows that declare no outcome, and no rule says one.
    NoOutcome,
    /// Words that declare an outcome and are none.
    OutcomeWord,
    /// Outcomes that came after their workflow was closed.
    LateOutcome,
    /// Evaluations without a score.
    NoScore,
    /// Amounts in a currency without a rate.
    Currency,
    /// Spans that came after their turn was finalized.
    Late,
    /// Spans that came more than once.
    Duplicate,
    /// Spans that are not about agents.
    Ignored,
    /// Work that was finalized early because of a limit.
    Shed,
    /// Labels with too many values.
    Overflow,
    /// Spans, log records and requests that cannot be taken.
    Rejected,
    /// Parts of what was taken that were not read.
    Unread,
    /// Connections that were closed or not accepted because of a limit.
    Connections,
    /// Snapshots that were not written or cannot be read.
    Snapshots,
    /// Requests that a destination does not get, or not at the first attempt.
    Forwarding,
    /// Nothing at all came.
    NoSpans,
    /// The instance that was asked does not do what it should.
    Instance,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub kind: FindingKind,
    /// How many are concerned.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// What is the matter, and what to do.
    pub message: String,
    /// Where more about it is written.
    pub see: &'static str,
}

impl Finding {
    pub(super) fn new(
        kind: FindingKind,
        (count, of): (u64, u64),
        message: impl Into<String>,
        see: &'static str,
    ) -> Self {
        Self {
            kind,
            count,
            of,
            message: message.into(),
            see,
        }
    }

    /// A finding about the instance as a whole.
    pub fn of_instance(message: impl Into<String>) -> Self {
        Self::new(FindingKind::Instance, (1, 1), message, "docs/operations.md")
    }
}

/// A share in whole per cent. What is there is never shown as 0, what is missing never as 100.
pub(super) fn percent(count: u64, of: u64) -> u64 {
    match count * 100 / of.max(1) {
        0 if count > 0 => 1,
        100 if count < of => 99,
        percent => percent,
    }
}

/// A number with what it counts, which is given in the plural.
pub(super) fn numbered(count: u64, things: &str) -> String {
    match (count, things.strip_suffix('s')) {
        (1, Some(thing)) => format!("1 {thing}"),
        _ => format!("{count} {things}"),
    }
}
