//! The directory of the ledger: a folder whose files have `/` in their names.

use super::name::UNFINISHED;
use crate::log::LogError;
use crate::log::disk::files::{File, Files, Folder, make};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A directory with directories in it, held by one process.
#[derive(Debug)]
pub struct LedgerTree {
    root: PathBuf,
    folder: Folder,
    /// Directories whose new names are not durable yet.
    changed: Mutex<BTreeSet<PathBuf>>,
}

impl LedgerTree {
    /// Makes the directory where it is not there, readable by its owner only, and takes it.
    ///
    /// # Errors
    /// When it cannot be used, or another process has it.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        Ok(Self {
            root: path.to_owned(),
            folder: Folder::open(path)?,
            changed: Mutex::default(),
        })
    }
}

/// Adds the names of all files below a directory.
pub(super) fn names(root: &Path, below: &Path, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            names(root, &name, found)?;
        } else {
            found.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

impl Files for LedgerTree {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        names(&self.root, Path::new(""), &mut found)?;
        Ok(found)
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.folder.append(name)
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        self.folder.read(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        if let Some(around) = self.root.join(to).parent() {
            make(around)?;
            let changed = self.changed.lock();
            let mut changed = changed.unwrap_or_else(PoisonError::into_inner);
            changed.insert(around.to_owned());
        }
        self.folder.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.folder.remove(name)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        self.folder.size(name)
    }

    fn free(&self) -> Option<u64> {
        self.folder.free()
    }

    fn is_gone(&self) -> bool {
        self.folder.is_gone()
    }

    fn place(&self) -> String {
        self.folder.place()
    }

    fn sync(&self) -> io::Result<()> {
        let changed = self.changed.lock();
        let mut changed = changed.unwrap_or_else(PoisonError::into_inner);
        while let Some(directory) = changed.first().cloned() {
            fs::File::open(&directory)?.sync_all()?;
            changed.remove(&directory);
        }
        self.folder.sync()
    }
}

/// Writes a whole file: under another name, synced, and then under its own.
///
/// # Errors
/// When it cannot be written, and those of `content`. Nothing has its name then, or all of it.
pub(super) fn write(
    files: &dyn Files,
    name: &str,
    content: impl FnOnce(Unfinished) -> io::Result<Unfinished>,
) -> io::Result<()> {
    let new = format!("unfinished{UNFINISHED}");
    let mut file = files.append(&new)?;
    file.cut(0)?;
    let mut file = content(Unfinished(file))?;
    file.0.sync()?;
    files.rename(&new, name)?;
    files.sync()
}

/// A file that does not have its name yet.
pub(super) struct Unfinished(Box<dyn File>);

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
