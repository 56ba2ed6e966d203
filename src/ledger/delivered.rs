//! The facts of one delivery that have rows.

use crate::log::Position;
use crate::model::fact::{Fact, What};
use crate::model::time::Timestamp;

/// The facts of one delivery that have rows, each with its place among all facts of the delivery.
#[derive(Debug)]
pub(super) struct DeliveredFacts {
    pub(super) partition: usize,
    pub(super) position: Position,
    /// The time of the log.
    pub(super) decided: Timestamp,
    pub(super) facts: Vec<(u32, Fact)>,
}

impl DeliveredFacts {
    pub(super) fn of(
        (partition, position, decided): (usize, Position, Timestamp),
        facts: &[Fact],
    ) -> Self {
        let numbered = (0..).zip(facts).filter(|(_, fact)| has_row(fact));
        Self {
            partition,
            position,
            decided,
            facts: numbered
                .map(|(place, fact)| (place, fact.clone()))
                .collect(),
        }
    }

    /// Roughly the bytes of the facts. What they point to is mostly shared.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.facts.as_slice())
    }
}

/// Whether a fact has a row. The others say how a turn was decided, or are about Baton's own work.
fn has_row(fact: &Fact) -> bool {
    !matches!(
        fact.what,
        What::Agent(_)
            | What::UnknownUsage { .. }
            | What::UnknownPrice { .. }
            | What::Pending(_)
            | What::UnknownOutcome { .. }
            | What::Unconverted { .. }
            | What::Late
            | What::Duplicate
            | What::Ignored { .. }
            | What::Shed(_)
            | What::Correction(_)
            | What::Reported { .. }
            | What::Forgotten { .. }
    )
}
