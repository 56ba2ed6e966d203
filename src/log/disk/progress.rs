//! How far recovery is, in bytes read.

use super::files::{File, Files};
use super::snapshots::parse;
use super::{LOG, in_file};
use crate::log::LogError;
use crate::model::limit::Bytes;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::info;

/// Less is read so soon that nobody needs to hear of it on the way.
const WORTH_TELLING: u64 = 64 << 20;
/// Recovery is told of in the log after each part in so many.
const TOLD_PARTS: u64 = 10;

/// Bytes read so far, and bytes to read. What is read never becomes less, nor more than there is.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// For people: `3.1 MiB of 12.0 MiB`.
    pub fn text(&self) -> String {
        let total = self.total.load(Ordering::Acquire);
        let done = self.done.load(Ordering::Acquire).min(total);
        format!("{} of {}", Bytes(done), Bytes(total))
    }

    /// What there is to read: of the log, what every partition reads of it, and what is read to find its end.
    pub fn begin(&self, work: Work, partitions: usize) {
        let log = work.log.saturating_mul(1 + partitions as u64);
        let total = work.snapshots.saturating_add(log);
        self.total.store(total, Ordering::Release);
    }

    fn add(&self, bytes: u64) {
        let total = self.total.load(Ordering::Acquire);
        let before = self.done.fetch_add(bytes, Ordering::AcqRel);
        let part = |done: u64| done.saturating_mul(TOLD_PARTS).checked_div(total);
        let part = part(before).zip(part(before + bytes));
        if total >= WORTH_TELLING
            && part.is_some_and(|(before, now)| before < now && now < TOLD_PARTS)
        {
            info!(progress = self.text(), "recovering state");
        }
    }
}

/// What recovery of a folder reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Bytes of the log.
    pub log: u64,
    /// Bytes of the newest snapshot of each partition.
    pub snapshots: u64,
}

/// A folder that tells what is read of it; `Work` is what recovery will read.
///
/// # Errors
/// When the folder cannot be read.
pub fn watched(
    files: Arc<dyn Files>,
    progress: &Arc<Progress>,
) -> Result<(Arc<dyn Files>, Work), LogError> {
    let mut work = Work::default();
    let mut newest: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
    for name in in_file("the folder", files.list())? {
        let size = || in_file(&name, files.size(&name));
        if name.ends_with(LOG) {
            work.log += size()?;
        } else if let Some((partition, position)) = parse(&name) {
            let known = newest.entry(partition).or_default();
            *known = (*known).max((position, size()?));
        }
    }
    work.snapshots = newest.values().map(|(_, size)| size).sum();
    let progress = Arc::clone(progress);
    Ok((Arc::new(Watched { files, progress }), work))
}

struct Watched {
    files: Arc<dyn Files>,
    progress: Arc<Progress>,
}

struct Counted {
    read: Box<dyn Read + Send>,
    progress: Arc<Progress>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let some = self.read.read(buffer)?;
        self.progress.add(some as u64);
        Ok(some)
    }
}

impl Files for Watched {
    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let read = self.files.read(name)?;
        let progress = Arc::clone(&self.progress);
        Ok(Box::new(Counted { read, progress }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.files.list()
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.files.append(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.files.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.remove(name)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        self.files.size(name)
    }

    fn free(&self) -> Option<u64> {
        self.files.free()
    }

    fn is_gone(&self) -> bool {
        self.files.is_gone()
    }

    fn place(&self) -> String {
        self.files.place()
    }

    fn sync(&self) -> io::Result<()> {
        self.files.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_never_exceeds_what_there_is() {
        let progress = Progress::default();
        assert_eq!(progress.text(), "0 B of 0 B");
        progress.add(7);
        assert_eq!(progress.text(), "0 B of 0 B");
        progress.total.store(2048, Ordering::Release);
        progress.add(1017);
        assert_eq!(progress.text(), "1.0 KiB of 2.0 KiB");
        // A damaged snapshot, or the end of a torn log, is read again.
        progress.add(4096);
        assert_eq!(progress.text(), "2.0 KiB of 2.0 KiB");
    }
}
