//! The form of every file: a header, then frames.
//!
//! ```text
//! header   0  "BATON"   5 bytes
//!          5  kind      1 byte   L: segment of the log or of the spool, S: snapshot, M: what the folder is, C: cursors of the spool,
//!                              Q: a request in the quarantine
//!          6  version   2 bytes  little-endian, as are all numbers; now 2
//!          8  first     8 bytes  number of the first frame
//! frame    0  length    4 bytes  of the payload; its highest bit: the frame begins a group
//!          4  checksum  4 bytes  CRC-32 of length, number and payload
//!          8  number    8 bytes  one more than that of the frame before
//!         16  payload            a message of proto/baton/v1
//! ```
//!
//! A frame whose checksum, number or length is wrong ends the file: nothing after it is believed. A frame that begins a group
//! was written when everything before it was durable: it tells damage from a torn end.
//!
//! Version 1 had no groups, and its checksums left out the length.

use std::io::{self, BufReader, Read};
use std::ops::Range;

const MAGIC: &[u8; 5] = b"BATON";
pub(super) const VERSION: u16 = 2;
pub(super) const HEADER: usize = 16;
/// Bytes before the payload of a frame.
const PREFIX: usize = 16;
/// A greater length is no length.
const MAX_PAYLOAD: u32 = 1 << 30;
/// What is reserved for a payload at once.
const MAX_RESERVED: usize = 16 << 20;
/// In the length of a frame that begins a group.
const BEGINS: u32 = 1 << 31;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Segment,
    Snapshot,
    Meta,
    Cursors,
    Quarantined,
}

impl FileKind {
    fn letter(self) -> u8 {
        match self {
            Self::Segment => b'L',
            Self::Snapshot => b'S',
            Self::Meta => b'M',
            Self::Cursors => b'C',
            Self::Quarantined => b'Q',
        }
    }
}

pub(super) fn header(kind: FileKind, first: u64) -> [u8; HEADER] {
    header_of(VERSION, kind, first)
}

fn header_of(version: u16, kind: FileKind, first: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..5].copy_from_slice(MAGIC);
    header[5] = kind.letter();
    header[6..8].copy_from_slice(&version.to_le_bytes());
    header[8..].copy_from_slice(&first.to_le_bytes());
    header
}

/// Whether these bytes, all that a file holds, are its header, and some of them never reached the disk.
pub(super) fn is_torn_header(bytes: &[u8], kind: FileKind, first: u64) -> bool {
    let is_part_of = |whole: [u8; HEADER]| {
        let arrived = |(byte, right): (&u8, u8)| [0, right].contains(byte);
        bytes != whole && bytes.iter().zip(whole).all(arrived)
    };
    bytes.len() <= HEADER
        && (1..=VERSION).any(|version| is_part_of(header_of(version, kind, first)))
}

/// Appends one frame to a buffer, whose payload is in parts. `begins`: all frames before it are durable.
pub(super) fn put(buffer: &mut Vec<u8>, number: u64, payload: &[&[u8]], begins: bool) {
    let length: usize = payload.iter().map(|part| part.len()).sum();
    // The log refuses requests long before this.
    let length = u32::try_from(length).unwrap_or(MAX_PAYLOAD);
    let length = if begins { length | BEGINS } else { length };
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&checksum(VERSION, length, number, payload).to_le_bytes());
    buffer.extend_from_slice(&number.to_le_bytes());
    for part in payload {
        buffer.extend_from_slice(part);
    }
}

fn checksum(version: u16, length: u32, number: u64, payload: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    if version > 1 {
        hasher.update(&length.to_le_bytes());
    }
    hasher.update(&number.to_le_bytes());
    for part in payload {
        hasher.update(part);
    }
    hasher.finalize()
}

/// Before the payload of a frame.
struct Prefix {
    length: u32,
    sum: u32,
    number: u64,
}

impl Prefix {
    fn of(bytes: [u8; PREFIX]) -> Self {
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Self {
            length: word(0),
            sum: word(4),
            number: u64::from(word(8)) | u64::from(word(12)) << 32,
        }
    }

    /// The prefix at this place, if there are as many bytes.
    fn at(bytes: &[u8], at: usize) -> Option<Self> {
        Some(Self::of(*bytes.get(at..)?.first_chunk()?))
    }

    fn begins(&self) -> bool {
        self.length & BEGINS != 0
    }

    fn payload(&self) -> usize {
        (self.length & !BEGINS) as usize
    }

    fn fits(&self, version: u16, payload: &[u8]) -> bool {
        payload.len() == self.payload()
            && self.sum == checksum(version, self.length, self.number, &[payload])
    }
}

/// The frames from this place on that are whole, though others are not: number and place of the payload, in order. None is before `next`.
pub(super) fn whole_frames(bytes: &[u8], mut at: usize, mut next: u64) -> Vec<(u64, Range<usize>)> {
    let mut found = Vec::new();
    while at + PREFIX <= bytes.len() {
        if let Some((number, payload)) = whole_frame(bytes, at, next) {
            at = payload.end;
            next = number + 1;
            found.push((number, payload));
        } else if let Some(end) = damaged_payload(bytes, at, next) {
            at = end;
            next += 1;
        } else {
            at += 1;
        }
    }
    found
}

