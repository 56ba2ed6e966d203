//! The queues from a log to its partitions, with a limit on all waiting events.

use super::{LogError, Next, Position};
use crate::model::limit::Limit;
use crate::model::record::{Delivery, Frame, Load};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a reader waits at most while the log closes: another partition may still forward something to it.
const CLOSING_WAIT: Duration = Duration::from_millis(10);

/// The writing half, which every log has. Clones are the same queues.
#[derive(Clone, Debug)]
pub(super) struct Queues(Arc<QueueState>);

/// The reading half of one partition.
#[derive(Debug)]
pub(super) struct QueueReader {
    partition: usize,
    queue: Receiver<Message>,
    shared: Arc<QueueState>,
    /// What is handed out and not yet applied.
    taken: Load,
    closing: bool,
}

#[derive(Debug)]
struct QueueState {
    lanes: Mutex<Lanes>,
    /// Entries taken by the log and not yet applied, in all partitions.
    waiting: AtomicUsize,
    /// Roughly what they hold in memory.
    waiting_bytes: AtomicUsize,
    capacity: usize,
    /// Whether what nobody reads stays in the queue for the next reader; a log that has it elsewhere reads it there.
    retains: bool,
    closed: AtomicBool,
    /// What waits will not come any more.
    aborted: AtomicBool,
}

#[derive(Debug)]
struct Lanes {
    /// The last position that was handed out.
    position: Position,
    lanes: Vec<Lane>,
}

/// The way to one partition.
#[derive(Debug, Default)]
struct Lane {
    /// To its reader, where it has one.
    reader: Option<Sender<Message>>,
    /// What waits for its next reader, where it has none.
    retained: VecDeque<(Delivery, Load)>,
}

#[derive(Debug)]
enum Message {
    Delivery(Delivery, Load),
    Wake,
    Close,
}

impl Queues {
    /// Queues that keep what nobody reads.
    pub(super) fn retaining(partitions: usize, capacity: usize) -> Self {
        Self::new(partitions, capacity, 0, true)
    }

    /// Queues of a log that has everything up to `position` elsewhere, as it will have what comes.
    pub(super) fn after(position: Position, partitions: usize, capacity: usize) -> Self {
        Self::new(partitions, capacity, position, false)
    }

    fn new(partitions: usize, capacity: usize, position: Position, retains: bool) -> Self {
        let lanes = (0..partitions).map(|_| Lane::default()).collect();
        Self(Arc::new(QueueState {
            lanes: Mutex::new(Lanes { position, lanes }),
            waiting: AtomicUsize::new(0),
            waiting_bytes: AtomicUsize::new(0),
            capacity,
            retains,
            closed: AtomicBool::new(false),
            aborted: AtomicBool::new(false),
        }))
    }

    /// Begins to read a partition: it gets what is handed out after the position that is returned.
    pub(super) fn open_reader(
        &self,
        partition: usize,
    ) -> Result<(QueueReader, Position), LogError> {
        let (sender, queue) = mpsc::channel();
        let mut lanes = self.0.lanes();
        let position = lanes.position;
        let lane = lanes.lanes.get_mut(partition);
        let lane = lane.ok_or(LogError::Invalid("partition"))?;
        if lane.reader.is_some() {
            return Err(LogError::InUse(format!("partition {partition}")));
        }
        for (delivery, load) in lane.retained.drain(..) {
            // The other half is below.
            let _ = sender.send(Message::Delivery(delivery, load));
        }
        lane.reader = Some(sender);
        let reader = QueueReader {
            partition,
            queue,
            shared: Arc::clone(&self.0),
            taken: Load::default(),
            closing: self.0.closed.load(Ordering::Acquire),
        };
        Ok((reader, position))
    }

    /// Room for entries from outside.
    pub(super) fn reserve(&self, load: Load) -> Result<(), LogError> {
        let QueueState {
            waiting,
            waiting_bytes,
            capacity,
            closed,
            ..
        } = &*self.0;
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
        self.0.waiting.fetch_add(load.entries, Ordering::AcqRel);
        self.0.waiting_bytes.fetch_add(load.bytes, Ordering::AcqRel);
    }

