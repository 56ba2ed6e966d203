//! The step that decides whether a turn was answered: the last one, unless what came after the answer cannot take it back (T-3, T-17).

use super::activation::{Activations, Step};
use super::calls;
use super::evidence;
use super::tree::Tree;
use crate::model::event::{Event, Kind, ModelCall};
use crate::model::sketch::Sketch;
use crate::model::time::Timestamp;
use std::cmp::Reverse;

/// The step that ends last, and of several the one that began first (T-3), unless the answer before it stands (T-17). `None`:
/// there are no steps.
pub(super) fn step<'c>(tree: &Tree<'_>, activations: &'c Activations) -> Option<&'c Step> {
    let order = |step: &Step| (end(tree, activations, step), Reverse(step.event));
    let steps = activations.steps.iter();
    let latest = steps.max_by_key(|step| order(step))?;
    let asides = asides(tree);
    let is_text = |step: &&Step| gives_text(tree, step) && asides[step.event].is_none();
    if activations.waiting.at_end || is_text(&latest) {
        return Some(latest);
    }
    let steps = activations.steps.iter();
    let Some(text) = steps.filter(is_text).max_by_key(|step| order(step)) else {
        return Some(latest);
    };
    let answer = TextAnswer::of(tree, activations, &asides, text);
    let said = order(text);
    let mut later = activations.steps.iter().filter(|step| order(step) > said);
    let stands = later.all(|step| answer.outlasts(step));
    Some(if stands { text } else { latest })
}

/// The nearest check or tool around each span: what a model says inside is not for the user.
fn asides(tree: &Tree<'_>) -> Vec<Option<usize>> {
    let is_aside = |i: usize| matches!(tree.events[i].kind, Kind::Guardrail { .. } | Kind::Tool(_));
    tree.nearest_around(is_aside)
}

/// When a step was over. A call that asks for an agent is over when that begins inside it, and an agent that only holds others
/// when the first of them begins.
fn end(tree: &Tree<'_>, activations: &Activations, step: &Step) -> Timestamp {
    let is_model = matches!(tree.events[step.event].kind, Kind::Model(_));
    let holds = activations.containers.contains(&step.event)
        || is_model && evidence::requests_handoff(tree, step.event);
    let inner = |other: &&Step| {
        other.activation != step.activation && tree.is_inside(other.event, step.event)
    };
    let first = holds
        .then(|| activations.steps.iter().find(inner))
        .flatten();
    let event = tree.events[step.event];
    first.map_or(event.end, |inner| tree.events[inner.event].start)
}

/// Whether a step is a call that gave the user text and asked for no other agent.
fn gives_text(tree: &Tree<'_>, step: &Step) -> bool {
    let event = tree.events[step.event];
    let has_text = matches!(&event.kind, Kind::Model(call)
        if call.answered == Some(true) && call.requests.is_empty());
    has_text && !step.failed && !event.rare.cancelled && calls::is_chat(tree.events[step.event])
}

/// Whether a tool call ended a run that ended well: what it returned is what the user got (T-17).
pub(super) fn returns_directly(tree: &Tree<'_>, activations: &Activations, last: &Step) -> bool {
    let Some(run) = EndedRun::around(tree, activations, last) else {
        return false;
    };
    let own = &activations.list[last.activation];
    let steps = own.steps.iter().map(|&step| &activations.steps[step]);
    let mut back = steps.rev().skip_while(|step| run.has_plain_tool(step));
    back.next()
        .and_then(|step| model(tree, step))
        .is_some_and(|call| !call.failed && call.asked_tools > 0 && call.requests.is_empty())
        && run.has_plain_tool(last)
}

fn model<'e>(tree: &Tree<'e>, step: &Step) -> Option<&'e ModelCall> {
    match &tree.events[step.event].kind {
        Kind::Model(call) => Some(call),
        _ => None,
    }
}

/// What the user asked, as far as a step shows it.
fn asked<'e>(tree: &Tree<'e>, step: &Step) -> Option<&'e Sketch> {
    tree.events[step.event].content.as_ref()?.asked.as_ref()
}

/// The span of an agent that did its work to the end and without an error, in a trace that shows its root.
struct EndedRun<'t, 'e> {
    tree: &'t Tree<'e>,
    activation: usize,
    end: Timestamp,
}

impl<'t, 'e> EndedRun<'t, 'e> {
    /// The run that made a step, if it ended well.
    fn around(tree: &'t Tree<'e>, activations: &Activations, step: &Step) -> Option<Self> {
        let node = activations.list[step.activation].node?;
        let event = tree.events[node];
        let ended = is_run(event) && !event.error && !event.rare.cancelled;
        (ended && root(tree, step.event).is_some()).then_some(Self {
            tree,
            activation: step.activation,
            end: event.end,
        })
    }

    /// Whether the run made a step before it ended.
    fn made(&self, step: &Step) -> bool {
        step.activation == self.activation && self.tree.events[step.event].end <= self.end
    }

    /// Whether a step of the run is a tool that did its work and passed nothing on.
    fn has_plain_tool(&self, step: &Step) -> bool {
        let event = self.tree.events[step.event];
        let is_plain = matches!(&event.kind, Kind::Tool(tool) if tool.hands_to.is_none());
        let went_well = !step.failed && !event.rare.cancelled && event.rare.pause.is_none();
        is_plain && went_well && self.made(step)
    }
}

