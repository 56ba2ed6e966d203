//! Pure. Decides one turn: `decide(events of one turn) → Decided`. Knows nothing of sessions, timers, keys or the log.
//!
//! A turn is the input of a user with everything that answers it. `stitch` collects its events and says when they are complete;
//! this room finds out what happened. `docs/semantics.md` has the rules (T, A, C and H).
//!
//! | File | Content |
//! |---|---|
//! | `exchanges.rs` | the exchanges with the user that one trace may hold |
//! | `decide.rs` | the entry: from the events of a turn to its facts and its summary |
//! | `policy.rs` | thresholds, prices and rules that apply |
//! | `tree.rs` | the spans of a turn as a tree, with the agent of each |
//! | `nesting.rs` | which spans lie inside which |
//! | `identity.rs` | the agents, each with one name |
//! | `adoption.rs` | calls beside the span of their agent |
//! | `activation.rs` | the steps of a turn, grouped into activations of agents |
//! | `model_calls.rs, calls.rs` | model and tool calls, each counted once |
//! | `totals.rs` | what agents and runs say that their calls took, where no call shows it |
//! | `handoff.rs` | handoffs: finds the target of each and determines its result |
//! | `evidence.rs` | the spans that show a handoff, merged into one piece of evidence each |
//! | `retention.rs` | context and intent retention of a handoff |
//! | `deciding.rs` | the step that decides whether the turn was answered |
//! | `answer.rs` | whether the turn was answered, and how long that took |
//! | `pause.rs` | runs that wait for a person or a tool, and runs that go on |
//! | `standstill.rs` | what the last calls of a run asked for and nobody ran |
//! | `agent_time.rs` | response time by agent |
//! | `cost.rs` | cost of calls and actions |
//! | `cumulative_usage.rs` | calls of SDKs that report cumulative tokens |
//! | `facts.rs` | the facts of single spans, also of late ones |
//! | `judge.rs` | the rules of the operator, applied to events, turns and workflows |
//! | `summary.rs` | what turns add up to, with one merge |

mod activation;
mod adoption;
mod agent_time;
mod answer;
mod calls;
mod cost;
mod cumulative_usage;
mod decide;
mod deciding;
mod evidence;
mod exchanges;
mod facts;
mod handoff;
mod identity;
mod judge;
mod model_calls;
mod nesting;
mod pause;
mod policy;
mod retention;
mod standstill;
mod summary;
mod totals;
mod tree;

#[cfg(test)]
mod tests;

pub use cost::{TotalCost, nano};
pub use cumulative_usage::{CumulativeUsage, LatestCall};
pub use decide::{
    Decided, SpanOwners, WorkBeside, count_beside, decide, declared_value, declared_verdict,
};
pub use exchanges::{AT_ONCE, exchanges};
pub use facts::{
    RULES_READ_LATE, call_cost, evaluation_facts, model_fact, tool_fact, unknown_cost,
    unusable_facts,
};
pub use handoff::HandoffState;
pub use judge::Judge;
pub use pause::PauseSigns;
pub use policy::Policy;
pub use retention::SourceContext;
pub use summary::{DeclaredValue, Verdict, WorkflowSummary};
pub use tree::{DEFAULT_WORKFLOW, cut_circles};
