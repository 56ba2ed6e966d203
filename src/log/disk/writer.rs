//! The one writer of the log: it puts what arrived on the disk, hands it out, answers for it, and refuses what there is no room for.

use super::Settings;
use super::files::Files;
use super::inbox::{InboxState, Item, State};
use super::journal::{CommitError, Journal};
use super::log::DiskLog;
use super::metrics::LogMetrics;
use super::snapshots::SnapshotFiles;
use super::space::{FLOOR, Shortage, VolumeUsage};
use crate::log::LogError;
use crate::log::queue::Queues;
use crate::model::limit::Limit;
use crate::model::record::Load;
use crate::model::time::Timestamp;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tracing::{info, warn};

/// How long what cannot be refused waits for room on a full disk.
const FULL_DISK_PAUSE: Duration = Duration::from_millis(200);
/// An idle writer says that it is there at least this often.
const IDLE: Duration = Duration::from_secs(1);
/// Segments of a log at its greatest size, at least.
const MIN_SEGMENTS: u64 = 4;
/// How long a write that found no room is believed more than what the file system says of free space: a quota may end sooner.
const NO_SPACE_ROUNDS: u8 = 10;

/// The one writer.
pub struct Writer {
    files: Arc<dyn Files>,
    journal: Journal,
    queues: Queues,
    shared: Arc<InboxState>,
    snapshots: Arc<SnapshotFiles>,
    metrics: LogMetrics,
    max_bytes: Option<u64>,
    segment_bytes: u64,
    segment_age: Duration,
    /// Why nothing is taken from outside now.
    short: Option<Shortage>,
    /// The file system had no room though it says that there is: believed for so many more rounds.
    no_space: u8,
    /// What is written next; more than nothing between two rounds only while the disk or the log is full.
    group: Vec<Item>,
    /// When the segment that is written to was begun.
    begun: Option<Timestamp>,
}

