//! The spans of one session as trees.

use baton::model::event::{Event, Kind, ModelCall, Target, ToolCall};
use baton::model::ids::TraceId;
use baton::model::sampling::Threshold;
use baton::model::sketch::Content;
use std::collections::BTreeSet;

pub struct Tree<'e> {
    /// By start.
    pub events: Vec<&'e Event>,
    /// The model calls that count, by start, each with the spans that show it: more than one where several instrumentations do.
    calls: Vec<Vec<&'e Event>>,
    /// The traces of each turn.
    turns: Vec<BTreeSet<TraceId>>,
}

impl<'e> Tree<'e> {
    pub fn new(events: &'e [Event], turns: Vec<BTreeSet<TraceId>>) -> Self {
        let mut tree = Self {
            events: events.iter().collect(),
            calls: Vec::new(),
            turns,
        };
        let mut calls: Vec<Vec<&Event>> = Vec::new();
        for event in events.iter().filter(|event| tree.is_leaf(event)) {
            let shows = |call: &&mut Vec<&Event>| is_shown_again(call, event);
            match calls.iter_mut().rev().find(shows) {
                Some(call) => call.push(event),
                None => calls.push(vec![event]),
            }
        }
        tree.calls = calls;
        tree
    }

    /// How a trace was sampled: as that span of it which was kept most surely.
    pub fn threshold(&self, trace: TraceId) -> Option<Threshold> {
        let own = self.events.iter().filter(|event| event.trace == trace);
        own.filter_map(|event| event.rare.threshold).min()
    }

    /// How many like it a span stands for: as it says itself, else as its trace does.
    pub fn weight(&self, event: &Event) -> f64 {
        let threshold = event.rare.threshold.or_else(|| self.threshold(event.trace));
        weight(threshold, event.trace)
    }

    /// How many like it something stands for that is no single span.
    pub fn weight_of_trace(&self, trace: TraceId) -> f64 {
        weight(self.threshold(trace), trace)
    }

    /// Whether a model event is a call that counts, and is not shown by another one already.
    pub fn is_call(&self, event: &Event) -> bool {
        self.calls.iter().any(|call| same(call[0], event))
    }

    /// The span that measures a call, and the call without the one before it under the same span, where it counts that one too: where
    /// at least the input of that one is left.
    pub fn measured(&self, event: &'e Event) -> (&'e Event, ModelCall) {
        let best = self.measure(event);
        let mut call = model(best).expect("a model call").clone();
        let place = |event: &Event| (event.start, event.end, event.span);
        let told = |event: &&Event| model(event).is_some_and(|call| call.usage.is_some());
        let row = self.calls.iter().map(|shown| self.measure(shown[0]));
        let row = row.filter(|e| (e.trace, e.parent) == (best.trace, best.parent));
        let before = row.filter(told).filter(|e| place(e) < place(best));
        let before = before.max_by_key(|e| place(e));
        let usage_is_cumulative =
            before.filter(|e| model(e).is_some_and(|call| call.usage_is_cumulative));
        if let Some(before) = usage_is_cumulative
            && let (Some(all), Some(own)) = (call.usage, self.measured(before).1.usage)
            && let Some(ModelCall { usage, cost, .. }) = model(before)
            && let Some(known) = usage
            && all.output >= known.output
            && all.input >= known.input + own.input
        {
            call.usage = Some(all.without(known));
            call.cost = call.cost.without(*cost);
        }
        (best, call)
    }

    /// The innermost of the spans that show a call and know its tokens.
    fn measure(&self, event: &'e Event) -> &'e Event {
        let call = self.calls.iter().find(|call| same(call[0], event));
        let shown = call.into_iter().flatten().rev().copied();
        let told = |event: &&Event| model(event).is_some_and(|call| call.usage.is_some());
        shown.chain([event]).find(told).unwrap_or(event)
    }

    /// The span that this one lies in; for a note, the span that it is about.
    pub fn parent(&self, event: &Event) -> Option<&'e Event> {
        let id = match event.kind {
            Kind::Note(_) => Some(event.span),
            _ => event.parent,
        };
        let is_it = |other: &&&Event| {
            other.trace == event.trace
                && Some(other.span) == id
                && !matches!(other.kind, Kind::Note(_))
        };
        self.events.iter().find(is_it).copied()
    }

