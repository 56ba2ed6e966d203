//! Pure. Verdicts: what Baton tells trace stores of decided handoffs and closed workflows, as OTLP.
//!
//! A verdict is the event `gen_ai.evaluation.result` of the OpenTelemetry conventions for generative AI. It is a function of a business fact and
//! of the time at which the log had it decided, and of nothing else. A replay of the log therefore gives the same bytes and the same ID.
//!
//! | File | Content |
//! |---|---|
//! | `identity.rs` | the ID of a verdict, which a store can drop repeated ones by |
//! | `attributes.rs` | what a verdict says, as attributes |
//! | `explanation.rs` | the same in words |
//! | `request.rs` | verdicts as one OTLP request: log records or spans |

mod attributes;
mod explanation;
mod identity;
mod request;

#[cfg(test)]
mod tests;

pub use request::{VerdictForm, request};

use crate::model::Name;
use crate::model::fact::{Fact, What};
use crate::model::ids::{PartitionKey, SpanId, TenantScoped};
use crate::model::time::Timestamp;
use identity::VerdictId;

/// A business fact that is a verdict, with the time at which it was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct DecidedFact {
    fact: Fact,
    /// The time of the log.
    decided: Timestamp,
}

impl DecidedFact {
    /// The verdict of a fact. `None`: it is neither a handoff nor a closed workflow.
    pub fn of(fact: &Fact, decided: Timestamp) -> Option<Self> {
        let is_verdict = matches!(fact.what, What::Handoff(_) | What::Workflow(_));
        is_verdict.then(|| Self {
            fact: fact.clone(),
            decided,
        })
    }

    /// What it is about: the value of a label.
    pub fn subject(&self) -> Subject {
        match self.fact.what {
            What::Handoff(_) => Subject::Handoff,
            _ => Subject::Workflow,
        }
    }

    /// The tenant whose it is.
    pub fn tenant(&self) -> Option<&Name> {
        self.fact.key.as_ref()?.tenant()
    }

    /// Its ID, as a UUID: the same at every replay.
    pub fn id(&self) -> String {
        VerdictId::of(self).text()
    }

    fn session(&self) -> Option<&TenantScoped> {
        match self.fact.key.as_ref()? {
            PartitionKey::Session(session) => Some(session),
            PartitionKey::Trace(_) | PartitionKey::TenantTrace(..) | PartitionKey::User(_) => None,
        }
    }

    /// The span that it is about. One that stands for something else is in no trace store.
    fn span(&self) -> Option<SpanId> {
        let span = match &self.fact.what {
            What::Handoff(handoff) => handoff.place.span,
            What::Workflow(workflow) => workflow.span,
            _ => None,
        };
        span.filter(|span| *span != SpanId::OF_TRACE)
    }
}

/// What a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Handoff,
    Workflow,
}

impl Subject {
    pub const ALL: [Self; 2] = [Self::Handoff, Self::Workflow];

    /// The value of the label `subject`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handoff => "handoff",
            Self::Workflow => "workflow",
        }
    }
}
