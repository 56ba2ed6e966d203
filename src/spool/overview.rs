//! What a spool on disk holds, read from its files while another process may have it.

use super::cursors::{self, CursorFile, SavedCursors};
use crate::log::disk::files::Files;
use crate::log::disk::{StoredFrames, firsts, segment_name};
use crate::log::{LogError, Position};
use std::sync::Arc;

/// What waits in a spool. It may be a second old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolOverview {
    /// Bytes of all segments.
    pub bytes: u64,
    /// The requests that wait for each destination.
    pub waiting: Vec<(String, u64)>,
}

impl SpoolOverview {
    /// Reads the cursors and the last segment.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn of(files: &Arc<dyn Files>) -> Result<Self, LogError> {
        let firsts = firsts(&**files)?;
        let size = |first: &Position| files.size(&segment_name(*first)).unwrap_or(0);
        let last = firsts.last().copied().unwrap_or(1);
        // It ends where there is no more, or where it is being written.
        let frames = StoredFrames::open(Arc::clone(files), last, Position::MAX)?;
        let positions = frames.map_while(|frame| frame.ok().map(|(position, _)| position));
        let end = positions.last().unwrap_or(last - 1);
        let saved = match cursors::load(&**files)? {
            CursorFile::Saved(saved) => saved,
            CursorFile::Missing | CursorFile::Damaged => SavedCursors::default(),
        };
        let end = end.max(saved.end);
        let waiting = saved.cursors.into_iter();
        Ok(Self {
            bytes: firsts.iter().map(size).sum(),
            waiting: waiting
                .map(|(name, at)| (name, end.saturating_sub(at)))
                .collect(),
        })
    }
}
