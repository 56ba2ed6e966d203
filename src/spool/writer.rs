//! The spool on disk: one thread that puts what arrived on the disk, removes what every destination has, and saves the cursors.

use super::cursors::{self, CursorFile, SavedCursors};
use super::metrics::SpoolMetrics;
use super::queue::{SpoolItem, SpoolPosition, SpoolQueue, Stage};
use super::{SpoolLimits, WhenFull};
use crate::clock::Clock;
use crate::log::disk::files::Files;
use crate::log::disk::journal::{CommitError, Journal, LastSegment, is_full};
use crate::log::{LogError, Position};
use crate::model::limit::{Bytes, Limit};
use crate::model::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tracing::{info, warn};

/// An idle writer says that it is there at least this often.
const IDLE: Duration = Duration::from_secs(1);
/// How often cursors are saved that move. What is delivered between two times is delivered again after a crash.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// Segments of a spool at its greatest size, at least.
const MIN_SEGMENTS: u64 = 4;
/// Free space on the volume below which nothing is written.
const FLOOR: u64 = 16 << 20;
/// The greatest spool where the operator gives no size, and its share of the volume: one part in so many.
const LARGEST_SPOOL: u64 = 8 << 30;
const VOLUME_SHARE: u64 = 4;

/// The one writer of a spool on disk.
pub struct SpoolWriter {
    queue: Arc<SpoolQueue>,
    files: Arc<dyn Files>,
    journal: Journal,
    clock: Clock,
    /// When the cursors were saved last.
    saved: Timestamp,
    /// The last group found no room, whatever the volume says.
    no_space: bool,
}

impl std::fmt::Debug for SpoolWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpoolWriter")
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}

/// Opens the spool of a folder.
pub(super) fn open(
    files: Arc<dyn Files>,
    destinations: &[String],
    (limits, metrics): (SpoolLimits, SpoolMetrics),
    clock: Clock,
) -> Result<(Arc<SpoolQueue>, SpoolWriter), LogError> {
    let (saved, is_known) = match saved_cursors(&*files, &metrics)? {
        Some(saved) => (saved, true),
        None => (SavedCursors::default(), false),
    };
    let last = saved.last();
    let opened = Journal::open_last(Arc::clone(&files), limits.segment_bytes, last)?;
    let (journal, state) = opened;
    match state {
        LastSegment::Whole | LastSegment::Empty => {}
        LastSegment::Cut(bytes) => warn!(
            bytes,
            "cut off the incomplete end of the spool, of which nothing was acknowledged"
        ),
        LastSegment::Damaged => {
            warn!("the end of the spool is damaged: requests there are not forwarded");
            metrics.damaged.increment(1);
        }
    }
    // Without cursors nobody knows what is delivered: all of it is delivered again.
    let begin = if is_known {
        journal.next() - 1
    } else {
        journal.first() - 1
    };
    let cursors = positions(destinations, &saved.cursors, &journal, begin);
    let committed = journal.next() - 1;
    for (destination, cursor) in &cursors {
        let requests = committed - cursor.at;
        if cursor.configured {
            info!(destination, requests, "requests wait for a destination");
        } else {
            warn!(
                destination,
                requests,
                "requests wait for a destination that is not configured any more: they stay until the spool is half full"
            );
        }
    }
    info!(directory = files.place(), spool = %Bytes(journal.bytes()), "opened the spool");
    let queue = SpoolQueue::new(
        (cursors, committed),
        limits,
        metrics,
        Some(Arc::clone(&files)),
    );
    let mut writer = SpoolWriter {
        queue: Arc::new(queue),
        files,
        journal,
        saved: clock.now(),
        clock,
        no_space: false,
    };
    writer.look();
    // A crash now must not lose what comes next.
    writer.queue.lock().moved = true;
    writer.save_cursors()?;
    Ok((Arc::clone(&writer.queue), writer))
}

/// The cursors that were saved last; `None`: there are none.
fn saved_cursors(
    files: &dyn Files,
    metrics: &SpoolMetrics,
) -> Result<Option<SavedCursors>, LogError> {
    match cursors::load(files)? {
        CursorFile::Saved(saved) => return Ok(Some(saved)),
        CursorFile::Missing => {}
        CursorFile::Damaged => {
            warn!(
                "the cursors of the spool are damaged: all that is in the spool is delivered again"
            );
            metrics.damaged.increment(1);
        }
    }
    Ok(None)
}

