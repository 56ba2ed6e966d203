//! Turns of a session: which traces are one turn, when it is ready, and what its decision changes.

use super::late;
use super::missing::Missing;
use super::owners::Owners;
use super::session::{SessionState, stamp};
use super::trace::{OpenTrace, Trace};
use super::workflow::OpenWorkflow;
use super::{Output, Settings};
use crate::model::Name;
use crate::model::event::{Event, Kind};
use crate::model::fact::{Fact, Ignored, What};
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::small_map::SmallSet;
use crate::model::time::Timestamp;
use crate::turn::{self, Decided, HandoffState, PauseSigns, SpanOwners, WorkflowSummary};

/// The spans of a trace that says nothing to Baton.
fn ignored(id: TraceId, trace: &OpenTrace) -> Fact {
    let what = What::Ignored {
        reason: Ignored::NotAboutAgents,
        events: trace.len() as u64,
    };
    Fact::new(trace.interval().1, id, what)
}

/// Open traces that are one turn (T-1, T-14): a trace that lies within the time of another one, or links to it, joins its turn; so
/// does one with which a turn that waits goes on.
pub(super) struct OpenTurn {
    traces: Vec<TraceId>,
    pub(super) start: Timestamp,
    end: Timestamp,
    /// A trace of it is one of agents at work, and no remark.
    is_turn: bool,
    /// What its spans show of waiting and going on.
    signs: PauseSigns,
    /// Arrival of the latest event of the turn after it. What is no turn does not end a wait (T-14).
    followed: Option<Timestamp>,
}

impl SessionState {
    /// Decides the turns that are ready, in their order; a turn that is not holds up those after it.
    pub(super) fn decide_ready(
        &mut self,
        key: &PartitionKey,
        now: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) {
        for turn in self.open_turns() {
            if self.ready_at(key, &turn, settings) > now {
                return;
            }
            self.decide(&turn, self.last_arrival, settings, out);
        }
    }

    /// Decides all turns now, ready or not.
    pub(super) fn decide_all(&mut self, arrival: Timestamp, settings: &Settings, out: &mut Output) {
        for turn in self.open_turns() {
            self.decide(&turn, arrival, settings, out);
        }
    }

    /// The turns that are not decided, by their start (T-1).
    pub(super) fn open_turns(&self) -> Vec<OpenTurn> {
        let mut open: Vec<(TraceId, &OpenTrace, (Timestamp, Timestamp))> = self
            .traces
            .iter()
            .filter_map(|(id, trace)| {
                let open = trace.open.as_deref()?;
                Some((*id, open, open.interval()))
            })
            .collect();
        // The longest of those that start together comes first, as it may contain the others.
        open.sort_by_key(|(id, _, (start, end))| (*start, std::cmp::Reverse(*end), *id));
        let mut turns: Vec<OpenTurn> = Vec::new();
        for (id, trace, (start, end)) in open {
            let (signs, is_turn) = (trace.signs(), trace.is_turn());
            let host = turns.iter().position(|turn| {
                end <= turn.end || trace.links().any(|link| turn.traces.contains(&link))
            });
            // Only the last one waits: the user has asked for something else since those before it.
            let may_go_on = |turn: &OpenTurn| self.waits(turn) || turn.signs.passes_on();
            let last = turns.iter().rposition(|turn| turn.is_turn);
            let resumed = last.filter(|last| signs.resumes() && may_go_on(&turns[*last]));
            match host.or(resumed).map(|host| &mut turns[host]) {
                Some(turn) => {
                    turn.traces.push(id);
                    turn.end = turn.end.max(end);
                    turn.is_turn |= is_turn;
                    turn.signs = turn.signs.and(&signs);
                }
                None => {
                    if let Some(last) = last.filter(|_| is_turn) {
                        turns[last].followed = Some(trace.last_arrival);
                    }
                    turns.push(OpenTurn {
                        traces: vec![id],
                        start,
                        end,
                        is_turn,
                        signs,
                        followed: None,
                    });
                }
            }
        }
        turns
    }

