//! What is told of every fact that partitions find out, and keeps snapshots back until it has made it durable.

use crate::log::{LogError, Position};
use crate::model::fact::Fact;
use crate::model::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Where and when facts were found out: the same at every replay of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactPlace {
    pub partition: usize,
    /// Of the delivery that they follow from. It is greater than that of all facts before it of this partition.
    pub position: Position,
    /// The time of the log.
    pub decided: Timestamp,
}

/// Takes the facts of all partitions, in the order in which each of them finds them out.
///
/// After a crash it is told again what was found out since the last snapshot of a partition: the same facts at the same places. It is told every
/// fact at least once, because no snapshot is written before [`is_durable`](Self::is_durable) says that what came before it will survive.
pub trait FactSink: Send + Sync {
    /// Says which log the positions are of, once, before any fact: its ID, which no other log has.
    fn begin(&self, _log: u64) {}

    /// Takes the facts of one delivery. It must not wait, and the engine does not look at what it does.
    fn take(&self, place: FactPlace, facts: &[Fact]);

    /// Whether everything that was taken from a partition is durable now. It waits for that at most so long, and not at all where that
    /// is of no use.
    fn is_durable(&self, partition: usize, wait: Duration) -> bool;

    /// Roughly the bytes that it holds of a partition until they are durable, which count as memory of its state.
    fn bytes(&self, _partition: usize) -> usize {
        0
    }

    /// Where it makes them durable, for people.
    fn name(&self) -> &'static str;
}

/// All sinks; mostly there is none.
#[derive(Clone, Default)]
pub struct FactSinks(pub Vec<Arc<dyn FactSink>>);

impl std::fmt::Debug for FactSinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.0.iter().map(|sink| sink.name());
        f.debug_list().entries(names).finish()
    }
}

impl FactSinks {
    /// See [`FactSink::begin`].
    pub fn begin(&self, log: u64) {
        self.0.iter().for_each(|sink| sink.begin(log));
    }

    /// See [`FactSink::take`].
    pub(super) fn take(&self, place: FactPlace, facts: &[Fact]) {
        self.0.iter().for_each(|sink| sink.take(place, facts));
    }

    /// Waits until all facts of a partition are durable, at most so long for each sink.
    ///
    /// # Errors
    /// When they are not.
    pub fn settle(&self, partition: usize, wait: Duration) -> Result<(), LogError> {
        let mut sinks = self.0.iter();
        match sinks.find(|sink| !sink.is_durable(partition, wait)) {
            Some(behind) => Err(LogError::Behind(behind.name())),
            None => Ok(()),
        }
    }

    /// See [`FactSink::bytes`].
    pub(super) fn bytes(&self, partition: usize) -> usize {
        self.0.iter().map(|sink| sink.bytes(partition)).sum()
    }
}