    /// Gives room back.
    pub(super) fn release(&self, load: Load) {
        self.0.release(load);
    }

    /// Hands a frame to its partitions, at the position after the last one.
    pub(super) fn deliver_next(&self, frame: Frame) {
        let mut lanes = self.0.lanes();
        lanes.position += 1;
        self.0.hand_out(&mut lanes, frame);
    }

    /// Hands a frame to its partitions. Call it in the order of positions.
    pub(super) fn deliver(&self, frame: Frame, position: Position) {
        let mut lanes = self.0.lanes();
        lanes.position = position;
        self.0.hand_out(&mut lanes, frame);
    }

    pub(super) fn wake(&self) {
        self.0.tell_all(&self.0.lanes(), || Message::Wake);
    }

    pub(super) fn waiting(&self) -> Load {
        Load {
            entries: self.0.waiting.load(Ordering::Acquire),
            bytes: self.0.waiting_bytes.load(Ordering::Acquire),
        }
    }

    /// Ends all readers, whatever waits.
    pub(super) fn abort(&self) {
        self.0.aborted.store(true, Ordering::Release);
        self.close();
    }

    pub(super) fn close(&self) {
        let mut lanes = self.0.lanes();
        self.0.closed.store(true, Ordering::Release);
        self.0.tell_all(&lanes, || Message::Close);
        // Nobody will read it: readers that wait for the rest need not wait for this.
        for (_, load) in lanes.lanes.iter_mut().flat_map(|l| l.retained.drain(..)) {
            self.0.release(load);
        }
    }
}

impl QueueState {
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self, load: Load) {
        self.waiting_bytes.fetch_sub(load.bytes, Ordering::AcqRel);
        self.waiting.fetch_sub(load.entries, Ordering::AcqRel);
    }

    fn hand_out(&self, lanes: &mut Lanes, frame: Frame) {
        for (partition, delivery) in frame.deliveries(lanes.position) {
            let load = delivery.load();
            let lane = &mut lanes.lanes[partition];
            match &lane.reader {
                // A reader that is gone takes its lane with it: this one is there.
                Some(reader) => drop(reader.send(Message::Delivery(delivery, load))),
                None => self.retain(lane, delivery, load),
            }
        }
    }

    /// Keeps a delivery for the next reader, where it has to come from here.
    fn retain(&self, lane: &mut Lane, delivery: Delivery, load: Load) {
        if self.retains && !self.closed.load(Ordering::Acquire) {
            lane.retained.push_back((delivery, load));
        } else {
            self.release(load);
        }
    }

    fn tell_all(&self, lanes: &Lanes, message: impl Fn() -> Message) {
        for reader in lanes.lanes.iter().filter_map(|lane| lane.reader.as_ref()) {
            // A reader that is gone needs no telling.
            let _ = reader.send(message());
        }
    }
}

impl QueueReader {
    /// The next delivery in order; waits for it at most `wait`.
    pub(super) fn read(&mut self, wait: Duration) -> Next {
        let empty = self.shared.waiting.load(Ordering::Acquire) == 0;
        if self.closing && empty || self.shared.aborted.load(Ordering::Acquire) {
            return Next::End;
        }
        let wait = if self.closing { CLOSING_WAIT } else { wait };
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

    /// Gives the room of the last delivery back: it is applied.
    pub(super) fn release_taken(&mut self) {
        self.shared.release(std::mem::take(&mut self.taken));
    }
}

impl Drop for QueueReader {
    fn drop(&mut self) {
        self.release_taken();
        let shared = Arc::clone(&self.shared);
        let mut lanes = shared.lanes();
        let lane = &mut lanes.lanes[self.partition];
        lane.reader = None;
        for message in self.queue.try_iter() {
            if let Message::Delivery(delivery, load) = message {
                shared.retain(lane, delivery, load);
            }
        }
    }
}