    /// Whether a turn stopped without an end (T-13).
    fn waits(&self, turn: &OpenTurn) -> bool {
        let events = || {
            let traces = turn.traces.iter().filter_map(|id| self.traces.get(id));
            let traces = traces.filter_map(|trace| trace.open.as_ref());
            let events = traces.flat_map(|open| open.events());
            let of_turn = |e: &Event| !matches!(e.kind, Kind::Note(_)) && !e.rare.is_beside;
            let spans = events.filter(of_turn);
            spans.collect::<Vec<_>>()
        };
        turn.signs.waits(events)
    }

    /// When a turn may be decided, if nothing more arrives (T-9, L-3).
    pub(super) fn ready_at(
        &self,
        key: &PartitionKey,
        turn: &OpenTurn,
        settings: &Settings,
    ) -> Timestamp {
        let bound = match key {
            PartitionKey::Session(_) | PartitionKey::User(_) => Timestamp::default(),
            PartitionKey::Trace(_) | PartitionKey::TenantTrace(..) => {
                self.opened + settings.bind_timeout
            }
        };
        let traces = turn.traces.iter();
        // What nobody can join needs no time: a trace of its own, and what is not about agents.
        let patience = match key {
            PartitionKey::Session(_) if self.waits(turn) => Some(settings.turn_timeout),
            PartitionKey::Session(_) if turn.signs.passes_on() => Some(settings.drop_timeout),
            _ => None,
        };
        let followed = turn.followed.map_or(bound, |at| at + settings.settle);
        let bound = match patience {
            Some(_) => bound.max(followed),
            None => bound,
        };
        traces
            .filter_map(|id| {
                let trace = self.traces.get(id)?;
                Some((trace, trace.open.as_deref()?))
            })
            .map(|(trace, open)| {
                // Where a link leads is as unknown as a parent that is missing, as long as nobody says so.
                let waits = key.trace().is_some() && open.follows();
                // A part of a trace was waited for before it was dealt out.
                let missing = match self.shared.has(open.trace()) {
                    true => Missing::Nothing,
                    false => trace.missing(),
                };
                let quiet = match (missing, patience, turn.followed) {
                    (Missing::Nothing, _, _) if waits => settings.trace_timeout,
                    (Missing::Nothing, Some(patience), None) => patience,
                    (missing, _, _) => missing.patience(settings),
                };
                open.last_arrival + quiet
            })
            .fold(bound, Timestamp::max)
    }

    fn decide(&mut self, turn: &OpenTurn, now: Timestamp, settings: &Settings, out: &mut Output) {
        let (mut spans, mut remarks, mut beside) = (Vec::new(), Vec::new(), Vec::new());
        let is_alone = turn.traces.len() == 1;
        for id in &turn.traces {
            let Some(open) = self.take_open(*id, now, settings, out) else {
                continue;
            };
            // A trace in which nothing is about agents adds nothing to the turn of others (T-7).
            // Neither does a run alone in which nothing shows that was rated (S-11).
            let judges = open.judges();
            let is_agentic = open.is_agentic() && !judges && !(is_alone && open.only_remarks());
            if !is_agentic && !open.has_remarks() && !open.has_work_beside() {
                out.facts.push(ignored(*id, &open));
                continue;
            }
            // What a judge does adds up, what it says is a remark (S-11).
            let says = |event: &Event| !event.rare.evaluations.is_empty();
            let is_beside = |event: &Event| event.rare.is_beside || judges && !says(event);
            let (more, events): (Vec<Event>, _) =
                self.close(*open).into_iter().partition(is_beside);
            beside.push((*id, more));
            match is_agentic {
                true => spans.extend(events),
                false => remarks.push((*id, events)),
            }
        }
        for events in turn::exchanges(spans, settings.settle) {
            self.decide_exchange(&events, now, settings, out);
        }
        for (id, events) in &beside {
            self.count_beside(*id, events, settings, out);
        }
        let from = out.facts.len();
        for (id, events) in &remarks {
            // Each counts once, however often it is sent.
            let spans = events.iter().map(|event| (*id, event.span, None));
            self.note_owners(&spans.collect());
            self.count_remarks(events, now, out);
        }
        stamp(&mut out.facts[from..], &self.cohort, &self.traces);
    }

