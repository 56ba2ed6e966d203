//! Activations: the steps of a turn, grouped by agent.

use super::calls;
use super::model_calls::ModelCalls;
use super::nesting::Numbers;
use super::pause::WaitingTools;
use super::tree::Tree;
use crate::model::Name;
use crate::model::event::{Event, Kind, Target};
use crate::model::time::Timestamp;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};

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
    pub(super) steps: Vec<usize>,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// The activation around this one, when its agent acts itself.
    pub(super) parent: Option<usize>,
    pub(super) failed: bool,
    /// Its last step or its span was cancelled.
    pub(super) cancelled: bool,
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

/// The steps and activations of a turn.
#[derive(Debug, Default)]
pub(super) struct Activations {
    pub(super) steps: Vec<Step>,
    /// In order of start.
    pub(super) list: Vec<Activation>,
    /// Model calls that count.
    pub(super) models: ModelCalls,
    /// Tool events that count as tool calls.
    pub(super) tools: Vec<usize>,
    /// Tool events that look well, of which another span of the same call says that it failed.
    pub(super) failed_inside: HashSet<usize>,
    /// Spans of agents that only hold other agents, and that somebody hands over to: their start is their one step.
    pub(super) containers: HashSet<usize>,
    /// What waits for a person or a tool.
    pub(super) waiting: WaitingTools,
}

impl Activations {
    /// The activations of a turn, by its steps (T-2).
    pub(super) fn of(tree: &Tree<'_>) -> Self {
        let models = ModelCalls::of(tree);
        let waiting = WaitingTools::of(tree);
        let tools = calls::outermost_tools(tree, &waiting);
        let mut steps: Vec<usize> = models
            .calls
            .iter()
            .copied()
            .filter(|&i| calls::is_chat(tree.events[i]))
            .chain(tools.iter().copied())
            .collect();
        let containers = containers(tree, &steps);
        steps.extend(silent_agents(tree, &steps));
        steps.extend(containers.iter().copied());
        if steps.is_empty() {
            steps.extend(nameless_runs(tree));
        }
        steps.sort_unstable();
        let mut activations = Self {
            models,
            failed_inside: calls::failed_inside(tree),
            containers,
            waiting,
            ..Self::default()
        };
        activations.group(tree, &steps);
        activations.sort_activations();
        activations.find_parents(tree);
        let cast_ref = &activations;
        activations.tools = tools
            .into_iter()
            .filter(|&i| counts_as_tool(tree, cast_ref, i))
            .collect();
        activations
    }

    /// Whether an agent other than its own works inside event `i`.
    pub(super) fn work_inside(&self, tree: &Tree<'_>, i: usize) -> bool {
        self.list.iter().any(|a| {
            a.agent.as_ref() != tree.agent(i) && a.node.is_some_and(|node| tree.is_inside(node, i))
        })
    }

    /// The first step of an activation.
    pub(super) fn first_step(&self, activation: usize) -> &Step {
        &self.steps[self.list[activation].steps[0]]
    }

    /// The step that shows whether an activation got to work: its first one, or the call that answered after tries that failed (H-14).
    pub(super) fn opening(&self, tree: &Tree<'_>, activation: usize) -> &Step {
        let first = self.first_step(activation);
        let steps = self.list[activation].steps.iter().map(|&i| &self.steps[i]);
        let is_failed_try = |step: &&Step| step.failed && calls::is_chat(tree.events[step.event]);
        let mut after = steps.skip_while(is_failed_try);
        let after = after
            .next()
            .filter(|s| calls::is_chat(tree.events[s.event]));
        after.unwrap_or(first)
    }

