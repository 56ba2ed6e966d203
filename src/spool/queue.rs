//! The state that all who use the spool share.

use super::metrics::SpoolMetrics;
use super::{SpoolLimits, SpoolPayload, WhenFull};
use crate::log::disk::files::Files;
use crate::log::{LogError, Position};
use crate::model::limit::{Bytes as Size, Limit};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::{oneshot, watch};

/// What a payload takes beside its bytes: the head of its frame, or of its place in memory.
const OVERHEAD: u64 = 64;

/// Shared by those who write, the readers and, on disk, the writer.
pub(super) struct SpoolQueue {
    state: Mutex<SpoolState>,
    /// The writer has something to do.
    pub(super) ready: Condvar,
    /// The last position that readers may have. The writer sets it, or who writes to memory.
    committed: watch::Sender<Position>,
    pub(super) limits: SpoolLimits,
    pub(super) metrics: SpoolMetrics,
    /// `None`: in memory.
    pub(super) files: Option<Arc<dyn Files>>,
}

pub(super) struct SpoolState {
    /// Waits for the writer.
    pub(super) items: Vec<SpoolItem>,
    pub(super) stage: Stage,
    /// Bytes of places that are reserved and not yet stored.
    reserved: u64,
    /// Bytes of what is stored. The writer sets it, or who writes to memory.
    pub(super) stored: u64,
    /// The greatest size now. The writer sets it as the volume changes: what there is no room for cannot be stored.
    pub(super) max: u64,
    /// Why the disk takes nothing now. The writer sets it.
    pub(super) disk: Option<String>,
    pub(super) cursors: BTreeMap<String, SpoolPosition>,
    /// Cursors have moved since they were saved.
    pub(super) moved: bool,
    /// A reader found the segment that is written to damaged: the next group begins another one.
    pub(super) leave_segment: bool,
    /// In memory: the payloads after `removed`.
    payloads: VecDeque<SpoolPayload>,
    removed: Position,
}

/// How far one destination is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SpoolPosition {
    /// Everything up to here is delivered or given up.
    pub(super) at: Position,
    /// `false`: nobody reads it. It holds what waits for it as long as there is plenty of room.
    pub(super) configured: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    /// Nothing more will come.
    Ended,
    /// The disk failed.
    Broken,
}

/// A payload on its way to the disk.
pub(super) struct SpoolItem {
    pub(super) payload: SpoolPayload,
    pub(super) answer: oneshot::Sender<Result<(), LogError>>,
    /// The bytes that are reserved for it.
    pub(super) reserved: u64,
}

/// The room that a payload of so many bytes takes.
pub(super) fn room(bytes: usize) -> u64 {
    bytes as u64 + OVERHEAD
}

