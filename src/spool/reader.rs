//! The requests of one destination, in order.

use super::SpoolPayload;
use super::queue::SpoolQueue;
use crate::log::disk::files::Files;
use crate::log::disk::{StoredFrames, firsts, salvage};
use crate::log::{LogError, Position};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::watch;
use tracing::warn;

/// Reads what waits for one destination. On disk it reads files: call [`SpoolReader::read`] where it is no harm to wait for the disk.
pub struct SpoolReader {
    queue: Arc<SpoolQueue>,
    destination: String,
    /// The last position that was read.
    at: Position,
    committed: watch::Receiver<Position>,
    /// Goes on where the last read ended.
    stored: Option<StoredFrames>,
    /// What is whole in a damaged segment and not read yet.
    salvaged: VecDeque<(Position, Bytes)>,
    /// The first position of the damaged segment that was met last.
    damaged: Option<Position>,
}

impl std::fmt::Debug for SpoolReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpoolReader")
            .field("destination", &self.destination)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl SpoolReader {
    pub(super) fn new(queue: Arc<SpoolQueue>, destination: &str) -> Self {
        Self {
            destination: destination.to_owned(),
            at: queue.cursor(destination),
            committed: queue.committed(),
            queue,
            stored: None,
            salvaged: VecDeque::new(),
            damaged: None,
        }
    }

    /// The last position that was read, or skipped.
    pub fn position(&self) -> Position {
        self.at
    }

    /// Ends when there is something to read. It may be dropped and asked again.
    pub async fn ready(&mut self) {
        let at = self.at;
        // The sender lives in the queue, which this reader has.
        let _ = self.committed.wait_for(|committed| *committed > at).await;
    }

    /// The next payload with its position; `None`: there is none now.
    ///
    /// # Errors
    /// When the disk cannot be read. What is damaged is skipped and counted.
    pub fn read(&mut self) -> Result<Option<(Position, SpoolPayload)>, LogError> {
        self.follow_cursor();
        let committed = *self.committed.borrow_and_update();
        let Some(files) = self.queue.files.clone() else {
            return Ok(self.read_memory(committed));
        };
        while self.at < committed {
            if let Some((position, payload)) = self.salvaged.pop_front() {
                if position > committed {
                    self.salvaged.clear();
                } else if position > self.at {
                    self.at = position;
                    return Ok(Some((position, payload.into())));
                }
                continue;
            }
            let is_fresh = self.stored.is_none();
            let frames = match &mut self.stored {
                Some(frames) => {
                    frames.extend(committed);
                    frames
                }
                None => {
                    let frames = StoredFrames::open(Arc::clone(&files), self.at + 1, committed)?;
                    self.stored.insert(frames)
                }
            };
            match frames.next() {
                Some(Ok((position, payload))) => {
                    self.at = position;
                    return Ok(Some((position, Bytes::from(payload).into())));
                }
                Some(Err(error)) if is_fresh => self.skip(&*files, committed, error)?,
                None if is_fresh => self.at = committed,
                // The log went on in another segment, or wrote the end of this one anew.
                _ => {}
            }
            self.stored = None;
        }
        Ok(None)
    }

    /// Everything up to a position is delivered, or will never be.
    pub fn delivered(&self, at: Position) {
        self.queue.delivered(&self.destination, at);
    }

    fn read_memory(&mut self, committed: Position) -> Option<(Position, SpoolPayload)> {
        let next = (self.at < committed).then(|| self.at + 1)?;
        let payload = self.queue.payload(next)?;
        self.at = next;
        Some((next, payload))
    }

    /// Goes on behind what was dropped.
    fn follow_cursor(&mut self) {
        let cursor = self.queue.cursor(&self.destination);
        if cursor > self.at {
            self.at = cursor;
            self.stored = None;
        }
    }

    /// Goes on behind what cannot be read.
    fn skip(
        &mut self,
        files: &dyn Files,
        committed: Position,
        error: LogError,
    ) -> Result<(), LogError> {
        let before = self.at;
        self.follow_cursor();
        if self.at > before {
            // It was removed while it was read.
            return Ok(());
        }
        if let LogError::Io(_, fault) = &error
            && fault.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let firsts = firsts(files)?;
        let later = firsts.partition_point(|first| *first <= before + 1);
        let segment = later.checked_sub(1).map(|index| firsts[index]);
        let next = firsts.get(later);
        if let Some(first) = segment {
            self.salvaged = salvage(files, first, before)?;
        }
        let whole = self.salvaged.front().map(|(position, _)| *position);
        let whole = whole.or(next.copied()).filter(|first| *first <= committed);
        self.at = whole.map_or(committed, |first| first - 1);
        if next.is_none() {
            self.queue.lock().leave_segment = true;
        }
        if self.damaged != segment || segment.is_none() {
            self.damaged = segment;
            self.queue.metrics.damaged.increment(1);
            let (destination, at) = (&self.destination, self.at);
            warn!(%error, destination, from = before + 1, until = at, "a part of the spool is damaged: requests there are not forwarded");
        }
        Ok(())
    }
}
