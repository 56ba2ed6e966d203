//! The form of every file: a header, then frames.
//!
//! ```text
//! header   0  "BATON"   5 bytes
//!          5  kind      1 byte   L: segment of the log, S: snapshot, M: what the folder is
//!          6  version   2 bytes  little-endian, as are all numbers; now 1
//!          8  first     8 bytes  number of the first frame
//! frame    0  length    4 bytes  of the payload
//!          4  checksum  4 bytes  CRC-32 of number and payload
//!          8  number    8 bytes  one more than that of the frame before
//!         16  payload            a message of proto/baton/v1
//! ```
//!
//! A frame whose checksum, number or length is wrong ends the file: nothing after it is believed.

use std::io::{self, BufReader, Read};

const MAGIC: &[u8; 5] = b"BATON";
const VERSION: u16 = 1;
pub(super) const HEADER: usize = 16;
/// Before the payload of a frame.
const PREFIX: usize = 16;
/// A greater length is no length.
const MAX_PAYLOAD: u32 = 1 << 30;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Segment,
    Snapshot,
    Meta,
}

impl FileKind {
    fn letter(self) -> u8 {
        match self {
            Self::Segment => b'L',
            Self::Snapshot => b'S',
            Self::Meta => b'M',
        }
    }
}

pub(super) fn header(kind: FileKind, first: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..5].copy_from_slice(MAGIC);
    header[5] = kind.letter();
    header[6..8].copy_from_slice(&VERSION.to_le_bytes());
    header[8..].copy_from_slice(&first.to_le_bytes());
    header
}

/// Appends one frame to a buffer.
pub(super) fn put(buffer: &mut Vec<u8>, number: u64, payload: &[u8]) {
    // The log refuses requests long before this.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&checksum(number, payload).to_le_bytes());
    buffer.extend_from_slice(&number.to_le_bytes());
    buffer.extend_from_slice(payload);
}

fn checksum(number: u64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// Reads the frames of one file in order.
pub(super) struct Frames {
    input: BufReader<Box<dyn Read + Send>>,
    /// The number of the next frame.
    next: u64,
    /// The end of the last whole frame.
    offset: u64,
}

/// What comes next in a file.
pub(super) enum Step {
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
        if found != header(kind, first) {
            return Err(Unreadable::Foreign);
        }
        Ok(Self {
            input,
            next: first,
            offset: HEADER as u64,
        })
    }

    /// The number of the next frame.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The end of the last whole frame.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn step(&mut self) -> io::Result<Step> {
        let mut prefix = [0; PREFIX];
        match fill(&mut self.input, &mut prefix)? {
            0 => return Ok(Step::End),
            PREFIX => {}
            _ => return Ok(Step::Torn),
        }
        let word = |at: usize| {
            u32::from_le_bytes([prefix[at], prefix[at + 1], prefix[at + 2], prefix[at + 3]])
        };
        let (length, sum) = (word(0), word(4));
        let number = u64::from(word(8)) | u64::from(word(12)) << 32;
        if number != self.next || length > MAX_PAYLOAD {
            return Ok(Step::Torn);
        }
        let mut payload = Vec::new();
        let read = (&mut self.input)
            .take(u64::from(length))
            .read_to_end(&mut payload)?;
        if read < length as usize || checksum(number, &payload) != sum {
            return Ok(Step::Torn);
        }
        self.next += 1;
        self.offset += (PREFIX + payload.len()) as u64;
        Ok(Step::Frame(number, payload))
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
