//! The workflows that were closed, as the log tells them: what a ledger of it would hold.

use baton::engine::{Partition, Settings};
use baton::log::disk::StoredFrames;
use baton::log::disk::files::Files;
use baton::log::{LogError, Position};
use baton::model::fact::{Fact, What};
use baton::model::record::Delivery;
use baton::proto::StoredFrame;
use std::collections::BTreeMap;
use std::sync::Arc;

/// No operator asks for more.
const MAX_PARTITIONS: usize = 4;

/// One line for each workflow, in order.
pub type Rows = Vec<String>;

/// Every delivery that was ever durable, by its place in the log.
#[derive(Debug, Default)]
pub struct History {
    deliveries: BTreeMap<(u64, usize), Delivery>,
    /// The place of what a partition sent, by the partition and the place of the cause.
    sent: BTreeMap<(usize, u64), u64>,
    /// Whole up to this position.
    read: u64,
}

impl History {
    /// What a worker is handed: it is the same as whoever was handed it before.
    pub fn meet(&mut self, partition: usize, delivery: &Delivery) {
        let place = (delivery.position, partition);
        let known = self
            .deliveries
            .entry(place)
            .or_insert_with(|| delivery.clone());
        assert_eq!(
            known, delivery,
            "a place of the log holds one thing for good"
        );
    }

    /// What a new process finds up to a position, handed out or not.
    pub fn read(&mut self, files: &Arc<dyn Files>, until: Position) -> Result<(), LogError> {
        let stored = StoredFrames::open(Arc::clone(files), self.read + 1, until)?;
        for frame in stored {
            let (position, payload) = frame?;
            let frame = StoredFrame::read(payload).map_err(|what| LogError::Invalid(what.0))?;
            if let Some(origin) = frame.origin() {
                let cause = (origin.partition, origin.position);
                let place = *self.sent.entry(cause).or_insert(position);
                assert_eq!(place, position, "what a partition sends is in the log once");
            }
            for partition in 0..MAX_PARTITIONS {
                let delivery = frame.delivery(partition, position);
                if let Some(delivery) = delivery.map_err(|what| LogError::Invalid(what.0))? {
                    self.meet(partition, &delivery);
                }
            }
            self.read = position;
        }
        Ok(())
    }

    /// Folds the whole log once, without a crash.
    pub fn rows(&self, settings: &Settings) -> Rows {
        let mut partitions: Vec<Partition> = (0..settings.partitions)
            .map(|_| Partition::new(settings))
            .collect();
        let mut rows = Rows::new();
        for ((_, index), delivery) in &self.deliveries {
            let facts = partitions[*index].apply(delivery.clone()).facts;
            rows.extend(facts.iter().filter_map(row));
        }
        rows.sort();
        rows
    }
}

fn row(fact: &Fact) -> Option<String> {
    match &fact.what {
        What::Workflow(workflow) => Some(format!(
            "{:?} {:?} {:?} {:?} {workflow:?}",
            fact.key, fact.at, fact.trace, fact.cohort
        )),
        _ => None,
    }
}
