//! What a crash or a damage leaves of a spool on disk.

use super::{TestSpool, limits, texts, wide};
use crate::log::LogError;
use crate::log::disk::files::{File, Files, Folder};
use crate::spool::{SpoolLimits, WhenFull};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn written(folder: &Path, requests: Range<usize>) -> TestSpool {
    written_within(folder, wide(), requests)
}

pub(super) fn written_within(
    folder: &Path,
    limits: SpoolLimits,
    requests: Range<usize>,
) -> TestSpool {
    let mut spool = TestSpool::on_disk(folder, &["a", "b"], limits);
    for n in requests {
        spool.write(&format!("request {n}")).expect("there is room");
    }
    spool
}

pub(super) fn expected(requests: Range<usize>) -> Vec<String> {
    requests.map(|n| format!("request {n}")).collect()
}

pub(super) fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut segments: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "log"))
        .collect();
    segments.sort();
    segments
}

#[test]
fn a_restart_goes_on_at_the_cursor_of_each_destination() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = written(folder.path(), 0..30);
    let mut a = spool.spool.reader("a");
    for _ in 0..12 {
        a.read().expect("it can be read");
    }
    a.delivered(a.position());
    spool.settle();
    // What is delivered after the cursors were saved is delivered again.
    texts(&mut a);
    drop((a, spool));
    let mut spool = written(folder.path(), 30..40);
    assert_eq!(texts(&mut spool.spool.reader("a")), expected(12..40));
    assert_eq!(texts(&mut spool.spool.reader("b")), expected(0..40));
    drop(spool);
    spool = TestSpool::on_disk(folder.path(), &["a", "b", "new"], wide());
    assert_eq!(texts(&mut spool.spool.reader("new")), expected(0..0));
    spool.write("request 40").expect("there is room");
    assert_eq!(texts(&mut spool.spool.reader("new")), expected(40..41));
}

#[test]
fn without_cursors_everything_is_delivered_again() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(written(folder.path(), 0..30));
    for damage in [None, Some("no cursors")] {
        let cursors = folder.path().join("cursors");
        match damage {
            None => std::fs::remove_file(cursors).expect("removed"),
            Some(text) => std::fs::write(cursors, text).expect("written"),
        }
        let spool = TestSpool::on_disk(folder.path(), &["a", "b"], wide());
        assert_eq!(texts(&mut spool.spool.reader("a")), expected(0..30));
    }
}

#[test]
fn a_torn_end_is_cut_and_nothing_before_it_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(written(folder.path(), 0..30));
    let last = segments(folder.path()).pop().expect("segments");
    let mut bytes = std::fs::read(&last).expect("read");
    bytes.extend_from_slice(b"\x20\0\0\0torn");
    std::fs::write(&last, bytes).expect("written");
    let spool = written(folder.path(), 30..33);
    assert_eq!(texts(&mut spool.spool.reader("a")), expected(0..33));
    assert_eq!(spool.metric("baton_spool_damaged_total", ""), 0.0);
}

/// A folder that counts the bytes that are read.
struct CountedFolder(Folder, Arc<AtomicU64>);

struct CountedRead(Box<dyn Read + Send>, Arc<AtomicU64>);

impl Read for CountedRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Files for CountedFolder {
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.0.append(name)
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let read = self.0.read(name)?;
        Ok(Box::new(CountedRead(read, Arc::clone(&self.1))))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        self.0.size(name)
    }

    fn free(&self) -> Option<u64> {
        self.0.free()
    }

    fn is_gone(&self) -> bool {
        self.0.is_gone()
    }

    fn place(&self) -> String {
        self.0.place()
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

#[test]
fn a_start_reads_the_last_segment_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let wide = limits(64 << 20, 16 << 10, WhenFull::Refuse);
    let mut spool = TestSpool::on_disk(folder.path(), &["a"], wide);
    for _ in 0..200 {
        spool.write(&"x".repeat(8 << 10)).expect("there is room");
    }
    drop(spool);
    let read: Arc<AtomicU64> = Arc::default();
    let files = Folder::open(folder.path()).expect("a folder");
    let files = CountedFolder(files, Arc::clone(&read));
    let spool = TestSpool::over(Arc::new(files), &["a"], wide);
    let bytes = read.load(Ordering::Relaxed);
    assert!(bytes < 64 << 10, "{bytes} bytes of {}", 200 * (8 << 10));
    assert_eq!(texts(&mut spool.spool.reader("a")).len(), 200);
}

#[test]
fn a_directory_has_one_owner_and_one_that_was_deleted_takes_nothing_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = written(folder.path(), 0..3);
    let other = Folder::open(folder.path());
    assert!(matches!(other, Err(LogError::InUse(_))));
    std::fs::remove_dir_all(folder.path()).expect("deleted");
    if let Some(writer) = &mut spool.writer {
        // Nothing is to be written: it only looks.
        let _ = writer.round();
    }
    let why = spool.spool.shortage().expect("it lasts");
    assert!(why.contains("deleted"), "{why}");
    assert!(spool.spool.reserve(1).is_err());
}
