//! One session, or one trace whose session is unknown: its traces, its open workflow, its pending handoffs.

use super::cumulative_usage::Rows;
use super::handoff::HandoffState;
use super::late;
use super::small_map::SmallMap;
use super::trace::{DecidedTrace, OpenTrace, Trace};
use super::turn::{self, Decided};
use super::user_messages::Messages;
use super::workflow::OpenWorkflow;
use super::{Output, Settings, shed_fact};
use crate::model::cohort::Cohort;
use crate::model::event::{Event, SessionSource};
use crate::model::fact::{Fact, Shed, What};
use crate::model::ids::{PartitionKey, TenantScoped, TraceId};
use crate::model::record::Record;
use crate::model::time::Timestamp;
use crate::model::{List, Name};

/// The state of one canonical key.
#[derive(Debug)]
pub(super) struct SessionState {
    pub(super) traces: SmallMap<TraceId, Trace>,
    /// Spans in open traces.
    pub(super) open_spans: usize,
    /// Their weight, and the number of spans that are known after their turn.
    open_bytes: usize,
    known_spans: usize,
    /// OptionBox, because most sessions are only remembered.
    pub(super) workflow: Option<Box<OpenWorkflow>>,
    /// The latest known value of each dimension, for turns that declare none.
    pub(super) cohort: Cohort,
    /// Handoffs whose target has not acted yet, with the arrival time at which they are dropped.
    pub(super) pending: List<(Timestamp, HandoffState)>,
    /// The session was counted.
    pub(super) counted: bool,
    pub(super) said: Messages,
    /// The rows of calls in decided traces, for calls that come late.
    pub(super) rows: Rows,
    pub(super) opened: Timestamp,
    pub(super) last_arrival: Timestamp,
}

/// OpenTrace traces that are one turn: a trace within another one's time, or linked to it, is part of its turn.
struct Group {
    traces: Vec<TraceId>,
    start: Timestamp,
    end: Timestamp,
}

impl SessionState {
    pub(super) fn new(arrival: Timestamp) -> Self {
        Self {
            traces: SmallMap::default(),
            open_spans: 0,
            open_bytes: 0,
            known_spans: 0,
            workflow: None,
            cohort: Cohort::default(),
            pending: List::new(),
            counted: false,
            said: Messages::default(),
            rows: Rows::default(),
            opened: arrival,
            last_arrival: arrival,
        }
    }

    /// Roughly the bytes that it holds in memory.
    pub(super) fn weight(&self) -> usize {
        /// Span id and the place of its owner.
        const KNOWN_SPAN: usize = 16;
        /// A trace, and the names of its agents.
        const TRACE: usize = size_of::<(TraceId, Trace)>() + size_of::<DecidedTrace>() + 160;
        /// An open trace with its case and its lists, which have places that they do not use.
        const OPEN: usize = size_of::<OpenTrace>() + 640;
        /// A workflow with its names, and the sets of its agents and steps.
        const WORKFLOW: usize = size_of::<OpenWorkflow>() + 384;
        size_of::<Self>()
            + self.open_bytes
            + usize::from(self.open_spans > 0) * OPEN
            + self.known_spans * KNOWN_SPAN
            + self.traces.len() * TRACE
            + self.workflow.as_ref().map_or(0, |_| WORKFLOW)
            + self.rows.weight()
            + self.pending.len() * size_of::<HandoffState>()
    }

    /// Counts what it holds, after it was filled.
    pub(super) fn weigh(&mut self) {
        (self.open_spans, self.open_bytes, self.known_spans) = (0, 0, 0);
        for trace in self.traces.values() {
            match trace {
                Trace::Open(open) => {
                    self.open_spans += open.len();
                    self.open_bytes += open.weight;
                }
                Trace::Decided(skeleton) => self.known_spans += skeleton.owners.len(),
            }
        }
    }

    /// Whether the turn of a trace was decided here, and its spans are still known.
    pub(super) fn has_decided(&self, trace: TraceId) -> bool {
        matches!(self.traces.get(&trace), Some(Trace::Decided(_)))
    }

    pub(super) fn any_trace(&self) -> Option<TraceId> {
        self.traces.keys().next().copied()
    }

