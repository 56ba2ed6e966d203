//! Timers of a session. Each condition stands here once: schedule and clock both ask [`SessionState::timers`].

use super::session::SessionState;
use super::trace::Trace;
use super::{Output, Settings};
use crate::model::event::SessionSource;
use crate::model::fact::{Fact, What};
use crate::model::ids::{PartitionKey, TenantScoped};
use crate::model::record::Record;
use crate::model::small_map::SmallMap;
use crate::model::time::Timestamp;
use crate::model::{List, Name};
use crate::turn::{CumulativeUsage, HandoffState};

/// What a timer of a session does.
#[derive(Clone, Copy, Debug)]
enum TimedStep {
    /// Gives all events of a trace to the session that only its resource names (S-4).
    FollowResource,
    /// Waits no more for its part of a trace that names several sessions (S-14).
    GiveUpParts,
    /// Decides the open turns that are ready.
    DecideTurns,
    /// Drops pending handoffs whose time is up.
    DropHandoffs,
    /// Forgets the spans of decided traces: until then late spans and duplicates are recognised.
    ForgetTraces,
    CloseWorkflow,
    /// Forgets the session itself, which would be counted again from then on (S-5). Its outcomes are kept for their own time.
    ForgetSession,
    /// Forgets closed workflows that nothing can correct any more, and reports that matched nothing (O-6).
    ForgetOutcomes,
}

/// What is left of a session after its timers.
#[derive(Debug, Default)]
pub(super) struct AfterTimers {
    /// When to look at it again. `None`: nothing of it is needed any more.
    pub(super) next: Option<Timestamp>,
    /// The session that all its events went to.
    pub(super) moved_to: Option<PartitionKey>,
}

impl SessionState {
    /// Does what is due, one step after the other.
    pub(super) fn on_time(
        &mut self,
        key: &PartitionKey,
        now: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) -> AfterTimers {
        let mut after = AfterTimers::default();
        loop {
            let timers = self.timers(key, settings);
            let mut timers = timers.into_iter().flatten();
            let Some((_, step)) = timers.clone().find(|(due, _)| *due <= now) else {
                let next = timers.by_ref().map(|(due, _)| due).min();
                after.next = Some(next.unwrap_or(Timestamp::MAX));
                return after;
            };
            match step {
                TimedStep::FollowResource => after.moved_to = self.follow_resource(out),
                TimedStep::GiveUpParts => self.shared.give_up(now),
                TimedStep::DecideTurns => self.decide_ready(key, now, settings, out),
                TimedStep::DropHandoffs => self.drop_handoffs(now, settings, out),
                TimedStep::ForgetTraces => {
                    self.traces = SmallMap::default();
                    self.shared.forget_come();
                    self.usage = CumulativeUsage::default();
                    self.known_spans = 0;
                }
                TimedStep::CloseWorkflow => {
                    if let Some(workflow) = self.workflow.take() {
                        self.close_workflow(*workflow, now, settings, out);
                    }
                }
                TimedStep::ForgetSession => match self.outcomes.take() {
                    None => return after,
                    outcomes => {
                        *self = Self::new(self.opened);
                        self.outcomes = outcomes;
                    }
                },
                TimedStep::ForgetOutcomes => self.forget_outcomes(now, settings, out),
            }
        }
    }

