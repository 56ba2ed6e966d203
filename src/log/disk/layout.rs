//! What a folder is, and its change to another number of partitions.
//!
//! A change never leaves a mixture. Snapshots for the new partitions are written beside the old files, under names that nobody
//! else reads (`.staged`). Then the new `meta` takes the place of the old one, at once: from here on the folder has the new number.
//! What is left to do is done by whoever opens the folder next: old snapshots and segments go, and the staged snapshots get
//! their names. Before that moment the folder has the old number, and staged snapshots are removed.

use super::files::Files;
use super::format::FileKind;
use super::snapshots::{SUFFIX, StoredMessages, name, parse, write};
use super::{LOG, in_file};
use crate::log::{LogError, Position};
use crate::proto::v1;

const META: &str = "meta";
const STAGED: &str = ".staged";

/// What the folder is; `fresh` where it is new. Ends a change that was interrupted.
///
/// # Errors
/// When the folder cannot be used, or what it holds was written by nobody knows whom.
pub fn meta(files: &dyn Files, fresh: v1::Meta) -> Result<v1::Meta, LogError> {
    let names = in_file("the folder", files.list())?;
    if !names.iter().any(|name| name == META) {
        // It is written before anything else: who made these files is not known.
        let is_state = |name: &&String| name.ends_with(SUFFIX) || name.ends_with(LOG);
        if let Some(name) = names.iter().find(is_state) {
            return Err(LogError::NoMetadata(name.clone()));
        }
        write(files, FileKind::Meta, META, std::iter::once(fresh))?;
        return Ok(fresh);
    }
    let stored = StoredMessages::open(files, FileKind::Meta, META.to_owned())?;
    let stored: Vec<v1::Meta> = stored.collect::<Result<_, _>>()?;
    let meta = stored.last().copied();
    let meta = meta.ok_or_else(|| LogError::Corrupt(META.to_owned(), 0))?;
    finish(files, &meta, &names)?;
    if meta.instance == 0 {
        let instance = fresh.instance;
        let meta = v1::Meta { instance, ..meta };
        write(files, FileKind::Meta, META, std::iter::once(meta))?;
        return Ok(meta);
    }
    Ok(meta)
}

/// Gives the folder other partitions, whose states are those at `position`: they are written beside the old ones, where nobody
/// reads them, and become those of the folder at once.
///
/// # Errors
/// When they cannot be written. The next [`meta`] tells which number of partitions the folder has.
pub fn replace<P: Iterator<Item = v1::SnapshotPart>>(
    files: &dyn Files,
    meta: v1::Meta,
    position: Position,
    states: impl Iterator<Item = P>,
) -> Result<v1::Meta, LogError> {
    let mut partitions = 0;
    for (partition, parts) in states.enumerate() {
        let staged = format!("{}{STAGED}", name(partition, position));
        write(files, FileKind::Snapshot, &staged, parts)?;
        partitions += 1;
    }
    let meta = v1::Meta {
        partitions,
        since: position,
        ..meta
    };
    write(files, FileKind::Meta, META, std::iter::once(meta))?;
    let names = in_file("the folder", files.list())?;
    finish(files, &meta, &names)?;
    Ok(meta)
}

/// Removes what is of another number of partitions, and gives the staged snapshots their names. Each step may be done again.
fn finish(files: &dyn Files, meta: &v1::Meta, names: &[String]) -> Result<(), LogError> {
    let staged = names.iter().filter_map(|name| {
        let snapshot = name.strip_suffix(STAGED)?;
        Some((name, snapshot, parse(snapshot)?.1))
    });
    let (wanted, abandoned): (Vec<_>, Vec<_>) =
        staged.partition(|(_, _, position)| *position == meta.since);
    for (name, ..) in abandoned {
        in_file(name, files.remove(name))?;
    }
    let is_old = |name: &&String| {
        let segment = name.strip_suffix(LOG).and_then(|first| first.parse().ok());
        let snapshot = parse(name).map(|(_, position)| position + 1);
        let first: Option<u64> = segment.or(snapshot);
        first.is_some_and(|first| first <= meta.since)
    };
    let mut old: Vec<&String> = names.iter().filter(is_old).collect();
    // The oldest segment first and one by one, so that a crash leaves no gap.
    old.sort_unstable();
    for name in old {
        in_file(name, files.remove(name).and_then(|()| files.sync()))?;
    }
    for (name, snapshot, _) in &wanted {
        in_file(name, files.rename(name, snapshot))?;
    }
    if !wanted.is_empty() {
        in_file("the folder", files.sync())?;
    }
    Ok(())
}