    pub(super) fn take(
        &mut self,
        event: Box<Event>,
        arrival: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) {
        self.last_arrival = self.last_arrival.max(arrival);
        let (at, trace) = (event.end, event.trace);
        let state = self.traces.get_or_insert_with(trace, || {
            Trace::Open(Box::new(OpenTrace::new(trace, arrival)))
        });
        match state {
            Trace::Open(open) => {
                open.last_arrival = open.last_arrival.max(arrival);
                let before = open.weight;
                if open.take(*event) {
                    self.open_spans += 1;
                    self.open_bytes += open.weight - before;
                } else {
                    out.facts.push(Fact::new(at, trace, What::Duplicate));
                }
            }
            Trace::Decided(skeleton) => {
                let from = out.facts.len();
                let known = skeleton.owners.len();
                let rows = &mut self.rows;
                let spend = late::count(skeleton, rows, &event, &settings.prices, out);
                self.known_spans += skeleton.owners.len() - known;
                stamp(&mut out.facts[from..], &self.cohort, &self.traces);
                if let Some(workflow) = &mut self.workflow {
                    workflow.spend(spend);
                }
            }
        }
        if self.open_spans > settings.max_spans_per_session {
            out.facts.push(shed_fact(at, trace, Shed::SpansPerSession));
            self.decide_all(arrival, settings, out);
        }
    }

    /// Gives away the events of these traces, as far as they are not decided yet: they belong to another key.
    pub(super) fn release<F: Fn(TraceId) -> bool>(
        &mut self,
        is_gone: F,
    ) -> impl Iterator<Item = Box<Event>> + use<F> {
        let mut gone = Vec::new();
        for (id, trace) in std::mem::take(&mut self.traces) {
            match trace {
                Trace::Open(open) if is_gone(id) => {
                    self.open_spans -= open.len();
                    self.open_bytes -= open.weight;
                    gone.push(open);
                }
                kept => {
                    self.traces.insert(id, kept);
                }
            }
        }
        let events = gone.into_iter().flat_map(|open| open.into_events());
        events.map(Box::new)
    }

    /// When to call [`SessionState::on_time`] next.
    pub(super) fn deadline(&self, key: &PartitionKey, settings: &Settings) -> Timestamp {
        if let Some(due) = self.follows_at(key, settings) {
            return due;
        }
        let groups = self.groups();
        let first = groups.first();
        let turn = first.map(|group| self.ready_at(key, group, settings));
        // While a turn is open, nothing is closed or forgotten: its decision comes first.
        let quiet = self.open_spans == 0;
        let workflow = self.workflow.as_ref().filter(|_| quiet);
        let forget = match (quiet, self.traces.is_empty(), self.is_idle()) {
            (true, false, _) => Some(settings.idle_timeout),
            (true, true, true) => Some(settings.max_age),
            _ => None,
        };
        let begun = first.map(|group| group.start);
        let pending = self.pending.iter();
        let pending = pending.filter(|(_, state)| !state.may_resume(begun, settings));
        let pending = pending.map(|(due, _)| *due).min();
        turn.into_iter()
            .chain(workflow.map(|w| w.deadline(settings)))
            .chain(pending)
            .chain(forget.map(|wait| self.last_arrival + wait))
            .min()
            .unwrap_or(Timestamp::MAX)
    }

    /// Whether only the session itself is known, so that it is not counted again.
    pub(super) fn is_remembered(&self) -> bool {
        self.is_idle() && self.traces.is_empty()
    }

    /// Whether anything of it is decided and not forgotten.
    pub(super) fn is_begun(&self) -> bool {
        let decided = |trace: &Trace| matches!(trace, Trace::Decided(_));
        self.counted || !self.pending.is_empty() || self.traces.values().any(decided)
    }

    /// Whether nothing of it is open.
    fn is_idle(&self) -> bool {
        self.open_spans == 0 && self.workflow.is_none() && self.pending.is_empty()
    }

