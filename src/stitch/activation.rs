//! Activations: the steps of a turn, grouped by agent.

use super::tree::Tree;
use crate::model::Name;
use crate::model::event::{Event, Kind, Operation, Target};
use crate::model::ids::{SpanId, TraceId};
use crate::model::time::Timestamp;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};
use smallvec::{SmallVec, smallvec};

/// One thing an agent did: a model call that counts, a tool call, or (where the dialect shows no more) its whole span.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) event: usize,
    pub(super) activation: usize,
    /// The step failed; a handing-over tool never fails here, since the handoff is judged by itself.
    pub(super) failed: bool,
}

/// One agent at work, from taking over to giving up control.
#[derive(Debug)]
pub(super) struct Activation {
    /// `None`: the spans do not say whose work it is.
    pub(super) agent: Option<Name>,
    /// The outermost span of the activation, if it has one.
    pub(super) node: Option<usize>,
    /// In order of start; never empty.
    pub(super) acts: Vec<usize>,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// The activation around this one, when its agent acts itself.
    pub(super) parent: Option<usize>,
    pub(super) failed: bool,
}

impl Activation {
    /// The spans of its agent in its time, in order of start.
    pub(super) fn spans<'a>(
        &'a self,
        tree: &'a Tree<'_>,
    ) -> impl Iterator<Item = &'a Event> + Clone {
        let first = tree.events.partition_point(|e| e.start < self.start);
        (first..tree.events.len())
            .take_while(|&i| tree.events[i].start <= self.end)
            .filter(|&i| self.agent.is_some() && tree.agent(i) == self.agent.as_ref())
            .map(|i| tree.events[i])
    }
}

/// The acts and activations of a turn.
#[derive(Debug, Default)]
pub(super) struct Activations {
    pub(super) acts: Vec<Step>,
    /// In order of start.
    pub(super) activations: Vec<Activation>,
    /// Model events that count: those with no model call inside them.
    pub(super) calls: Vec<usize>,
    /// Of a call that two instrumentations show, the inner event: it is nearer to the wire.
    twins: HashMap<usize, usize>,
    /// Tool events that count as tool calls.
    pub(super) tools: Vec<usize>,
    /// Tool events that look well, of which another span of the same call says that it failed.
    pub(super) broken: HashSet<usize>,
}

impl Activations {
    pub(super) fn of(tree: &Tree<'_>) -> Self {
        let (calls, twins) = shown_once(tree, leaf_calls(tree));
        let tools = outermost_tools(tree);
        let mut steps: Vec<usize> = calls
            .iter()
            .copied()
            .filter(|&i| is_chat(tree, i))
            .chain(tools.iter().copied())
            .collect();
        steps.extend(silent_agents(tree, &steps));
        steps.sort_unstable();
        let mut cast = Self {
            calls,
            twins,
            broken: broken_inside(tree),
            ..Self::default()
        };
        cast.group(tree, &steps);
        cast.sort_activations();
        cast.find_parents(tree);
        let cast_ref = &cast;
        cast.tools = tools
            .into_iter()
            .filter(|&i| counts_as_tool(tree, cast_ref, i))
            .collect();
        cast
    }

    /// The first step of an activation.
    pub(super) fn first_act(&self, activation: usize) -> &Step {
        &self.acts[self.activations[activation].acts[0]]
    }

