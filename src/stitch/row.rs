//! Rows of calls: an SDK that runs the tools inside one call of its own adds up, so that each model call counts those before it.

use crate::model::event::{Cost, Event, ModelCall, Usage};
use crate::model::ids::{SpanId, TraceId};
use rapidhash::RapidHashMap as HashMap;

/// The tokens and the cost of one call itself.
pub(super) type Took = (Option<Usage>, Cost);

/// The latest call under each span whose row goes on, of those that told their tokens.
#[derive(Default)]
pub(super) struct Rows<'e>(HashMap<(TraceId, Option<SpanId>), &'e ModelCall>);

impl<'e> Rows<'e> {
    /// What a call took without the calls before it. Calls come in the order in which they began.
    pub(super) fn took(&mut self, event: &Event, call: &'e ModelCall) -> Took {
        let Some(usage) = call.usage else {
            return (None, call.cost);
        };
        let row = (event.trace, event.parent);
        let before = if call.goes_on {
            self.0.insert(row, call)
        } else {
            self.0.remove(&row)
        };
        match before.and_then(|before| Some((before.usage?, before.cost))) {
            Some((tokens, cost)) => (Some(usage.without(&tokens)), call.cost.without(cost)),
            None => (call.usage, call.cost),
        }
    }
}
