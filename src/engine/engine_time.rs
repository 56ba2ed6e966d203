//! The time of an engine. It is that of the clock, but after an outage it first passes what was missed, in small steps.
//!
//! A timer may send something to another key, whose own timers then find it there. Live, whoever is told learns it within a second.
//! If all partitions jumped over an outage, timers of hours would run before anything is told. So each step waits until everything
//! before it is settled.

use super::Engine;
use crate::clock::Clock;
use crate::model::time::Timestamp;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;

/// No timer runs later than this after it was due, while anything is open: as in a partition that is at work.
const STEP: Duration = Duration::from_secs(1);

/// What time it is for the partitions of an engine.
#[derive(Debug)]
pub(super) struct EngineTime {
    clock: Clock,
    /// How far it is, while it is behind the clock. Written by `begin_at`, `reach` and `pass`.
    behind: RwLock<Option<Timestamp>>,
    /// Follows `behind`, for those who wait.
    is_behind: watch::Sender<bool>,
}

impl EngineTime {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            behind: RwLock::new(None),
            is_behind: watch::channel(false).0,
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn now(&self) -> Timestamp {
        self.behind().unwrap_or_else(|| self.clock.now())
    }

    pub(super) fn missing(&self) -> Option<Duration> {
        let behind = self.behind()?;
        Some(self.clock.now().since(behind))
    }

    fn behind(&self) -> Option<Timestamp> {
        *self.behind.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl FnOnce(Option<Timestamp>) -> Option<Timestamp>) {
        let mut behind = self.behind.write().unwrap_or_else(PoisonError::into_inner);
        *behind = change(*behind);
        self.is_behind.send_replace(behind.is_some());
    }

    /// Goes on from a time at which the last process ended.
    pub(super) fn begin_at(&self, time: Timestamp) {
        self.set(|_| Some(time));
    }

    /// Something is in the log that came at this time: it is no earlier.
    pub(super) fn reach(&self, time: Timestamp) {
        if self.behind().is_some_and(|behind| behind < time) {
            self.set(|behind| behind.map(|behind| behind.max(time)));
        }
    }
}

impl Engine {
    /// Ends when no time is missing any more: what comes from outside before that is taken too early.
    pub async fn caught_up(&self) {
        let mut is_behind = self.time.is_behind.subscribe();
        // The engine itself holds the sender.
        let _ = is_behind.wait_for(|is_behind| !is_behind).await;
    }

    /// Where time was missed: goes on to the next timer, once everything before it is settled. When only sessions and users are
    /// remembered, none of whose timers tells others anything, it is over.
    pub(super) fn pass_missed_time(&self) {
        let Some(at) = self.time.behind() else { return };
        if !self.is_settled_by(at) {
            return;
        }
        let owned = self.owned();
        let open = owned.iter().filter(|one| one.read().has_open_work());
        let next = open.filter_map(|one| one.read().next_deadline()).min();
        let next = next.map(|due| due.max(at) + STEP);
        let next = next.filter(|next| *next < self.time.clock.now());
        self.time.set(|behind| match behind == Some(at) {
            true => next,
            false => behind,
        });
        self.log.wake();
    }
}
