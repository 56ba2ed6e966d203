//! Where the runs of a turn stopped: which tools their last calls asked for and nobody ran, and what shows that it waits (T-13).
//!
//! What happens inside a tool is its own: its calls do not go on with the run that called it, and its tools are not those that
//! the run asked for. So each span has a *scope*, the tool call around it, or none.

use super::nesting::Nesting;
use super::tree::cut_circles;
use crate::model::Name;
use crate::model::event::{Event, Kind, Operation, Pause, ToolCall};
use crate::model::ids::{SpanId, TraceId};
use crate::model::time::Timestamp;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};

/// The spans of a turn, or of a part of it, by the tool calls around them.
pub(super) struct Standstill<'e> {
    events: Vec<&'e Event>,
    /// The tool call around each span.
    scopes: Vec<Option<usize>>,
    /// The tool call that each tool span shows: itself, or one around it (C-2).
    shown: Vec<usize>,
    /// The run or the agent around each span has failed.
    broken: Vec<bool>,
    /// The start of the last chat call in each scope, and in those around it.
    last_calls: HashMap<Option<usize>, Timestamp>,
    /// Of each tool call, the start of the last chat call in the scopes around it.
    calls_around: HashMap<usize, Timestamp>,
    root_failed: bool,
}

/// What tells one call of a tool from others: its ID where it has one, otherwise its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum CallKey<'e> {
    Id(&'e Name),
    Span(TraceId, SpanId),
}

/// The tool calls of one scope that ran.
#[derive(Default)]
struct RanCalls<'e> {
    tools: HashSet<CallKey<'e>>,
    /// Of those, the ones that hand over.
    handoffs: HashSet<CallKey<'e>>,
}

impl RanCalls<'_> {
    /// How many of the tools that a call asked for ran. It asked for so many handoffs beside them.
    fn asked_for(&self, handoffs: usize) -> usize {
        self.tools.len() - self.handoffs.len().min(handoffs)
    }
}

fn tool(event: &Event) -> Option<&ToolCall> {
    match &event.kind {
        Kind::Tool(tool) => Some(tool),
        _ => None,
    }
}

/// Whether an event is a chat call and not the work of an agent at the same time.
fn is_mere_chat(event: &Event) -> bool {
    matches!(&event.kind, Kind::Model(call) if call.operation == Operation::Chat && !call.is_agent)
}

impl<'e> Standstill<'e> {
    pub(super) fn of(events: impl Iterator<Item = &'e Event>) -> Self {
        let mut events: Vec<&Event> = events.collect();
        events.sort_by_key(|e| (e.start, e.end, e.trace, e.span));
        let places = events.iter().enumerate();
        let index: HashMap<_, usize> = places.map(|(i, e)| ((e.trace, e.span), i)).collect();
        let parent = |e: &&Event| index.get(&(e.trace, e.parent?)).copied();
        let mut parents: Vec<Option<usize>> = events.iter().map(parent).collect();
        cut_circles(&mut parents);
        let count = events.len();
        let mut found = Self {
            root_failed: events.iter().any(|e| e.parent.is_none() && e.error),
            events,
            scopes: vec![None; count],
            shown: (0..count).collect(),
            broken: vec![false; count],
            last_calls: HashMap::default(),
            calls_around: HashMap::default(),
        };
        let order = Nesting::of(&parents).order;
        for &i in &order {
            found.place(i, parents[i]);
        }
        for (event, scope) in found.events.iter().zip(&found.scopes) {
            if is_mere_chat(event) {
                let last = found.last_calls.entry(*scope).or_default();
                *last = event.start.max(*last);
            }
        }
        for &i in &order {
            if tool(found.events[i]).is_some()
                && let Some(last) = found.last_call(found.scopes[i])
            {
                found.calls_around.insert(i, last);
            }
        }
        found
    }

    /// Finds the scope of a span, once that of its parent is known.
    fn place(&mut self, i: usize, parent: Option<usize>) {
        let event = self.events[i];
        let is_run = matches!(event.kind, Kind::Agent { .. } | Kind::Workflow);
        self.broken[i] = is_run && event.error;
        let Some(parent) = parent else {
            return;
        };
        self.broken[i] |= self.broken[parent];
        self.scopes[i] = match self.events[parent].kind {
            Kind::Tool(_) => Some(self.shown[parent]),
            _ => self.scopes[parent],
        };
        if let Some(around) = self.scopes[i]
            && let (Some(outer), Some(inner)) = (tool(self.events[around]), tool(event))
            && outer.is_same_call(inner)
        {
            self.shown[i] = around;
            self.scopes[i] = self.scopes[around];
        }
    }