    /// All spans that this one lies in, the nearest first.
    pub fn ancestors(&self, event: &Event) -> Vec<&'e Event> {
        let mut all = Vec::new();
        let mut next = self.parent(event);
        while let Some(ancestor) = next.filter(|a| !all.contains(a)) {
            all.push(ancestor);
            next = self.parent(ancestor);
        }
        all
    }

    /// Those and, where the outermost one is in a trace of its own and links to a span of the same turn, that one with all that it
    /// lies in.
    fn around(&self, event: &'e Event) -> Vec<&'e Event> {
        let mut all = vec![event];
        while let Some(next) = all
            .last()
            .and_then(|last| self.parent(last).or_else(|| self.linked(last)))
            .filter(|next| !all.contains(next))
        {
            all.push(next);
        }
        all.remove(0);
        all
    }

    fn linked(&self, root: &Event) -> Option<&'e Event> {
        let [link] = root.rare.links.as_slice() else {
            return None;
        };
        let together = |turn: &&BTreeSet<TraceId>| turn.contains(&root.trace);
        let turn = self.turns.iter().find(together)?;
        let is_it = |other: &&&Event| {
            (other.trace, other.span) == (link.trace, link.span)
                && turn.contains(&link.trace)
                && !matches!(other.kind, Kind::Note(_))
        };
        self.events.iter().find(is_it).copied()
    }

    pub fn is_inside(&self, event: &Event, outer: &Event) -> bool {
        self.ancestors(event).iter().any(|a| same(a, outer))
    }

    /// Whose work it is: the agent that the span names, else that of the span around it. Inside a tool that hands over it is the
    /// target's, but for spans that show the handoff itself.
    pub fn agent(&self, event: &Event) -> Option<&'e str> {
        let is_note = |event: &Event| matches!(event.kind, Kind::Note(_));
        let own = self
            .events
            .iter()
            .find(|known| same(known, event) && !is_note(known))?;
        if let Some(agent) = &own.agent {
            return Some(agent);
        }
        let parent = self.parent(own)?;
        let shows = matches!(own.kind, Kind::Handoff(_));
        hands_to(parent)
            .filter(|_| !shows)
            .or_else(|| self.agent(parent))
    }

    /// The span of an agent's activation: the outermost one of the same agent, else the tool that handed over to it.
    pub fn node(&self, event: &'e Event) -> Option<&'e Event> {
        let agent = self.agent(event)?;
        let mut node = None;
        for around in std::iter::once(event).chain(self.ancestors(event)) {
            if is_agent(around) {
                if self.agent(around) != Some(agent) {
                    break;
                }
                node = Some(around);
            } else if !same(around, event) && hands_to(around) == Some(agent) {
                return node.or(Some(around));
            }
        }
        node
    }

    /// A model call in which no other one of the same agent lies: several SDKs repeat the figures of calls on spans around them.
    fn is_leaf(&self, call: &Event) -> bool {
        let inner = |event: &Event| {
            matches!(event.kind, Kind::Model(_))
                && self.agent(event) == self.agent(call)
                && self.is_inside(event, call)
        };
        model(call).is_some() && !self.events.iter().any(|event| inner(event))
    }

    /// What is left of the messages of a call, log records about it included.
    pub fn content(&self, call: &Event) -> Option<Content> {
        let all = self.events.iter().filter(|event| same(event, call));
        let mut all = all.filter_map(|event| event.content.as_deref()).cloned();
        let mut content = all.next()?;
        all.for_each(|more| content.add(&more));
        Some(content)
    }

    /// A tool call, each once: agent, client and server may all show it.
    pub fn is_outermost(&self, event: &'e Event) -> bool {
        let Kind::Tool(tool) = &event.kind else {
            return false;
        };
        let nested = self
            .around(event)
            .into_iter()
            .any(|outer| matches!(&outer.kind, Kind::Tool(outer) if outer.name == tool.name));
        let before = || self.events.iter().take_while(|other| !same(other, event));
        let is_around = |other: &&Event| {
            other.trace == event.trace
                && other.end >= event.end
                && matches!(&other.kind, Kind::Tool(t) if t.name == tool.name && t.call_id.is_some())
        };
        let beside = tool.call_id.is_none() && before().any(is_around);
        !nested && !beside && !before().any(|other| has_id_of(other, event))
    }

    /// A tool failed where any span of the same call says so; one that hands over is judged as a handoff.
    pub fn tool_failed(&self, event: &Event, tool: &ToolCall) -> bool {
        let says = |other: &'e Event| match &other.kind {
            Kind::Tool(other_tool) => {
                let shows = |outer: &Event| {
                    same(other, outer)
                        || other_tool.name == tool.name
                            && self.around(other).into_iter().any(|a| same(a, outer))
                };
                let mut mates = self.events.iter().filter(|mate| has_id_of(mate, event));
                let same_call = shows(event) || mates.any(|mate| shows(mate));
                same_call && other_tool.hands_to.is_none() && (other_tool.failed || other.error)
            }
            _ => false,
        };
        tool.failed || event.error || self.events.iter().any(|other| says(other))
    }
}

pub fn weight(threshold: Option<Threshold>, trace: TraceId) -> f64 {
    threshold.map_or(1.0, |threshold| threshold.weight(trace) as f64)
}

fn model(event: &Event) -> Option<&ModelCall> {
    match &event.kind {
        Kind::Model(call) => Some(call),
        _ => None,
    }
}

/// Whether two tool events of one trace have the same call id.
fn has_id_of(one: &Event, other: &Event) -> bool {
    let id = |event: &'_ Event| match &event.kind {
        Kind::Tool(tool) => tool.call_id.clone(),
        _ => None,
    };
    one.trace == other.trace && id(one).is_some() && id(one) == id(other)
}

/// Whether an event shows a call again that is shown already: under the same span, within its time, by another instrumentation.
/// One instrumentation shows a call once.
fn is_shown_again(call: &[&Event], event: &Event) -> bool {
    let first = call[0];
    let (Some(a), Some(b)) = (model(first), model(event)) else {
        return false;
    };
    let input = |call: &ModelCall| call.usage.map(|usage| usage.input);
    first.trace == event.trace
        && first.parent.is_some()
        && first.parent == event.parent
        && event.end <= first.end
        && call
            .iter()
            .all(|e| model(e).is_some_and(|c| c.instrumentation != b.instrumentation))
        && (a.operation, &a.model) == (b.operation, &b.model)
        && (input(a).is_none() || input(b).is_none() || input(a) == input(b))
}

/// Whether two names mean one agent: frameworks make ids of names.
pub fn alike(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.to_ascii_lowercase().replace(['-', ' '], "_");
    plain(one) == plain(other)
}

pub fn same(one: &Event, other: &Event) -> bool {
    (one.trace, one.span) == (other.trace, other.span)
}

/// The agent that a tool hands over to.
fn hands_to(event: &Event) -> Option<&str> {
    match &event.kind {
        Kind::Tool(tool) => match &tool.hands_to {
            Some(Target::Agent(name)) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

pub fn is_agent(event: &Event) -> bool {
    match &event.kind {
        Kind::Agent { .. } => true,
        Kind::Model(call) => call.is_agent,
        _ => false,
    }
}