    /// Each timer that runs, with the time at which it is due; of several that are due, the first one here goes first.
    fn timers(
        &self,
        key: &PartitionKey,
        settings: &Settings,
    ) -> [Option<(Timestamp, TimedStep)>; 6] {
        if let Some(due) = self.follows_at(key, settings) {
            let mut only = [None; 6];
            only[0] = Some((due, TimedStep::FollowResource));
            return only;
        }
        if let Some(until) = self.shared.until() {
            let mut only = [None; 6];
            only[0] = Some((until, TimedStep::GiveUpParts));
            return only;
        }
        let turns = self.open_turns();
        let first = turns.first();
        let turn = first.map(|turn| self.ready_at(key, turn, settings));
        let begun = first.map(|turn| turn.start);
        let pending = self.pending.iter();
        let handoff = pending.filter_map(|one| drop_at(one, begun, settings));
        // While a turn is open, nothing is closed or forgotten: its decision comes first.
        let quiet = self.open_spans == 0;
        let traces = quiet && (!self.traces.is_empty() || self.shared.any_came());
        let workflow = self.workflow.as_ref().filter(|_| quiet);
        // A session that was never counted leaves nothing to remember, unless a trace has something for it.
        let is_known = self.counted || self.shared.any_is_to_come();
        let outcomes = self.outcomes.as_ref();
        let outcomes_due =
            outcomes.and_then(|held| held.due(self.open_since(), settings.outcomes_window));
        let session = match is_known {
            true => Some(self.last_arrival + settings.remembered(key)),
            false => outcomes.is_none().then(Timestamp::default),
        };
        let session = session.filter(|_| self.is_idle());
        let at = |due: Option<Timestamp>, step| due.map(|due| (due, step));
        [
            at(turn, TimedStep::DecideTurns),
            at(handoff.min(), TimedStep::DropHandoffs),
            at(
                traces.then(|| self.last_arrival + settings.idle_timeout),
                TimedStep::ForgetTraces,
            ),
            at(
                workflow.map(|workflow| workflow.deadline(settings)),
                TimedStep::CloseWorkflow,
            ),
            at(session, TimedStep::ForgetSession),
            at(outcomes_due, TimedStep::ForgetOutcomes),
        ]
    }

    fn forget_outcomes(&mut self, now: Timestamp, settings: &Settings, out: &mut Output) {
        let open = self.open_since();
        if let Some(outcomes) = &mut self.outcomes {
            outcomes.expire(open, (now, settings.outcomes_window), out);
        }
        self.outcomes.take_if(|outcomes| outcomes.is_empty());
    }

    /// When a trace without a session goes to the session that its resource names, if it names one (S-4): after the same quiet time
    /// for all traces of a turn, so that they meet there whenever each of them began.
    fn follows_at(&self, key: &PartitionKey, settings: &Settings) -> Option<Timestamp> {
        let waits = key.trace().is_some() && self.resource_session().is_some();
        waits.then(|| self.last_arrival + settings.bind_timeout)
    }

    fn resource_session(&self) -> Option<Name> {
        let open = |trace: &Trace| trace.open.as_ref()?.resource_session();
        self.traces.values().find_map(open)
    }

    /// Gives all events to the session that the resource names.
    fn follow_resource(&mut self, out: &mut Output) -> Option<PartitionKey> {
        let session = self.resource_session()?;
        let tenant = self.traces.values().find_map(|trace| {
            let mut events = trace.open.as_ref()?.events();
            events.find_map(|event| event.context.tenant.clone())
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

    /// Drops the pending handoffs whose time is up: their target never came.
    fn drop_handoffs(&mut self, now: Timestamp, settings: &Settings, out: &mut Output) {
        let begun = self.open_turns().first().map(|turn| turn.start);
        let is_due = |one: &_| drop_at(one, begun, settings).is_some_and(|due| due <= now);
        let (due, waiting): (List<_>, List<_>) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(is_due);
        self.pending = waiting;
        for (_, state) in due {
            let (at, trace) = (state.at, state.trace);
            if let Some(workflow) = &mut self.workflow {
                workflow.summary.lose_handoff();
            }
            out.facts.push(Fact::new(at, trace, What::Pending(-1)));
            out.facts.push(Fact {
                cohort: state.cohort,
                threshold: state.threshold,
                ..Fact::new(at, trace, What::Handoff(state.handoff))
            });
        }
    }
}

/// When a pending handoff is dropped. `None`: not before the open turns are decided, of which the first one began at `begun`.
fn drop_at(
    (due, state): &(Timestamp, HandoffState),
    begun: Option<Timestamp>,
    settings: &Settings,
) -> Option<Timestamp> {
    (!state.may_resume(begun, settings.drop_timeout)).then_some(*due)
}