    /// The event by which call `i` is measured.
    pub(super) fn measured<'e>(&self, tree: &Tree<'e>, i: usize) -> &'e Event {
        tree.events[self.models.measure(i)]
    }

    /// Puts the steps of one agent that follow each other into one activation.
    fn group(&mut self, tree: &Tree<'_>, steps: &[usize]) {
        let mut by_node: Vec<Option<usize>> = vec![None; tree.events.len()];
        let mut run: Option<usize> = None;
        for &event in steps {
            let node = tree.activation_node(event);
            let agent = tree.agent(event);
            let known = match node {
                Some(node) => by_node[node],
                // A tool that nobody's name stands at is used by whoever is at work.
                None => run.filter(|&r| {
                    let tool = matches!(tree.events[event].kind, Kind::Tool(_));
                    self.list[r].agent.as_ref() == agent || tool && agent.is_none()
                }),
            };
            let activation = known.unwrap_or_else(|| {
                self.list.push(Activation {
                    agent: agent.cloned(),
                    node,
                    steps: Vec::new(),
                    start: tree.events[event].start,
                    end: tree.events[event].end,
                    parent: None,
                    failed: false,
                    cancelled: false,
                });
                self.list.len() - 1
            });
            match node {
                Some(node) => by_node[node] = Some(activation),
                None => run = Some(activation),
            }
            self.add(tree, event, activation);
        }
    }

    fn add(&mut self, tree: &Tree<'_>, event: usize, index: usize) {
        let failed = !self.containers.contains(&event)
            && (calls::has_failed(tree, event) || self.failed_inside.contains(&event));
        let activation = &mut self.list[index];
        activation.steps.push(self.steps.len());
        activation.end = activation.end.max(tree.events[event].end);
        activation.failed = failed;
        activation.cancelled = calls::is_cancelled(tree, event);
        if let Some(node) = activation.node {
            // A tool around a delegate starts with the decision, not with the delegate.
            if tree.is_agent(node) {
                activation.start = activation.start.min(tree.events[node].start);
                activation.end = activation.end.max(tree.events[node].end);
                activation.failed |= tree.events[node].error;
                activation.cancelled |= calls::is_cancelled(tree, node);
            }
        }
        self.steps.push(Step {
            event,
            activation: index,
            failed,
        });
    }

    fn sort_activations(&mut self) {
        let mut order: Vec<usize> = (0..self.list.len()).collect();
        order.sort_by_key(|&i| (self.list[i].start, i));
        let mut place = vec![0; order.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old] = new;
        }
        for step in &mut self.steps {
            step.activation = place[step.activation];
        }
        let mut old: Vec<Option<Activation>> = self.list.drain(..).map(Some).collect();
        self.list = order.iter().filter_map(|&i| old[i].take()).collect();
    }

    fn find_parents(&mut self, tree: &Tree<'_>) {
        // The activation whose node an event is, or better one of whose steps it is.
        let mut at = vec![None; tree.events.len()];
        for (i, activation) in self.list.iter().enumerate() {
            if let Some(node) = activation.node {
                at[node] = Some(i);
            }
        }
        for step in &self.steps {
            at[step.event] = Some(step.activation);
        }
        for i in 0..self.list.len() {
            let inner = &self.list[i];
            let from = inner
                .node
                .unwrap_or_else(|| self.steps[inner.steps[0]].event);
            // The node itself may be a tool call: an act of the agent that delegates.
            let around = std::iter::once(from)
                .chain(tree.ancestors(from))
                .filter_map(|a| at[a])
                .find(|&a| a != i && self.list[a].agent != inner.agent);
            self.list[i].parent = around.or_else(|| self.host(tree, i));
        }
    }

    /// An agent in a trace of its own that runs while an agent of another trace waits works for that one. Two that run at the
    /// very same time wait for nobody.
    fn host(&self, tree: &Tree<'_>, inner: usize) -> Option<usize> {
        let trace = |a: usize| tree.events[self.first_step(a).event].trace;
        let i = &self.list[inner];
        (0..self.list.len())
            .filter(|&o| {
                let outer = &self.list[o];
                trace(o) != trace(inner)
                    && outer.agent != i.agent
                    && outer.start <= i.start
                    && outer.end >= i.end
                    && (outer.start, outer.end) != (i.start, i.end)
            })
            .min_by_key(|&o| {
                let outer = &self.list[o];
                outer.end.since(outer.start)
            })
    }
}

