//! The segments of the log, written. Committed frames are on disk, in order, and stay until the snapshots of all partitions cover them.

use super::files::{File, Files};
use super::format::{self, FileKind, FrameStep, Frames, HEADER};
use super::in_file;
use super::segments::{firsts, frames, name};
use crate::log::{LogError, Position};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

/// Lost positions are made up for in groups of so many.
const SKIPPED_AT_ONCE: u64 = 4096;

/// The log on disk. One writer.
pub struct Journal {
    files: Arc<dyn Files>,
    /// First position and length of each, in order; the last one is written to.
    segments: VecDeque<(u64, u64)>,
    open: Box<dyn File>,
    /// The position of the next frame.
    next: u64,
    segment_bytes: u64,
    /// The next group begins a new segment, whatever the size of this one.
    ended: bool,
    /// Holds one group while it is written.
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("segments", &self.segments)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// Why a group of frames is not on the disk. None of them is.
#[derive(Debug)]
pub enum CommitError {
    /// The disk is full: room may come.
    NoSpace,
    /// What is on the disk is not known: the process must stop and recover.
    Broken(LogError),
}

/// What the last segment of a log was like when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastSegment {
    Whole,
    /// So many bytes of a torn tail were cut: nobody was told that they are taken.
    Cut(u64),
    /// It is damaged, or shorter than it was, or cannot be read by this version.
    Damaged,
    /// Its header never reached the disk: it held nothing.
    Empty,
}

impl Journal {
    /// Opens the log of a folder. Returns how many bytes of a torn tail were cut.
    ///
    /// # Errors
    /// When segments are missing, or are no segments.
    pub fn open(files: Arc<dyn Files>, segment_bytes: u64) -> Result<(Self, u64), LogError> {
        Self::open_after(files, segment_bytes, 0)
    }

    /// Opens the log of a folder; where it has none, one begins after `position`.
    ///
    /// # Errors
    /// When segments are missing, or are no segments.
    pub fn open_after(
        files: Arc<dyn Files>,
        segment_bytes: u64,
        position: u64,
    ) -> Result<(Self, u64), LogError> {
        let mut firsts = firsts(&*files)?;
        let mut cut = 0;
        let torn = torn_header(&*files, &firsts)?;
        if torn.is_some() {
            firsts.pop();
        }
        if firsts.is_empty() {
            if let Some((name, bytes)) = torn {
                remove(&*files, &name)?;
                cut += bytes;
            }
            let next = position + 1;
            let open = begin(&*files, next)?;
            let segments = VecDeque::from([(next, HEADER as u64)]);
            let journal = Self::new(files, (segments, open), next, segment_bytes);
            return Ok((journal, cut));
        }
        let mut segments = VecDeque::new();
        let mut next = firsts[0];
        let last = firsts[firsts.len() - 1];
        let mut open = reopen(&*files, last)?;
        for first in firsts {
            if first != next {
                return Err(LogError::Missing(next));
            }
            let file = name(first);
            let mut frames = frames(&*files, first)?;
            if is_torn(&file, &mut frames)? {
                // A segment is begun when the one before is durable to its end.
                let ended = first != last || torn.is_some();
                if ended || frames.was_durable(&rest(&*files, &frames, &file)?) {
                    return Err(LogError::Corrupt(file, frames.offset()));
                }
                cut += in_file(&file, open.length())? - frames.offset();
                in_file(&file, open.cut(frames.offset()))?;
                in_file(&file, open.sync())?;
            }
            next = frames.next();
            segments.push_back((first, frames.offset()));
            if first == last && frames.version() != format::VERSION {
                // One file has one version.
                open = begin(&*files, next)?;
                if next != first {
                    segments.push_back((next, HEADER as u64));
                }
            }
        }
        if let Some((name, bytes)) = torn {
            remove(&*files, &name)?;
            cut += bytes;
        }
        let journal = Self::new(files, (segments, open), next, segment_bytes);
        Ok((journal, cut))
    }