impl std::fmt::Debug for SpoolQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpoolQueue")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl SpoolQueue {
    pub(super) fn in_memory(
        destinations: &[String],
        limits: SpoolLimits,
        metrics: SpoolMetrics,
    ) -> Self {
        let fresh = SpoolPosition {
            at: 0,
            configured: true,
        };
        let cursors = destinations.iter().map(|name| (name.clone(), fresh));
        Self::new((cursors.collect(), 0), limits, metrics, None)
    }

    /// A queue with everything up to a position behind it.
    pub(super) fn new(
        (cursors, committed): (BTreeMap<String, SpoolPosition>, Position),
        limits: SpoolLimits,
        metrics: SpoolMetrics,
        files: Option<Arc<dyn Files>>,
    ) -> Self {
        let max = limits.max_bytes.unwrap_or(limits.min_bytes);
        let state = SpoolState {
            items: Vec::new(),
            stage: Stage::Open,
            reserved: 0,
            stored: 0,
            max: max.max(limits.min_bytes),
            disk: None,
            cursors,
            moved: false,
            leave_segment: false,
            payloads: VecDeque::new(),
            removed: committed,
        };
        Self {
            state: Mutex::new(state),
            ready: Condvar::new(),
            committed: watch::Sender::new(committed),
            limits,
            metrics,
            files,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, SpoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves bytes. `false`: there is no room, and what comes is dropped.
    pub(super) fn reserve(&self, bytes: u64) -> Result<bool, LogError> {
        let mut state = self.lock();
        match state.stage {
            Stage::Open => {}
            Stage::Ended => return Err(LogError::Closed),
            Stage::Broken => return Err(LogError::WriteFailed),
        }
        let drops_oldest = self.limits.when_full == WhenFull::DropOldest;
        if drops_oldest && self.files.is_none() {
            self.drop_payloads_for(&mut state, bytes);
        }
        // On disk, the writer removes the oldest segments before it writes more.
        let stored = if drops_oldest { 0 } else { state.stored };
        let has_room = stored + state.reserved + bytes <= state.max && state.disk.is_none();
        if has_room {
            state.reserved += bytes;
            return Ok(true);
        }
        match self.limits.when_full {
            WhenFull::Refuse => Err(LogError::Full(Limit::Spool)),
            WhenFull::DropOldest | WhenFull::DropNewest => Ok(false),
        }
    }

    pub(super) fn release(&self, bytes: u64) {
        self.lock().reserved -= bytes;
    }

    /// Gives a payload to the writer. If that takes nothing any more, there will be no answer.
    pub(super) fn put(&self, item: SpoolItem) {
        let mut state = self.lock();
        if state.stage != Stage::Broken {
            state.items.push(item);
            self.ready.notify_one();
        }
    }

    /// Stores a payload in memory.
    pub(super) fn push(&self, payload: SpoolPayload) {
        let mut state = self.lock();
        state.stored += room(payload.size());
        state.payloads.push_back(payload);
        let committed = state.removed + state.payloads.len() as u64;
        state.remove_delivered();
        drop(state);
        self.commit(committed);
    }

    /// Everything up to this position may be read.
    pub(super) fn commit(&self, position: Position) {
        self.committed.send_replace(position);
    }

    pub(super) fn committed(&self) -> watch::Receiver<Position> {
        self.committed.subscribe()
    }

    /// The payload at a position of a queue in memory.
    pub(super) fn payload(&self, position: Position) -> Option<SpoolPayload> {
        let state = self.lock();
        let index = position.checked_sub(state.removed + 1)?;
        state.payloads.get(usize::try_from(index).ok()?).cloned()
    }

    /// The cursor of a destination: greater than what it has read, where something was dropped.
    pub(super) fn cursor(&self, destination: &str) -> Position {
        let state = self.lock();
        state.cursors.get(destination).map_or(0, |cursor| cursor.at)
    }

    /// A destination has everything up to a position.
    pub(super) fn delivered(&self, destination: &str, at: Position) {
        let mut state = self.lock();
        if let Some(cursor) = state.cursors.get_mut(destination)
            && cursor.at < at
        {
            cursor.at = at;
            state.moved = true;
            state.remove_delivered();
            if state.stored > state.max / 2 {
                // The sooner segments go, the sooner there is room.
                self.ready.notify_one();
            }
        }
    }

    /// Moves the cursors in question that are before a position, and counts what their destinations do not get.
    pub(super) fn give_up(&self, until: Position, which: impl Fn(&SpoolPosition) -> bool) {
        let mut state = self.lock();
        self.give_up_in(&mut state, until, which);
    }

    fn give_up_in(
        &self,
        state: &mut SpoolState,
        until: Position,
        which: impl Fn(&SpoolPosition) -> bool,
    ) {
        for (name, cursor) in &mut state.cursors {
            if cursor.at < until && which(cursor) {
                self.metrics.dropped(name, until - cursor.at);
                cursor.at = until;
                state.moved = true;
            }
        }
    }

    /// Drops the oldest payloads in memory until there is room for so many bytes.
    fn drop_payloads_for(&self, state: &mut SpoolState, bytes: u64) {
        while state.stored + state.reserved + bytes > state.max && !state.payloads.is_empty() {
            let oldest = state.removed + 1;
            self.give_up_in(state, oldest, |_| true);
            state.remove_delivered();
        }
    }

    /// The position up to which nobody needs anything.
    pub(super) fn needless(&self) -> Position {
        self.lock().needless(|_| true)
    }

    /// Why requests are refused now.
    pub(super) fn shortage(&self) -> Option<String> {
        if self.limits.when_full != WhenFull::Refuse {
            return None;
        }
        let state = self.lock();
        if let Some(disk) = &state.disk {
            return Some(disk.clone());
        }
        let is_full = state.stored + state.reserved >= state.max - state.max / 16;
        is_full.then(|| {
            format!(
                "the spool has {} and may have {} (spool.max_size, or the room on the volume): waiting for destinations",
                Size(state.stored + state.reserved),
                Size(state.max)
            )
        })
    }

    pub(super) fn waiting(&self) -> Vec<(String, u64)> {
        let committed = *self.committed.borrow();
        let state = self.lock();
        let waiting = state.cursors.iter();
        waiting
            .map(|(name, cursor)| (name.clone(), committed.saturating_sub(cursor.at)))
            .collect()
    }

    pub(super) fn measure(&self) {
        for (name, requests) in self.waiting() {
            self.metrics.waiting(&name, requests);
        }
        let state = self.lock();
        self.metrics.bytes.set(state.stored as f64);
        self.metrics.max_bytes.set(state.max as f64);
    }

    pub(super) fn end(&self) {
        let mut state = self.lock();
        if state.stage == Stage::Open {
            state.stage = Stage::Ended;
        }
        self.ready.notify_one();
    }
}

impl SpoolState {
    /// The least of the cursors in question.
    pub(super) fn needless(&self, which: impl Fn(&SpoolPosition) -> bool) -> Position {
        let cursors = self.cursors.values().filter(|cursor| which(cursor));
        cursors
            .map(|cursor| cursor.at)
            .min()
            .unwrap_or(Position::MAX)
    }

    /// Removes the payloads in memory that everybody has.
    fn remove_delivered(&mut self) {
        let needless = self.needless(|_| true);
        while self.removed < needless
            && let Some(payload) = self.payloads.pop_front()
        {
            self.removed += 1;
            self.stored -= room(payload.size());
        }
    }
}
