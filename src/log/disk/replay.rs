//! One partition, read from the log on disk: first what is stored, then what the writer hands out.

use super::segments::StoredFrames;
use crate::log::queue::QueueReader;
use crate::log::{LogError, Next, Position, Replay};
use crate::proto::StoredFrame;
use std::time::Duration;

/// The reader of one partition.
#[derive(Debug)]
pub(super) struct DiskReplay {
    partition: usize,
    /// What was stored when it was opened; `None` when it has caught up.
    stored: Option<StoredFrames>,
    /// The last position that was stored then.
    end: Position,
    /// What comes after that.
    queue: QueueReader,
    /// The greatest origin of this partition that was met among what is stored.
    forwarded: Position,
}

impl DiskReplay {
    pub(super) fn new(
        partition: usize,
        stored: StoredFrames,
        (queue, end): (QueueReader, Position),
    ) -> Self {
        Self {
            partition,
            stored: Some(stored),
            end,
            queue,
            forwarded: 0,
        }
    }
}

impl Replay for DiskReplay {
    fn read(&mut self, wait: Duration) -> Result<Next, LogError> {
        while let Some(stored) = &mut self.stored {
            let Some((position, payload)) = stored.next().transpose()? else {
                self.stored = None;
                return Ok(Next::CaughtUp(self.end));
            };
            let frame = StoredFrame::read(payload).map_err(|what| LogError::Invalid(what.0))?;
            let origin = frame.origin();
            if let Some(own) = origin.filter(|origin| origin.partition == self.partition) {
                self.forwarded = self.forwarded.max(own.position);
            }
            let delivery = frame.delivery(self.partition, position);
            if let Some(delivery) = delivery.map_err(|what| LogError::Invalid(what.0))? {
                return Ok(Next::Delivery(delivery));
            }
        }
        Ok(self.queue.read(wait))
    }

    fn commit(&mut self, _at: Position) {
        self.queue.release_taken();
    }

    fn forwarded(&self) -> Position {
        self.forwarded
    }
}
