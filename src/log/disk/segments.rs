//! The segments of the log, read: their names, and the frames in them.

use super::files::Files;
use super::format::{self, FileKind, FrameStep, Frames, HEADER, Unreadable};
use super::{LOG, in_file};
use crate::log::{LogError, Position};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

/// The file of the segment that begins at a position.
pub fn name(first: Position) -> String {
    format!("{first:020}{LOG}")
}

/// The first positions of all segments of a folder, in order.
pub fn firsts(files: &dyn Files) -> Result<Vec<Position>, LogError> {
    let names = in_file("the folder", files.list())?;
    let first = |name: &String| name.strip_suffix(LOG)?.parse().ok();
    let mut firsts: Vec<Position> = names.iter().filter_map(first).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

/// The frames of the segment that begins at a position.
pub(super) fn frames(files: &dyn Files, first: Position) -> Result<Frames, LogError> {
    let name = name(first);
    let read = in_file(&name, files.read(&name))?;
    let frames = Frames::open(read, FileKind::Segment).map_err(|what| match what {
        Unreadable::Io(error) => LogError::Io(name.clone(), error),
        Unreadable::Torn => LogError::Corrupt(name.clone(), 0),
        Unreadable::Foreign => LogError::UnknownFormat(name.clone()),
    })?;
    if frames.next() != first {
        return Err(LogError::Corrupt(name, 0));
    }
    Ok(frames)
}

/// What is whole after a position in the segment that begins at `first`, though parts of it are damaged. Nothing, where the segment was
/// removed.
///
/// # Errors
/// When it cannot be read.
pub fn salvage(
    files: &dyn Files,
    first: Position,
    after: Position,
) -> Result<VecDeque<(Position, Bytes)>, LogError> {
    let mut bytes = Vec::new();
    match files.read(&name(first)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => {
            let read = read.and_then(|mut read| read.read_to_end(&mut bytes));
            in_file(&name(first), read)?;
        }
    }
    let bytes = Bytes::from(bytes);
    let whole = format::whole_frames(&bytes, HEADER, first).into_iter();
    let whole = whole.filter(|(position, _)| *position > after);
    Ok(whole
        .map(|(position, payload)| (position, bytes.slice(payload)))
        .collect())
}

/// Reads what is committed between two positions, while the log may go on behind them.
pub struct StoredFrames {
    files: Arc<dyn Files>,
    /// Segments that are not read yet.
    segments: VecDeque<Position>,
    /// The segment that is read, and its first position.
    open: Option<(Position, Frames)>,
    from: Position,
    /// The last position to read.
    until: Position,
    is_complete: bool,
    done: bool,
}

impl std::fmt::Debug for StoredFrames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredFrames")
            .field("from", &self.from)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

impl StoredFrames {
    /// Reads the frames from `from` to `until`, both of them included.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn open(files: Arc<dyn Files>, from: Position, until: Position) -> Result<Self, LogError> {
        let mut segments = VecDeque::from(firsts(&*files)?);
        // What ends before is not looked at.
        while segments.get(1).is_some_and(|second| *second <= from) {
            segments.pop_front();
        }
        let first = segments.front().copied();
        Ok(Self {
            files,
            segments,
            open: None,
            from,
            until,
            is_complete: from > until || first.is_some_and(|first| first <= from),
            // A log that begins later has nothing of this.
            done: from > until || first.is_some_and(|first| first > until),
        })
    }

    /// Whether the log goes back to where this begins.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Goes on behind the last position that was to be read, as more is committed. A failure after this may only mean that the log went
    /// on in another segment, or that a group was written anew: opened again, it reads what is there.
    pub fn extend(&mut self, until: Position) {
        self.until = until;
        self.done = self.from > until;
    }

    /// The next frame with its position; `None`: all are read.
    fn step(&mut self) -> Result<Option<(Position, Vec<u8>)>, LogError> {
        while !self.done {
            let Some((first, frames)) = &mut self.open else {
                let Some(first) = self.segments.pop_front() else {
                    return Err(LogError::Missing(self.until));
                };
                self.open = Some((first, frames(&*self.files, first)?));
                continue;
            };
            let file = name(*first);
            match in_file(&file, frames.step())? {
                FrameStep::Frame(position, payload) => {
                    self.done = position >= self.until;
                    if position >= self.from {
                        return Ok(Some((position, payload)));
                    }
                }
                FrameStep::Torn => return Err(LogError::Corrupt(file, frames.offset())),
                FrameStep::End => {
                    let next = frames.next();
                    if self.segments.front().is_some_and(|first| *first != next) {
                        return Err(LogError::Missing(next));
                    }
                    self.open = None;
                }
            }
        }
        Ok(None)
    }
}

impl Iterator for StoredFrames {
    type Item = Result<(Position, Vec<u8>), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.step().transpose();
        if let Some(Err(_)) = next {
            // What was not read must not be passed over, also if this goes on.
            (self.done, self.open) = (true, None);
            self.segments.clear();
        }
        next
    }
}