    /// Does what is due. Returns the session that all of it went to, where only the resource names that.
    pub(super) fn on_time(
        &mut self,
        key: &PartitionKey,
        now: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) -> Option<PartitionKey> {
        if let Some(due) = self.follows_at(key, settings) {
            return (due <= now).then(|| self.follow_resource(out)).flatten();
        }
        let begun = self.decide_until(key, now, settings, out);
        let (due, waiting) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|(due, state)| *due <= now && !state.may_resume(begun, settings));
        self.pending = waiting;
        let due: List<(Timestamp, HandoffState)> = due;
        for (_, state) in due {
            let (at, trace) = (state.at, state.trace);
            if let Some(workflow) = &mut self.workflow {
                workflow.lose_handoff();
            }
            out.facts.push(Fact::new(at, trace, What::Pending(-1)));
            out.facts.push(Fact {
                cohort: state.cohort,
                threshold: state.threshold,
                ..Fact::new(at, trace, What::Handoff(state.handoff))
            });
        }
        if self.open_spans == 0 && now >= self.last_arrival + settings.idle_timeout {
            // Late spans and duplicates are recognised up to here.
            self.traces = SmallMap::default();
            self.rows = Rows::default();
            self.known_spans = 0;
        }
        let due = |w: &mut Box<OpenWorkflow>| w.deadline(settings) <= now && self.open_spans == 0;
        if let Some(workflow) = self.workflow.take_if(due) {
            workflow.close(&settings.judge, out);
        }
        None
    }

    /// Whether nothing of it is needed any more.
    pub(super) fn is_over(&self, key: &PartitionKey, now: Timestamp, settings: &Settings) -> bool {
        self.is_idle() && (!self.counted || now >= self.last_arrival + settings.remembered(key))
    }

    /// When a trace that nobody bound goes to the session its resource names, if it names one: after a quiet as long for all
    /// traces of a turn, so that they meet there whenever each of them began.
    fn follows_at(&self, key: &PartitionKey, settings: &Settings) -> Option<Timestamp> {
        let waits = matches!(key, PartitionKey::Trace(_)) && self.resource_session().is_some();
        waits.then(|| self.last_arrival + settings.bind_timeout)
    }

    fn resource_session(&self) -> Option<Name> {
        let open = |trace: &Trace| match trace {
            Trace::Open(open) => open.resource_session(),
            Trace::Decided(_) => None,
        };
        self.traces.values().find_map(open)
    }

    /// Gives all events to the session that the resource names.
    fn follow_resource(&mut self, out: &mut Output) -> Option<PartitionKey> {
        let session = self.resource_session()?;
        let tenant = self.traces.values().find_map(|trace| match trace {
            Trace::Open(open) => open.events().find_map(|event| event.context.tenant.clone()),
            Trace::Decided(_) => None,
        });
        let to = PartitionKey::Session(TenantScoped {
            tenant,
            id: session,
        });
        for mut event in self.release(|_| true) {
            if let Some(hint) = &mut event.context.session {
                hint.source = SessionSource::Span;
            }
            out.sends.push((to.clone(), Record::Event(event)));
        }
        Some(to)
    }

    /// Decides the turns that are ready, in their order; a turn that is not holds up those after it. Returns when that one began.
    fn decide_until(
        &mut self,
        key: &PartitionKey,
        now: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) -> Option<Timestamp> {
        for group in self.groups() {
            if self.ready_at(key, &group, settings) > now {
                return Some(group.start);
            }
            self.decide(&group, self.last_arrival, settings, out);
        }
        None
    }

    /// Decides all turns now, ready or not.
    fn decide_all(&mut self, arrival: Timestamp, settings: &Settings, out: &mut Output) {
        for group in self.groups() {
            self.decide(&group, arrival, settings, out);
        }
    }

    /// The turns that are not decided, by their start.
    fn groups(&self) -> Vec<Group> {
        let mut open: Vec<(TraceId, &OpenTrace, (Timestamp, Timestamp))> = self
            .traces
            .iter()
            .filter_map(|(id, trace)| match trace {
                Trace::Open(open) => Some((*id, &**open, open.interval())),
                Trace::Decided(_) => None,
            })
            .collect();
        // The longest of those that start together comes first, as it may contain the others.
        open.sort_by_key(|(id, _, (start, end))| (*start, std::cmp::Reverse(*end), *id));
        let mut groups: Vec<Group> = Vec::new();
        for (id, trace, (start, end)) in open {
            let host = groups.iter_mut().find(|group| {
                end <= group.end || trace.links().any(|link| group.traces.contains(&link))
            });
            match host {
                Some(group) => {
                    group.traces.push(id);
                    group.end = group.end.max(end);
                }
                None => groups.push(Group {
                    traces: vec![id],
                    start,
                    end,
                }),
            }
        }
        groups
    }

    /// When a turn may be decided, if nothing more arrives.
    fn ready_at(&self, key: &PartitionKey, group: &Group, settings: &Settings) -> Timestamp {
        let bound = match key {
            PartitionKey::Session(_) | PartitionKey::User(_) => Timestamp::default(),
            PartitionKey::Trace(_) => self.opened + settings.bind_timeout,
        };
        let traces = group.traces.iter();
        traces
            .filter_map(|id| match self.traces.get(id) {
                Some(Trace::Open(open)) => Some(open),
                _ => None,
            })
            .map(|open| {
                // Where a link leads is as unknown as a parent that is missing, as long as nobody says so.
                let waits = matches!(key, PartitionKey::Trace(_)) && open.follows();
                let quiet = if open.is_complete() && !waits {
                    settings.settle
                } else {
                    settings.trace_timeout
                };
                open.last_arrival + quiet
            })
            .fold(bound, Timestamp::max)
    }

    fn decide(&mut self, group: &Group, now: Timestamp, settings: &Settings, out: &mut Output) {
        let mut open = Vec::new();
        for id in &group.traces {
            if let Some(Trace::Open(trace)) = self.traces.remove(id) {
                self.open_spans -= trace.len();
                self.open_bytes -= trace.weight;
                if trace.is_agentic() {
                    let (spans, skeleton) = trace.close();
                    self.traces.insert(*id, Trace::Decided(Box::new(skeleton)));
                    open.push(spans);
                }
            }
        }
        let mut waiting: Vec<HandoffState> = self.pending.iter().map(|(_, v)| v.clone()).collect();
        let events = open.iter().flatten();
        let from = out.facts.len();
        let (rows, facts) = (&mut self.rows, &mut out.facts);
        let decided = turn::decide(events, &mut waiting, rows, settings, facts);
        let Some((mut turn, owned)) = decided else {
            return;
        };
        turn.cohort = turn.cohort.or(&self.cohort);
        self.cohort = turn.cohort.clone();
        let threshold = |trace| self.traces.get(&trace)?.threshold();
        turn.threshold = threshold(turn.trace);
        for state in &mut turn.pending {
            state.cohort = turn.cohort.clone();
            state.threshold = threshold(state.trace);
        }
        let cohort = turn.cohort.clone();
        self.hear(&turn, out);
        self.taken_up(&waiting, &turn, out);
        for spans in owned.chunk_by(|(a, ..), (b, ..)| a == b) {
            if let Some(Trace::Decided(known)) = self.traces.get_mut(&spans[0].0) {
                let spans = spans.iter().cloned();
                known.owners = spans.map(|(_, span, owner)| (span, owner)).collect();
                known.answering.clone_from(&turn.answering);
                known.workflow = Some(turn.workflow.clone());
                self.known_spans += known.owners.len();
            }
        }
        stamp(&mut out.facts[from..], &cohort, &self.traces);
        self.follow(turn, now, settings, out);
    }

    /// Compares the user's message with the earlier ones that a handoff followed.
    fn hear(&mut self, turn: &Decided, out: &mut Output) {
        if let Some((words, agent)) = &turn.asked
            && self.said.hear(turn.start, words.clone())
        {
            let what = What::Repeat {
                workflow: turn.workflow.clone(),
                agent: agent.clone(),
            };
            out.facts.push(Fact::new(turn.start, turn.trace, what));
        }
        if turn.handed_over {
            self.said.hand_over();
        }
    }

    /// A pending handoff may have found its target in this turn: it waits no more.
    fn taken_up(&mut self, waiting: &[HandoffState], turn: &Decided, out: &mut Output) {
        let still = |state: &HandoffState| {
            waiting
                .iter()
                .any(|w| w.at == state.at && w.handoff == state.handoff)
        };
        if let Some(found) = self.pending.iter().position(|(_, v)| !still(v)) {
            self.pending.remove(found);
            out.facts
                .push(Fact::new(turn.start, turn.trace, What::Pending(-1)));
        }
    }

    /// Carries a decided turn into the session and its workflow.
    fn follow(&mut self, turn: Decided, now: Timestamp, settings: &Settings, out: &mut Output) {
        let due = now + settings.drop_timeout;
        self.pending
            .extend(turn.pending.iter().map(|v| (due, v.clone())));
        let Some(result) = turn.result else {
            return;
        };
        if !std::mem::replace(&mut self.counted, true) {
            out.facts.push(Fact {
                cohort: turn.cohort.clone(),
                threshold: turn.threshold,
                ..Fact::new(turn.start, turn.trace, What::Session)
            });
        }
        match &mut self.workflow {
            Some(open) if open.goes_on_with(&turn, settings) => open.extend(&turn, result, now),
            open => {
                let next = Box::new(OpenWorkflow::open(&turn, result, now));
                if let Some(ended) = open.replace(next) {
                    ended.close(&settings.judge, out);
                }
            }
        }
    }
}

/// Gives facts their cohort, and those whose span says nothing of sampling the threshold of their trace.
fn stamp(facts: &mut [Fact], cohort: &Cohort, traces: &SmallMap<TraceId, Trace>) {
    for fact in facts {
        fact.cohort = cohort.clone();
        let of_trace = || traces.get(&fact.trace)?.threshold();
        fact.threshold = fact.threshold.or_else(of_trace);
    }
}
