//! The queues from a log to its partitions, with a limit on all waiting events.

use super::LogError;
use crate::model::limit::Limit;
use crate::model::record::{Delivery, Frame, Load};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// The writing half, which every log has.
#[derive(Clone, Debug)]
pub(super) struct Queues {
    queues: Vec<Sender<Message>>,
    shared: Arc<Shared>,
}

/// The reading half of one partition.
#[derive(Debug)]
pub struct Reader {
    queue: Receiver<Message>,
    shared: Arc<Shared>,
    /// What is handed out and not yet done.
    taken: Load,
    closing: bool,
}

/// What a reader found.
#[derive(Debug)]
pub enum Next {
    Delivery(Delivery),
    /// Nothing new: a look at the time is due.
    Nothing,
    /// The log is closed and read to its end.
    End,
}

#[derive(Debug)]
struct Shared {
    /// Entries taken by the log and not yet applied, in all partitions.
    waiting: AtomicUsize,
    /// Roughly what they hold in memory.
    waiting_bytes: AtomicUsize,
    capacity: usize,
    closed: AtomicBool,
    /// What waits will not come any more.
    aborted: AtomicBool,
}

impl Shared {
    fn release(&self, load: Load) {
        self.waiting_bytes.fetch_sub(load.bytes, Ordering::AcqRel);
        self.waiting.fetch_sub(load.entries, Ordering::AcqRel);
    }
}

#[derive(Debug)]
enum Message {
    Delivery(Delivery, Load),
    Wake,
    Close,
}

/// As many queues as partitions, which together take `capacity` entries from outside before they refuse more.
pub(super) fn open(partitions: usize, capacity: usize) -> (Queues, Vec<Reader>) {
    let shared = Arc::new(Shared {
        waiting: AtomicUsize::new(0),
        waiting_bytes: AtomicUsize::new(0),
        capacity,
        closed: AtomicBool::new(false),
        aborted: AtomicBool::new(false),
    });
    let (queues, readers) = (0..partitions)
        .map(|_| {
            let (sender, queue) = mpsc::channel();
            let reader = Reader {
                queue,
                shared: Arc::clone(&shared),
                taken: Load::default(),
                closing: false,
            };
            (sender, reader)
        })
        .unzip();
    (Queues { queues, shared }, readers)
}

impl Queues {
    /// Room for entries from outside.
    pub(super) fn reserve(&self, load: Load) -> Result<(), LogError> {
        let Shared {
            waiting,
            waiting_bytes,
            capacity,
            closed,
            ..
        } = &*self.shared;
        if closed.load(Ordering::Acquire) {
            return Err(LogError::Closed);
        }
        if load.entries > *capacity {
            return Err(LogError::TooLarge);
        }
        let room =
            |waiting| (waiting + load.entries <= *capacity).then_some(waiting + load.entries);
        waiting
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, room)
            .map_err(|_| LogError::Full(Limit::Queue))?;
        waiting_bytes.fetch_add(load.bytes, Ordering::AcqRel);
        Ok(())
    }

    /// Room for what is never refused.
    pub(super) fn squeeze_in(&self, load: Load) {
        self.shared
            .waiting
            .fetch_add(load.entries, Ordering::AcqRel);
        self.shared
            .waiting_bytes
            .fetch_add(load.bytes, Ordering::AcqRel);
    }

    /// Gives room back.
    pub(super) fn release(&self, load: Load) {
        self.shared.release(load);
    }

    /// Hands a frame to its partitions. Call it in the order of positions.
    pub(super) fn deliver(&self, frame: Frame, position: u64) {
        for (partition, delivery) in frame.deliveries(position) {
            let load = delivery.load();
            if self.queues[partition]
                .send(Message::Delivery(delivery, load))
                .is_err()
            {
                // The reader is gone: the process is past its end, nobody waits for these.
                self.release(load);
            }
        }
    }

    pub(super) fn wake(&self) {
        for queue in &self.queues {
            // A reader that is gone needs no waking.
            let _ = queue.send(Message::Wake);
        }
    }

    pub(super) fn waiting(&self) -> Load {
        Load {
            entries: self.shared.waiting.load(Ordering::Acquire),
            bytes: self.shared.waiting_bytes.load(Ordering::Acquire),
        }
    }

    /// Ends all readers, whatever waits.
    pub(super) fn abort(&self) {
        self.shared.aborted.store(true, Ordering::Release);
        self.close();
    }

    pub(super) fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        for queue in &self.queues {
            let _ = queue.send(Message::Close);
        }
    }
}

impl Reader {
    /// The next delivery in order; waits for it at most `wait`.
    pub fn next(&mut self, wait: Duration) -> Next {
        let empty = self.shared.waiting.load(Ordering::Acquire) == 0;
        if self.closing && empty || self.shared.aborted.load(Ordering::Acquire) {
            return Next::End;
        }
        // While closing, another partition may still forward something here.
        let wait = if self.closing {
            Duration::from_millis(10)
        } else {
            wait
        };
        match self.queue.recv_timeout(wait) {
            Ok(Message::Delivery(delivery, load)) => {
                self.taken = load;
                Next::Delivery(delivery)
            }
            Ok(Message::Close) => {
                self.closing = true;
                Next::Nothing
            }
            Ok(Message::Wake) | Err(RecvTimeoutError::Timeout) => Next::Nothing,
            Err(RecvTimeoutError::Disconnected) => Next::End,
        }
    }

    /// Says that the last delivery is applied, and what it caused is in the log.
    pub fn done(&mut self) {
        self.shared.release(std::mem::take(&mut self.taken));
    }
}