    /// The start of the last chat call in a scope or around it: a later one goes on with what stopped before.
    fn last_call(&self, scope: Option<usize>) -> Option<Timestamp> {
        let own = self.last_calls.get(&scope).copied();
        own.max(scope.and_then(|around| self.calls_around.get(&around).copied()))
    }

    /// Whether the turn stopped without an end: for a decision, or for the result of a tool that nobody called.
    pub(super) fn waits(&self) -> bool {
        (0..self.events.len()).any(|i| self.shows_wait(i)) || self.lacks_tools()
    }

    /// Whether span `i` shows that its run waits: it says so, or is a tool that returned nothing and followed a call.
    pub(super) fn shows_wait(&self, i: usize) -> bool {
        let event = self.events[i];
        let last = self.last_call(self.scopes[i]);
        let is_last = match event.rare.pause {
            Some(Pause::Waits) => last.is_none_or(|call| call < event.end),
            Some(Pause::MayWait) => last.is_some_and(|call| call < event.end),
            _ => false,
        };
        is_last && !self.root_failed
    }

    /// The spans whose marks say that their run waits, by trace and span.
    pub(super) fn marked(&self) -> impl Iterator<Item = (TraceId, SpanId)> + '_ {
        let marked = (0..self.events.len()).filter(|&i| self.shows_wait(i));
        marked.map(|i| (self.events[i].trace, self.events[i].span))
    }

    /// Whether fewer tools ran than a call asked for that nothing followed.
    fn lacks_tools(&self) -> bool {
        let mut asking: HashMap<Option<usize>, Timestamp> = HashMap::default();
        let is_open = |&i: &usize| {
            let (event, scope) = (self.events[i], self.scopes[i]);
            let asks = matches!(&event.kind, Kind::Model(call)
                if is_mere_chat(event) && call.asked_tools > 0 && !call.failed);
            asks && !event.rare.cancelled
                && !self.broken[i]
                && self.last_call(scope) == Some(event.start)
        };
        let open: Vec<usize> = (0..self.events.len()).filter(is_open).collect();
        if open.is_empty() || self.root_failed {
            return false;
        }
        asking.extend(open.iter().map(|&i| (self.scopes[i], self.events[i].start)));
        let ran = self.ran_since(&asking);
        let nothing = RanCalls::default();
        open.iter().any(|&i| match &self.events[i].kind {
            Kind::Model(call) => {
                let ran = ran.get(&self.scopes[i]).unwrap_or(&nothing);
                ran.asked_for(call.requests.len()) < call.asked_tools as usize
            }
            _ => false,
        })
    }

    /// The tool calls that ran in these scopes since these times.
    fn ran_since(
        &self,
        since: &HashMap<Option<usize>, Timestamp>,
    ) -> HashMap<Option<usize>, RanCalls<'e>> {
        let mut ran: HashMap<Option<usize>, RanCalls<'e>> = HashMap::default();
        // The ends of calls with an ID, by their tool: a server shows its part beside them, without it (C-2).
        let mut ends: HashMap<(TraceId, &Name), Timestamp> = HashMap::default();
        for (i, event) in self.events.iter().enumerate() {
            let call = self.events[self.shown[i]];
            let Some(shown) = tool(call) else {
                continue;
            };
            let end = ends.entry((call.trace, &shown.name)).or_default();
            let key = match &shown.call_id {
                Some(id) => {
                    *end = event.end.max(*end);
                    CallKey::Id(id)
                }
                None if call.end <= *end || shown.name.is_empty() => continue,
                None => CallKey::Span(call.trace, call.span),
            };
            let scope = self.scopes[self.shown[i]];
            let is_asked = since.get(&scope).is_some_and(|since| call.start >= *since);
            let waits = matches!(event.rare.pause, Some(Pause::Waits | Pause::MayWait));
            if is_asked && !waits {
                let ran = ran.entry(scope).or_default();
                ran.tools.insert(key);
                if shown.hands_to.is_some() {
                    ran.handoffs.insert(key);
                }
            }
        }
        ran
    }
}
