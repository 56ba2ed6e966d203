//! Runs that wait: for a person who decides, or for a program that makes the calls that a model asked for (T-13, T-14).

use super::standstill::Standstill;
use super::tree::Tree;
use crate::model::event::{Event, Kind, ModelCall, Operation, Pause};
use crate::model::ids::{SpanId, TraceId};
use crate::model::time::Timestamp;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};
use std::borrow::Borrow;

/// What the spans of a trace, or of several, show of waiting and going on. It grows with each span, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PauseSigns {
    /// A span is marked: it waits, or it does if nothing follows.
    is_marked: bool,
    /// A chat call asks for tools.
    asks_tools: bool,
    /// The last chat call by its start, and what it asked for.
    last_call: Option<(Timestamp, Wish)>,
    /// The last end of a tool.
    last_tool: Option<Timestamp>,
    /// The first starts: of a tool that ran, of calls whose input ends with the user, with a tool's result, and with nobody knows what.
    first_tool: Option<Timestamp>,
    first_asked: Option<Timestamp>,
    first_continued: Option<Timestamp>,
    first_unknown: Option<Timestamp>,
    /// A span says that the run goes on.
    resumes: bool,
    root_failed: bool,
    /// Agents are named, or they, runs, tools or handoffs have spans of their own.
    has_more_than_calls: bool,
}

/// What a chat call asked for instead of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    #[default]
    Nothing,
    /// Another agent, or a person.
    Handoff,
    /// Tools that do work.
    Tools,
}

/// The earlier one, if there is one.
fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

impl PauseSigns {
    /// Adds what one span shows.
    pub fn add(&mut self, event: &Event) {
        let (start, end) = (Some(event.start), Some(event.end));
        self.root_failed |= event.parent.is_none() && event.error;
        match event.rare.pause {
            Some(Pause::Waits | Pause::MayWait) => self.is_marked = true,
            Some(Pause::Resumes) => self.resumes = true,
            Some(Pause::Asks) | None => {}
        }
        match &event.kind {
            Kind::Tool(_) if event.rare.pause != Some(Pause::Waits) => {
                self.first_tool = earlier(self.first_tool, start);
                self.last_tool = self.last_tool.max(end);
            }
            Kind::Model(call) if call.operation == Operation::Chat && !call.is_agent => {
                self.add_call(event, call);
            }
            _ => {}
        }
        self.has_more_than_calls |= match &event.kind {
            Kind::Model(call) => call.is_agent || event.agent.is_some(),
            kind => matches!(
                kind,
                Kind::Agent { .. } | Kind::Workflow | Kind::Tool(_) | Kind::Handoff(_)
            ),
        };
    }

    fn add_call(&mut self, event: &Event, call: &ModelCall) {
        let start = Some(event.start);
        let wish = match call.failed || event.rare.cancelled {
            true => Wish::Nothing,
            false if call.asked_tools > 0 => Wish::Tools,
            false if call.answered == Some(false) && !call.requests.is_empty() => Wish::Handoff,
            false => Wish::Nothing,
        };
        self.last_call = self.last_call.max(Some((event.start, wish)));
        self.asks_tools |= wish == Wish::Tools;
        let first = match call.continues {
            Some(false) => &mut self.first_asked,
            Some(true) => &mut self.first_continued,
            None => &mut self.first_unknown,
        };
        *first = earlier(*first, start);
    }

    /// The signs of both.
    pub fn and(self, other: &Self) -> Self {
        Self {
            is_marked: self.is_marked || other.is_marked,
            asks_tools: self.asks_tools || other.asks_tools,
            last_call: self.last_call.max(other.last_call),
            last_tool: self.last_tool.max(other.last_tool),
            first_tool: earlier(self.first_tool, other.first_tool),
            first_asked: earlier(self.first_asked, other.first_asked),
            first_continued: earlier(self.first_continued, other.first_continued),
            first_unknown: earlier(self.first_unknown, other.first_unknown),
            resumes: self.resumes || other.resumes,
            root_failed: self.root_failed || other.root_failed,
            has_more_than_calls: self.has_more_than_calls || other.has_more_than_calls,
        }
    }

    /// Whether the run stopped without an end: it waits for a decision or for the result of a tool that nobody called (T-13). The
    /// spans are looked at only if the signs do not tell.
    pub fn waits<E: Borrow<Event>>(&self, spans: impl FnOnce() -> Vec<E>) -> bool {
        if self.root_failed || !self.is_marked && !self.asks_tools {
            return false;
        }
        // When the last call began no tool was at work, so it is no tool's own: all that was asked for before is over.
        let is_over = |(start, wish)| wish != Wish::Tools && self.last_tool < Some(start);
        if !self.is_marked && self.last_call.is_some_and(is_over) {
            return false;
        }
        let spans = spans();
        Standstill::of(spans.iter().map(Borrow::borrow)).waits()
    }

    /// Whether nothing but calls of nobody is shown, and the last one only passed the request on: the next call may be in another trace, as behind a
    /// proxy (T-14).
    pub fn passes_on(&self) -> bool {
        let last = self.last_call.map(|(_, wish)| wish);
        !self.has_more_than_calls && !self.root_failed && last == Some(Wish::Handoff)
    }

    /// Whether it begins with what a run that waited goes on with, and not with an input of the user (T-14).
    pub fn resumes(&self) -> bool {
        let begun = earlier(self.first_tool, self.first_continued);
        let before = |other: Option<Timestamp>| match (other, begun) {
            (Some(other), Some(begun)) => other <= begun,
            (other, _) => other.is_some(),
        };
        let goes_on = begun.is_some() && !before(self.first_asked);
        // Of a call around others nobody knows how its input ends.
        let shows_result = earlier(self.first_continued, self.first_tool) == self.first_continued;
        self.resumes || goes_on && (shows_result || !before(self.first_unknown))
    }
}

/// What waits in a turn.
#[derive(Debug, Default)]
pub(super) struct WaitingTools {
    /// The tools that did not run.
    not_run: HashSet<usize>,
    /// The turn ended so.
    pub(super) at_end: bool,
}

impl WaitingTools {
    pub(super) fn of(tree: &Tree<'_>) -> Self {
        let mut by_trace: HashMap<TraceId, Vec<&Event>> = HashMap::default();
        let mut signs = PauseSigns::default();
        for event in &tree.events {
            signs.add(event);
        }
        for event in tree.events.iter().filter(|_| signs.is_marked) {
            by_trace.entry(event.trace).or_default().push(event);
        }
        // What a tool waited for may have been decided in another trace: there it ran.
        let mut marked: HashSet<(TraceId, SpanId)> = HashSet::default();
        for events in by_trace.into_values() {
            marked.extend(Standstill::of(events.into_iter()).marked());
        }
        let waits = |event: &Event| match event.rare.pause {
            Some(Pause::Waits) => true,
            Some(Pause::MayWait) => marked.contains(&(event.trace, event.span)),
            _ => false,
        };
        let tools = tree.events.iter().enumerate();
        let tools = tools.filter(|(_, event)| matches!(event.kind, Kind::Tool(_)));
        Self {
            not_run: tools.filter(|(_, e)| waits(e)).map(|(i, _)| i).collect(),
            at_end: signs.waits(|| tree.events.clone()),
        }
    }

    /// Whether event `i` is a tool that waits and did not run (T-13).
    pub(super) fn did_not_run(&self, i: usize) -> bool {
        self.not_run.contains(&i)
    }
}