/// Whether an event is the span of an agent, and not of a node of a graph.
fn is_run(event: &Event) -> bool {
    match &event.kind {
        Kind::Agent { inferred } => !inferred,
        Kind::Model(call) => call.is_agent,
        _ => false,
    }
}

/// The root around event `i`, if it is there and has no error.
fn root(tree: &Tree<'_>, i: usize) -> Option<usize> {
    let root = tree.ancestors(i).last()?;
    let event = tree.events[root];
    let is_whole = event.parent.is_none() || event.rare.remote_parent;
    (is_whole && !event.error).then_some(root)
}

/// A call that gave the user text, and what is around it.
struct TextAnswer<'t, 'e> {
    tree: &'t Tree<'e>,
    activations: &'t Activations,
    /// The nearest check or tool around each span.
    asides: &'t [Option<usize>],
    step: &'t Step,
    /// Its agent did more afterwards, besides having it checked.
    went_on: bool,
    /// The run of its own agent.
    run: Option<EndedRun<'t, 'e>>,
    /// The root and the outermost run inside it, where the root is no run itself: only a request, or what an app put around.
    inside_request: Option<(usize, usize)>,
}

impl<'t, 'e> TextAnswer<'t, 'e> {
    fn of(
        tree: &'t Tree<'e>,
        activations: &'t Activations,
        asides: &'t [Option<usize>],
        step: &'t Step,
    ) -> Self {
        let is_plain = |&i: &usize| matches!(tree.events[i].kind, Kind::Structure);
        let outermost = tree.ancestors(step.event).filter(|i| !is_plain(i)).last();
        let is_agents = |&i: &usize| {
            let event = tree.events[i];
            is_run(event) || matches!(event.kind, Kind::Workflow)
        };
        let pair = root(tree, step.event).zip(outermost.filter(is_agents));
        let answered = tree.events[step.event].end;
        let own = activations.list[step.activation].steps.iter();
        let mut after = own
            .map(|&step| activations.steps[step].event)
            .filter(|&i| tree.events[i].start >= answered);
        Self {
            tree,
            activations,
            asides,
            step,
            went_on: after.any(|i| asides[i].is_none()),
            run: EndedRun::around(tree, activations, step),
            inside_request: pair.filter(|(root, run)| root != run),
        }
    }

    /// Whether the user has the answer whatever became of a step that ended later (T-17).
    fn outlasts(&self, later: &Step) -> bool {
        let ended = self.run.as_ref();
        let in_run = ended.is_some_and(|run| {
            run.has_plain_tool(later) || run.made(later) && self.is_spent(later)
        });
        in_run || self.is_check(later) || self.is_aftermath(later) || self.has_overtaken(later)
    }

    /// Whether a step is part of a check of what the user asked or got.
    fn is_check(&self, later: &Step) -> bool {
        let aside = self.asides[later.event].map(|aside| &self.tree.events[aside].kind);
        matches!(aside, Some(Kind::Guardrail { .. })) && !self.went_on
    }

    /// Whether a later call of the same run said nothing more, or failed at another request than that of the user.
    fn is_spent(&self, later: &Step) -> bool {
        let Some(call) = model(self.tree, later) else {
            return false;
        };
        let said_nothing = call.answered == Some(false) && call.asked_tools == 0;
        let is_empty = said_nothing && !self.tree.events[later.event].rare.cancelled;
        match later.failed {
            true => self.differs(later),
            false => is_empty && call.requests.is_empty(),
        }
    }

    /// Whether both show what was asked, and it is not the same.
    fn differs(&self, later: &Step) -> bool {
        let pair = asked(self.tree, self.step).zip(asked(self.tree, later));
        pair.is_some_and(|(one, other)| one != other)
    }

    /// Whether a step is work that the app did after the run, in the same request, of another agent or of none: it failed, or is
    /// a tool or inside one.
    fn is_aftermath(&self, later: &Step) -> bool {
        let Some((root, run)) = self.inside_request else {
            return false;
        };
        let (tree, event) = (self.tree, self.tree.events[later.event]);
        let is_tool = matches!(&event.kind, Kind::Tool(tool) if tool.hands_to.is_none());
        let is_outside = tree.is_inside(later.event, root) && !tree.is_inside(later.event, run);
        let is_others = tree.agent(later.event) != tree.agent(self.step.event);
        let began_after = event.start >= tree.events[self.step.event].end;
        let said_nothing = later.failed || is_tool || self.asides[later.event].is_some();
        let is_done = event.rare.pause.is_none() && !event.rare.cancelled;
        is_outside && is_others && began_after && said_nothing && is_done
    }

    /// Whether a step is a call of the same kind at the same time that was called off once this one had answered.
    fn has_overtaken(&self, later: &Step) -> bool {
        let tree = self.tree;
        let (own, event) = (tree.events[self.step.event], tree.events[later.event]);
        let is_loser = event.rare.cancelled && calls::is_chat(tree.events[later.event]);
        let place = |step: &Step| {
            let node = self.activations.list[step.activation].node;
            let agent = node.filter(|&node| is_run(tree.events[node]));
            (agent.is_some(), tree.parent(agent.unwrap_or(step.event)))
        };
        let same_place = later.activation == self.step.activation
            && tree.parent(later.event) == tree.parent(self.step.event)
            || later.activation != self.step.activation && place(later) == place(self.step);
        let ended_well = self.run.is_some();
        is_loser && ended_well && same_place && event.start < own.end && !self.differs(later)
    }
}
