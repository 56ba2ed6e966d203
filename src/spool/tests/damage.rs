//! Every byte of a spool, flipped, and every file of it, cut anywhere: what is whole is delivered, and a loss is counted.

use super::disk::{expected, segments, written_within};
use super::{TestSpool, limits, texts, wide};
use crate::spool::{Quarantine, SpoolLimits, WhenFull};
use std::ops::Range;
use std::path::{Path, PathBuf};

const REQUESTS: usize = 8;
/// The header of a segment, and what is before the payload of a frame.
const HEAD: usize = 16;

/// Three requests are one segment.
fn small() -> SpoolLimits {
    limits(1 << 20, 70, WhenFull::Refuse)
}

/// A folder with a spool that nobody has read, and what is in it.
struct Stored {
    folder: tempfile::TempDir,
    files: Vec<(PathBuf, Vec<u8>)>,
    segments: Vec<PathBuf>,
}

impl Stored {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let quarantine = Quarantine::open(folder.path(), 1 << 20).expect("a folder");
        quarantine.keep(7, b"rejected").expect("kept");
        drop(written_within(folder.path(), small(), 0..REQUESTS));
        let (files, segments) = (contents(folder.path()), segments(folder.path()));
        assert!(segments.len() >= 3, "{segments:?}");
        Self {
            folder,
            files,
            segments,
        }
    }

    fn bytes(&self, path: &Path) -> &[u8] {
        let file = self.files.iter().find(|(known, _)| known == path);
        &file.expect("it is there").1
    }

    /// Starts with other bytes in one file, and writes one request more.
    fn start(&self, path: &Path, bytes: Vec<u8>) -> TestSpool {
        for (path, _) in contents(self.folder.path()) {
            std::fs::remove_file(path).expect("removed");
        }
        for (path, bytes) in &self.files {
            std::fs::write(path, bytes).expect("written");
        }
        std::fs::write(path, bytes).expect("written");
        let mut spool = TestSpool::on_disk(self.folder.path(), &["a", "b"], small());
        spool.write("after").expect("it goes on");
        spool
    }

    /// The requests of a segment with the places of their frames.
    fn frames(&self, segment: &Path) -> Vec<(usize, Range<usize>)> {
        let index = self.segments.iter().position(|known| known == segment);
        let first = |path: &PathBuf| -> usize {
            let name = path.file_stem().expect("a name").to_string_lossy();
            name.parse::<usize>().expect("a number") - 1
        };
        let index = index.expect("a segment");
        let end = self.segments.get(index + 1).map_or(REQUESTS, first);
        let mut at = HEAD;
        let frame = |n: usize| {
            let begin = at;
            at += HEAD + format!("request {n}").len();
            (n, begin..at)
        };
        let frames: Vec<_> = (first(&segment.to_path_buf())..end).map(frame).collect();
        assert_eq!(at, self.bytes(segment).len());
        frames
    }
}

/// All files below a folder.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            let bytes = std::fs::read(&path).expect("read");
            found.push((path, bytes));
        }
    }
    found
}

/// All that both destinations get is everything but `lost`, in order, and a loss is counted.
fn check(spool: &TestSpool, lost: &[usize], what: &str) {
    for destination in ["a", "b"] {
        let mut whole = expected(0..REQUESTS);
        whole.push("after".to_owned());
        let is_lost = |text: &String| lost.iter().any(|n| *text == format!("request {n}"));
        whole.retain(|text| !is_lost(text));
        let mut reader = spool.spool.reader(destination);
        assert_eq!(texts(&mut reader), whole, "{what}");
        reader.delivered(reader.position());
    }
    let damaged = spool.metric("baton_spool_damaged_total", "");
    assert!(
        lost.is_empty() || damaged > 0.0,
        "{what}: it is not counted"
    );
    assert_eq!(spool.metric("baton_spool_requests", ""), 0.0, "{what}");
}

#[test]
fn a_flipped_byte_anywhere_costs_its_request_and_no_other_one() {
    let stored = Stored::new();
    for segment in &stored.segments {
        let frames = stored.frames(segment);
        for at in 0..stored.bytes(segment).len() {
            for mask in [0x01, 0x80, 0xff] {
                let mut bytes = stored.bytes(segment).to_vec();
                bytes[at] ^= mask;
                let spool = stored.start(segment, bytes);
                let hit = frames.iter().find(|(_, frame)| frame.contains(&at));
                let lost: Vec<usize> = hit.iter().map(|(n, _)| *n).collect();
                check(&spool, &lost, &format!("{segment:?}, byte {at} ^ {mask}"));
                let damaged = spool.metric("baton_spool_damaged_total", "");
                assert!(damaged > 0.0, "{segment:?}, byte {at}");
            }
        }
    }
}