/// Agent spans that show nothing of what the agent did: the span is its only step.
fn silent_agents(tree: &Tree<'_>, steps: &[usize]) -> Vec<usize> {
    let mut busy = vec![false; tree.events.len()];
    // What is around something busy is busy too.
    let mut mark = |i: usize, is_busy: bool| {
        let own = is_busy.then_some(i).into_iter();
        for at in own.chain(tree.ancestors(i)) {
            if std::mem::replace(&mut busy[at], true) {
                break;
            }
        }
    };
    for &step in steps {
        mark(step, tree.activation_node(step) == Some(step));
    }
    let agents: Vec<usize> = (0..tree.events.len())
        .filter(|&i| {
            let event = tree.events[i];
            // A run without a name inside one of the same agent is a part of that; inside a tool that delegates it is the delegate.
            matches!(event.kind, Kind::Agent { inferred: false })
                && (event.agent.is_some() || tree.activation_node(i) == Some(i))
        })
        .collect();
    for &agent in &agents {
        mark(agent, false);
    }
    agents
        .into_iter()
        .filter(|&i| !busy[i] && tree.activation_node(i) == Some(i))
        .collect()
}

/// Agents that do nothing but run others (parallel, in sequence), as far as they are targets of handoffs.
fn containers(tree: &Tree<'_>, steps: &[usize]) -> HashSet<usize> {
    let nesting = tree.nesting();
    let all = nesting.numbers(steps.iter().copied());
    let by_agent = by_agent(tree, steps.iter().copied());
    let is_container = |&i: &usize| {
        let Some(agent) = tree
            .agent(i)
            .filter(|agent| tree.identities().is_wanted(agent))
        else {
            return false;
        };
        let own = by_agent.get(&Some(agent));
        nesting.count_inside(&all, i) > 0
            && tree.activation_node(i) == Some(i)
            && own.is_none_or(|own| nesting.count_inside(own, i) == 0)
    };
    let agents = 0..tree.events.len();
    agents
        .filter(|&i| matches!(tree.events[i].kind, Kind::Agent { inferred: false }))
        .filter(is_container)
        .collect()
}

/// Events by their agents, to be counted inside others.
fn by_agent<'t>(
    tree: &'t Tree<'_>,
    events: impl Iterator<Item = usize>,
) -> HashMap<Option<&'t Name>, Numbers> {
    let mut lists: HashMap<Option<&Name>, Vec<usize>> = HashMap::default();
    for event in events {
        lists.entry(tree.agent(event)).or_default().push(event);
    }
    let numbers = |list: Vec<usize>| tree.nesting().numbers(list.into_iter());
    let lists = lists.into_iter();
    lists.map(|(agent, list)| (agent, numbers(list))).collect()
}

/// Where a turn has no other step: the outermost runs of agents without a name (T-2).
fn nameless_runs(tree: &Tree<'_>) -> Vec<usize> {
    let is_run = |i: usize| tree.agent(i).is_none() && tree.is_agent(i);
    let runs = (0..tree.events.len()).filter(|&i| is_run(i));
    runs.filter(|&i| !tree.ancestors(i).any(is_run)).collect()
}

/// A tool that only hands over is a handoff; so is a tool with another agent at work inside it.
fn counts_as_tool(tree: &Tree<'_>, activations: &Activations, i: usize) -> bool {
    let Kind::Tool(tool) = &tree.events[i].kind else {
        return false;
    };
    match tool
        .hands_to
        .as_ref()
        .map(|to| tree.identities().target(to))
    {
        Some(Target::Human) => tool.does_work && tool.is_tool_call(),
        Some(_) => tree.is_tool_after_all(i),
        None => !activations.work_inside(tree, i),
    }
}
