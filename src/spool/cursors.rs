//! The cursors on disk: one small file that is replaced as a whole.

use crate::log::disk::files::Files;
use crate::log::disk::messages;
use crate::log::{LogError, Position};
use crate::proto::v1;
use std::collections::BTreeMap;

/// The file.
const CURSORS: &str = "cursors";

/// The cursors that were saved last, by destination. `None`: there are none, or they cannot be read.
pub(super) fn load(files: &dyn Files) -> Result<Option<BTreeMap<String, Position>>, LogError> {
    let names = files.list();
    let names = names.map_err(|error| LogError::Io(files.place(), error))?;
    if !names.iter().any(|name| name == CURSORS) {
        return Ok(None);
    }
    match messages::read::<v1::SpoolCursor>(files, CURSORS) {
        Ok(cursors) => {
            let cursors = cursors.into_iter();
            let cursors = cursors.map(|cursor| (cursor.destination, cursor.position));
            Ok(Some(cursors.collect()))
        }
        Err(error @ LogError::Io(..)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Replaces them.
///
/// # Errors
/// When the file cannot be written: the one before stays.
pub(super) fn save<'c>(
    files: &dyn Files,
    cursors: impl Iterator<Item = (&'c String, Position)>,
) -> Result<(), LogError> {
    let cursors = cursors.map(|(destination, position)| v1::SpoolCursor {
        destination: destination.clone(),
        position,
    });
    messages::replace(files, CURSORS, cursors)
}