    /// The event by which call `i` is measured.
    pub(super) fn measured<'e>(&self, tree: &Tree<'e>, i: usize) -> &'e Event {
        let told = |event: &Event| matches!(&event.kind, Kind::Model(call) if call.usage.is_some());
        let twin = self.twins.get(&i).map(|&twin| tree.events[twin]);
        twin.filter(|twin| told(twin)).unwrap_or(tree.events[i])
    }

    fn group(&mut self, tree: &Tree<'_>, steps: &[usize]) {
        let mut by_node: Vec<Option<usize>> = vec![None; tree.events.len()];
        let mut run: Option<usize> = None;
        for &event in steps {
            let node = activation_node(tree, event);
            let agent = tree.agent(event);
            let known = match node {
                Some(node) => by_node[node],
                // A tool that nobody's name stands at is used by whoever is at work.
                None => run.filter(|&r| {
                    let tool = matches!(tree.events[event].kind, Kind::Tool(_));
                    self.activations[r].agent.as_ref() == agent || tool && agent.is_none()
                }),
            };
            let activation = known.unwrap_or_else(|| {
                self.activations.push(Activation {
                    agent: agent.cloned(),
                    node,
                    acts: Vec::new(),
                    start: tree.events[event].start,
                    end: tree.events[event].end,
                    parent: None,
                    failed: false,
                });
                self.activations.len() - 1
            });
            match node {
                Some(node) => by_node[node] = Some(activation),
                None => run = Some(activation),
            }
            self.add(tree, event, activation);
        }
    }

    fn add(&mut self, tree: &Tree<'_>, event: usize, index: usize) {
        let failed = step_failed(tree, event) || self.broken.contains(&event);
        let activation = &mut self.activations[index];
        activation.acts.push(self.acts.len());
        activation.end = activation.end.max(tree.events[event].end);
        activation.failed = failed;
        if let Some(node) = activation.node {
            // A tool around a delegate starts with the decision, not with the delegate.
            if tree.is_agent(node) {
                activation.start = activation.start.min(tree.events[node].start);
                activation.end = activation.end.max(tree.events[node].end);
                activation.failed |= tree.events[node].error;
            }
        }
        self.acts.push(Step {
            event,
            activation: index,
            failed,
        });
    }

    fn sort_activations(&mut self) {
        let mut order: Vec<usize> = (0..self.activations.len()).collect();
        order.sort_by_key(|&i| (self.activations[i].start, i));
        let mut place = vec![0; order.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old] = new;
        }
        for act in &mut self.acts {
            act.activation = place[act.activation];
        }
        let mut old: Vec<Option<Activation>> = self.activations.drain(..).map(Some).collect();
        self.activations = order.iter().filter_map(|&i| old[i].take()).collect();
    }

    fn find_parents(&mut self, tree: &Tree<'_>) {
        // The activation whose node an event is, or better one of whose acts it is.
        let mut at = vec![None; tree.events.len()];
        for (i, activation) in self.activations.iter().enumerate() {
            if let Some(node) = activation.node {
                at[node] = Some(i);
            }
        }
        for act in &self.acts {
            at[act.event] = Some(act.activation);
        }
        for i in 0..self.activations.len() {
            let inner = &self.activations[i];
            let from = inner.node.unwrap_or_else(|| self.acts[inner.acts[0]].event);
            // The node itself may be a tool call: an act of the agent that delegates.
            let around = std::iter::once(from)
                .chain(tree.ancestors(from))
                .filter_map(|a| at[a])
                .find(|&a| a != i && self.activations[a].agent != inner.agent);
            self.activations[i].parent = around.or_else(|| self.host(tree, i));
        }
    }

    /// An agent in a trace of its own that runs while an agent of another trace waits works for that one. Two that run at the
    /// very same time wait for nobody.
    fn host(&self, tree: &Tree<'_>, inner: usize) -> Option<usize> {
        let trace = |a: usize| tree.events[self.first_act(a).event].trace;
        let i = &self.activations[inner];
        (0..self.activations.len())
            .filter(|&o| {
                let outer = &self.activations[o];
                trace(o) != trace(inner)
                    && outer.agent != i.agent
                    && outer.start <= i.start
                    && outer.end >= i.end
                    && (outer.start, outer.end) != (i.start, i.end)
            })
            .min_by_key(|&o| {
                let outer = &self.activations[o];
                outer.end.since(outer.start)
            })
    }
}