fn whole_frame(bytes: &[u8], at: usize, next: u64) -> Option<(u64, Range<usize>)> {
    let prefix = Prefix::at(bytes, at)?;
    let payload = at + PREFIX..at + PREFIX + prefix.payload();
    // A frame is longer than a byte: there are not more of them.
    let is_later = (next..next.saturating_add(bytes.len() as u64)).contains(&prefix.number);
    let is_whole = is_later && prefix.fits(VERSION, bytes.get(payload.clone())?);
    is_whole.then_some((prefix.number, payload))
}

/// The end of a frame with a damaged payload, if another one follows it or the file ends there. Its bytes, which are a sender's, are not searched for frames.
fn damaged_payload(bytes: &[u8], at: usize, next: u64) -> Option<usize> {
    let prefix = Prefix::at(bytes, at)?;
    let end = at + PREFIX + prefix.payload();
    let is_followed =
        end == bytes.len() || whole_frame(bytes, end, next.saturating_add(1)).is_some();
    (prefix.number == next && is_followed).then_some(end)
}

/// Reads the frames of one file in order.
pub(super) struct Frames {
    input: BufReader<Box<dyn Read + Send>>,
    version: u16,
    /// The number of the next frame.
    next: u64,
    /// The end of the last whole frame.
    offset: u64,
}

/// What comes next in a file.
pub(super) enum FrameStep {
    Frame(u64, Vec<u8>),
    End,
    /// The file ends inside a frame, or in bytes that are none.
    Torn,
}

/// Why a file cannot be read from its beginning.
#[derive(Debug)]
pub(super) enum Unreadable {
    Io(io::Error),
    /// The header is not whole.
    Torn,
    /// Of another kind, or of a version this Baton does not know.
    Foreign,
}

impl Frames {
    pub(super) fn open(input: Box<dyn Read + Send>, kind: FileKind) -> Result<Self, Unreadable> {
        let mut input = BufReader::with_capacity(1 << 16, input);
        let mut found = [0; HEADER];
        let length = fill(&mut input, &mut found).map_err(Unreadable::Io)?;
        if length < HEADER || found == [0; HEADER] {
            return Err(Unreadable::Torn);
        }
        let mut number = [0; 8];
        number.copy_from_slice(&found[8..]);
        let first = u64::from_le_bytes(number);
        let version = u16::from_le_bytes([found[6], found[7]]);
        if !(1..=VERSION).contains(&version) || found != header_of(version, kind, first) {
            return Err(Unreadable::Foreign);
        }
        Ok(Self {
            input,
            version,
            next: first,
            offset: HEADER as u64,
        })
    }

    pub(super) fn version(&self) -> u16 {
        self.version
    }

    /// The number of the next frame.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The end of the last whole frame.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn step(&mut self) -> io::Result<FrameStep> {
        let mut prefix = [0; PREFIX];
        match fill(&mut self.input, &mut prefix)? {
            0 => return Ok(FrameStep::End),
            PREFIX => {}
            _ => return Ok(FrameStep::Torn),
        }
        let prefix = Prefix::of(prefix);
        if prefix.number != self.next || prefix.payload() > MAX_PAYLOAD as usize {
            return Ok(FrameStep::Torn);
        }
        let length = prefix.payload();
        // A damaged length asks for no more than this before there are bytes.
        let mut payload = Vec::with_capacity(length.min(MAX_RESERVED));
        let input = &mut self.input;
        input.take(length as u64).read_to_end(&mut payload)?;
        if !prefix.fits(self.version, &payload) {
            return Ok(FrameStep::Torn);
        }
        self.next += 1;
        self.offset += (PREFIX + payload.len()) as u64;
        Ok(FrameStep::Frame(prefix.number, payload))
    }

    /// Whether `rest`, what follows the last whole frame of this file, is a beginning of a group, as a crash leaves it while it is written. What a
    /// crash of the machine leaves may be less than that: then nobody knows whether it was durable once.
    pub(super) fn is_beginning(&self, rest: &[u8]) -> bool {
        let Some(prefix) = Prefix::at(rest, 0) else {
            return true;
        };
        if rest.iter().all(|byte| *byte == 0) {
            return true;
        }
        let arrived = &rest[PREFIX..];
        let is_short = prefix.number == self.next && prefix.payload() > arrived.len();
        let has_other_length = [0, BEGINS].iter().any(|begins| {
            let length = arrived.len() as u32 | begins;
            prefix.sum == checksum(self.version, length, prefix.number, &[arrived])
        });
        is_short && !has_other_length && whole_frames(rest, 0, self.next).is_empty()
    }

    /// Whether `rest`, what follows the last whole frame of this file, holds a group that was begun later: then the frame that
    /// is not whole was durable once, and the file is damaged rather than torn.
    pub(super) fn was_durable(&self, rest: &[u8]) -> bool {
        let most = self.next.saturating_add(rest.len() as u64);
        (0..rest.len().saturating_sub(PREFIX)).any(|at| {
            let mut prefix = [0; PREFIX];
            prefix.copy_from_slice(&rest[at..at + PREFIX]);
            let prefix = Prefix::of(prefix);
            let payload = rest[at + PREFIX..].get(..prefix.payload());
            prefix.begins()
                && (self.next + 1..most).contains(&prefix.number)
                && payload.is_some_and(|payload| prefix.fits(self.version, payload))
        })
    }
}

/// Reads until the buffer is full or the input ends; how much it read.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
