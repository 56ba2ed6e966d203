//! The quarantine: requests that a destination rejected permanently, one file each, until an operator sends them again or removes them.

use crate::log::LogError;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The directory in that of the spool.
const QUARANTINE: &str = "quarantine";
/// How names of its files end.
const SUFFIX: &str = "request";
/// How they end while they are written.
const UNFINISHED: &str = "new";

/// The quarantine of one process. Other processes may remove files of it at any time.
#[derive(Debug)]
pub struct Quarantine {
    directory: PathBuf,
    max_bytes: u64,
    /// Bytes of all files, when they were looked at last and since.
    bytes: AtomicU64,
    /// Makes names of files differ.
    numbered: AtomicU64,
}

impl Quarantine {
    /// The quarantine of a spool.
    ///
    /// # Errors
    /// When its directory cannot be made.
    pub fn open(spool: &Path, max_bytes: u64) -> Result<Self, LogError> {
        let directory = spool.join(QUARANTINE);
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory);
        let ready = made
            .and_then(|()| fs::File::open(spool)?.sync_all())
            .and_then(|()| remove_unfinished(&directory));
        ready.map_err(|error| LogError::Io(directory.display().to_string(), error))?;
        let quarantine = Self {
            directory,
            max_bytes,
            bytes: AtomicU64::new(0),
            numbered: AtomicU64::new(0),
        };
        quarantine.look();
        Ok(quarantine)
    }

    /// Keeps a request that was rejected at this time, durably. `false`: there is no room.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, rejected: u64, content: &[u8]) -> io::Result<bool> {
        let size = content.len() as u64;
        if self.bytes.load(Ordering::Relaxed) + size > self.max_bytes {
            return Ok(false);
        }
        let number = self.numbered.fetch_add(1, Ordering::Relaxed);
        let path = self
            .directory
            .join(format!("{rejected:020}-{number}.{SUFFIX}"));
        let new = path.with_extension(UNFINISHED);
        let written = write(&new, content).and_then(|()| fs::rename(&new, &path));
        if let Err(error) = written {
            // Half a file takes room that a full disk does not have.
            let _ = fs::remove_file(&new);
            return Err(error);
        }
        fs::File::open(&self.directory)?.sync_all()?;
        self.bytes.fetch_add(size, Ordering::Relaxed);
        Ok(true)
    }

    /// Bytes of all files now.
    pub fn look(&self) -> u64 {
        let sizes = fs::read_dir(&self.directory).into_iter().flatten();
        let sizes = sizes.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()));
        let bytes = sizes.sum();
        self.bytes.store(bytes, Ordering::Relaxed);
        bytes
    }
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(true).write(true).mode(0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Removes what a crash left of files that were being written.
fn remove_unfinished(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == UNFINISHED) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// The files of the quarantine of a spool, the oldest first. None, where there is no quarantine.
///
/// # Errors
/// When the directory cannot be read.
pub fn quarantined(spool: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(spool.join(QUARANTINE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|kind| kind == SUFFIX));
    paths.sort_unstable();
    Ok(paths)
}