/// The last second before a crash, which the file of cursors does not know.
#[test]
fn a_flipped_byte_of_the_last_request_is_no_torn_end_also_where_the_cursors_are_older() {
    let mut stored = Stored::new();
    let cursors = stored.folder.path().join("cursors");
    let old = tempfile::tempdir().expect("a folder");
    drop(written_within(old.path(), small(), 0..REQUESTS - 1));
    let before = std::fs::read(old.path().join("cursors")).expect("read");
    for (path, bytes) in &mut stored.files {
        if *path == cursors {
            bytes.clone_from(&before);
        }
    }
    let last = stored.segments.last().expect("segments");
    let frames = stored.frames(last);
    let (n, frame) = frames.last().expect("a request");
    for at in frame.clone() {
        let mut bytes = stored.bytes(last).to_vec();
        bytes[at] ^= 0x40;
        check(&stored.start(last, bytes), &[*n], &format!("byte {at}"));
    }
}

#[test]
fn a_segment_that_is_cut_anywhere_costs_what_is_cut_off() {
    let stored = Stored::new();
    for segment in &stored.segments {
        let frames = stored.frames(segment);
        for end in 0..stored.bytes(segment).len() {
            let bytes = stored.bytes(segment)[..end].to_vec();
            let lost = frames.iter().filter(|(_, frame)| frame.end > end);
            let lost: Vec<usize> = lost.map(|(n, _)| *n).collect();
            let spool = stored.start(segment, bytes);
            check(&spool, &lost, &format!("{segment:?}, cut at {end}"));
        }
    }
}

/// Cursors that say too much would lose requests without a trace.
#[test]
fn a_file_of_cursors_is_whole_or_everything_is_delivered_again() {
    let stored = Stored::new();
    let cursors = stored.folder.path().join("cursors");
    let whole = stored.bytes(&cursors).to_vec();
    let cut = (0..whole.len()).map(|end| whole[..end].to_vec());
    let flipped = (0..whole.len()).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    });
    for bytes in cut.chain(flipped) {
        let spool = stored.start(&cursors, bytes.clone());
        check(&spool, &[], &format!("{bytes:?}"));
        let damaged = spool.metric("baton_spool_damaged_total", "");
        assert!(damaged > 0.0, "{bytes:?}");
    }
}

#[test]
fn what_is_no_request_and_no_cursor_costs_nothing() {
    let stored = Stored::new();
    let is_other = |path: &Path| path.extension().is_some_and(|kind| kind == "request");
    let others = stored
        .files
        .iter()
        .filter(|(path, _)| is_other(path) || path.ends_with("lock"));
    let mut count = 0;
    for (path, bytes) in others {
        count += 1;
        let mut changed = bytes.clone();
        changed.push(7);
        for bytes in [changed, Vec::new()] {
            let spool = stored.start(path, bytes);
            check(&spool, &[], &path.display().to_string());
            assert_eq!(spool.metric("baton_spool_damaged_total", ""), 0.0);
        }
    }
    assert_eq!(count, 2, "{:?}", stored.files);
}

/// A body of a sender may look like frames of the spool.
#[test]
fn a_damaged_request_is_not_searched_for_others() {
    let stored = Stored::new();
    let segment = &stored.segments[0];
    let place = stored.frames(segment)[1].1.clone();
    let forged = [b"body: ", &stored.bytes(segment)[place]].concat();
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = TestSpool::on_disk(folder.path(), &["a", "b"], wide());
    spool.write_bytes(&forged).expect("there is room");
    for text in ["own", "last"] {
        spool.write(text).expect("there is room");
    }
    drop(spool);
    let path = &segments(folder.path())[0];
    let mut bytes = std::fs::read(path).expect("read");
    bytes[2 * HEAD] ^= 1;
    std::fs::write(path, bytes).expect("written");
    let spool = TestSpool::on_disk(folder.path(), &["a", "b"], wide());
    assert_eq!(texts(&mut spool.spool.reader("a")), ["own", "last"]);
}
