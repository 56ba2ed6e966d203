//! An SDK that runs the tools between calls of a model, and adds up what those took.

use crate::support::dice::Dice;
use baton::model::ids::SpanId;
use std::collections::BTreeMap;

/// The calls under each span of which the last one asked for a tool.
#[derive(Default)]
pub struct Rows(BTreeMap<SpanId, Row>);

/// What they took together, and what the last one took.
struct Row {
    all: (u64, u64),
    last: (u64, u64),
}

impl Rows {
    /// The tokens that the next call says it took. Its prompt holds that of the one before, with the answer of the model; `more` is
    /// what the tool said, and its own output. Some apps run the tools themselves, and nothing adds up.
    pub fn next(&mut self, under: SpanId, more: (u64, u64), asks: bool) -> (u64, u64) {
        let sums = !Dice::new(u64::from_be_bytes(*under.as_bytes())).one_in(4);
        let before = self.0.remove(&under);
        let own = before.as_ref().map_or(more, |before| {
            (before.last.0 + before.last.1 + more.0, more.1)
        });
        let all = before
            .filter(|_| sums)
            .map_or(own, |before| (before.all.0 + own.0, before.all.1 + own.1));
        if asks {
            self.0.insert(under, Row { all, last: own });
        }
        all
    }
}
