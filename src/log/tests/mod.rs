//! The logs in memory and on disk do what every log has to do.

use super::conformance::{CAPACITY, LogUnderTest, PARTITIONS, check, parts_at};
use super::disk::files::{Files, Folder};
use super::disk::{self, DiskLog, Writer};
use super::memory::{self, MemoryLog};
use super::{Log, LogError, Position, Snapshots};
use crate::model::limit::Limit;
use crate::model::record::Frame;
use crate::model::time::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

struct InMemory(Arc<MemoryLog>);

impl LogUnderTest for InMemory {
    fn parts(&self) -> (Arc<dyn Log>, Arc<dyn Snapshots>) {
        let (log, snapshots) = (Arc::clone(&self.0), Arc::clone(&self.0));
        (log, snapshots)
    }

    fn settle(&mut self) {}

    fn save(&mut self, partition: usize, at: Position) -> Result<u64, LogError> {
        self.0.save(partition, at, &mut parts_at(at).into_iter())
    }
}

/// A directory of its own, which goes with the test.
struct OwnDirectory(PathBuf);

impl OwnDirectory {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("baton-log-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for OwnDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct OnDisk {
    /// `None` only while another process takes over.
    open: Option<(Arc<DiskLog>, Writer)>,
    directory: OwnDirectory,
}

fn open(path: &Path) -> (Arc<DiskLog>, Writer) {
    let files: Arc<dyn Files> = Arc::new(Folder::open(path).expect("a directory"));
    let settings = disk::Settings {
        partitions: PARTITIONS,
        since: 0,
        capacity: CAPACITY,
        // Segments of a frame or two.
        segment_bytes: 100,
        segment_age: Duration::MAX,
        max_bytes: Some(1 << 30),
    };
    let opened = disk::open(&files, &settings).expect("it opens");
    (Arc::new(opened.log), opened.writer)
}

impl OnDisk {
    fn new() -> Self {
        let directory = OwnDirectory::new();
        Self {
            open: Some(open(&directory.0)),
            directory,
        }
    }

    fn open(&self) -> &(Arc<DiskLog>, Writer) {
        self.open.as_ref().expect("a process has it")
    }
}

impl LogUnderTest for OnDisk {
    fn parts(&self) -> (Arc<dyn Log>, Arc<dyn Snapshots>) {
        let log = &self.open().0;
        let (log, snapshots) = (Arc::clone(log), Arc::clone(log));
        (log, snapshots)
    }

    fn settle(&mut self) {
        let (_, writer) = self.open.as_mut().expect("a process has it");
        writer.round().expect("the disk works");
    }

    fn save(&mut self, partition: usize, at: Position) -> Result<u64, LogError> {
        self.settle();
        let snapshots = self.open().0.snapshots();
        snapshots.write(partition, at, parts_at(at).into_iter())
    }

    fn restart(&mut self) -> bool {
        self.open = None;
        self.open = Some(open(&self.directory.0));
        true
    }
}

#[test]
fn the_log_in_memory_conforms() {
    check(|| InMemory(Arc::new(memory::open(PARTITIONS, CAPACITY))));
}

#[test]
fn the_log_on_disk_conforms() {
    check(OnDisk::new);
}

#[test]
fn a_log_whose_directory_was_deleted_takes_nothing_more() {
    let mut disk = OnDisk::new();
    let append = |disk: &mut OnDisk| {
        let append = disk.parts().0.append(Frame::tick(0, Timestamp(1)));
        disk.settle();
        futures_now(append)
    };
    assert!(append(&mut disk).is_ok());
    std::fs::remove_dir_all(&disk.directory.0).expect("deleted");
    let refused = append(&mut disk).expect_err("it would be lost");
    assert!(matches!(refused, LogError::Full(Limit::Disk)), "{refused}");
    assert!(refused.is_retryable());
    let why = disk.open().0.shortage().expect("it lasts");
    assert!(why.contains("deleted"), "{why}");
}

#[test]
fn a_log_that_lost_its_end_goes_on_behind_what_snapshots_have_seen() {
    let mut disk = OnDisk::new();
    disk.save(1, 40).expect("saved");
    let (log, _) = disk.parts();
    let mut reader = log.replay(1, 40).expect("it opens");
    assert!(matches!(reader.read(Duration::ZERO), Ok(super::Next::CaughtUp(end)) if end < 40));
    log.forward(Frame::tick(1, Timestamp(1)));
    disk.settle();
    let next = reader.read(Duration::ZERO);
    assert!(matches!(next, Ok(super::Next::Delivery(one)) if one.position == 41));
    drop((reader, log));
    disk.restart();
    let mut reader = disk.parts().0.replay(0, 0).expect("the log is whole");
    assert!(matches!(
        reader.read(Duration::ZERO),
        Ok(super::Next::CaughtUp(41))
    ));
}

fn futures_now(mut append: super::AppendFuture) -> Result<(), LogError> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match append.as_mut().poll(&mut context) {
        std::task::Poll::Ready(outcome) => outcome,
        std::task::Poll::Pending => panic!("a settled log has answered"),
    }
}