    /// Takes the open part of a trace, without what only adds to a turn of it that is decided: that is counted (T-9).
    fn take_open(
        &mut self,
        id: TraceId,
        now: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) -> Option<Box<OpenTrace>> {
        let trace = self.traces.get_mut(&id)?;
        let open = trace.open.take()?;
        self.open_spans -= open.len();
        self.open_bytes -= open.weight;
        let Some(decided) = &trace.decided else {
            self.traces.remove(&id);
            return Some(open);
        };
        let (late, turn) = late::split(*open, decided, settings.settle);
        for event in late {
            self.take_late(&event, now, settings, out);
        }
        turn
    }

    /// Closes a trace, or another part of it; returns its spans.
    fn close(&mut self, open: OpenTrace) -> Vec<Event> {
        let id = open.trace();
        let (events, closed) = open.close();
        let trace = self.traces.get_or_insert_with(id, Trace::default);
        trace.decided = Some(Box::new(match trace.decided.take() {
            Some(known) => known.merged(closed),
            None => closed,
        }));
        events
    }

    /// Decides one exchange with the user (T-10, T-11).
    fn decide_exchange(
        &mut self,
        events: &[Event],
        now: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) {
        let pending = self.pending.iter();
        let mut waiting: Vec<HandoffState> = pending.map(|(_, state)| state.clone()).collect();
        let (events, usage) = (events.iter(), &mut self.usage);
        let nobody = SmallSet::default();
        let open = self.workflow.as_ref();
        let known = open.map_or(&nobody, |open| &open.summary.agents);
        let decided = turn::decide(events, &mut waiting, usage, known, settings.policy());
        let Some(mut turn) = decided else {
            return;
        };
        self.complete(&mut turn);
        let from = out.facts.len();
        out.facts.append(&mut turn.facts);
        self.compare_message(&turn, out);
        self.remove_resumed(&waiting, &turn, out);
        self.note_owners(&turn.owners);
        self.note_turn(&turn);
        self.note_answer(&turn.summary, turn.answering.as_ref());
        stamp(&mut out.facts[from..], &turn.summary.cohort, &self.traces);
        self.pending_until(&mut turn, now + settings.drop_timeout);
        if turn.summary.last_result.is_some() {
            self.count_session(&turn.summary, out);
            self.extend_workflow(turn.summary, now, settings, out);
        }
    }

    /// Counts work beside the session, after the turns of its trace: it adds to their workflow and changes nothing else (S-16).
    fn count_beside(
        &mut self,
        id: TraceId,
        events: &[Event],
        settings: &Settings,
        out: &mut Output,
    ) {
        let decided = self
            .traces
            .get_mut(&id)
            .and_then(|trace| trace.decided.as_mut());
        let Some(decided) = decided.filter(|_| !events.is_empty()) else {
            return;
        };
        let unnamed = Name::from(turn::DEFAULT_WORKFLOW);
        let workflow = decided.workflow.as_ref().unwrap_or(&unnamed);
        let about = (decided.answering.as_ref(), workflow);
        let nobody = SmallSet::default();
        let known = self
            .workflow
            .as_ref()
            .map_or(&nobody, |open| &open.summary.agents);
        let counted = turn::count_beside(
            events.iter(),
            &mut self.usage,
            known,
            settings.policy(),
            about,
        );
        if let Some(open) = &mut self.workflow {
            open.summary.cost.merge(counted.cost);
        }
        self.note_owners(&counted.owners);
        let from = out.facts.len();
        out.facts.extend(counted.facts);
        stamp(&mut out.facts[from..], &self.cohort, &self.traces);
    }