/// The cursors of the destinations, and of those that are not there any more. A new one begins at `begin`.
fn positions(
    destinations: &[String],
    known: &BTreeMap<String, Position>,
    journal: &Journal,
    begin: Position,
) -> BTreeMap<String, SpoolPosition> {
    let within = |at: Position| at.clamp(journal.first() - 1, journal.next() - 1);
    let position = |at, configured| SpoolPosition {
        at: within(at),
        configured,
    };
    let orphans = known
        .iter()
        .map(|(name, at)| (name.clone(), position(*at, false)));
    // One that waits for nothing is forgotten.
    let mut positions: BTreeMap<String, SpoolPosition> = orphans
        .filter(|(_, cursor)| cursor.at + 1 < journal.next())
        .collect();
    for name in destinations {
        let at = known.get(name).copied().unwrap_or(begin);
        positions.insert(name.clone(), position(at, true));
    }
    positions
}

impl SpoolWriter {
    /// Writes until the spool has ended, and says at least every second that it gets on.
    ///
    /// # Errors
    /// When the disk fails: the process must stop, and recover.
    pub fn work(mut self, beat: impl Fn()) -> Result<(), LogError> {
        let mut worked = Ok(());
        while worked.is_ok() && self.wait() {
            beat();
            worked = self.round();
        }
        let worked = worked.and_then(|()| self.save_cursors());
        // Nothing may wait for a writer that is gone.
        let mut state = self.queue.lock();
        state.stage = Stage::Broken;
        let left = std::mem::take(&mut state.items);
        drop(state);
        drop(left);
        worked
    }

    /// Waits for something to do. `false`: the spool has ended.
    fn wait(&self) -> bool {
        let mut state = self.queue.lock();
        if state.items.is_empty() && state.stage == Stage::Open {
            let woken = self.queue.ready.wait_timeout(state, IDLE);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.stage == Stage::Open || !state.items.is_empty()
    }

    /// Puts what came meanwhile on the disk and answers for it.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn round(&mut self) -> Result<(), LogError> {
        self.look();
        let group = std::mem::take(&mut self.queue.lock().items);
        self.make_room(&group)?;
        self.write(group)?;
        if self.clock.now().since(self.saved) >= SAVE_INTERVAL {
            self.save_cursors()?;
        }
        Ok(())
    }

    /// Looks at the volume and at how far the destinations are.
    fn look(&mut self) {
        let (free, bytes) = (self.files.free(), self.journal.bytes());
        let limits = self.queue.limits;
        let share = |free: u64| (free.saturating_add(bytes) / VOLUME_SHARE).min(LARGEST_SPOOL);
        let auto = || free.map_or(LARGEST_SPOOL, share);
        let max = limits.max_bytes.unwrap_or_else(auto).max(limits.min_bytes);
        self.journal
            .set_segment_bytes(limits.segment_bytes.min(max / MIN_SEGMENTS));
        let place = self.files.place();
        let disk = if self.files.is_gone() {
            Some(format!("{place}: the directory was deleted: restart Baton"))
        } else if self.no_space || free.is_some_and(|free| free < FLOOR) {
            let free = Bytes(free.unwrap_or(0));
            Some(format!("{place}: the volume is nearly full: {free} free"))
        } else {
            None
        };
        // It is tried again with what comes next.
        self.no_space = false;
        // Where the volume has less, the spool cannot become so large.
        let room = free.map(|free| bytes + free.saturating_sub(FLOOR));
        let mut state = self.queue.lock();
        state.max = room.map_or(max, |room| max.min(room));
        state.stored = bytes;
        if std::mem::take(&mut state.leave_segment) {
            self.journal.end_segment();
        }
        if state.disk != disk {
            match &disk {
                Some(why) => warn!(%why, "the spool takes no requests until there is space"),
                None => info!("the spool takes requests again"),
            }
            state.disk = disk;
        }
    }

