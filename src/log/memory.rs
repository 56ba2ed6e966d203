//! The log in memory. It keeps entries as long as the process lives.

use super::queue::{self, Queues};
use super::{AppendFuture, Log, Reader};
use crate::model::record::{Frame, Load};
use std::sync::{Mutex, PoisonError};

/// The writing half.
#[derive(Debug)]
pub struct MemoryLog {
    queues: Queues,
    /// The last position. Held while a frame is delivered, so that queues are in its order.
    position: Mutex<u64>,
}

/// A log with `partitions` queues, which together take `capacity` entries from outside before they refuse more.
pub fn open(partitions: usize, capacity: usize) -> (MemoryLog, Vec<Reader>) {
    let (queues, readers) = queue::open(partitions, capacity);
    let log = MemoryLog {
        queues,
        position: Mutex::new(0),
    };
    (log, readers)
}

impl MemoryLog {
    fn deliver(&self, frame: Frame) {
        let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        *position += 1;
        self.queues.deliver(frame, *position);
    }
}

impl Log for MemoryLog {
    fn append(&self, frame: Frame) -> AppendFuture {
        let outcome = self.queues.reserve(Load::of(&frame));
        if outcome.is_ok() {
            self.deliver(frame);
        }
        Box::pin(std::future::ready(outcome))
    }

    fn forward(&self, frame: Frame) {
        self.queues.squeeze_in(Load::of(&frame));
        self.deliver(frame);
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
}
