//! One session, or one trace whose session is unknown: its traces, its open workflow, its pending handoffs.

use super::awaited_parts::AwaitedParts;
use super::event_buffer::Added;
use super::late;
use super::outcomes::SessionOutcomes;
use super::trace::{DecidedTrace, OpenTrace, Trace};
use super::user_messages::UserMessages;
use super::workflow::OpenWorkflow;
use super::{Output, Settings, shed_fact};
use crate::model::cohort::Cohort;
use crate::model::event::Event;
use crate::model::fact::{Fact, Shed, What};
use crate::model::ids::TraceId;
use crate::model::small_map::SmallMap;
use crate::model::time::Timestamp;
use crate::model::{List, Name};
use crate::turn::{CumulativeUsage, HandoffState};

/// Who gave the user the last answer, and in which workflow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LastAnswer {
    /// The start of its turn: the latest one counts.
    pub(super) at: Timestamp,
    pub(super) agent: Name,
    pub(super) workflow: Name,
}

/// The state of one canonical key. Its timers are in `session_timers.rs`, its turns in `session_turns.rs`.
#[derive(Debug)]
pub(super) struct SessionState {
    /// Written by each event, and by the decision of its turn; read for grouping, duplicates and late spans. Cleared after
    /// `idle_timeout`, or when the trace moves to another key.
    pub(super) traces: SmallMap<TraceId, Trace>,
    /// Traces that name several sessions: written by their keys, read by everything that comes of them.
    pub(super) shared: AwaitedParts,
    /// Spans in open traces; follows `traces`, and says whether a turn is open.
    pub(super) open_spans: usize,
    /// Their weight; follows `traces`, read by [`SessionState::weight`].
    pub(super) open_bytes: usize,
    /// Spans of decided traces; follows `traces`, read by [`SessionState::weight`].
    pub(super) known_spans: usize,
    /// Written by decided turns, dropped handoffs and late costs; cleared when it closes. Boxed, because most sessions are only
    /// remembered.
    pub(super) workflow: Option<Box<OpenWorkflow>>,
    /// The latest known value of each dimension: written by each decided turn, read by turns that declare none and by late spans.
    /// Never cleared.
    pub(super) cohort: Cohort,
    /// Handoffs whose target has not acted yet, with the arrival time at which they are dropped. Written by decided turns, cleared
    /// when a later turn resumes one or its time is up.
    pub(super) pending: List<(Timestamp, HandoffState)>,
    /// Whether the session was counted: set by its first turn, never cleared.
    pub(super) counted: bool,
    /// The last messages of the user: written by each decided turn, read by the next one; only the last four are kept.
    pub(super) user_messages: UserMessages,
    /// Sequences of cumulative calls in decided traces, for calls that come later. Cleared with `traces`.
    pub(super) usage: CumulativeUsage,
    /// Who gave the last answer: written by each decided turn, read by feedback in traces of their own. Never cleared.
    pub(super) last_answer: Option<Box<LastAnswer>>,
    /// Reports from outside, and closed workflows that they can still correct. Cleared after `outcomes.window`.
    pub(super) outcomes: Option<Box<SessionOutcomes>>,
    /// Arrival of the first entry: written once, read by the timer of a trace without a session.
    pub(super) opened: Timestamp,
    /// Arrival of the latest event: read by nearly all timers.
    pub(super) last_arrival: Timestamp,
}

impl SessionState {
    pub(super) fn new(arrival: Timestamp) -> Self {
        Self {
            traces: SmallMap::default(),
            shared: AwaitedParts::default(),
            open_spans: 0,
            open_bytes: 0,
            known_spans: 0,
            workflow: None,
            cohort: Cohort::default(),
            pending: List::new(),
            counted: false,
            user_messages: UserMessages::default(),
            usage: CumulativeUsage::default(),
            last_answer: None,
            outcomes: None,
            opened: arrival,
            last_arrival: arrival,
        }
    }

    /// Roughly the bytes that it holds in memory.
    pub(super) fn weight(&self) -> usize {
        /// Span ID and the index of its owner.
        const KNOWN_SPAN: usize = 16;
        /// A trace, and the names of its agents.
        const TRACE: usize = size_of::<(TraceId, Trace)>() + size_of::<DecidedTrace>() + 160;
        /// A workflow with its names, and the sets of its agents and steps.
        const WORKFLOW: usize = size_of::<OpenWorkflow>() + 384;
        size_of::<Self>()
            + self.open_bytes
            + usize::from(self.open_spans > 0) * OpenTrace::EMPTY_WEIGHT
            + self.known_spans * KNOWN_SPAN
            + self.traces.len() * TRACE
            + self.shared.weight()
            + self.workflow.as_ref().map_or(0, |_| WORKFLOW)
            + self.usage.weight()
            + self
                .last_answer
                .as_ref()
                .map_or(0, |_| size_of::<LastAnswer>())
            + self.pending.len() * size_of::<HandoffState>()
            + self.outcomes.as_ref().map_or(0, |held| held.weight())
    }

