//! The files alone: whatever happens to them, what is read is a beginning of what was written.

use crate::simulation::disk::SimFiles;
use crate::support::dice::Dice;
use baton::log::LogError;
use baton::log::disk::StoredFrames;
use baton::log::disk::files::Files;
use baton::log::disk::journal::Journal;
use baton::log::disk::snapshots::SnapshotFiles;
use baton::proto::v1;
use std::sync::Arc;

const SEGMENT: &str = "00000000000000000001.log";

fn folder(files: &SimFiles) -> Arc<dyn Files> {
    Arc::new(files.clone())
}

fn payloads(count: u8) -> Vec<Vec<u8>> {
    (1..=count)
        .map(|n| vec![n; 3 + usize::from(n) * 7])
        .collect()
}

fn written(segment_bytes: u64, count: u8) -> SimFiles {
    let files = SimFiles::default();
    let (mut journal, _) = Journal::open(folder(&files), segment_bytes).expect("a new folder");
    for payload in payloads(count) {
        journal.commit([[payload.as_slice()]]).expect("written");
    }
    files
}

fn read(files: &SimFiles, journal: &Journal, from: u64) -> Result<Vec<Vec<u8>>, LogError> {
    let stored = StoredFrames::open(folder(files), from, journal.next() - 1)?;
    stored.map(|frame| Ok(frame?.1)).collect()
}

/// Opens what is left, reads it, and writes on; what is read afterwards is the same and the new frame.
fn is_a_beginning(files: &SimFiles, whole: &[Vec<u8>]) -> usize {
    let (mut journal, _) = Journal::open(folder(files), 1 << 20).expect("a tail is cut");
    let left = read(files, &journal, journal.first()).expect("what is left is whole");
    assert!(whole.starts_with(&left), "something was invented");
    journal.commit([[b"more".as_slice()]]).expect("it goes on");
    let (journal, cut) = Journal::open(folder(files), 1 << 20).expect("again");
    let after = read(files, &journal, journal.first()).expect("whole");
    assert_eq!(cut, 0);
    assert_eq!(
        after.split_last(),
        Some((&b"more".to_vec(), left.as_slice()))
    );
    left.len()
}

#[test]
fn a_log_that_is_cut_anywhere_is_a_beginning_of_itself() {
    let files = written(1 << 20, 6);
    let (bytes, whole) = (files.bytes(SEGMENT), payloads(6));
    let mut lengths = Vec::new();
    for end in 0..=bytes.len() {
        lengths.push(is_a_beginning(
            &files.with(SEGMENT, bytes[..end].to_vec()),
            &whole,
        ));
    }
    assert!(lengths.is_sorted() && lengths[0] == 0 && lengths[bytes.len()] == 6);
}

#[test]
fn a_log_with_any_byte_changed_has_lost_its_last_group_or_is_refused() {
    let files = written(1 << 20, 6);
    let (bytes, whole) = (files.bytes(SEGMENT), payloads(6));
    let last = bytes.len() - (16 + whole[5].len());
    for at in 0..bytes.len() {
        for bit in [0x01, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= bit;
            let files = files.with(SEGMENT, changed);
            let opened = Journal::open(folder(&files), 1 << 20);
            match (at, opened) {
                // The header: nobody knows what this file is.
                (0..16, Err(LogError::UnknownFormat(_) | LogError::Corrupt(..))) => {}
                // What is before a group that was begun later was durable: it is damaged, not torn.
                (16.., Err(LogError::Corrupt(..))) if at < last => {}
                (_, Ok(_)) if at >= last => assert_eq!(is_a_beginning(&files, &whole), 5),
                (_, opened) => panic!("byte {at}: {opened:?}"),
            }
        }
    }
}

#[test]
fn a_segment_whose_header_did_not_arrive_whole_held_nothing() {
    let (files, whole) = (written(1 << 20, 3), payloads(3));
    let next = "00000000000000000004.log";
    files.append(next).expect("begun");
    let header = {
        let mut header = files.bytes(SEGMENT)[..16].to_vec();
        header[8] = 4;
        header
    };
    for from in 0..16 {
        for to in from + 1..=16 {
            let mut lost = header.clone();
            lost[from..to].fill(0);
            let is_whole = lost == header;
            let left = is_a_beginning(&files.with(next, lost.clone()), &whole);
            assert_eq!(left, 3, "without the bytes {from} to {to}");
            // What was written after it says that it was whole once.
            lost.extend([7; 40]);
            let damaged = Journal::open(folder(&files.with(next, lost)), 1 << 20);
            let is_refused = matches!(
                damaged,
                Err(LogError::UnknownFormat(_) | LogError::Corrupt(..))
            );
            assert!(is_refused || is_whole, "{from} to {to}: {damaged:?}");
        }
        let left = is_a_beginning(&files.with(next, header[..from].to_vec()), &whole);
        assert_eq!(left, 3, "{from} bytes of it");
    }
}

/// A segment is begun when the one before is durable to its end: what is torn in that one is damaged.
#[test]
fn a_torn_header_is_the_proof_that_the_segment_before_was_durable() {
    let files = written(1 << 20, 3);
    files.append("00000000000000000004.log").expect("begun");
    let mut bytes = files.bytes(SEGMENT);
    *bytes.last_mut().expect("a group") ^= 1;
    let opened = Journal::open(folder(&files.with(SEGMENT, bytes)), 1 << 20);
    assert!(matches!(opened, Err(LogError::Corrupt(..))), "{opened:?}");
}

