//! Small files of one message, whole or not readable, for rooms that keep a journal of their own.

use super::files::Files;
use super::format::{self, FileKind, FrameStep, Frames};
use super::in_file;
use super::snapshots::write;
use crate::log::LogError;
use prost::Message;
use std::io::{Cursor, Read};

/// The message of a file that [`replace`] wrote; `None`: it is damaged.
///
/// # Errors
/// When it cannot be read.
pub fn read<M: Message + Default>(files: &dyn Files, name: &str) -> Result<Option<M>, LogError> {
    let mut bytes = Vec::new();
    let read = files.read(name);
    in_file(name, read.and_then(|mut read| read.read_to_end(&mut bytes)))?;
    Ok(message(bytes, FileKind::Cursors))
}

/// Writes the file anew; it takes the place of the one before at once, durably.
///
/// # Errors
/// When it cannot be written: the one before stays.
pub fn replace<M: Message>(files: &dyn Files, name: &str, message: M) -> Result<(), LogError> {
    let message = std::iter::once(message);
    write(files, FileKind::Cursors, name, message).map(drop)
}

/// The bytes of a file in the quarantine.
pub fn packed<M: Message>(message: &M) -> Vec<u8> {
    let mut bytes = format::header(FileKind::Quarantined, 1).to_vec();
    format::put(&mut bytes, 1, &[&message.encode_to_vec()], false);
    bytes
}

/// The message of such a file; `None`: it is damaged.
pub fn unpacked<M: Message + Default>(bytes: Vec<u8>) -> Option<M> {
    message(bytes, FileKind::Quarantined)
}

fn message<M: Message + Default>(bytes: Vec<u8>, kind: FileKind) -> Option<M> {
    let mut frames = Frames::open(Box::new(Cursor::new(bytes)), kind).ok()?;
    let (FrameStep::Frame(1, payload), FrameStep::End) = (frames.step().ok()?, frames.step().ok()?)
    else {
        return None;
    };
    M::decode(payload.as_slice()).ok()
}
