//! Each row once: whatever operation of the disk fails, and wherever the process dies.

use super::workflow;
use crate::clock::Clock;
use crate::ledger::{LedgerQueue, LedgerTree, LedgerWords, LedgerWriter, Settings};
use crate::log::disk::files::{File, Files};
use crate::model::time::Timestamp;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(super) const HOUR: u64 = 3600 * 1_000_000_000;
/// Just before midnight.
const BEGUN: u64 = 1_796_083_200 * 1_000_000_000 - HOUR / 2;
/// The place of the position and of the duration in a row of a workflow.
const POSITION: usize = 2;

/// A folder whose disk fails for good after some changes.
struct FailingTree {
    tree: LedgerTree,
    left: AtomicU64,
}

impl FailingTree {
    fn change(&self) -> io::Result<()> {
        let left = self
            .left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                left.checked_sub(1)
            });
        left.map(drop).map_err(|_| io::Error::other("it failed"))
    }
}

impl Files for FailingTree {
    fn list(&self) -> io::Result<Vec<String>> {
        self.tree.list()
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.change()?;
        let mut file = self.tree.append(name)?;
        if self.change().is_err() {
            // It dies with half of the bytes written.
            file.write(b"PAR1")?;
            return Err(io::Error::other("it failed"));
        }
        Ok(file)
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        self.tree.read(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change()?;
        self.tree.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.change()?;
        self.tree.remove(name)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        self.tree.size(name)
    }

    fn free(&self) -> Option<u64> {
        self.tree.free()
    }

    fn is_gone(&self) -> bool {
        self.tree.is_gone()
    }

    fn place(&self) -> String {
        self.tree.place()
    }

    fn sync(&self) -> io::Result<()> {
        self.change()?;
        self.tree.sync()
    }
}

/// One process on a directory, with its clock.
pub(super) struct Life {
    queue: Arc<LedgerQueue>,
    pub(super) writer: LedgerWriter,
    pub(super) now: Arc<AtomicU64>,
}

impl Life {
    pub(super) fn begin(path: &Path, failing_after: u64) -> Self {
        let files = FailingTree {
            tree: LedgerTree::open(path).expect("a directory"),
            left: AtomicU64::new(failing_after),
        };
        let words = LedgerWords {
            dimensions: Vec::new(),
            currency: "USD".into(),
        };
        let now = Arc::new(AtomicU64::new(BEGUN));
        let clock = Clock::manual(Arc::clone(&now));
        let opened = LedgerWriter::open(Arc::new(files), &Settings::default(), words, clock);
        let (queue, writer) = opened.expect("it opens");
        queue.begin(5);
        Self { queue, writer, now }
    }

    /// Tells the workflows at some positions, of two partitions, and lets the writer look at them.
    pub(super) fn tell(&mut self, positions: impl Iterator<Item = u64>) {
        for position in positions {
            let decided = Timestamp(BEGUN + position * HOUR / 8);
            let facts = [workflow(position), workflow(position)];
            self.queue
                .put((position % 2) as usize, position, decided, &facts);
        }
        self.writer.round(Duration::ZERO);
    }

    /// Asks for what a snapshot asks for.
    pub(super) fn save(&mut self, partition: usize) -> bool {
        if self.queue.is_durable(partition, Duration::ZERO) {
            return true;
        }
        self.writer.round(Duration::ZERO);
        self.queue.is_durable(partition, Duration::ZERO)
    }
}

/// The positions of all rows of workflows in the files of a directory, in order.
pub(super) fn positions(path: &Path) -> Vec<u64> {
    let tree = LedgerTree::open(path).expect("a directory");
    let mut found = Vec::new();
    for name in tree.list().expect("names") {
        if name.ends_with(".parquet") {
            let file = std::fs::File::open(path.join(name)).expect("a file");
            let file = SerializedFileReader::new(file).expect("a whole file");
            for row in file.get_row_iter(None).expect("rows") {
                let position = row.expect("a row").get_long(POSITION);
                found.push(position.expect("a position") as u64);
            }
        }
    }
    found.sort_unstable();
    found
}

/// Two rows for each position.
pub(super) fn twice(positions: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    positions.flat_map(|position| [position; 2]).collect()
}

#[test]
fn whatever_write_fails_and_is_the_last_one_each_row_is_there_once() {
    for failing_after in 0..26 {
        let folder = tempfile::tempdir().expect("a folder");
        let mut first = Life::begin(folder.path(), failing_after);
        first.tell(1..=6);
        let saved = first.save(0);
        first.tell(7..=12);
        let (even, odd) = (first.save(0), first.save(1));
        drop(first);
        // What a snapshot covers is in files. The next process is told the rest again.
        let durable = positions(folder.path());
        let has = |partition, until: u64| {
            let wanted = (1..=until).filter(|position| position % 2 == partition);
            wanted
                .clone()
                .all(|position| durable.binary_search(&position).is_ok())
        };
        assert!(!saved || has(0, 6), "{failing_after}: {durable:?}");
        assert!(!even || has(0, 12), "{failing_after}: {durable:?}");
        assert!(!odd || has(1, 12), "{failing_after}: {durable:?}");
        let mut next = Life::begin(folder.path(), u64::MAX);
        next.tell(1..=14);
        assert!(next.save(0) && next.save(1));
        drop(next);
        assert_eq!(positions(folder.path()), twice(1..=14), "{failing_after}");
        let names = LedgerTree::open(folder.path()).expect("it").list();
        assert!(
            !names
                .expect("names")
                .iter()
                .any(|name| name.ends_with(".new"))
        );
    }
}

#[test]
fn a_write_that_failed_is_tried_again_after_a_second_and_nobody_waits_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut life = Life::begin(folder.path(), 2);
    life.tell(1..=2);
    assert!(life.queue.bytes(0) > 0);
    assert!(!life.save(0));
    // It would wait for minutes if it waited.
    assert!(!life.queue.is_durable(1, Duration::from_secs(600)));
    drop(life);
    let mut life = Life::begin(folder.path(), u64::MAX);
    life.tell(1..=2);
    life.now.fetch_add(HOUR, Ordering::AcqRel);
    life.writer.round(Duration::ZERO);
    assert!(life.queue.is_durable(0, Duration::ZERO), "it is old enough");
    assert_eq!(life.queue.bytes(0), 0);
}

#[test]
fn the_end_writes_what_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut life = Life::begin(folder.path(), u64::MAX);
    life.tell(1..=3);
    assert_eq!(positions_of_running(folder.path()), 0);
    life.queue.end();
    assert!(!life.writer.round(Duration::ZERO), "it is the end");
    drop(life);
    assert_eq!(positions(folder.path()), twice(1..=3));
}

/// Files while a process has the directory.
fn positions_of_running(path: &Path) -> usize {
    let table = path.join("workflows");
    std::fs::read_dir(table).map_or(0, Iterator::count)
}

#[test]
fn positions_of_another_log_are_other_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    for log in [5, 6] {
        let mut life = Life::begin(folder.path(), u64::MAX);
        life.queue.begin(log);
        life.tell(1..=2);
        assert!(life.save(0) && life.save(1));
    }
    assert_eq!(positions(folder.path()), [1, 1, 1, 1, 2, 2, 2, 2]);
}
