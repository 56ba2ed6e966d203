//! Runs that wait: for a person who decides, or for a program that makes the calls that a model asked for (T-13, T-14).

use super::tree::Tree;
use crate::model::List;
use crate::model::event::{Event, Kind, MAX_ASKED_TOOLS, ModelCall, Operation, Pause};
use crate::model::ids::{SpanId, TraceId};
use crate::model::time::Timestamp;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};

/// What the spans of a trace, or of several, show of waiting and going on. It grows with each span, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PauseSigns {
    /// The last end of what certainly waits, and of what does if nothing follows.
    waits: Option<Timestamp>,
    may_wait: Option<Timestamp>,
    /// The last chat call by its start, and what it asked for.
    last_call: Option<(Timestamp, Wish)>,
    /// The tools that ran last, by their starts; as many as a call is known to ask for.
    ran: List<(Timestamp, SpanId)>,
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
    /// So many tools that do work.
    Tools(u32),
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
            Some(Pause::Waits) => self.waits = self.waits.max(end),
            Some(Pause::MayWait) => self.may_wait = self.may_wait.max(end),
            Some(Pause::Resumes) => self.resumes = true,
            Some(Pause::Asks) | None => {}
        }
        match &event.kind {
            Kind::Tool(_) if event.rare.pause != Some(Pause::Waits) => {
                self.first_tool = earlier(self.first_tool, start);
                if event.rare.pause != Some(Pause::MayWait) {
                    self.add_ran((event.start, event.span));
                }
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

    /// Adds a tool that ran. A span that comes twice is one.
    fn add_ran(&mut self, tool: (Timestamp, SpanId)) {
        if let Err(place) = self.ran.binary_search(&tool) {
            self.ran.insert(place, tool);
            if self.ran.len() > MAX_ASKED_TOOLS as usize {
                self.ran.remove(0);
            }
        }
    }

    fn add_call(&mut self, event: &Event, call: &ModelCall) {
        let start = Some(event.start);
        let wish = match call.failed || event.rare.cancelled {
            true => Wish::Nothing,
            false if call.asked_tools > 0 => Wish::Tools(call.asked_tools),
            false if call.answered == Some(false) && !call.requests.is_empty() => Wish::Handoff,
            false => Wish::Nothing,
        };
        self.last_call = self.last_call.max(Some((event.start, wish)));
        let first = match call.continues {
            Some(false) => &mut self.first_asked,
            Some(true) => &mut self.first_continued,
            None => &mut self.first_unknown,
        };
        *first = earlier(*first, start);
    }

    /// The signs of both.
    pub fn and(mut self, other: &Self) -> Self {
        other.ran.iter().for_each(|tool| self.add_ran(*tool));
        Self {
            waits: self.waits.max(other.waits),
            may_wait: self.may_wait.max(other.may_wait),
            last_call: self.last_call.max(other.last_call),
            ran: self.ran,
            first_tool: earlier(self.first_tool, other.first_tool),
            first_asked: earlier(self.first_asked, other.first_asked),
            first_continued: earlier(self.first_continued, other.first_continued),
            first_unknown: earlier(self.first_unknown, other.first_unknown),
            resumes: self.resumes || other.resumes,
            root_failed: self.root_failed || other.root_failed,
            has_more_than_calls: self.has_more_than_calls || other.has_more_than_calls,
        }
    }

    /// Whether the run stopped without an end: it waits for a decision or for the result of a tool that nobody called (T-13).
    pub fn waits(&self) -> bool {
        let call = self.last_call.map(|(start, _)| start);
        let is_last = |end: Timestamp| call.is_none_or(|call| call < end);
        let asks = self.last_call.is_some_and(|(start, wish)| match wish {
            Wish::Tools(asked) => self.ran_since(start) < asked as usize,
            Wish::Handoff | Wish::Nothing => false,
        });
        !self.root_failed
            && (self.waits.is_some_and(is_last)
                || call.is_some() && self.may_wait.is_some_and(is_last)
                || asks)
    }

    /// How many tools ran since then.
    fn ran_since(&self, start: Timestamp) -> usize {
        self.ran.iter().filter(|(tool, _)| *tool >= start).count()
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
        let marked = |pause| {
            tree.events
                .iter()
                .any(|event| event.rare.pause == Some(pause))
        };
        let mut by_trace: HashMap<TraceId, PauseSigns> = HashMap::default();
        for event in &tree.events {
            by_trace.entry(event.trace).or_default().add(event);
        }
        let all = by_trace.values().cloned();
        let all = all.reduce(|all, signs| all.and(&signs));
        let mut not_run = HashSet::default();
        if marked(Pause::Waits) || marked(Pause::MayWait) {
            let waits = |event: &Event| match event.rare.pause {
                Some(Pause::Waits) => true,
                // Without a call before it nothing shows that a model waits for its result.
                Some(Pause::MayWait) => by_trace.get(&event.trace).is_some_and(|signs| {
                    let call = signs.last_call;
                    !signs.root_failed && call.is_some_and(|(start, _)| start < event.end)
                }),
                _ => false,
            };
            let tools = tree.events.iter().enumerate();
            let tools = tools.filter(|(_, event)| matches!(event.kind, Kind::Tool(_)));
            not_run.extend(tools.filter(|(_, event)| waits(event)).map(|(i, _)| i));
        }
        Self {
            not_run,
            at_end: all.is_some_and(|all| all.waits()),
        }
    }

    /// Whether event `i` is a tool that waits and did not run (T-13).
    pub(super) fn did_not_run(&self, i: usize) -> bool {
        self.not_run.contains(&i)
    }
}
