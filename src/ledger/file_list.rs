//! Which files there are, by what they have.

use super::name::{FileKey, FileName, UNFINISHED, current};
use crate::log::Position;
use crate::log::disk::files::Files;
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::io;

/// The files of a ledger. Written by its writer, who alone makes them.
#[derive(Debug, Default)]
pub(super) struct FileList(BTreeMap<FileKey, Vec<FileName>>);

impl FileList {
    /// Those of a directory, without what the last process left half done, which is removed: unfinished files, and those that were put together in
    /// another one.
    ///
    /// # Errors
    /// When the directory cannot be read or changed.
    pub(super) fn read(files: &dyn Files) -> io::Result<Self> {
        let mut found = Vec::new();
        for name in files.list()? {
            if name.ends_with(UNFINISHED) {
                files.remove(&name)?;
            }
            found.extend(FileName::parse(&name));
        }
        let mut list = Self::default();
        let kept = current(found.clone());
        for name in found {
            match kept.binary_search(&name) {
                Ok(_) => list.insert(name),
                Err(_) => files.remove(&name.to_string())?,
            }
        }
        Ok(list)
    }

    /// Takes a new file, which has the rows of all that lie within its positions.
    pub(super) fn insert(&mut self, name: FileName) {
        let known = self.0.entry(name.key).or_default();
        known.retain(|one| one.from < name.from || one.to > name.to);
        known.push(name);
        known.sort_unstable();
    }

    /// Up to which position the rows of a partition, table and day are in files.
    pub(super) fn written(&self, key: &FileKey) -> Option<Position> {
        let known = self.0.get(key)?.iter();
        known.map(|name| name.to).max()
    }

    /// The files of a day before this one that can be one file.
    pub(super) fn several(&self, before: Date) -> Option<&[FileName]> {
        let mut known = self.0.iter();
        let several = known.find(|(key, names)| key.day < before && names.len() > 1);
        several.map(|(_, names)| names.as_slice())
    }
}
