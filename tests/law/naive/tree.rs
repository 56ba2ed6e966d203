//! The spans of one session as trees.

use baton::model::Name;
use baton::model::event::{Event, Kind, Target, ToolCall};
use baton::model::sketch::Content;

pub struct Tree<'e> {
    /// By start.
    pub events: Vec<&'e Event>,
}

impl<'e> Tree<'e> {
    pub fn new(events: &'e [Event]) -> Self {
        Self {
            events: events.iter().collect(),
        }
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
    pub fn is_leaf(&self, call: &Event) -> bool {
        let inner = |event: &Event| {
            matches!(event.kind, Kind::Model(_))
                && self.agent(event) == self.agent(call)
                && self.is_inside(event, call)
        };
        !self.events.iter().any(|event| inner(event))
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
    pub fn is_outermost(&self, event: &Event) -> bool {
        let Kind::Tool(tool) = &event.kind else {
            return false;
        };
        let is_it = |other: &Event, by: fn(&ToolCall) -> Option<&Name>| matches!(&other.kind, Kind::Tool(other) if by(other).is_some() && by(other) == by(tool));
        let nested = self
            .ancestors(event)
            .into_iter()
            .any(|outer| is_it(outer, |t| Some(&t.name)));
        let before = self.events.iter().take_while(|other| !same(other, event));
        let mut before = before.filter(|other| other.trace == event.trace);
        !nested && !before.any(|other| is_it(other, |t| t.call_id.as_ref()))
    }
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
