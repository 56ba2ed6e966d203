//! Small files of messages that are replaced as a whole, for rooms that keep a journal of their own.

use super::files::Files;
use super::format::FileKind;
use super::snapshots::{StoredMessages, write};
use crate::log::LogError;
use prost::Message;

/// The messages of a file.
///
/// # Errors
/// When it cannot be read, or is damaged.
pub fn read<M: Message + Default>(files: &dyn Files, name: &str) -> Result<Vec<M>, LogError> {
    StoredMessages::open(files, FileKind::Cursors, name.to_owned())?.collect()
}

/// Writes the file anew; it takes the place of the one before at once, durably.
///
/// # Errors
/// When it cannot be written: the one before stays.
pub fn replace<M: Message>(
    files: &dyn Files,
    name: &str,
    messages: impl Iterator<Item = M>,
) -> Result<(), LogError> {
    write(files, FileKind::Cursors, name, messages).map(drop)
}
