//! What a folder is, and its change to another number of partitions.
//!
//! A change never leaves a mixture. Snapshots for the new partitions are written beside the old files, under names that nobody
//! else reads (`.staged`). Then the new `meta` takes the place of the old one, at once: from here on the folder has the new number.
//! What is left to do is done by whoever opens the folder next: old snapshots and segments go, and the staged snapshots get
//! their names. Before that moment the folder has the old number, and staged snapshots are removed.

use super::files::Files;
use super::format::FileKind;
use super::snapshots::{SUFFIX, name, parse, read, write};
use super::{LOG, in_file};
use crate::log::LogError;
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
    let mut found = None;
    let whole = read(files, FileKind::Meta, META, |meta| {
        found = Some(meta);
        Ok(())
    })?;
    let meta: v1::Meta = found
        .filter(|_| whole)
        .ok_or_else(|| LogError::Corrupt(META.to_owned(), 0))?;
    finish(files, &meta, &names)?;
    Ok(meta)
}

/// Writes the state of a new partition beside the old ones. Nobody reads it until [`change`].
///
/// # Errors
/// When it cannot be written.
pub fn stage(
    files: &dyn Files,
    partition: usize,
    position: u64,
    parts: impl Iterator<Item = v1::SnapshotPart>,
) -> Result<(), LogError> {
    let staged = format!("{}{STAGED}", name(partition, position));
    write(files, FileKind::Snapshot, &staged, parts)?;
    Ok(())
}

/// Makes the staged states those of the folder, at once.
///
/// # Errors
/// When it cannot be written. The next [`meta`] tells which number of partitions the folder has.
pub fn change(files: &dyn Files, meta: v1::Meta) -> Result<(), LogError> {
    write(files, FileKind::Meta, META, std::iter::once(meta))?;
    let names = in_file("the folder", files.list())?;
    finish(files, &meta, &names)
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
