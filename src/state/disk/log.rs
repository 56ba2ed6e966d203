//! The one writer, and the log that doors and partitions put frames into.

use super::Fault;
use super::journal::{CommitError, Journal};
use super::snapshots::Snapshots;
use crate::model::record::Frame;
use crate::proto::v1;
use crate::state::queue::Queues;
use crate::state::{AppendError, Appending, Log};
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};
use prost::Message;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long what cannot be refused waits for room on a full disk.
const FULL_DISK_PAUSE: Duration = Duration::from_millis(200);

/// The log and its snapshots, as the doors and partitions see them.
#[derive(Debug)]
pub struct DiskLog {
    queues: Queues,
    shared: Arc<Shared>,
    snapshots: Arc<Snapshots>,
}

/// The one writer.
#[derive(Debug)]
pub struct Writer {
    journal: Journal,
    queues: Queues,
    shared: Arc<Shared>,
    snapshots: Arc<Snapshots>,
    metrics: Metrics,
    max_bytes: u64,
}

#[derive(Debug, Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    /// Something is in the inbox, or its state is another.
    ready: Condvar,
    /// Entries on the disk, which tells partitions that there is something to keep.
    entries: AtomicU64,
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
        answer: Option<oneshot::Sender<Result<(), AppendError>>>,
    },
    /// Somebody waits until all before it is durable.
    Flush(mpsc::Sender<()>),
}

struct Metrics {
    commits: Counter,
    full: Counter,
    bytes: Gauge,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    fn new() -> Self {
        describe_counter!(
            "baton_log_commits_total",
            "Groups of requests put on the disk, one fsync each."
        );
        describe_counter!(
            "baton_log_full_total",
            "Groups that found the disk or the log full."
        );
        describe_gauge!("baton_log_bytes", "Size of the log on the disk.");
        Self {
            commits: counter!("baton_log_commits_total"),
            full: counter!("baton_log_full_total"),
            bytes: gauge!("baton_log_bytes"),
        }
    }
}

pub(super) fn new(
    journal: Journal,
    snapshots: Snapshots,
    queues: Queues,
    max_bytes: u64,
) -> (DiskLog, Writer) {
    let shared = Arc::new(Shared::default());
    let snapshots = Arc::new(snapshots);
    let log = DiskLog {
        queues: queues.clone(),
        shared: Arc::clone(&shared),
        snapshots: Arc::clone(&snapshots),
    };
    let writer = Writer {
        journal,
        queues,
        shared,
        snapshots,
        metrics: Metrics::new(),
        max_bytes,
    };
    (log, writer)
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn append(&self, frame: Frame) -> Appending {
        let count = frame.len();
        if let Err(refused) = self.queues.reserve(count) {
            return Box::pin(std::future::ready(Err(refused)));
        }
        let payload = v1::Frame::from(&frame).encode_to_vec();
        let (answer, outcome) = oneshot::channel();
        let answer = Some(answer);
        let taken = self.shared.put(Item::Frame {
            frame,
            payload,
            answer,
        });
        if !taken {
            self.queues.release(count);
        }
        // A writer that goes away without an answer has failed.
        Box::pin(async move { outcome.await.unwrap_or(Err(AppendError::Broken)) })
    }

    fn forward(&self, frame: Frame) {
        let count = frame.len();
        self.queues.squeeze_in(count);
        let payload = v1::Frame::from(&frame).encode_to_vec();
        let taken = self.shared.put(Item::Frame {
            frame,
            payload,
            answer: None,
        });
        if !taken {
            // Its cause is on the disk: the next process sends it again.
            self.queues.release(count);
        }
    }

    fn wake(&self) {
        self.queues.wake();
    }

    fn backlog(&self) -> usize {
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

    fn kept(&self) -> Option<u64> {
        Some(self.shared.entries.load(Ordering::Acquire))
    }

    fn keep(
        &self,
        partition: usize,
        position: u64,
        parts: &mut dyn Iterator<Item = v1::SnapshotPart>,
    ) -> Result<u64, Fault> {
        // What the state has sent must be on the disk before the state is: it is not sent again.
        let (flushed, wait) = mpsc::channel();
        if !self.shared.put(Item::Flush(flushed)) || wait.recv().is_err() {
            return Err(Fault::Stopped);
        }
        self.snapshots.write(partition, position, parts)
    }
}

impl Writer {
    /// What recovery reads.
    pub fn stored(&mut self) -> (&mut Journal, &Snapshots) {
        (&mut self.journal, &self.snapshots)
    }

    /// Writes until the log has ended.
    ///
    /// # Errors
    /// When the disk fails: the process must stop, and recover.
    pub fn work(mut self) -> Result<(), Fault> {
        let mut group = Vec::new();
        while self.take(&mut group) {
            self.refuse_over_limit(&mut group);
            let payloads = group.iter().filter_map(|item| match item {
                Item::Frame { payload, .. } => Some(payload.as_slice()),
                Item::Flush(_) => None,
            });
            match self.journal.commit(payloads) {
                Ok(first) => self.hand_out(&mut group, first),
                Err(CommitError::NoSpace) => {
                    self.refuse(&mut group);
                    self.pause();
                }
                Err(CommitError::Broken(fault)) => return Err(self.fail(fault)),
            }
            if let Err(fault) = self.journal.retire(self.snapshots.covered()) {
                return Err(self.fail(fault));
            }
            self.metrics.bytes.set(self.journal.bytes() as f64);
        }
        Ok(())
    }

    /// Adds what came meanwhile to a group; waits where there is nothing. `false`: the log has ended.
    fn take(&self, group: &mut Vec<Item>) -> bool {
        let mut inbox = self.shared.lock();
        while inbox.items.is_empty() && group.is_empty() {
            if inbox.state != State::Open {
                return false;
            }
            let woken = self.shared.ready.wait(inbox);
            inbox = woken.unwrap_or_else(PoisonError::into_inner);
        }
        group.append(&mut inbox.items);
        true
    }

    /// Gives a committed group to its partitions, and says so to who sent it.
    fn hand_out(&self, group: &mut Vec<Item>, first: u64) {
        let mut position = first;
        for item in group.drain(..) {
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
        self.metrics.commits.increment(1);
    }

    /// Above its limit, the log waits for partitions to keep their state.
    fn refuse_over_limit(&self, group: &mut Vec<Item>) {
        if self.journal.bytes() > self.max_bytes {
            self.refuse(group);
        }
    }

    /// Refuses what comes from outside; what partitions send stays.
    fn refuse(&self, group: &mut Vec<Item>) {
        self.metrics.full.increment(1);
        let mut stays = Vec::new();
        for item in group.drain(..) {
            match item {
                Item::Frame {
                    frame,
                    answer: Some(answer),
                    ..
                } => {
                    self.queues.release(frame.len());
                    let _ = answer.send(Err(AppendError::Full));
                }
                item => stays.push(item),
            }
        }
        *group = stays;
    }

    /// Waits a moment for room on the disk.
    fn pause(&self) {
        let inbox = self.shared.lock();
        let woken = self.shared.ready.wait_timeout(inbox, FULL_DISK_PAUSE);
        drop(woken);
    }

    /// Takes nothing more. Who waits for an answer learns that there is none.
    fn fail(self, fault: Fault) -> Fault {
        let mut inbox = self.shared.lock();
        inbox.state = State::Broken;
        inbox.items.clear();
        self.queues.abort();
        fault
    }
}
