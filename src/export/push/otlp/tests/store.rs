//! Checkpoints on disk.

use super::{checkpoint, counter};
use crate::export::push::otlp::HistogramAggregation::ExplicitBucketHistogram;
use crate::export::push::otlp::checkpoint::Checkpoint;
use crate::export::push::otlp::store::CheckpointStore;
use crate::log::disk::files::Folder;
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn store(folder: &Path, exporter: &str, destination: &str) -> CheckpointStore {
    CheckpointStore {
        files: Some(Arc::new(Folder::open(folder).expect("a folder"))),
        exporter: exporter.to_owned(),
        destination: destination.to_owned(),
    }
}

/// At this second.
fn with(value: f64) -> Checkpoint {
    let families = [counter(&[("a", value, 1)])];
    checkpoint(&families, value as u64, ExplicitBucketHistogram)
}

#[test]
fn what_is_pending_becomes_what_is_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || store(folder.path(), "otlp/next", "there");
    let left = open().load().expect("it can be read");
    assert_eq!((left.acknowledged, left.pending), (None, None));
    open().note_acknowledged(&with(1.0)).expect("written");
    open().note_pending(&with(2.0)).expect("written");
    let left = open().load().expect("it can be read");
    assert_eq!(
        (left.acknowledged, left.pending),
        (Some(with(1.0)), Some(with(2.0)))
    );
    open().acknowledge_pending().expect("renamed");
    let left = open().load().expect("it can be read");
    assert_eq!((left.acknowledged, left.pending), (Some(with(2.0)), None));
}

#[test]
fn checkpoints_are_those_of_one_exporter_and_one_destination() {
    let folder = tempfile::tempdir().expect("a folder");
    let next = store(folder.path(), "otlp/next", "there");
    next.note_acknowledged(&with(1.0)).expect("written");
    drop(next);
    for (exporter, destination) in [("otlp", "there"), ("otlp/next", "elsewhere")] {
        let left = store(folder.path(), exporter, destination).load();
        assert_eq!(
            left.expect("it can be read").acknowledged,
            None,
            "{exporter} {destination}"
        );
    }
}

#[test]
fn a_flipped_byte_is_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || store(folder.path(), "otlp/next", "there");
    open().note_acknowledged(&with(1.0)).expect("written");
    let file = folder.path().join("otlp.next.acknowledged");
    let whole = fs::read(&file).expect("it is there");
    for place in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        fs::write(&file, damaged).expect("written");
        match open().load() {
            Err(_) => {}
            // The number of the first frame says nothing here.
            Ok(left) => assert_eq!(left.acknowledged, Some(with(1.0)), "byte {place}"),
        }
    }
}
