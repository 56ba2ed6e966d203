//! The spans of one turn as a tree, with the agent each one works for.

use crate::model::Name;
use crate::model::event::{Event, Kind, Target};
use crate::model::ids::{SpanId, TraceId};
use rapidhash::RapidHashMap as HashMap;

/// The workflow of a turn that names none.
pub const DEFAULT_WORKFLOW: &str = "default";
/// The label of an agent that no span names.
pub(super) const UNKNOWN_AGENT: &str = "unknown";

/// The events of a turn. An event is named by its index; the order is by start, then end, then span id.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) events: Vec<&'a Event>,
    /// The name of the outermost workflow.
    pub(super) workflow: Name,
    parents: Vec<Option<usize>>,
    /// The parents, and for a root the span of another trace that it links to, where it links to one. Empty where nobody does.
    callers: Vec<Option<usize>>,
    agents: Vec<Option<&'a Name>>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(events: impl Iterator<Item = &'a Event>) -> Self {
        let mut events: Vec<&Event> = events.collect();
        events.sort_by_key(|e| (e.start, e.end, e.trace, e.span));
        let index: HashMap<(TraceId, SpanId), usize> = events
            .iter()
            .enumerate()
            .map(|(i, e)| ((e.trace, e.span), i))
            .collect();
        let mut parents: Vec<Option<usize>> = events
            .iter()
            .map(|e| index.get(&(e.trace, e.parent?)).copied())
            .collect();
        cut_circles(&mut parents);
        let linked = |e: &Event| match e.rare.links.as_slice() {
            [link] => index.get(&(link.trace, link.span)).copied(),
            _ => None,
        };
        let mut callers = Vec::new();
        if events.iter().any(|event| !event.rare.links.is_empty()) {
            let pairs = parents.iter().zip(&events);
            callers = pairs.map(|(p, e)| p.or_else(|| linked(e))).collect();
            cut_circles(&mut callers);
        }
        let mut tree = Self {
            callers,
            agents: vec![None; events.len()],
            workflow: workflow_name(&events),
            events,
            parents,
        };
        tree.attribute();
        tree
    }

    /// The agent that event `i` is or works for: declared on it, else given by the nearest span around it.
    pub(super) fn agent(&self, i: usize) -> Option<&'a Name> {
        self.agents[i]
    }

    /// The spans around event `i`, innermost first.
    pub(super) fn ancestors(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.parents[i], |&p| self.parents[p])
    }

    /// The spans around event `i`, and around those the span of another trace that called them, innermost first (C-3).
    pub(super) fn callers(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        let callers = match self.callers.as_slice() {
            [] => &self.parents,
            some => some,
        };
        std::iter::successors(callers[i], |&c| callers[c])
    }

    pub(super) fn is_inside(&self, i: usize, outer: usize) -> bool {
        self.ancestors(i).any(|a| a == outer)
    }

    /// Whether event `i` stands for an agent at work.
    pub(super) fn is_agent(&self, i: usize) -> bool {
        match &self.events[i].kind {
            Kind::Agent { .. } => true,
            Kind::Model(call) => call.is_agent,
            _ => false,
        }
    }

    /// The agent whose work the spans inside a handing-over tool are.
    pub(super) fn handed_to(&self, i: usize) -> Option<&'a Name> {
        let event: &'a Event = self.events[i];
        match &event.kind {
            Kind::Tool(tool) => match &tool.hands_to {
                Some(Target::Agent(name)) => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// Gives every event its agent, outermost first.
    fn attribute(&mut self) {
        let mut done = vec![false; self.events.len()];
        let mut chain = Vec::new();
        for i in 0..self.events.len() {
            chain.clear();
            chain.push(i);
            chain.extend(self.ancestors(i).take_while(|&a| !done[a]));
            for &link in chain.iter().rev() {
                if done[link] {
                    continue;
                }
                let event: &'a Event = self.events[link];
                self.agents[link] = event.agent.as_ref().or_else(|| {
                    let parent = self.parents[link]?;
                    // A span that shows the handoff itself is still the source's.
                    let shows = matches!(event.kind, Kind::Handoff(_));
                    let target = self.handed_to(parent).filter(|_| !shows);
                    target.or(self.agent(parent))
                });
                done[link] = true;
            }
        }
    }
}

fn workflow_name(events: &[&Event]) -> Name {
    let named = events.iter().find_map(|event| event.workflow.clone());
    named.unwrap_or_else(|| Name::from(DEFAULT_WORKFLOW))
}

/// Forged parents and links can form a circle; one span of it becomes a root.
fn cut_circles(parents: &mut [Option<usize>]) {
    const NEW: u8 = 0;
    const OPEN: u8 = 1;
    const DONE: u8 = 2;
    let mut state = vec![NEW; parents.len()];
    let mut path = Vec::new();
    for start in 0..parents.len() {
        let mut next = Some(start);
        while let Some(i) = next {
            match state[i] {
                NEW => {
                    state[i] = OPEN;
                    path.push(i);
                    next = parents[i];
                }
                OPEN => {
                    // `i` is on this path, so the last step closed a circle.
                    if let Some(&last) = path.last() {
                        parents[last] = None;
                    }
                    break;
                }
                _ => break,
            }
        }
        for i in path.drain(..) {
            state[i] = DONE;
        }
    }
}
