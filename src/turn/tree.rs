//! The spans of one turn as a tree, with the agent each one works for.

use super::identity::{self, Identities};
use super::nesting::{self, Nesting};
use crate::model::Name;
use crate::model::agent_name;
use crate::model::event::{Event, Kind, Target};
use crate::model::ids::{SpanId, TraceId};
use crate::model::small_map::SmallSet;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};

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
    nesting: Nesting,
    /// The same by the callers; empty where they are the parents.
    calling: Nesting,
    /// The outermost span of the activation that each event belongs to.
    nodes: Vec<Option<usize>>,
    identities: Identities<'a>,
    /// The agent of each event, by its number among the identities.
    agents: Vec<Option<usize>>,
    /// Tools that hand over by their name only, and are tools by what happens (H-10).
    tools_after_all: HashSet<usize>,
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
            nesting: Nesting::default(),
            calling: Nesting::default(),
            nodes: Vec::new(),
            agents: Vec::new(),
            tools_after_all: HashSet::default(),
            identities: Identities::of(&events),
            workflow: workflow_name(&events),
            events,
            parents,
        };
        tree.attribute();
        tree
    }

    /// The agent that event `i` is or works for: declared on it, else given by the nearest span around it.
    pub(super) fn agent(&self, i: usize) -> Option<&Name> {
        self.agents[i].map(|number| self.identities.name(number))
    }

    /// The agents of the turn.
    pub(super) fn identities(&self) -> &Identities<'a> {
        &self.identities
    }

    pub(super) fn parent(&self, i: usize) -> Option<usize> {
        self.parents[i]
    }

    /// Makes events work inside others. Who called an event of another trace stays its caller.
    pub(super) fn move_into(&mut self, moves: &[(usize, usize)]) {
        for &(i, home) in moves {
            if let Some(caller) = self.callers.get_mut(i)
                && *caller == self.parents[i]
            {
                *caller = Some(home);
            }
            self.parents[i] = Some(home);
        }
        cut_circles(&mut self.parents);
        cut_circles(&mut self.callers);
        self.attribute();
    }

    /// The spans around event `i`, innermost first.
    pub(super) fn ancestors(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        nesting::around(&self.parents, i)
    }

    /// The spans around event `i`, and around those the span of another trace that called them, innermost first (C-3).
    pub(super) fn callers(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        nesting::around(self.all_callers(), i)
    }

    /// The nearest of the spans around each event for which this holds.
    pub(super) fn nearest_around(&self, is_one: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
        self.nesting.nearest(&self.parents, is_one)
    }

    /// The nearest of the callers of each event for which this holds.
    pub(super) fn nearest_callers(&self, is_one: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
        self.calling().nearest(self.all_callers(), is_one)
    }

    /// How many callers each event has.
    pub(super) fn depths(&self) -> Vec<usize> {
        let callers = self.all_callers();
        let mut depths = vec![0; callers.len()];
        for &i in &self.calling().order {
            depths[i] = callers[i].map_or(0, |caller| depths[caller] + 1);
        }
        depths
    }

    fn all_callers(&self) -> &[Option<usize>] {
        match self.callers.as_slice() {
            [] => &self.parents,
            some => some,
        }
    }

    fn calling(&self) -> &Nesting {
        match self.callers.as_slice() {
            [] => &self.nesting,
            _ => &self.calling,
        }
    }

    pub(super) fn nesting(&self) -> &Nesting {
        &self.nesting
    }

    pub(super) fn is_inside(&self, i: usize, outer: usize) -> bool {
        self.nesting.is_inside(i, outer)
    }

    /// Whether event `outer` is one of the callers of event `i`.
    pub(super) fn is_called_inside(&self, i: usize, outer: usize) -> bool {
        self.calling().is_inside(i, outer)
    }

    /// The outermost span of the activation that event `i` belongs to: spans of the same agent nest, a delegating tool
    /// stands for a delegate without a span of its own.
    pub(super) fn activation_node(&self, i: usize) -> Option<usize> {
        self.nodes[i]
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
    pub(super) fn handed_to(&self, i: usize) -> Option<&Name> {
        self.target_number(i)
            .map(|number| self.identities.name(number))
    }

    fn target_number(&self, i: usize) -> Option<usize> {
        let event: &'a Event = self.events[i];
        match &event.kind {
            Kind::Tool(tool) => match &tool.hands_to {
                Some(Target::Agent(name)) => self.identities.target_number(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether event `i` is a tool whose name alone says that it hands over, while what happens says that it does not (H-10).
    pub(super) fn is_tool_after_all(&self, i: usize) -> bool {
        self.tools_after_all.contains(&i)
    }

    /// Lets the targets of handoffs stand for the agents at work that are named nearly so (H-2).
    pub(super) fn join_targets(&mut self, known: &SmallSet<Name>) {
        let mut asked = Vec::new();
        for (i, event) in self.events.iter().enumerate() {
            let from = match &event.kind {
                Kind::Handoff(handoff) => handoff.from.as_ref(),
                _ => None,
            };
            let from = from.and_then(|name| self.identities.number(name));
            let source = from.or(self.agents[i]);
            let numbers = identity::targets(event).filter_map(|to| self.identities.number(to));
            asked.extend(numbers.map(|to| (to, source)));
        }
        if self.identities.join_kin(&asked, known) {
            self.attribute();
        }
    }

    /// Finds the tools that ran well and after which the same agent went on, where nobody knows an agent of that name.
    pub(super) fn find_tools_after_all(&mut self, known: &SmallSet<Name>) {
        let is_one = |&i: &usize| {
            let event = self.events[i];
            let Kind::Tool(tool) = &event.kind else {
                return false;
            };
            let Some(Target::Agent(to)) = tool.hands_to.as_ref() else {
                return false;
            };
            // A tool that delegates returns as tools do.
            let by_name = tool.does_work && !tool.delegates;
            let is_agent = !by_name
                || self.identities.acts(to)
                || agent_name::is_number(to)
                || agent_name::is_person(to)
                || agent_name::is_role(to)
                || known.iter().any(|agent| agent_name::is_alike(agent, to));
            !is_agent && !tool.failed && !event.error && self.goes_on_after(i)
        };
        let tools = (0..self.events.len()).filter(is_one).collect();
        self.tools_after_all = tools;
    }

    /// Whether the agent of tool call `i` makes the next call of a model itself.
    fn goes_on_after(&self, i: usize) -> bool {
        let end = self.events[i].end;
        let first = self.events.partition_point(|event| event.start < end);
        let mut next = (first..self.events.len()).filter(|&next| {
            matches!(self.events[next].kind, Kind::Model(_) | Kind::Agent { .. })
                && self.events[next].trace == self.events[i].trace
        });
        let is_empty = (i..self.events.len()).all(|inner| {
            let acts = matches!(self.events[inner].kind, Kind::Model(_) | Kind::Agent { .. });
            !acts || !self.is_inside(inner, i)
        });
        let agent = self.agents[i];
        is_empty && agent.is_some() && next.next().is_some_and(|next| self.agents[next] == agent)
    }

    /// Gives every event its agent and the span of its activation, outermost first.
    fn attribute(&mut self) {
        self.nesting = Nesting::of(&self.parents);
        self.calling = Nesting::of(&self.callers);
        self.agents = vec![None; self.events.len()];
        self.nodes = vec![None; self.events.len()];
        for place in 0..self.events.len() {
            let i = self.nesting.order[place];
            self.agents[i] = self.attributed(i);
            self.nodes[i] = self.node(i);
        }
    }

    /// The span of the activation of event `i`, as far as those around it are known.
    fn node(&self, i: usize) -> Option<usize> {
        let agent = self.agents[i]?;
        let mut around = self.ancestors(i);
        // Of the same agent it is known; what works for others and is no agent lies between.
        let around = around.find_map(|at| {
            let hands =
                !self.is_agent(at) && self.handed_to(at) == Some(self.identities.name(agent));
            if hands {
                return Some(Some(at));
            }
            match self.agents[at] == Some(agent) {
                true => Some(self.nodes[at]),
                false => self.is_agent(at).then_some(None),
            }
        });
        let around = around.flatten();
        match self.is_agent(i) {
            true => around.filter(|&node| self.is_agent(node)).or(Some(i)),
            false => around,
        }
    }

    /// The agent of event `i`, as far as that of its parent is known.
    fn attributed(&self, i: usize) -> Option<usize> {
        let event: &'a Event = self.events[i];
        let own = event.agent.as_ref();
        own.and_then(|name| self.identities.number(name))
            .or_else(|| {
                let parent = self.parents[i]?;
                // A span that shows the handoff itself is still the source's.
                let shows = matches!(event.kind, Kind::Handoff(_));
                let target = self.target_number(parent).filter(|_| !shows);
                target.or(self.agents[parent])
            })
    }
}

fn workflow_name(events: &[&Event]) -> Name {
    let named = events.iter().find_map(|event| event.workflow.clone());
    named.unwrap_or_else(|| Name::from(DEFAULT_WORKFLOW))
}

/// Forged parents and links can form a circle; one span of it becomes a root.
pub fn cut_circles(parents: &mut [Option<usize>]) {
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
