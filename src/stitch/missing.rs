//! What an open trace still waits for: spans around known ones that have not come (T-9).

use super::Settings;
use crate::model::event::{Event, Kind, Target};
use crate::model::ids::SpanId;
use rapidhash::RapidHashMap as HashMap;
use std::cmp::Reverse;
use std::time::Duration;

/// What is missing of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Nothing: every parent that a span names is here.
    Nothing,
    /// Spans around whole runs or in other processes, which may never come here.
    Outside,
    /// The span around a step: its agent may be at work.
    Work,
}

impl Missing {
    /// How long more is waited for after the last span (T-9).
    pub(super) fn patience(self, settings: &Settings) -> Duration {
        match self {
            Self::Nothing => settings.settle,
            Self::Outside => settings.trace_timeout,
            Self::Work => settings.turn_timeout,
        }
    }

    /// What the spans of one trace tell of others.
    pub(super) fn of(events: &[Event]) -> Self {
        let spans = events.iter().filter(|e| !matches!(e.kind, Kind::Note(_)));
        let index: HashMap<SpanId, &Event> = spans.clone().map(|e| (e.span, e)).collect();
        let is_here = |event: &Event| {
            event
                .parent
                .is_none_or(|parent| index.contains_key(&parent))
        };
        let mut alone = spans.clone().filter(|event| !is_here(event)).peekable();
        if alone.peek().is_none() {
            return Self::Nothing;
        }
        let mut local = alone.filter(|event| !event.rare.remote_parent).peekable();
        if local.peek().is_none() {
            return Self::Outside;
        }
        let holders = Holders::of(spans.clone(), &index);
        if local.any(|event| holders.goes_on_around(event)) || gave_away(spans) {
            return Self::Work;
        }
        Self::Outside
    }
}

/// What the outermost spans whose parent is missing hold.
struct Holders {
    /// The outermost span around a run, and around a step.
    of_run: Vec<SpanId>,
    of_step: Vec<SpanId>,
}

impl Holders {
    fn of<'e>(events: impl Iterator<Item = &'e Event>, index: &HashMap<SpanId, &'e Event>) -> Self {
        let mut holders = Self {
            of_run: Vec::new(),
            of_step: Vec::new(),
        };
        let outermost = outermost(index);
        for event in events {
            let list = match Part::of(event) {
                Part::Run => &mut holders.of_run,
                Part::Step => &mut holders.of_step,
                Part::Other => continue,
            };
            list.extend(outermost.get(&event.span));
        }
        holders.of_run.sort_unstable();
        holders.of_step.sort_unstable();
        holders
    }

    /// Whether the missing parent of an event may be at work: it is the one of a step, not of a run that has ended.
    fn goes_on_around(&self, event: &Event) -> bool {
        let has = |list: &[SpanId]| list.binary_search(&event.span).is_ok();
        match Part::of(event) {
            Part::Step => true,
            Part::Run => false,
            // A conversation goes on around its exchanges, a network around its requests.
            Part::Other if event.rare.is_exchange => true,
            Part::Other => has(&self.of_step) && !has(&self.of_run),
        }
    }
}

/// The outermost known span around each. Forged parents may go round in circles.
fn outermost(index: &HashMap<SpanId, &Event>) -> HashMap<SpanId, SpanId> {
    let mut found: HashMap<SpanId, SpanId> = HashMap::default();
    let mut path = Vec::new();
    for event in index.values() {
        let mut at = *event;
        let root = loop {
            if let Some(root) = found.get(&at.span) {
                break *root;
            }
            // As long as nothing is around it.
            found.insert(at.span, at.span);
            path.push(at.span);
            match at.parent.and_then(|parent| index.get(&parent)) {
                Some(parent) => at = parent,
                None => break at.span,
            }
        };
        found.extend(path.drain(..).map(|span| (span, root)));
    }
    found
}

/// What a span stands for in the work of an agent.
enum Part {
    /// All that an agent did, or a run of several.
    Run,
    /// One thing that it did. A node of a graph is one: the graph goes on.
    Step,
    Other,
}

impl Part {
    fn of(event: &Event) -> Self {
        match &event.kind {
            Kind::Agent { inferred: false } | Kind::Workflow => Self::Run,
            Kind::Model(call) if call.is_agent => Self::Run,
            Kind::Structure | Kind::Note(_) => Self::Other,
            _ => Self::Step,
        }
    }
}

/// Whether the last thing that is known to have happened asks for another one: a handoff to an agent, or a call that only asks for tools.
fn gave_away<'e>(events: impl Iterator<Item = &'e Event>) -> bool {
    let acts = events.filter(|event| match &event.kind {
        Kind::Model(call) => !call.is_agent,
        kind => matches!(kind, Kind::Tool(_) | Kind::Handoff(_)),
    });
    let last = acts.max_by_key(|event| (event.end, Reverse((event.start, event.span))));
    last.is_some_and(|event| match &event.kind {
        Kind::Model(call) => !call.failed && !event.error && call.answered == Some(false),
        Kind::Tool(tool) => {
            let to_agent = matches!(tool.hands_to, Some(Target::Agent(_)));
            to_agent && !tool.delegates && !tool.failed && !event.error
        }
        Kind::Handoff(handoff) => handoff.to != Target::Human && !handoff.failed && !event.error,
        _ => false,
    })
}
