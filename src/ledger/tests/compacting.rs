//! Files of a past day become one, whatever fails meanwhile, and a file that has its name is whole.

use super::once::{HOUR, Life, positions, twice};
use crate::ledger::name::UNFINISHED;
use crate::ledger::{EVER, LedgerQuery, LedgerReader, LedgerTree, Table, compact, tree};
use crate::log::disk::files::{File, Files};
use crate::model::time::Timestamp;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The files of workflows.
fn files(path: &Path) -> Vec<String> {
    let tree = LedgerTree::open(path).expect("a directory");
    let names = tree.list().expect("names").into_iter();
    let mut names: Vec<String> = names.filter(|name| name.contains("workflows/")).collect();
    names.sort();
    names
}

/// The positions of the rows that count.
fn read(path: &Path) -> Vec<u64> {
    let query = LedgerQuery {
        table: Table::Workflows,
        columns: &["position"],
        happened: EVER,
        decided: None,
    };
    let mut found = Vec::new();
    let reader = LedgerReader::look(path).expect("a ledger");
    let read = reader.read(&query, &mut |row| {
        found.push(row.whole(0).expect("a position") as u64);
    });
    read.expect("it is read");
    found.sort_unstable();
    found
}

/// Writes three files for each of two partitions.
fn written(path: &Path) {
    let mut life = Life::begin(path, u64::MAX);
    for positions in [4..=6, 7..=9, 10..=12] {
        life.tell(positions);
        assert!(life.save(0) && life.save(1));
    }
}

/// Looks after the ledger for some minutes of a later day.
fn tidy(life: &mut Life) {
    life.now.fetch_add(26 * HOUR, Ordering::AcqRel);
    for _ in 0..8 {
        life.writer.round(Duration::ZERO);
        life.now.fetch_add(HOUR / 30, Ordering::AcqRel);
    }
}

#[test]
fn whatever_fails_the_files_of_a_past_day_become_one_and_each_row_counts_once() {
    for failing_after in 0..20 {
        let folder = tempfile::tempdir().expect("a folder");
        written(folder.path());
        assert_eq!(files(folder.path()).len(), 6);
        let mut life = Life::begin(folder.path(), failing_after);
        tidy(&mut life);
        drop(life);
        assert_eq!(read(folder.path()), twice(4..=12), "{failing_after}");
        // The next process is told some of it again, and more.
        let mut next = Life::begin(folder.path(), u64::MAX);
        next.tell(8..=14);
        assert!(next.save(0) && next.save(1));
        tidy(&mut next);
        drop(next);
        assert_eq!(positions(folder.path()), twice(4..=14), "{failing_after}");
        let left = files(folder.path());
        assert_eq!(left.len(), 2, "{failing_after}: {left:?}");
        let found = LedgerReader::look(folder.path()).expect("it").inspect();
        let found = found.expect("it is read");
        assert_eq!((found.files, found.rows), (2, 22));
        assert_eq!(found.faults, Vec::<String>::new());
    }
}

#[test]
fn files_of_today_stay_and_a_command_makes_one_of_those_of_past_days() {
    let folder = tempfile::tempdir().expect("a folder");
    written(folder.path());
    let mut life = Life::begin(folder.path(), u64::MAX);
    life.writer.round(Duration::ZERO);
    drop(life);
    assert_eq!(files(folder.path()).len(), 6);
    let midnight = 1_796_083_200 * 1_000_000_000 + 24 * HOUR;
    for (now, made, left) in [(midnight, 0, 6), (midnight + HOUR, 2, 2)] {
        let tree = LedgerTree::open(folder.path()).expect("a directory");
        assert_eq!(compact(&tree, Timestamp(now)).expect("it works"), made);
        drop(tree);
        assert_eq!(files(folder.path()).len(), left);
    }
    assert_eq!(positions(folder.path()), twice(4..=12));
}

/// A folder whose disk is full after some bytes.
struct FullTree {
    tree: LedgerTree,
    left: AtomicUsize,
}

/// A file of it.
struct FullFile {
    file: Box<dyn File>,
    left: usize,
}

impl File for FullFile {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = bytes.len().min(self.left);
        self.file.write(&bytes[..room])?;
        self.left -= room;
        match room == bytes.len() {
            true => Ok(()),
            false => Err(io::Error::other("it is full")),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.cut(length)
    }
}

impl Files for FullTree {
    fn list(&self) -> io::Result<Vec<String>> {
        self.tree.list()
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn File>> {
        let file = self.tree.append(name)?;
        let left = self.left.load(Ordering::Acquire);
        Ok(Box::new(FullFile { file, left }))
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        self.tree.read(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.tree.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
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
        self.tree.sync()
    }
}

#[test]
fn a_file_whose_writing_ends_at_any_byte_does_not_have_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut life = Life::begin(folder.path(), u64::MAX);
    life.tell(5..=5);
    assert!(life.save(1));
    drop(life);
    let name = &files(folder.path())[0];
    let bytes = std::fs::read(folder.path().join(name)).expect("the file");
    let other = tempfile::tempdir().expect("a folder");
    let full = FullTree {
        tree: LedgerTree::open(other.path()).expect("a directory"),
        left: AtomicUsize::new(0),
    };
    let write = || {
        tree::write(&full, name, |mut sink| {
            sink.write_all(&bytes)?;
            Ok(sink)
        })
    };
    for left in 0..bytes.len() {
        full.left.store(left, Ordering::Release);
        assert!(write().is_err());
        let names = full.list().expect("names");
        let has_name = |name: &String| *name != "lock" && !name.ends_with(UNFINISHED);
        assert!(!names.iter().any(has_name), "{left}: {names:?}");
    }
    full.left.store(bytes.len(), Ordering::Release);
    write().expect("there is room");
    let written = std::fs::read(other.path().join(name)).expect("the file");
    assert_eq!(written, bytes);
}

#[test]
fn what_is_damaged_or_out_of_its_place_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    written(folder.path());
    let path = |name: &str| folder.path().join(name);
    let names = files(folder.path());
    let faults = || {
        let found = LedgerReader::look(folder.path()).expect("it").inspect();
        found.expect("it is read").faults
    };
    assert_eq!(faults(), Vec::<String>::new());
    let whole = std::fs::read(path(&names[0])).expect("the file");
    std::fs::write(path(&names[0]), &whole[..whole.len() - 1]).expect("written");
    let found = faults();
    assert!(
        found.len() == 1 && found[0].contains(&names[0]),
        "{found:?}"
    );
    std::fs::write(path(&names[0]), &whole).expect("written");
    // Rows of another day, and of other positions.
    let other = names[0].replace("2026-12-01", "2026-12-02");
    std::fs::create_dir_all(path(&other).parent().expect("a folder")).expect("made");
    std::fs::rename(path(&names[0]), path(&other)).expect("moved");
    assert!(faults()[0].contains("of another day"), "{:?}", faults());
    std::fs::rename(path(&other), path(&names[0])).expect("moved");
    std::fs::copy(path(&names[0]), path(&names[1])).expect("copied");
    assert!(faults()[0].contains("of another file"), "{:?}", faults());
}
