//! Sequences of calls with cumulative tokens: an SDK that executes tools itself includes each model call in the next one.

use crate::model::event::{Cost, Event, ModelCall, Usage};
use crate::model::ids::{SpanId, TraceId};
use crate::model::small_map::SmallMap;
use crate::model::time::Timestamp;

/// What one call took itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetUsage {
    pub usage: Option<Usage>,
    pub cost: Cost,
    /// What caching saved.
    pub cache_savings: Option<f64>,
}

/// CumulativeUsage by their trace and the span around. Other calls than those of rows are not remembered.
#[derive(Debug, Default)]
pub struct CumulativeUsage(SmallMap<(TraceId, Option<SpanId>), LatestCall>);

/// The latest call of a row that told its tokens, as it told them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatestCall {
    /// When it began and ended, and its span: its place in the row.
    pub at: (Timestamp, Timestamp, SpanId),
    pub usage: Usage,
    pub cost: Cost,
    /// Its input without that of the calls before it.
    pub own: u64,
    pub usage_is_cumulative: bool,
    pub cache_savings: Option<f64>,
}

impl CumulativeUsage {
    /// Roughly the bytes that they hold in memory.
    pub fn weight(&self) -> usize {
        self.0.len() * 2 * size_of::<((TraceId, Option<SpanId>), LatestCall)>()
    }

    /// Tokens and cost of a call without the calls of its sequence that are known (C-7, C-8, C-9).
    pub fn net_usage(&mut self, event: &Event, call: &ModelCall) -> NetUsage {
        let told = NetUsage {
            usage: call.usage,
            cost: call.cost,
            cache_savings: call.cache_savings,
        };
        let Some(usage) = call.usage else {
            return told;
        };
        let at = (event.start, event.end, event.span);
        let place = (event.trace, event.parent);
        let known = self.0.get(&place);
        let net_usage = match known {
            Some(row) if row.at < at && row.is_in(&usage) => row.taken_from(usage, told),
            // All of it was counted with the later one.
            Some(row) if row.at > at && row.holds(call) => NetUsage {
                cache_savings: told.cache_savings.map(|_| 0.0),
                ..row.taken_from(usage, told)
            },
            _ => told,
        };
        let is_latest = known.map_or(call.usage_is_cumulative, |row| row.at < at);
        if is_latest {
            let row = LatestCall {
                at,
                usage,
                cost: call.cost,
                own: net_usage.usage.map_or(0, |usage| usage.input),
                usage_is_cumulative: call.usage_is_cumulative,
                cache_savings: call.cache_savings,
            };
            self.0.insert(place, row);
        }
        net_usage
    }

    /// The latest call of each sequence, for a snapshot.
    pub fn calls(&self) -> impl Iterator<Item = (&(TraceId, Option<SpanId>), &LatestCall)> {
        self.0.iter()
    }

    /// Those of both sessions, as they met: of a row that both know a part of the later call counts.
    pub fn merge(&mut self, other: Self) {
        for (place, theirs) in other.0 {
            let own = self.0.get_or_insert_with(place, || theirs);
            if own.at < theirs.at {
                *own = theirs;
            }
        }
    }
}

impl FromIterator<((TraceId, Option<SpanId>), LatestCall)> for CumulativeUsage {
    fn from_iter<I: IntoIterator<Item = ((TraceId, Option<SpanId>), LatestCall)>>(
        calls: I,
    ) -> Self {
        Self(calls.into_iter().collect())
    }
}

impl LatestCall {
    /// What a later call took without this one.
    fn taken_from(&self, usage: Usage, told: NetUsage) -> NetUsage {
        let before = self.cache_savings.unwrap_or(0.0);
        NetUsage {
            usage: Some(usage.without(&self.usage)),
            cost: told.cost.without(self.cost),
            cache_savings: told.cache_savings.map(|all| all - before),
        }
    }

    /// Whether a later call includes this one. Its own part then contains the prompt of this one: an application that runs the tools itself
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