    /// Removes what nobody needs; if that is not enough, what the policy allows.
    fn make_room(&mut self, group: &[SpoolItem]) -> Result<(), LogError> {
        self.journal.retire(self.queue.needless())?;
        let max = self.queue.lock().max;
        while self.journal.bytes() > max / 2
            && self.is_held_by_orphans()
            && self.drop_segment(|cursor| !cursor.configured)?
        {}
        let wanted: u64 = group.iter().map(|item| item.payload.size() as u64).sum();
        let drops = self.queue.limits.when_full == WhenFull::DropOldest;
        while drops && self.journal.bytes() + wanted > max && self.drop_segment(|_| true)? {}
        // The last segment is never removed: where it is large and needed by nobody, another one takes its place.
        let is_large = self.journal.open_bytes() > max / MIN_SEGMENTS;
        if is_large && self.queue.needless() >= self.journal.next() - 1 {
            self.leave_segment()?;
            self.journal.retire(self.queue.needless())?;
        }
        self.queue.lock().stored = self.journal.bytes();
        Ok(())
    }

    /// Whether only destinations that are not configured need the first segment.
    fn is_held_by_orphans(&self) -> bool {
        let state = self.queue.lock();
        state.needless(|cursor| !cursor.configured) < state.needless(|cursor| cursor.configured)
    }

    /// Moves the cursors in question behind the first segment and removes it if nobody else needs it. `false`: there is nothing in it.
    fn drop_segment(&mut self, which: impl Fn(&SpoolPosition) -> bool) -> Result<bool, LogError> {
        if self.journal.second().is_none()
            && (self.journal.is_open_empty() || !self.leave_segment()?)
        {
            return Ok(false);
        }
        let Some(second) = self.journal.second() else {
            return Ok(false);
        };
        self.queue.give_up(second - 1, which);
        self.journal.retire(self.queue.needless())?;
        Ok(true)
    }

    /// Begins a new segment. `false`: there is no space for it.
    fn leave_segment(&mut self) -> Result<bool, LogError> {
        self.journal.end_segment();
        match self.journal.commit::<1>(std::iter::empty()) {
            Ok(_) => Ok(true),
            Err(CommitError::NoSpace) => Ok(false),
            Err(CommitError::Broken(fault)) => Err(fault),
        }
    }

    /// Commits a group, or refuses it.
    fn write(&mut self, group: Vec<SpoolItem>) -> Result<(), LogError> {
        if group.is_empty() {
            return Ok(());
        }
        let payloads = group.iter().map(|item| item.payload.parts());
        match self.journal.commit(payloads) {
            Ok(_) => {
                let mut state = self.queue.lock();
                state.stored = self.journal.bytes();
                // The file of cursors says how far the spool goes.
                state.moved = true;
                drop(state);
                self.queue.commit(self.journal.next() - 1);
                self.answer(group, || Ok(()));
                Ok(())
            }
            Err(CommitError::NoSpace) => {
                self.no_space = true;
                self.answer(group, || Err(LogError::Full(Limit::Spool)));
                Ok(())
            }
            Err(CommitError::Broken(fault)) => Err(fault),
        }
    }

    /// Gives the reserved bytes of a group back and answers for it.
    fn answer(&self, group: Vec<SpoolItem>, outcome: impl Fn() -> Result<(), LogError>) {
        let reserved = group.iter().map(|item| item.reserved).sum();
        self.queue.release(reserved);
        for item in group {
            // Whoever asked may be gone.
            let _ = item.answer.send(outcome());
        }
    }

    /// Saves the cursors if they have moved. If there is no space for them, they are saved later.
    fn save_cursors(&mut self) -> Result<(), LogError> {
        self.saved = self.clock.now();
        let mut state = self.queue.lock();
        if !std::mem::take(&mut state.moved) {
            return Ok(());
        }
        let cursors = state.cursors.clone();
        drop(state);
        let saved = cursors.iter().map(|(name, cursor)| (name, cursor.at));
        match cursors::save(&*self.files, saved, self.journal.next() - 1) {
            Err(LogError::Io(_, error)) if is_full(&error) => {
                self.queue.lock().moved = true;
                Ok(())
            }
            saved => saved,
        }
    }
}