    /// Adds to a turn what only its session knows: the cohort of earlier turns, and how its traces were sampled.
    fn complete(&mut self, turn: &mut Decided) {
        let summary = &mut turn.summary;
        summary.cohort = summary.cohort.or(&self.cohort);
        self.cohort = summary.cohort.clone();
        let threshold = |trace| self.traces.get(&trace)?.threshold();
        summary.threshold = threshold(summary.trace);
        for state in &mut turn.pending {
            state.cohort = summary.cohort.clone();
            state.threshold = threshold(state.trace);
        }
    }

    /// Compares the user's message with the earlier ones that a handoff followed.
    fn compare_message(&mut self, turn: &Decided, out: &mut Output) {
        let summary = &turn.summary;
        if let Some((words, agent)) = &turn.user_message
            && self.user_messages.add(summary.start, words.clone())
        {
            let what = What::Repeat {
                workflow: summary.name.clone(),
                agent: agent.clone(),
            };
            out.facts
                .push(Fact::new(summary.start, summary.trace, what));
        }
        if turn.handed_over {
            self.user_messages.hand_over();
        }
    }

    /// A pending handoff may have found its target in this turn: it waits no more (H-7).
    fn remove_resumed(&mut self, waiting: &[HandoffState], turn: &Decided, out: &mut Output) {
        let still = |state: &HandoffState| {
            waiting
                .iter()
                .any(|w| w.at == state.at && w.handoff == state.handoff)
        };
        if let Some(resumed) = self.pending.iter().position(|(_, state)| !still(state)) {
            self.pending.remove(resumed);
            let (at, trace) = (turn.summary.start, turn.summary.trace);
            out.facts.push(Fact::new(at, trace, What::Pending(-1)));
        }
    }

    /// Keeps for each decided trace whom late feedback is about.
    fn note_turn(&mut self, turn: &Decided) {
        for spans in turn.owners.chunk_by(|(a, ..), (b, ..)| a == b) {
            let trace = self.traces.get_mut(&spans[0].0);
            if let Some(known) = trace.and_then(|trace| trace.decided.as_mut()) {
                known.answering.clone_from(&turn.answering);
                known.workflow = Some(turn.summary.name.clone());
            }
        }
    }

    /// Keeps for each decided trace the agents of its spans, for those that come late.
    fn note_owners(&mut self, owners: &SpanOwners) {
        for spans in owners.chunk_by(|(a, ..), (b, ..)| a == b) {
            let trace = self.traces.get_mut(&spans[0].0);
            if let Some(known) = trace.and_then(|trace| trace.decided.as_mut()) {
                let before = known.owners.len();
                let spans = spans.iter().cloned();
                let own: Owners = spans.map(|(_, span, owner)| (span, owner)).collect();
                known.owners = match before {
                    0 => own,
                    // Another turn of the same trace, or work beside it.
                    _ => own.merged(&known.owners),
                };
                self.known_spans += known.owners.len() - before;
            }
        }
    }

    /// Keeps the handoffs of a turn whose target may come in a later one.
    fn pending_until(&mut self, turn: &mut Decided, due: Timestamp) {
        let pending = turn.pending.drain(..);
        self.pending.extend(pending.map(|state| (due, state)));
    }

    /// Counts the session with its first turn.
    fn count_session(&mut self, turn: &WorkflowSummary, out: &mut Output) {
        if !std::mem::replace(&mut self.counted, true) {
            out.facts.push(Fact {
                cohort: turn.cohort.clone(),
                threshold: turn.threshold,
                ..Fact::new(turn.start, turn.trace, What::Session)
            });
        }
    }

    /// Carries a turn into the open workflow, or opens another one (W-2).
    fn extend_workflow(
        &mut self,
        turn: WorkflowSummary,
        now: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) {
        match &mut self.workflow {
            Some(open) if open.continues_with(&turn, settings) => open.append(turn, now),
            open => {
                let next = Box::new(OpenWorkflow::open(turn, now));
                if let Some(ended) = open.replace(next) {
                    self.close_workflow(*ended, now, settings, out);
                }
            }
        }
    }
}
