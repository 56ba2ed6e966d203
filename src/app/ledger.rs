//! The ledger of a configuration.

use super::StartError;
use super::tasks::{Phase, Task, Tasks};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{FactPlace, FactSink};
use crate::ledger::{LedgerQueue, LedgerTree, LedgerWords, LedgerWriter};
use crate::model::fact::Fact;
use std::sync::Arc;
use std::time::Duration;

/// What takes rows, running. Dropped, it ends the ledger: its writer ends however the app ends.
pub(super) struct RunningLedger(Arc<LedgerQueue>);

/// Takes rows from the partitions.
struct LedgerSink(Arc<LedgerQueue>);

/// Starts the writer of the ledger; `None`: there is none.
///
/// # Errors
/// When its directory cannot be used.
pub(super) fn start(
    config: &Config,
    clock: &Clock,
    tasks: &Tasks,
) -> Result<Option<RunningLedger>, StartError> {
    let Some(directory) = &config.ledger.directory else {
        return Ok(None);
    };
    let words = LedgerWords {
        dimensions: config.cohorts.dimensions.clone(),
        currency: config.money.currency.as_str().into(),
    };
    let files = Arc::new(LedgerTree::open(directory)?);
    let (queue, writer) = LedgerWriter::open(files, &config.ledger, words, clock.clone())?;
    // After the workers, whose last snapshots wait for it.
    let work = move || {
        writer.work();
        Ok(())
    };
    tasks.start(Task::blocking("the writer of the ledger", Phase::Log, work));
    Ok(Some(RunningLedger(queue)))
}

impl RunningLedger {
    /// What the engine tells of facts.
    pub(super) fn sink(&self) -> Arc<dyn FactSink> {
        Arc::new(LedgerSink(Arc::clone(&self.0)))
    }

    /// Says that nothing more comes.
    pub(super) fn end(&self) {
        self.0.end();
    }
}

impl Drop for RunningLedger {
    fn drop(&mut self) {
        self.end();
    }
}

impl FactSink for LedgerSink {
    fn begin(&self, log: u64) {
        self.0.begin(log);
    }

    fn take(&self, place: FactPlace, facts: &[Fact]) {
        let FactPlace {
            partition,
            position,
            decided,
        } = place;
        self.0.put(partition, position, decided, facts);
    }

    fn is_durable(&self, partition: usize, wait: Duration) -> bool {
        self.0.is_durable(partition, wait)
    }

    fn bytes(&self, partition: usize) -> usize {
        self.0.bytes(partition)
    }

    fn name(&self) -> &'static str {
        "the ledger"
    }
}
