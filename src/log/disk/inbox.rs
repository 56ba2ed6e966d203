//! What the log and its writer share: what is to be written, and how it stands with the disk.

use crate::log::{LogError, Position};
use crate::model::record::Frame;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use tokio::sync::oneshot;

#[derive(Debug, Default)]
pub(super) struct InboxState {
    inbox: Mutex<Inbox>,
    /// Something is in the inbox, or its state is another.
    pub(super) ready: Condvar,
    /// Entries on the disk, which tells partitions that there is something to keep.
    pub(super) entries: AtomicU64,
    /// The log is half full, or the volume is nearly.
    pub(super) needs_compaction: AtomicBool,
    /// The greatest position that a snapshot has seen: the log goes on behind it, whatever it has lost.
    skip_to: AtomicU64,
    /// Why nothing is taken from outside now, for people.
    short: Mutex<Option<String>>,
}

#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) items: Vec<Item>,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Open,
    /// Nothing more will come.
    Ended,
    /// The disk failed: nothing is taken any more.
    Broken,
}

#[derive(Debug)]
pub(super) enum Item {
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
    pub(super) fn payload(&self) -> Option<&[u8]> {
        match self {
            Self::Frame { payload, .. } => Some(payload),
            Self::Flush(_) => None,
        }
    }

    /// The payload of what may be refused.
    pub(super) fn refusable(&self) -> Option<&[u8]> {
        match self {
            Self::Frame {
                answer: Some(_), ..
            } => self.payload(),
            _ => None,
        }
    }
}

impl Inbox {
    pub(super) fn fail(&mut self) {
        self.state = State::Broken;
        self.items.clear();
    }
}

impl InboxState {
    pub(super) fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn short(&self) -> MutexGuard<'_, Option<String>> {
        self.short.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the log go on behind a position.
    pub(super) fn skip_to(&self, position: Position) {
        self.skip_to.fetch_max(position, Ordering::AcqRel);
    }

    /// The position behind which the log goes on.
    pub(super) fn skipped(&self) -> Position {
        self.skip_to.load(Ordering::Acquire)
    }

    /// `false`: the disk failed, or the log has ended.
    pub(super) fn put(&self, item: Item) -> bool {
        let mut inbox = self.lock();
        if inbox.state != State::Open {
            return false;
        }
        inbox.items.push(item);
        self.ready.notify_one();
        true
    }
}