fn is_chat(tree: &Tree<'_>, i: usize) -> bool {
    matches!(&tree.events[i].kind, Kind::Model(call) if call.operation == Operation::Chat)
}

/// Model events without a model call inside; several SDKs wrap one call in two spans.
fn leaf_calls(tree: &Tree<'_>) -> Vec<usize> {
    let models: Vec<usize> = (0..tree.events.len())
        .filter(|&i| matches!(tree.events[i].kind, Kind::Model(_)))
        .collect();
    let mut wraps = vec![false; tree.events.len()];
    for &inner in &models {
        for outer in tree.ancestors(inner) {
            // A call of another agent inside is a delegate's, made while this call went on.
            let same_agent = tree.agent(outer) == tree.agent(inner);
            if same_agent && matches!(tree.events[outer].kind, Kind::Model(_)) {
                wraps[outer] = true;
            }
        }
    }
    models.into_iter().filter(|&i| !wraps[i]).collect()
}

/// Model events, each call once: an SDK that shows its calls itself, under an instrumentation that shows them too, gives two
/// spans side by side, one inside the other's time. The outer one stays; the second answer names the inner one of each. Several
/// calls may be under way at once, but one instrumentation shows each of them once.
fn shown_once(tree: &Tree<'_>, leaves: Vec<usize>) -> (Vec<usize>, HashMap<usize, usize>) {
    // Under each span the calls that may still be under way, each with the events that show it.
    let mut open: HashMap<(TraceId, SpanId), Vec<SmallVec<[usize; 2]>>> = HashMap::default();
    let mut twins = HashMap::default();
    let mut kept = Vec::new();
    for i in leaves {
        let event = tree.events[i];
        let Some(parent) = event.parent else {
            kept.push(i);
            continue;
        };
        let calls = open.entry((event.trace, parent)).or_default();
        calls.retain(|shown| tree.events[shown[0]].end >= event.start);
        let again = |other: &usize| is_shown_again(tree.events[*other], event);
        let other_hand =
            |other: &usize| instrumentation(tree.events[*other]) != instrumentation(event);
        let known = calls
            .iter_mut()
            .rev()
            .find(|shown| again(&shown[0]) && shown.iter().all(other_hand));
        match known {
            Some(shown) => {
                twins.insert(shown[0], i);
                shown.push(i);
            }
            None => {
                calls.push(smallvec![i]);
                kept.push(i);
            }
        }
    }
    (kept, twins)
}

/// The instrumentation that shows a model call.
fn instrumentation(event: &Event) -> Option<u32> {
    match &event.kind {
        Kind::Model(call) => Some(call.instrumentation),
        _ => None,
    }
}

/// Whether two model events under one span, the first one begun first, look like one call.
fn is_shown_again(first: &Event, second: &Event) -> bool {
    let (Kind::Model(a), Kind::Model(b)) = (&first.kind, &second.kind) else {
        return false;
    };
    // Instrumentations differ in how they add up the output of a stream.
    let same_tokens = match (a.usage, b.usage) {
        (Some(a), Some(b)) => a.input == b.input,
        _ => true,
    };
    a.operation == b.operation && a.model == b.model && second.end <= first.end && same_tokens
}

/// Tool events, each call once: agent, MCP client and MCP server may all report it.
fn outermost_tools(tree: &Tree<'_>) -> Vec<usize> {
    let mut ids = HashSet::default();
    // The ends of calls with an id, by their tool: a server in the agent's process shows its part beside the call, without the id.
    let mut ends: HashMap<(TraceId, &Name), Timestamp> = HashMap::default();
    (0..tree.events.len())
        .filter(|&i| {
            let Kind::Tool(tool) = &tree.events[i].kind else {
                return false;
            };
            let event = tree.events[i];
            let nested = tree.callers(i).any(
                |a| matches!(&tree.events[a].kind, Kind::Tool(outer) if outer.name == tool.name),
            );
            let end = ends.entry((event.trace, &tool.name)).or_default();
            let beside = tool.call_id.is_none() && event.end <= *end;
            if tool.call_id.is_some() {
                *end = event.end.max(*end);
            }
            let known = tool
                .call_id
                .as_ref()
                .is_some_and(|id| !ids.insert((event.trace, id)));
            !nested && !beside && !known
        })
        .collect()
}

