//! The log in memory: one queue per partition, with a bound on what waits in all of them.

use super::{AppendError, Appending, Log, Next, Reader};
use crate::model::record::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// The writing half.
#[derive(Debug)]
pub struct MemoryLog {
    queues: Vec<Sender<Message>>,
    shared: Arc<Shared>,
}

/// The reading half of one partition.
#[derive(Debug)]
pub struct MemoryReader {
    queue: Receiver<Message>,
    shared: Arc<Shared>,
    /// Entries handed out and not yet done.
    taken: usize,
    closing: bool,
}

#[derive(Debug)]
struct Shared {
    /// Entries appended and not yet done, in all partitions.
    waiting: AtomicUsize,
    capacity: usize,
    closed: AtomicBool,
}

#[derive(Debug)]
enum Message {
    Entries(Vec<Entry>),
    Wake,
    Close,
}

/// A log with `partitions` queues, which together take `capacity` entries from outside before they refuse more.
pub fn open(partitions: usize, capacity: usize) -> (MemoryLog, Vec<MemoryReader>) {
    let shared = Arc::new(Shared {
        waiting: AtomicUsize::new(0),
        capacity,
        closed: AtomicBool::new(false),
    });
    let (queues, readers) = (0..partitions)
        .map(|_| {
            let (sender, queue) = mpsc::channel();
            let reader = MemoryReader {
                queue,
                shared: Arc::clone(&shared),
                taken: 0,
                closing: false,
            };
            (sender, reader)
        })
        .unzip();
    (MemoryLog { queues, shared }, readers)
}

impl MemoryLog {
    fn send(&self, entries: Vec<(usize, Entry)>) {
        let mut batches: Vec<Vec<Entry>> = self.queues.iter().map(|_| Vec::new()).collect();
        for (partition, entry) in entries {
            batches[partition].push(entry);
        }
        for (queue, batch) in self.queues.iter().zip(batches) {
            let count = batch.len();
            if count > 0 && queue.send(Message::Entries(batch)).is_err() {
                // The reader is gone: the process is past its end, nobody waits for these.
                self.shared.waiting.fetch_sub(count, Ordering::AcqRel);
            }
        }
    }

    fn reserve(&self, count: usize) -> Result<(), AppendError> {
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(AppendError::Closed);
        }
        if count > self.shared.capacity {
            return Err(AppendError::TooMany);
        }
        self.shared
            .waiting
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |waiting| {
                (waiting + count <= self.shared.capacity).then_some(waiting + count)
            })
            .map(|_| ())
            .map_err(|_| AppendError::Full)
    }
}

impl Log for MemoryLog {
    fn append(&self, entries: Vec<(usize, Entry)>) -> Appending {
        let outcome = self.reserve(entries.len());
        if outcome.is_ok() {
            self.send(entries);
        }
        Box::pin(std::future::ready(outcome))
    }

    fn forward(&self, entries: Vec<(usize, Entry)>) {
        self.shared
            .waiting
            .fetch_add(entries.len(), Ordering::AcqRel);
        self.send(entries);
    }

    fn wake(&self) {
        for queue in &self.queues {
            // A reader that is gone needs no waking.
            let _ = queue.send(Message::Wake);
        }
    }

    fn backlog(&self) -> usize {
        self.shared.waiting.load(Ordering::Acquire)
    }

    fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        for queue in &self.queues {
            let _ = queue.send(Message::Close);
        }
    }
}

impl Reader for MemoryReader {
    fn next(&mut self, wait: Duration) -> Next {
        if self.closing && self.shared.waiting.load(Ordering::Acquire) == 0 {
            return Next::End;
        }
        // While closing, another partition may still forward something here.
        let wait = if self.closing {
            Duration::from_millis(10)
        } else {
            wait
        };
        match self.queue.recv_timeout(wait) {
            Ok(Message::Entries(entries)) => {
                self.taken = entries.len();
                Next::Entries(entries)
            }
            Ok(Message::Close) => {
                self.closing = true;
                Next::Nothing
            }
            Ok(Message::Wake) | Err(RecvTimeoutError::Timeout) => Next::Nothing,
            Err(RecvTimeoutError::Disconnected) => Next::End,
        }
    }

    fn done(&mut self) {
        self.shared.waiting.fetch_sub(self.taken, Ordering::AcqRel);
        self.taken = 0;
    }
}
