//! The quarantine, and what a spool on disk shows of itself.

use super::{TestSpool, wide};
use crate::log::disk::files::{Files, Folder};
use crate::spool::{Quarantine, SpoolOverview, quarantined};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

#[test]
fn rejected_requests_are_kept_until_there_is_no_room_or_somebody_removes_them() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(quarantined(folder.path()).expect("read").is_empty());
    let quarantine = Quarantine::open(folder.path(), 10).expect("a folder");
    let keep = |rejected, content: &[u8]| quarantine.keep(rejected, content).expect("written");
    assert!(keep(9, b"second") && keep(9, b"3rd") && keep(8, b"1"));
    assert!(!keep(10, b"full"));
    let files = quarantined(folder.path()).expect("read");
    let contents: Vec<_> = files
        .iter()
        .map(|path| std::fs::read(path).expect("read"))
        .collect();
    assert_eq!(
        contents,
        [b"1".to_vec(), b"second".to_vec(), b"3rd".to_vec()]
    );
    let mode = std::fs::metadata(&files[0])
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::remove_file(&files[1]).expect("removed");
    assert_eq!(quarantine.look(), 4);
    assert!(keep(10, b"room"));
    let again = Quarantine::open(folder.path(), 10).expect("a folder");
    assert_eq!(again.look(), 8, "the next process knows what is there");
}

#[test]
fn what_waits_is_seen_while_another_process_has_the_spool() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = TestSpool::on_disk(folder.path(), &["a", "b"], wide());
    for n in 0..30 {
        spool.write(&format!("request {n}")).expect("there is room");
    }
    let mut reader = spool.spool.reader("b");
    for _ in 0..12 {
        reader.read().expect("it can be read");
    }
    reader.delivered(reader.position());
    spool.settle();
    let files: Arc<dyn Files> = Arc::new(Folder::look(folder.path()).expect("there"));
    let overview = SpoolOverview::of(&files).expect("read");
    let expected = [("a", 30), ("b", 18)].map(|(name, n)| (name.to_owned(), n));
    assert_eq!(overview.waiting, expected);
    assert_eq!(spool.spool.waiting(), expected);
    assert!(overview.bytes > 500);
    assert!(Folder::look(&folder.path().join("nowhere")).is_err());
}
