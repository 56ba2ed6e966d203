//! The file operations that the log needs. The simulation replaces them.

use crate::log::LogError;
use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Files are their owner's, though somebody else made the folder.
const OWNER_ONLY: u32 = 0o600;

/// A flat folder of append-only files.
pub trait Files: Send + Sync {
    /// All names.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens a file to append to; it is made where it is not there.
    fn append(&self, name: &str) -> io::Result<Box<dyn File>>;

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>>;

    /// Takes the place of a file of that name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    fn remove(&self, name: &str) -> io::Result<()>;

    /// Bytes of a file.
    fn size(&self, name: &str) -> io::Result<u64>;

    /// Bytes that may still be written on the volume; `None`: it does not say.
    fn free(&self) -> Option<u64>;

    /// Whether somebody deleted the folder: what is written to its files now is lost with them.
    fn is_gone(&self) -> bool;

    /// Where it is, for people.
    fn place(&self) -> String;

    /// Makes names durable; the bytes of a file are made so by itself.
    fn sync(&self) -> io::Result<()>;
}

/// One open file.
pub trait File: Send {
    fn length(&self) -> io::Result<u64>;

    /// Writes all bytes at the end, or fails after some of them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes all bytes durable. After a failure nobody knows which are.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts what is after `length`.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// A folder of the machine, held by one process.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Locked as long as it is open.
    lock: fs::File,
}

impl Folder {
    /// Makes the folder where it is not there, readable by its owner only, and takes it.
    ///
    /// # Errors
    /// When it cannot be used, or another process has it.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let fault = |error| LogError::Io(path.display().to_string(), error);
        make(path).map_err(fault)?;
        let mut options = OpenOptions::new();
        let lock = options.create(true).truncate(false).write(true);
        let lock = lock.mode(OWNER_ONLY).open(path.join("lock"));
        let lock = lock.map_err(fault)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => LogError::InUse(path.display().to_string()),
            TryLockError::Error(error) => fault(error),
        })?;
        Ok(Self {
            path: path.to_owned(),
            lock,
        })
    }
}

impl Folder {
    /// A folder that another process may have: only to be read.
    ///
    /// # Errors
    /// When it is not there.
    pub fn look(path: &Path) -> Result<Self, LogError> {
        let lock = fs::File::open(path.join("lock"));
        Ok(Self {
            path: path.to_owned(),
            lock: lock.map_err(|error| LogError::Io(path.display().to_string(), error))?,
        })
    }
}

/// Makes the folder and those around it, durable with their names.
///
/// # Errors
/// When that cannot be done.
pub fn make(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|p| !p.exists()).collect();
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)?;
    for around in missing.into_iter().filter_map(Path::parent) {
        let around = if around.as_os_str().is_empty() {
            Path::new(".")
        } else {
            around
        };
        fs::File::open(around)?.sync_all()?;
    }
    Ok(())
}

impl Files for Folder {
    fn list(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn File>> {
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .append(true)
            .mode(OWNER_ONLY)
            .open(self.path.join(name))?;
        Ok(Box::new(file))
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(fs::File::open(self.path.join(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.path.join(name))?.len())
    }

    fn free(&self) -> Option<u64> {
        let volume = rustix::fs::statvfs(&self.path).ok()?;
        // Some file systems say nothing but zeros.
        (volume.f_blocks > 0).then(|| volume.f_bavail.saturating_mul(volume.f_frsize))
    }

    fn is_gone(&self) -> bool {
        // A file without a name has no link. Where that cannot be known, other operations tell.
        self.lock.metadata().is_ok_and(|lock| lock.nlink() == 0)
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn sync(&self) -> io::Result<()> {
        fs::File::open(&self.path)?.sync_all()
    }
}

impl File for fs::File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}
