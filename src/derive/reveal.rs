//! When new series stop being exposed as 0.

use crate::model::time::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// Series are revealed at whole seconds, so that many births ask for few looks at the time.
const GRAIN: u64 = 1_000_000_000;

/// The moments at which series that were born lately are revealed. Part of the fold over the log: what was revealed once stays
/// revealed, in replay too.
#[derive(Debug)]
pub(super) struct Reveals {
    hold: Duration,
    /// The latest log time that was told.
    now: Timestamp,
    /// In the future of `now`.
    pending: BTreeSet<Timestamp>,
    interrupted: Option<Interrupted>,
}

/// Series that were still exposed as 0 when a process ended: their hold begins anew with the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interrupted {
    /// The earliest birth of one.
    pub(super) from: Timestamp,
    /// When the next process went on.
    pub(super) since: Timestamp,
}

impl Reveals {
    pub(super) fn new(hold: Duration) -> Self {
        Self {
            hold,
            now: Timestamp::default(),
            pending: BTreeSet::new(),
            interrupted: None,
        }
    }

    /// A series is born.
    pub(super) fn born(&mut self, start: Timestamp) {
        if self.holds(start) {
            self.pending.insert(self.revealed_at(start));
        }
    }

    /// Whether a series is still exposed as 0.
    pub(super) fn holds(&self, start: Timestamp) -> bool {
        !self.hold.is_zero() && self.revealed_at(start) > self.now
    }

    fn revealed_at(&self, start: Timestamp) -> Timestamp {
        let anew = self.interrupted.filter(|i| start >= i.from);
        let due = anew.map_or(start, |i| start.max(i.since)) + self.hold;
        Timestamp(due.0.div_ceil(GRAIN).saturating_mul(GRAIN))
    }

    /// The time in which no process ran does not count: what is held now, or was born in that time, is held anew from `now` on.
    pub(super) fn restart(&mut self, now: Timestamp) {
        // The earliest birth that is held: by its own hold, or by that of an earlier restart.
        let whole = self.now.0 / GRAIN * GRAIN;
        let hold = u64::try_from(self.hold.as_nanos()).unwrap_or(u64::MAX);
        let own = Timestamp((whole + 1).saturating_sub(hold));
        let before = self.interrupted.filter(|i| self.holds(i.from));
        let from = before.map_or(own, |i| i.from.min(own));
        let since = now.max(self.now);
        self.interrupted = Some(Interrupted { from, since });
        if !self.pending.is_empty() {
            self.pending = BTreeSet::from([self.revealed_at(from)]);
        }
    }

    /// Tells the time.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        while self.pending.first().is_some_and(|due| *due <= self.now) {
            self.pending.pop_first();
        }
    }

    /// The latest log time that was told.
    #[cfg(test)]
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// When the next series is revealed.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.pending.first().copied()
    }

    /// What a snapshot has to keep beside log time.
    pub(super) fn interrupted(&self) -> Option<Interrupted> {
        self.interrupted
    }

    /// Goes on from a snapshot at this log time, before its series are told.
    pub(super) fn restore(&mut self, interrupted: Option<Interrupted>, log_time: Timestamp) {
        self.interrupted = interrupted;
        self.advance(log_time);
    }
}