    /// Counts what it holds, after it was filled.
    pub(super) fn weigh(&mut self) {
        (self.open_spans, self.open_bytes, self.known_spans) = (0, 0, 0);
        for trace in self.traces.values() {
            if let Some(open) = &trace.open {
                self.open_spans += open.len();
                self.open_bytes += open.weight;
            }
            let decided = trace.decided.as_ref();
            self.known_spans += decided.map_or(0, |decided| decided.owners.len());
        }
    }

    /// Whether a turn of a trace was decided here, and its spans are still known.
    pub(super) fn has_decided(&self, trace: TraceId) -> bool {
        let trace = self.traces.get(&trace);
        trace.is_some_and(|trace| trace.decided.is_some())
    }

    pub(super) fn any_trace(&self) -> Option<TraceId> {
        self.traces.keys().next().copied()
    }

    /// Takes an event: into its open trace, or as a late one if its turn is decided (W-8).
    pub(super) fn take(
        &mut self,
        event: Box<Event>,
        arrival: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) {
        self.last_arrival = self.last_arrival.max(arrival);
        let (at, id) = (event.end, event.trace);
        let trace = self.traces.get_or_insert_with(id, Trace::default);
        if trace.is_late(&event) {
            self.take_late(&event, arrival, settings, out);
            return;
        }
        let new = || Box::new(OpenTrace::new(id, arrival));
        let open = trace.open.get_or_insert_with(new);
        open.last_arrival = open.last_arrival.max(arrival);
        let before = open.weight;
        if open.take(*event) == Added::New {
            self.open_spans += 1;
        } else {
            out.facts.push(Fact::new(at, id, What::Duplicate));
        }
        self.open_bytes += open.weight - before;
        if self.open_spans > settings.max_spans_per_session {
            out.facts.push(shed_fact(at, id, Shed::SpansPerSession));
            self.decide_all(arrival, settings, out);
        }
    }

    /// Counts an event whose turn is decided.
    pub(super) fn take_late(
        &mut self,
        event: &Event,
        arrival: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) {
        let trace = self.traces.get_mut(&event.trace);
        let Some(decided) = trace.and_then(|trace| trace.decided.as_mut()) else {
            return;
        };
        let from = out.facts.len();
        let known = decided.owners.len();
        let late = late::count(decided, &mut self.usage, event, &settings.prices, out);
        self.known_spans += decided.owners.len() - known;
        if let Some(cost) = late {
            if let Some(workflow) = &mut self.workflow {
                workflow.summary.cost.merge(cost);
            }
            self.declare(event, arrival, out);
        }
        stamp(&mut out.facts[from..], &self.cohort, &self.traces);
    }

    /// Takes an event of its part of a trace that names several sessions.
    pub(super) fn take_part(
        &mut self,
        event: Box<Event>,
        arrival: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) {
        self.shared.take(event.trace);
        self.take(event, arrival, settings, out);
    }

    /// Gives away the events of these traces, as far as they are not decided yet: they belong to another key.
    pub(super) fn release<F: Fn(TraceId) -> bool>(
        &mut self,
        is_gone: F,
    ) -> impl Iterator<Item = Box<Event>> + use<F> {
        let mut gone = Vec::new();
        for (id, mut trace) in std::mem::take(&mut self.traces) {
            if let Some(open) = trace.open.take_if(|_| is_gone(id)) {
                self.open_spans -= open.len();
                self.open_bytes -= open.weight;
                gone.push(open);
            }
            if trace.open.is_some() || trace.decided.is_some() {
                self.traces.insert(id, trace);
            }
        }
        let events = gone.into_iter().flat_map(|open| open.into_events());
        events.map(Box::new)
    }

    /// Whether only the session itself is known, so that it is not counted again.
    pub(super) fn is_remembered(&self) -> bool {
        self.is_idle() && self.traces.is_empty()
    }

    /// Whether anything of it is decided and not forgotten.
    pub(super) fn is_begun(&self) -> bool {
        let decided = |trace: &Trace| trace.decided.is_some();
        self.counted
            || !self.pending.is_empty()
            || !self.shared.is_empty()
            || self.outcomes.is_some()
            || self.traces.values().any(decided)
    }

    /// Whether nothing of it is open.
    pub(super) fn is_idle(&self) -> bool {
        self.open_spans == 0 && self.workflow.is_none() && self.pending.is_empty()
    }
}

/// Gives facts their cohort, and those whose span says nothing of sampling the threshold of their trace.
pub(super) fn stamp(facts: &mut [Fact], cohort: &Cohort, traces: &SmallMap<TraceId, Trace>) {
    for fact in facts {
        fact.cohort = cohort.clone();
        let of_trace = || traces.get(&fact.trace)?.threshold();
        fact.threshold = fact.threshold.or_else(of_trace);
    }
}