/// Tool events of which another span of the same call, inside them or with the same id, says that it failed: the outer span may be
/// well although the tool was not.
fn broken_inside(tree: &Tree<'_>) -> HashSet<usize> {
    let mut broken = HashSet::default();
    let mut broken_ids = HashSet::default();
    let id = |i: usize| match &tree.events[i].kind {
        Kind::Tool(tool) => Some((tree.events[i].trace, tool.call_id.as_ref()?)),
        _ => None,
    };
    for (i, event) in tree.events.iter().enumerate() {
        let Kind::Tool(inner) = &event.kind else {
            continue;
        };
        if step_failed(tree, i) {
            let around = tree.callers(i).filter(|&outer| {
                matches!(&tree.events[outer].kind, Kind::Tool(tool) if tool.name == inner.name)
            });
            let around: Vec<usize> = around.collect();
            broken_ids.extend(around.iter().copied().chain([i]).filter_map(id));
            broken.extend(around);
        }
    }
    if !broken_ids.is_empty() {
        let known = |&i: &usize| id(i).is_some_and(|id| broken_ids.contains(&id));
        broken.extend((0..tree.events.len()).filter(known));
    }
    broken
}

/// Agent spans that show nothing of what the agent did: the span is its only step.
fn silent_agents(tree: &Tree<'_>, steps: &[usize]) -> Vec<usize> {
    let mut busy = vec![false; tree.events.len()];
    for &step in steps {
        let around = activation_node(tree, step).into_iter();
        around
            .chain(tree.ancestors(step))
            .for_each(|i| busy[i] = true);
    }
    let agents: Vec<usize> = (0..tree.events.len())
        .filter(|&i| matches!(tree.events[i].kind, Kind::Agent { inferred: false }))
        .collect();
    for &agent in &agents {
        tree.ancestors(agent).for_each(|i| busy[i] = true);
    }
    agents
        .into_iter()
        .filter(|&i| !busy[i] && activation_node(tree, i) == Some(i))
        .collect()
}

/// The outermost span of the activation that event `i` belongs to: spans of the same agent nest, a delegating tool
/// stands for a delegate without a span of its own.
fn activation_node(tree: &Tree<'_>, i: usize) -> Option<usize> {
    let agent = tree.agent(i)?;
    let mut found = None;
    for at in std::iter::once(i).chain(tree.ancestors(i)) {
        if tree.is_agent(at) {
            if tree.agent(at) != Some(agent) {
                break;
            }
            found = Some(at);
        } else if at != i && tree.handed_to(at) == Some(agent) {
            found = found.or(Some(at));
            break;
        }
    }
    found
}

fn step_failed(tree: &Tree<'_>, i: usize) -> bool {
    let event = tree.events[i];
    match &event.kind {
        Kind::Model(call) => call.failed,
        Kind::Tool(tool) => tool.hands_to.is_none() && (tool.failed || event.error),
        _ => event.error,
    }
}

/// A tool that only hands over is a handoff; so is a tool with another agent at work inside it.
fn counts_as_tool(tree: &Tree<'_>, cast: &Activations, i: usize) -> bool {
    let Kind::Tool(tool) = &tree.events[i].kind else {
        return false;
    };
    match tool.hands_to {
        Some(Target::Human) => tool.does_work,
        Some(_) => false,
        None => !cast.activations.iter().any(|a| {
            a.agent.as_ref() != tree.agent(i) && a.node.is_some_and(|node| tree.is_inside(node, i))
        }),
    }
}
