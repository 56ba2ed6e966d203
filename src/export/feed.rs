//! What every exporter reads.

use super::identity::ServiceIdentity;
use crate::clock::Clock;
use crate::model::fact::Fact;
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::metric::Family;
use std::sync::Arc;

/// The one source of all exporters. Cheap to clone: its parts are shared.
#[derive(Clone)]
pub struct Feed {
    /// Metric families: what Baton derives, and its own health.
    pub families: Arc<dyn FamilySource>,
    /// The facts of the sessions that are remembered.
    pub facts: Arc<dyn FactSource>,
    /// Whether figures are complete, and whether Baton can work.
    pub readiness: Arc<dyn Readiness>,
    /// Log time.
    pub clock: Clock,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

/// Metric families with their values now.
pub trait FamilySource: Send + Sync {
    /// The derived metrics for Prometheus and its like: a new series is 0 for some scrapes, so that its first value counts.
    fn exposition(&self) -> Vec<Family>;
    /// The derived metrics with their true values, for people.
    fn exact(&self) -> Vec<Family>;
    /// Baton's own metrics.
    fn internal(&self) -> Vec<Family>;
    /// Who Baton is; `None`: the state is not recovered, or nobody says it.
    fn identity(&self) -> Option<&ServiceIdentity>;
}

/// The facts of sessions, as far as they are remembered.
pub trait FactSource: Send + Sync {
    /// Those of a session, by its ID, or of a trace without one; one entry for each tenant that has it.
    fn of_session(&self, id: &str) -> Vec<(PartitionKey, Vec<Fact>)>;
    /// Those of the sessions of a trace.
    fn of_trace(&self, trace: TraceId) -> Vec<(PartitionKey, Vec<Fact>)>;
    /// Shows every session that is remembered.
    fn visit(&self, visitor: SessionVisitor<'_>);
}

/// Is shown the key and the facts of one session after the other.
pub type SessionVisitor<'v> = &'v mut dyn FnMut(&PartitionKey, &[Fact]);

/// Whether Baton can work.
pub trait Readiness: Send + Sync {
    /// How far the start is, while the state is not complete: no figure is shown until it is, because a figure of a part of the state
    /// would look like a counter that was reset.
    fn starting(&self) -> Option<String>;
    /// What is not ready; empty when all is.
    fn unready(&self) -> Vec<String>;
}
