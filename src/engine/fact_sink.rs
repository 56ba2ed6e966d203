//! What is told of every fact that partitions find out, and keeps snapshots back until it has made it durable.

use crate::model::fact::Fact;
use crate::model::time::Timestamp;
use std::time::Duration;

/// Takes the facts of all partitions, in the order in which each of them finds them out.
///
/// After a crash it is told again what was found out since the last snapshot of a partition: the same facts with the same times. It is told every
/// fact at least once, because no snapshot is written before [`is_durable`](Self::is_durable) says that what came before it will survive.
pub trait FactSink: Send + Sync {
    /// Takes the facts of one delivery, decided at this time of the log. It must not wait, and the engine does not look at what it does.
    fn take(&self, partition: usize, decided: Timestamp, facts: &[Fact]);

    /// Whether everything that was taken from a partition is durable now. It waits for that at most so long, and not at all where that
    /// is of no use.
    fn is_durable(&self, partition: usize, wait: Duration) -> bool;
}
