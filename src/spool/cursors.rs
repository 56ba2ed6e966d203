//! The cursors on disk: one small file that is replaced as a whole.

use crate::log::disk::files::Files;
use crate::log::disk::messages;
use crate::log::{LogError, Position};
use crate::proto::v1;
use std::collections::BTreeMap;

/// The file.
const CURSORS: &str = "cursors";

/// What was saved last.
#[derive(Clone, Debug, Default)]
pub(super) struct SavedCursors {
    /// By destination.
    pub(super) cursors: BTreeMap<String, Position>,
    /// The last position that was on the disk: a spool that ends before has lost something.
    pub(super) end: Position,
}

impl SavedCursors {
    /// The last position that is known to be used.
    pub(super) fn last(&self) -> Position {
        let cursors = self.cursors.values();
        cursors.fold(self.end, |last, at| last.max(*at))
    }
}

/// What a folder has.
#[derive(Debug)]
pub(super) enum CursorFile {
    Missing,
    Damaged,
    Saved(SavedCursors),
}

/// The cursors of a folder.
///
/// # Errors
/// When the folder or the file cannot be read.
pub(super) fn load(files: &dyn Files) -> Result<CursorFile, LogError> {
    let names = files.list();
    let names = names.map_err(|error| LogError::Io(files.place(), error))?;
    if !names.iter().any(|name| name == CURSORS) {
        return Ok(CursorFile::Missing);
    }
    let Some(file) = messages::read::<v1::SpoolCursors>(files, CURSORS)? else {
        return Ok(CursorFile::Damaged);
    };
    let cursors = file.cursors.into_iter();
    Ok(CursorFile::Saved(SavedCursors {
        cursors: cursors
            .map(|cursor| (cursor.destination, cursor.position))
            .collect(),
        end: file.end,
    }))
}

/// Replaces them.
///
/// # Errors
/// When the file cannot be written: the one before stays.
pub(super) fn save<'c>(
    files: &dyn Files,
    cursors: impl Iterator<Item = (&'c String, Position)>,
    end: Position,
) -> Result<(), LogError> {
    let cursors = cursors.map(|(destination, position)| v1::SpoolCursor {
        destination: destination.clone(),
        position,
    });
    let cursors = cursors.collect();
    messages::replace(files, CURSORS, v1::SpoolCursors { cursors, end })
}