    /// Opens the log of a folder by its last segment alone, so that neither time nor memory depends on how much there is. The segments before
    /// it are as long as their files; whoever reads them finds what is damaged in them. If the last one is damaged, it stays as it is, and
    /// the log goes on in another one, after a gap. Everything up to `position` was written once: no position is used twice, and a log that
    /// ends before has lost something.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open_last(
        files: Arc<dyn Files>,
        segment_bytes: u64,
        position: u64,
    ) -> Result<(Self, LastSegment), LogError> {
        let firsts = firsts(&*files)?;
        let mut segments = VecDeque::new();
        for first in &firsts {
            let file = name(*first);
            segments.push_back((*first, in_file(&file, files.size(&file))?));
        }
        let (next, state) = match firsts.last() {
            Some(last) => last_segment(&*files, *last)?,
            None => (1, LastSegment::Whole),
        };
        let usable = matches!(state, LastSegment::Whole | LastSegment::Cut(_));
        let is_short = next <= position;
        let state = if is_short {
            LastSegment::Damaged
        } else {
            state
        };
        let (open, next) = match segments.back_mut().filter(|_| usable && !is_short) {
            Some((last, length)) => {
                let open = reopen(&*files, *last)?;
                *length = in_file(&name(*last), open.length())?;
                (open, next)
            }
            None => {
                // No position is used twice.
                let next = next.max(position + 1);
                if segments.back().is_some_and(|(last, _)| *last == next) {
                    segments.pop_back();
                }
                let open = begin(&*files, next)?;
                segments.push_back((next, HEADER as u64));
                (open, next)
            }
        };
        let journal = Self::new(files, (segments, open), next, segment_bytes);
        Ok((journal, state))
    }

    fn new(
        files: Arc<dyn Files>,
        (segments, open): (VecDeque<(u64, u64)>, Box<dyn File>),
        next: u64,
        segment_bytes: u64,
    ) -> Self {
        Self {
            files,
            segments,
            open,
            next,
            segment_bytes,
            ended: false,
            buffer: Vec::new(),
        }
    }

    /// The position of the next frame.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The first position that is still there.
    pub fn first(&self) -> u64 {
        self.segments.front().map_or(self.next, |(first, _)| *first)
    }

    /// The first position of the second segment: the first one can go when everything before is not needed.
    pub fn second(&self) -> Option<Position> {
        self.segments.get(1).map(|(first, _)| *first)
    }

    /// Whether the segment that is written to has no frame yet.
    pub fn is_open_empty(&self) -> bool {
        self.segments
            .back()
            .is_none_or(|(first, _)| *first == self.next)
    }

    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|(_, length)| length).sum()
    }

    /// Bytes of the segments that hold nothing after `position`.
    pub(super) fn bytes_until(&self, position: u64) -> u64 {
        let ends = self.segments.iter().skip(1).map(|(first, _)| *first);
        let ended = self.segments.iter().zip(ends);
        let whole = ended.filter(|(_, end)| *end <= position + 1);
        whole.map(|((_, length), _)| length).sum()
    }

    /// A segment that is longer is followed by a new one.
    pub fn set_segment_bytes(&mut self, bytes: u64) {
        self.segment_bytes = bytes;
    }

    /// Bytes of the segment that is written to.
    pub fn open_bytes(&self) -> u64 {
        self.segments.back().map_or(0, |(_, length)| *length)
    }

    /// Makes the next group begin a new segment.
    pub fn end_segment(&mut self) {
        self.ended = self.segments.back().is_some_and(|(f, _)| *f != self.next);
    }

    /// Puts a group of frames on the disk, all or none; returns the position of the first.
    ///
    /// # Errors
    /// Retryable or not, see [`CommitError`].
    pub fn commit<'a, const PARTS: usize>(
        &mut self,
        payloads: impl IntoIterator<Item = [&'a [u8]; PARTS]>,
    ) -> Result<u64, CommitError> {
        let first = self.next;
        let is_long = |(_, length): &(u64, u64)| *length > self.segment_bytes;
        if self.ended || self.segments.back().is_some_and(is_long) {
            self.rotate().map_err(|fault| match fault {
                LogError::Io(_, error) if is_full(&error) => CommitError::NoSpace,
                fault => CommitError::Broken(fault),
            })?;
        }
        self.buffer.clear();
        let mut next = first;
        for payload in payloads {
            format::put(&mut self.buffer, next, &payload, next == first);
            next += 1;
        }
        let Some((segment, length)) = self.segments.back_mut() else {
            unreachable!("there is always an open segment");
        };
        let broken = |error| CommitError::Broken(LogError::Io(name(*segment), error));
        if let Err(error) = self.open.write(&self.buffer) {
            // What is there of the group must not be read again, though the machine go down now.
            let cut = self.open.cut(*length).and_then(|()| self.open.sync());
            cut.map_err(broken)?;
            return Err(if is_full(&error) {
                CommitError::NoSpace
            } else {
                broken(error)
            });
        }
        // After a failed fsync the system may have dropped the bytes and forgotten the failure.
        self.open.sync().map_err(broken)?;
        *length += self.buffer.len() as u64;
        self.next = next;
        Ok(first)
    }

    /// Removes the segments that hold nothing after `position`, oldest first and one by one, so that a crash leaves no gap.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn retire(&mut self, position: u64) -> Result<(), LogError> {
        while let Some((second, _)) = self.segments.get(1)
            && *second <= position + 1
            && let Some((first, _)) = self.segments.pop_front()
        {
            remove(&*self.files, &name(first))?;
        }
        Ok(())
    }

    /// Goes on after a position that a snapshot has seen and the log has lost, because no position is used twice: what is
    /// missing becomes frames for nobody.
    ///
    /// # Errors
    /// Retryable or not, see [`CommitError`].
    pub fn skip_to(&mut self, position: Position) -> Result<(), CommitError> {
        while self.next <= position {
            let missing = (position - self.next + 1).min(SKIPPED_AT_ONCE);
            self.commit::<0>((0..missing).map(|_| []))?;
        }
        Ok(())
    }

    fn rotate(&mut self) -> Result<(), LogError> {
        self.open = begin(&*self.files, self.next)?;
        self.segments.push_back((self.next, HEADER as u64));
        self.ended = false;
        Ok(())
    }
}

