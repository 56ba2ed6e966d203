//! The writer thread, and the log as receivers and partitions see it.

use super::Settings;
use super::counts::LogMetrics;
use super::files::Files;
use super::journal::{CommitError, Journal};
use super::room::{FLOOR, Shortage, Usage};
use super::snapshots::Snapshots;
use crate::log::queue::Queues;
use crate::log::{AppendFuture, Log, LogError};
use crate::model::limit::Limit;
use crate::model::record::{Frame, Load};
use crate::model::time::Timestamp;
use crate::proto::{self, v1};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;
use tracing::{info, warn};

/// How long what cannot be refused waits for room on a full disk.
const FULL_DISK_PAUSE: Duration = Duration::from_millis(200);
/// An idle writer says that it is there at least this often.
const IDLE: Duration = Duration::from_secs(1);
/// Segments of a log at its greatest size, at least.
const SEGMENTS: u64 = 4;
/// How long a write that found no room is believed more than what the file system says of free space: a quota may end sooner.
const NO_SPACE_ROUNDS: u8 = 10;

/// The log and its snapshots, as the doors and partitions see them.
#[derive(Debug)]
pub struct DiskLog {
    queues: Queues,
    shared: Arc<Shared>,
    snapshots: Arc<Snapshots>,
}

/// The one writer.
pub struct Writer {
    files: Arc<dyn Files>,
    journal: Journal,
    queues: Queues,
    shared: Arc<Shared>,
    snapshots: Arc<Snapshots>,
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

#[derive(Debug, Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    /// Something is in the inbox, or its state is another.
    ready: Condvar,
    /// Entries on the disk, which tells partitions that there is something to keep.
    entries: AtomicU64,
    /// The log is half full, or the volume is nearly.
    needs_compaction: AtomicBool,
    /// Why nothing is taken from outside now, for people.
    short: Mutex<Option<String>>,
}

#[derive(Debug, Default)]
struct Inbox {
    items: Vec<Item>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// Nothing more will come.
    Ended,
    /// The disk failed: nothing is taken any more.
    Broken,
}

#[derive(Debug)]
enum Item {
    Frame {
        frame: Frame,
        payload: Vec<u8>,
        /// `None`: it comes from a partition and is never refused.
        answer: Option<oneshot::Sender<Result<(), LogError>>>,
    },
    /// Somebody waits until all before it is durable.
    Flush(mpsc::Sender<()>),
}

impl Item {
    fn payload(&self) -> Option<&[u8]> {
        match self {
            Self::Frame { payload, .. } => Some(payload),
            Self::Flush(_) => None,
        }
    }

    /// The payload of what may be refused.
    fn refusable(&self) -> Option<&[u8]> {
        match self {
            Self::Frame {
                answer: Some(_), ..
            } => self.payload(),
            _ => None,
        }
    }
}

pub(super) fn new(
    files: Arc<dyn Files>,
    journal: Journal,
    snapshots: Snapshots,
    queues: Queues,
    settings: &Settings,
) -> (DiskLog, Writer) {
    let shared = Arc::new(Shared::default());
    let snapshots = Arc::new(snapshots);
    let log = DiskLog {
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

impl Inbox {
    fn fail(&mut self) {
        self.state = State::Broken;
        self.items.clear();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn short(&self) -> MutexGuard<'_, Option<String>> {
        self.short.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `false`: the disk failed, or the log has ended.
    fn put(&self, item: Item) -> bool {
        let mut inbox = self.lock();
        if inbox.state != State::Open {
            return false;
        }
        inbox.items.push(item);
        self.ready.notify_one();
        true
    }
}

impl Log for DiskLog {
    fn append(&self, frame: Frame) -> AppendFuture {
        let load = Load::of(&frame);
        if let Err(refused) = self.queues.reserve(load) {
            return Box::pin(std::future::ready(Err(refused)));
        }
        let payload = proto::frame(&frame);
        let (answer, outcome) = oneshot::channel();
        let answer = Some(answer);
        let taken = self.shared.put(Item::Frame {
            frame,
            payload,
            answer,
        });
        if !taken {
            self.queues.release(load);
        }
        // A writer that goes away without an answer has failed.
        Box::pin(async move { outcome.await.unwrap_or(Err(LogError::WriteFailed)) })
    }

    fn forward(&self, frame: Frame) {
        let load = Load::of(&frame);
        self.queues.squeeze_in(load);
        let payload = proto::frame(&frame);
        let taken = self.shared.put(Item::Frame {
            frame,
            payload,
            answer: None,
        });
        if !taken {
            // Its cause is on the disk: the next process sends it again.
            self.queues.release(load);
        }
    }

    fn wake(&self) {
        self.queues.wake();
    }

    fn backlog(&self) -> Load {
        self.queues.waiting()
    }

    fn close(&self) {
        self.queues.close();
    }

    fn end(&self) {
        let mut inbox = self.shared.lock();
        if inbox.state == State::Open {
            inbox.state = State::Ended;
        }
        self.shared.ready.notify_one();
    }

    fn appended_entries(&self) -> Option<u64> {
        Some(self.shared.entries.load(Ordering::Acquire))
    }

    fn needs_compaction(&self) -> bool {
        self.shared.needs_compaction.load(Ordering::Acquire)
    }

    fn shortage(&self) -> Option<String> {
        self.shared.short().clone()
    }

    fn save_snapshot(
        &self,
        partition: usize,
        position: u64,
        parts: &mut dyn Iterator<Item = v1::SnapshotPart>,
    ) -> Result<u64, LogError> {
        // What the state has sent must be on the disk before the state is: it is not sent again.
        self.flush().recv().map_err(|_| LogError::Closed)?;
        self.snapshots.write(partition, position, parts)
    }
}

impl DiskLog {
    /// Tells when all that was put into the log so far is durable; never, where the log has ended or failed.
    pub fn flush(&self) -> mpsc::Receiver<()> {
        let (flushed, wait) = mpsc::channel();
        self.shared.put(Item::Flush(flushed));
        wait
    }

    /// The kept states.
    pub fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }
}

impl Writer {
    /// What recovery reads.
    pub fn stored(&mut self) -> (&mut Journal, &Snapshots) {
        (&mut self.journal, &self.snapshots)
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
    fn look(&mut self) -> Usage {
        let usage = Usage {
            free: self.files.free(),
            log: self.journal.bytes(),
            snapshots: self.snapshots.next_bytes(),
        };
        let max_log = usage.max_log(self.max_bytes);
        // The log gets shorter by whole segments: of a small one there are several.
        let segment = self.segment_bytes.min(max_log / SEGMENTS);
        self.journal.set_segment_bytes(segment);
        if usage.is_tight() && self.journal.open_bytes() > FLOOR / SEGMENTS {
            self.journal.end_segment();
        }
        let is_long = usage.log > max_log / 2 || usage.is_tight();
        self.shared
            .needs_compaction
            .store(is_long, Ordering::Release);
        self.metrics.look(usage, max_log);
        let outside = self.group.iter().filter_map(Item::refusable);
        let wanted = outside.map(|payload| payload.len() as u64).sum();
        let was = self.short.map(|short| short.limit);
        let short = usage.shortage(self.max_bytes, wanted, was);
        match short {
            Some(short) => self.refuse(short.limit),
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
        let limit = short.map(|short| short.limit);
        let was = self.short.map(|short| short.limit);
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
    fn write(&mut self, usage: Usage) -> Result<(), LogError> {
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
        match self
            .journal
            .commit(frames.map(|(_, payload)| payload.as_slice()))
        {
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
