//! The log without threads: the same journal and snapshots, driven one action at a time.

use baton::model::record::{Delivery, Frame};
use baton::proto::v1;
use baton::state::disk::Fault;
use baton::state::disk::journal::{CommitError, Journal};
use baton::state::disk::snapshots::Snapshots;
use baton::state::{AppendError, Appending, Log};
use prost::Message;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// What an offer came to, once that is known.
pub type Answer = Arc<Mutex<Option<Result<(), AppendError>>>>;

#[derive(Debug)]
pub struct SimLog {
    state: Mutex<State>,
    journal: Mutex<Journal>,
    snapshots: Snapshots,
}

#[derive(Debug)]
struct State {
    pending: Vec<(Frame, Option<Answer>)>,
    queues: Vec<VecDeque<Delivery>>,
    entries: u64,
    broken: bool,
    last: Option<Answer>,
}

impl SimLog {
    pub fn new(journal: Journal, snapshots: Snapshots, partitions: usize) -> Self {
        Self {
            journal: Mutex::new(journal),
            state: Mutex::new(State {
                pending: Vec::new(),
                queues: vec![VecDeque::new(); partitions],
                entries: 0,
                broken: false,
                last: None,
            }),
            snapshots,
        }
    }

    /// What recovery works on.
    pub fn stored<T>(&self, work: impl FnOnce(&mut Journal, &Snapshots) -> T) -> T {
        work(&mut self.journal(), &self.snapshots)
    }

    /// The answer to the last offer.
    pub fn answer(&self) -> Answer {
        self.lock().last.take().expect("something was offered")
    }

    /// Puts the first `count` pending frames on the disk. `false`: the disk failed.
    pub fn commit(&self, count: usize) -> bool {
        self.lock()
            .commit(count, &mut self.journal(), &self.snapshots)
    }

    pub fn pending(&self) -> usize {
        self.lock().pending.len()
    }

    /// The next delivery of a partition.
    pub fn next(&self, partition: usize) -> Option<Delivery> {
        self.lock().queues[partition].pop_front()
    }

    pub fn is_empty(&self) -> bool {
        let state = self.lock();
        state.pending.is_empty() && state.queues.iter().all(VecDeque::is_empty)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal
            .lock()
            .expect("no test panics while it holds the journal")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no test panics while it holds the log")
    }
}

impl State {
    fn commit(&mut self, count: usize, journal: &mut Journal, snapshots: &Snapshots) -> bool {
        let group: Vec<_> = self.pending.drain(..count).collect();
        let payloads: Vec<Vec<u8>> = group
            .iter()
            .map(|(frame, _)| v1::Frame::from(frame).encode_to_vec())
            .collect();
        match journal.commit(payloads.iter().map(Vec::as_slice)) {
            Ok(first) => {
                for (position, (frame, answer)) in (first..).zip(group) {
                    self.entries += frame.len() as u64;
                    for (partition, delivery) in frame.deliveries(position) {
                        self.queues[partition].push_back(delivery);
                    }
                    tell(answer, Ok(()));
                }
            }
            Err(CommitError::NoSpace) => {
                let mut stays = Vec::new();
                for (frame, answer) in group {
                    match answer {
                        Some(answer) => tell(Some(answer), Err(AppendError::Full)),
                        None => stays.push((frame, None)),
                    }
                }
                stays.append(&mut self.pending);
                self.pending = stays;
            }
            Err(CommitError::Broken(_)) => self.broken = true,
        }
        self.broken |= journal.retire(snapshots.covered()).is_err();
        !self.broken
    }
}

fn tell(answer: Option<Answer>, outcome: Result<(), AppendError>) {
    if let Some(answer) = answer {
        *answer.lock().expect("an answer") = Some(outcome);
    }
}

impl Log for SimLog {
    fn append(&self, frame: Frame) -> Appending {
        let answer = Answer::default();
        let mut state = self.lock();
        state.last = Some(Arc::clone(&answer));
        state.pending.push((frame, Some(answer)));
        Box::pin(std::future::pending())
    }

    fn forward(&self, frame: Frame) {
        self.lock().pending.push((frame, None));
    }

    fn wake(&self) {}

    fn backlog(&self) -> usize {
        0
    }

    fn close(&self) {}

    fn kept(&self) -> Option<u64> {
        Some(self.lock().entries)
    }

    fn keep(
        &self,
        partition: usize,
        position: u64,
        parts: &mut dyn Iterator<Item = v1::SnapshotPart>,
    ) -> Result<u64, Fault> {
        let mut state = self.lock();
        let count = state.pending.len();
        if count > 0 && !state.commit(count, &mut self.journal(), &self.snapshots) {
            return Err(Fault::Stopped);
        }
        // A full disk refuses what partitions send: it is not durable, and so the state must not be.
        if !state.pending.is_empty() {
            return Err(Fault::Stopped);
        }
        drop(state);
        self.snapshots.write(partition, position, parts)
    }
}