/// Whether a fault says that there is no space.
pub fn is_full(error: &io::Error) -> bool {
    let kinds = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    kinds.contains(&error.kind())
}

/// A new segment, durable with its name.
fn begin(files: &dyn Files, first: u64) -> Result<Box<dyn File>, LogError> {
    let name = name(first);
    let begun = files.append(&name).and_then(|mut file| {
        file.cut(0)?;
        file.write(&format::header(FileKind::Segment, first))?;
        file.sync()?;
        files.sync()?;
        Ok(file)
    });
    in_file(&name, begun)
}

/// A segment that is there, durable with its name: whoever wrote it may have ended before that.
fn reopen(files: &dyn Files, first: u64) -> Result<Box<dyn File>, LogError> {
    let name = name(first);
    let opened = files.append(&name).and_then(|mut file| {
        file.sync()?;
        files.sync()?;
        Ok(file)
    });
    in_file(&name, opened)
}

/// Durable before anything else is written: a name that comes back after a crash says that the segment before it is whole.
fn remove(files: &dyn Files, name: &str) -> Result<(), LogError> {
    in_file(name, files.remove(name).and_then(|()| files.sync()))
}

/// The last segment with its size, where its header is not whole. It is synced with its header before anything is written to
/// it: it held nothing.
fn torn_header(files: &dyn Files, firsts: &[u64]) -> Result<Option<(String, u64)>, LogError> {
    let Some(first) = firsts.last() else {
        return Ok(None);
    };
    let name = name(*first);
    let mut bytes = Vec::new();
    let read = files.read(&name).and_then(|read| {
        // One byte more says that there is more.
        read.take(HEADER as u64 + 1).read_to_end(&mut bytes)
    });
    let length = in_file(&name, read)? as u64;
    let is_torn = format::is_torn_header(&bytes, FileKind::Segment, *first);
    Ok(is_torn.then_some((name, length)))
}

/// What follows the last whole frame of a segment.
fn rest(files: &dyn Files, frames: &Frames, file: &str) -> Result<Vec<u8>, LogError> {
    let mut bytes = Vec::new();
    let mut read = in_file(file, files.read(file))?;
    in_file(file, read.read_to_end(&mut bytes))?;
    let whole = bytes.len().min(frames.offset() as usize);
    Ok(bytes.split_off(whole))
}

/// The position of the next frame of a log by its last segment, and what that is like. A torn tail is cut.
fn last_segment(files: &dyn Files, first: u64) -> Result<(u64, LastSegment), LogError> {
    let file = name(first);
    if torn_header(files, &[first])?.is_some() {
        return Ok((first, LastSegment::Empty));
    }
    let size = in_file(&file, files.size(&file))?;
    // A frame is longer than a byte: no position of the damaged part is greater.
    let behind = |next: u64| (next + size, LastSegment::Damaged);
    let mut frames = match frames(files, first) {
        Ok(frames) => frames,
        Err(error @ LogError::Io(..)) => return Err(error),
        Err(_) => return Ok(behind(first)),
    };
    if is_torn(&file, &mut frames)? {
        if !frames.is_beginning(&rest(files, &frames, &file)?) {
            return Ok(behind(frames.next()));
        }
        let mut open = in_file(&file, files.append(&file))?;
        in_file(&file, open.cut(frames.offset()))?;
        in_file(&file, open.sync())?;
        let cut = size.saturating_sub(frames.offset());
        return Ok((frames.next(), LastSegment::Cut(cut)));
    }
    if frames.version() != format::VERSION {
        return Ok(behind(frames.next()));
    }
    Ok((frames.next(), LastSegment::Whole))
}

/// Reads a segment to its end; whether that is no whole frame.
fn is_torn(file: &str, frames: &mut Frames) -> Result<bool, LogError> {
    loop {
        match in_file(file, frames.step())? {
            FrameStep::Frame(..) => {}
            FrameStep::End => return Ok(false),
            FrameStep::Torn => return Ok(true),
        }
    }
}