#[test]
fn a_group_that_lost_a_page_is_cut_though_its_end_is_there() {
    let files = SimFiles::default();
    let (mut journal, _) = Journal::open(folder(&files), 1 << 20).expect("a new folder");
    let whole = payloads(6);
    let (durable, torn) = whole.split_at(2);
    let commit = |journal: &mut Journal, group: &[Vec<u8>]| {
        journal
            .commit(group.iter().map(|payload| [payload.as_slice()]))
            .expect("written")
    };
    commit(&mut journal, durable);
    let from = files.bytes(SEGMENT).len();
    commit(&mut journal, torn);
    let bytes = files.bytes(SEGMENT);
    for at in from..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0xff;
        let left = is_a_beginning(&files.with(SEGMENT, changed), &whole);
        assert!((2..6).contains(&left), "byte {at}: {left}");
    }
}

#[test]
fn a_segment_before_the_last_is_never_cut_and_never_missing() {
    let files = written(40, 6);
    let mut names = files.list().expect("names");
    names.sort();
    assert!(names.len() > 2, "{names:?}");
    let middle = &names[1];
    let mut bytes = files.bytes(middle);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let damaged = files.with(middle, bytes);
    assert!(matches!(
        Journal::open(folder(&damaged), 40),
        Err(LogError::Corrupt(..))
    ));
    files.remove(middle).expect("removed");
    assert!(matches!(
        Journal::open(folder(&files), 40),
        Err(LogError::Missing(_))
    ));
}

/// The process ends at any operation, the next one goes on with what is there, and then the machine goes down.
#[test]
fn what_a_next_process_commits_is_there_after_a_crash_wherever_the_one_before_ended() {
    type Open = fn(&SimFiles) -> Result<Journal, LogError>;
    let ways: [Open; 2] = [
        |files| Ok(Journal::open(folder(files), 40)?.0),
        |files| Ok(Journal::open_last(folder(files), 40, 0)?.0),
    ];
    for open in ways {
        for operations in 1..30 {
            for seed in 0..20 {
                let files = SimFiles::default();
                files.goes_down_after(operations);
                if let Ok(mut journal) = open(&files) {
                    let mut left = payloads(6).into_iter();
                    while left
                        .next()
                        .is_some_and(|payload| journal.commit([[payload.as_slice()]]).is_ok())
                    {
                    }
                }
                files.repair();
                let mut journal = open(&files).expect("it goes on");
                let at = journal.commit([[b"more".as_slice()]]).expect("committed");
                files.crash(&mut Dice::new(seed));
                let journal = open(&files).expect("it is whole");
                assert_eq!(journal.next(), at + 1, "operation {operations}");
                let more = read(&files, &journal, at).expect("it is there");
                assert_eq!(more, [b"more"], "operation {operations}");
            }
        }
    }
}

#[test]
fn segments_go_when_they_are_covered_and_not_before() {
    let files = written(40, 6);
    let (mut journal, _) = Journal::open(folder(&files), 40).expect("opens");
    let whole = payloads(6);
    for covered in 0..=6 {
        journal.retire(covered).expect("retired");
        assert!(journal.first() <= covered + 1, "{covered}");
        let rest = read(&files, &journal, covered + 1).expect("the rest");
        assert_eq!(rest, whole[covered as usize..]);
    }
    assert!(journal.first() > 1, "something went");
}

#[test]
fn a_snapshot_is_whole_or_not_there() {
    let files = SimFiles::default();
    let snapshots = SnapshotFiles::open(folder(&files), 1).expect("opens");
    let parts = |position| {
        let head = v1::SnapshotHead {
            partition: 0,
            position,
            ..v1::SnapshotHead::default()
        };
        let part = Some(v1::snapshot_part::Part::Head(head));
        std::iter::once(v1::SnapshotPart { part })
    };
    for position in [3, 5, 9] {
        snapshots
            .write(0, position, parts(position))
            .expect("written");
    }
    assert_eq!(snapshots.of(0), [5, 9], "two are kept");
    assert_eq!(snapshots.covered(), 5);
    let name = "0-00000000000000000009.snapshot";
    let bytes = files.bytes(name);
    for end in 0..bytes.len() {
        let cut = files.with(name, bytes[..end].to_vec());
        let snapshots = SnapshotFiles::open(folder(&cut), 1).expect("opens");
        let newest = snapshots.newest(0, u64::MAX).expect("read");
        let parts: Vec<_> = newest.expect("it is there").parts.collect();
        let whole = parts.iter().all(Result::is_ok);
        // A file that ends after a whole part is told from a whole one by its missing end.
        assert!(!whole || parts.is_empty(), "{end}");
    }
    // A snapshot that was not given its name does not count.
    files.crash(&mut Dice::new(1));
    let half = files
        .append("0-00000000000000000012.snapshot.new")
        .expect("made");
    drop(half);
    let snapshots = SnapshotFiles::open(folder(&files), 1).expect("opens");
    assert_eq!(snapshots.of(0), [5, 9]);
}