pub(super) fn new(
    files: Arc<dyn Files>,
    journal: Journal,
    snapshots: SnapshotFiles,
    queues: Queues,
    settings: &Settings,
) -> (DiskLog, Writer) {
    let shared = Arc::new(InboxState::default());
    let snapshots = Arc::new(snapshots);
    let log = DiskLog {
        files: Arc::clone(&files),
        queues: queues.clone(),
        shared: Arc::clone(&shared),
        snapshots: Arc::clone(&snapshots),
    };
    let mut writer = Writer {
        files,
        journal,
        queues,
        shared,
        snapshots,
        metrics: LogMetrics::new(),
        max_bytes: settings.max_bytes,
        segment_bytes: settings.segment_bytes,
        segment_age: settings.segment_age,
        short: None,
        no_space: 0,
        group: Vec::new(),
        begun: None,
    };
    // What there is is known before anybody asks.
    writer.look();
    (log, writer)
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("journal", &self.journal)
            .field("short", &self.short)
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// The segments that it writes.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Writes until the log has ended, and says at least every second that it gets on.
    ///
    /// # Errors
    /// When the disk fails: the process must stop, and recover.
    pub fn work(mut self, beat: impl Fn()) -> Result<(), LogError> {
        while self.wait() {
            beat();
            self.round()?;
        }
        Ok(())
    }

    /// Puts what came meanwhile on the disk, hands it out and answers for it.
    ///
    /// # Errors
    /// When the disk fails. Then the log takes nothing more, and who waits for an answer learns that there is none.
    pub fn round(&mut self) -> Result<(), LogError> {
        let mut inbox = self.shared.lock();
        self.group.append(&mut inbox.items);
        drop(inbox);
        let usage = self.look();
        let written = self
            .write(usage)
            .and_then(|()| self.journal.retire(self.snapshots.covered()));
        if written.is_err() {
            self.shared.lock().fail();
            self.group.clear();
            self.queues.abort();
        }
        written
    }

    /// Looks at the volume and the log, and refuses what comes from outside where there is no room for it.
    fn look(&mut self) -> VolumeUsage {
        let usage = VolumeUsage {
            is_gone: self.files.is_gone(),
            free: self.files.free(),
            log: self.journal.bytes(),
            snapshots: self.snapshots.next_bytes(),
        };
        let max_log = usage.max_log(self.max_bytes);
        // The log gets shorter by whole segments: of a small one there are several.
        let segment = self.segment_bytes.min(max_log / MIN_SEGMENTS);
        self.journal.set_segment_bytes(segment);
        if usage.is_tight() && self.journal.open_bytes() > FLOOR / MIN_SEGMENTS {
            self.journal.end_segment();
        }
        let is_long = usage.log > max_log / 2 || usage.is_tight();
        self.shared
            .needs_compaction
            .store(is_long, Ordering::Release);
        self.metrics.look(usage, max_log);
        let outside = self.group.iter().filter_map(Item::refusable);
        let wanted = outside.map(|payload| payload.len() as u64).sum();
        let was = self.short.map(Shortage::limit);
        let short = usage.shortage(self.max_bytes, wanted, was);
        match short {
            Some(short) => self.refuse(short.limit()),
            None if self.no_space > 0 => {
                self.no_space -= 1;
                return usage;
            }
            None => {}
        }
        self.tell(short);
        usage
    }

    /// Says when requests begin to be refused, and when they are taken again.
    fn tell(&mut self, short: Option<Shortage>) {
        let limit = short.map(Shortage::limit);
        let was = self.short.map(Shortage::limit);
        match &short {
            Some(why) if limit != was => {
                let directory = self.files.place();
                warn!(directory, %why, "requests are refused with a retryable status until there is space on the disk");
            }
            None if was.is_some() => {
                let directory = self.files.place();
                info!(
                    directory,
                    "there is space on the disk: requests are accepted again"
                );
            }
            _ => {}
        }
        *self.shared.short() = short.map(|why| format!("{}: {why}", self.files.place()));
        self.short = short;
    }

    /// Commits the group, or refuses what may be refused of it.
    fn write(&mut self, usage: VolumeUsage) -> Result<(), LogError> {
        let frames = self.group.iter().filter_map(|item| match item {
            Item::Frame { frame, payload, .. } => Some((frame, payload)),
            Item::Flush(_) => None,
        });
        let Some(now) = frames.clone().map(|(frame, _)| frame.arrival).max() else {
            self.hand_out(self.journal.next());
            return Ok(());
        };
        if now.since(*self.begun.get_or_insert(now)) >= self.segment_age {
            self.journal.end_segment();
            self.begun = Some(now);
        }
        let payloads = frames.map(|(_, payload)| [payload.as_slice()]);
        let skipped = self.journal.skip_to(self.shared.skipped());
        match skipped.and_then(|()| self.journal.commit(payloads)) {
            Ok(first) => {
                self.metrics.commits.increment(1);
                let more = self.journal.bytes().saturating_sub(usage.log);
                self.snapshots.logged(more);
                self.no_space = 0;
                self.hand_out(first);
                Ok(())
            }
            Err(CommitError::NoSpace) => {
                let frames = self.group.iter().filter_map(Item::payload);
                let wanted = frames.map(|payload| payload.len() as u64).sum();
                self.no_space = NO_SPACE_ROUNDS;
                self.refuse(Limit::Disk);
                self.tell(Some(Shortage::write_failed(usage, wanted)));
                Ok(())
            }
            Err(CommitError::Broken(fault)) => Err(fault),
        }
    }

    /// Waits for something to do. `false`: the log has ended.
    fn wait(&self) -> bool {
        let mut inbox = self.shared.lock();
        let pause = if self.group.is_empty() {
            IDLE
        } else {
            FULL_DISK_PAUSE
        };
        if inbox.items.is_empty() && inbox.state == State::Open {
            let woken = self.shared.ready.wait_timeout(inbox, pause);
            inbox = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        // What a full disk holds up now has its cause on the disk: the next process sends it again.
        inbox.state == State::Open || !inbox.items.is_empty()
    }

    /// Gives a committed group to its partitions, and says so to who sent it.
    fn hand_out(&mut self, first: u64) {
        let mut position = first;
        for item in self.group.drain(..) {
            match item {
                Item::Frame { frame, answer, .. } => {
                    let count = frame.len() as u64;
                    self.shared.entries.fetch_add(count, Ordering::AcqRel);
                    self.queues.deliver(frame, position);
                    position += 1;
                    if let Some(answer) = answer {
                        // Whoever asked may be gone; what was taken is taken.
                        let _ = answer.send(Ok(()));
                    }
                }
                Item::Flush(flushed) => {
                    let _ = flushed.send(());
                }
            }
        }
    }

    /// Refuses what comes from outside; what partitions send stays.
    fn refuse(&mut self, limit: Limit) {
        if self.group.iter().any(|item| item.refusable().is_some()) {
            self.metrics.full(limit);
        }
        let mut stays = Vec::new();
        for item in self.group.drain(..) {
            match item {
                Item::Frame {
                    frame,
                    answer: Some(answer),
                    ..
                } => {
                    self.queues.release(Load::of(&frame));
                    let _ = answer.send(Err(LogError::Full(limit)));
                }
                item => stays.push(item),
            }
        }
        self.group = stays;
    }
}
