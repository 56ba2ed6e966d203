//! Sequences of calls with cumulative tokens: an SDK that executes tools itself includes each model call in the next one.

use super::small_map::SmallMap;
use crate::model::event::{Cost, Event, ModelCall, Usage};
use crate::model::ids::{SpanId, TraceId};
use crate::model::time::Timestamp;

/// The tokens and the cost of one call itself.
pub(super) type Took = (Option<Usage>, Cost);

/// Rows by their trace and the span around. Other calls than those of rows are not remembered.
#[derive(Debug, Default)]
pub(super) struct Rows(pub(super) SmallMap<(TraceId, Option<SpanId>), Row>);

/// The latest call of a row that told its tokens, as it told them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    /// When it began and ended, and its span: its place in the row.
    pub(super) at: (Timestamp, Timestamp, SpanId),
    pub(super) usage: Usage,
    pub(super) cost: Cost,
    /// Its input without that of the calls before it.
    pub(super) own: u64,
    pub(super) usage_is_cumulative: bool,
}

impl Rows {
    /// Roughly the bytes that they hold in memory.
    pub(super) fn weight(&self) -> usize {
        self.0.len() * 2 * size_of::<((TraceId, Option<SpanId>), Row)>()
    }

    /// What a call took without the calls of its row that are known.
    pub(super) fn took(&mut self, event: &Event, call: &ModelCall) -> Took {
        let Some(usage) = call.usage else {
            return (None, call.cost);
        };
        let at = (event.start, event.end, event.span);
        let place = (event.trace, event.parent);
        let known = self.0.get(&place);
        let took = match known {
            Some(row) if row.at < at && row.is_in(&usage) || row.at > at && row.holds(call) => {
                (usage.without(&row.usage), call.cost.without(row.cost))
            }
            _ => (usage, call.cost),
        };
        let is_latest = known.map_or(call.usage_is_cumulative, |row| row.at < at);
        if is_latest {
            let row = Row {
                at,
                usage,
                cost: call.cost,
                own: took.0.input,
                usage_is_cumulative: call.usage_is_cumulative,
            };
            self.0.insert(place, row);
        }
        (Some(took.0), took.1)
    }

    /// Those of both sessions, as they met: of a row that both know a part of the later call counts.
    pub(super) fn join(&mut self, other: Self) {
        for (place, theirs) in other.0 {
            let own = self.0.get_or_insert_with(place, || theirs);
            if own.at < theirs.at {
                *own = theirs;
            }
        }
    }
}

impl Row {
    /// Whether a later call counts this one. What that took itself holds the prompt of this one: an app that runs the tools itself
    /// asks anew each time, and nothing adds up.
    fn is_in(&self, later: &Usage) -> bool {
        self.usage_is_cumulative
            && later.input >= self.usage.input + self.own
            && later.output >= self.usage.output
    }

    /// Whether this call counted an earlier one already, which came late.
    fn holds(&self, earlier: &ModelCall) -> bool {
        earlier.usage_is_cumulative && self.own < self.usage.input
    }
}
