//! What happens when the spool is full.

use super::{TestSpool, each_kind, limits, texts};
use crate::log::LogError;
use crate::model::limit::Limit;
use crate::spool::WhenFull;

const TEXT: usize = 100;

fn text(n: usize) -> String {
    format!("{n:0TEXT$}")
}

/// Writes until the spool refuses; how many it took.
fn fill(spool: &mut TestSpool) -> usize {
    for n in 0..1000 {
        match spool.write(&text(n)) {
            Ok(()) => {}
            Err(LogError::Full(Limit::Spool)) => return n,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("it takes everything");
}

#[test]
fn a_full_spool_refuses_until_a_destination_has_caught_up() {
    each_kind(
        &["a", "b"],
        limits(4000, 500, WhenFull::Refuse),
        |mut spool| {
            let taken = fill(&mut spool);
            assert!((20..40).contains(&taken), "{taken}");
            let why = spool.spool.shortage().expect("it is full");
            assert!(why.contains("spool.max_size"), "{why}");
            let (mut a, mut b) = (spool.spool.reader("a"), spool.spool.reader("b"));
            assert_eq!(texts(&mut a).len(), taken);
            a.delivered(a.position());
            spool.settle();
            assert!(
                spool.write("more").is_err(),
                "the other one has nothing yet"
            );
            assert_eq!(texts(&mut b).len(), taken, "nothing is lost");
            b.delivered(b.position());
            spool.settle();
            assert_eq!(spool.spool.shortage(), None);
            spool.write("more").expect("there is room");
            assert_eq!(texts(&mut a), ["more"]);
        },
    );
}

/// The segment that is written to is never removed, so one that takes all the room must be left.
#[test]
fn a_spool_whose_one_segment_is_too_large_goes_on_when_all_is_delivered() {
    each_kind(
        &["a"],
        limits(4000, 1 << 20, WhenFull::Refuse),
        |mut spool| {
            let large = "x".repeat(3800);
            let mut reader = spool.spool.reader("a");
            for _ in 0..3 {
                spool.write(&large).expect("there is room");
                assert!(spool.write(&large).is_err());
                assert_eq!(texts(&mut reader).len(), 1);
                reader.delivered(reader.position());
                spool.settle();
            }
        },
    );
}

#[test]
fn the_newest_are_dropped_and_counted_if_the_operator_says_so() {
    each_kind(
        &["a"],
        limits(4000, 500, WhenFull::DropNewest),
        |mut spool| {
            for n in 0..100 {
                spool.write(&text(n)).expect("nothing is refused");
            }
            let mut reader = spool.spool.reader("a");
            let kept = texts(&mut reader);
            assert!((20..40).contains(&kept.len()), "{}", kept.len());
            let first: Vec<String> = (0..kept.len()).map(text).collect();
            assert_eq!(kept, first);
            assert_eq!(spool.spool.shortage(), None, "it is ready for more");
        },
    );
}

#[test]
fn the_oldest_are_dropped_and_counted_if_the_operator_says_so() {
    each_kind(
        &["a", "b"],
        limits(4000, 500, WhenFull::DropOldest),
        |mut spool| {
            let (mut a, mut b) = (spool.spool.reader("a"), spool.spool.reader("b"));
            let mut sent = 0;
            for n in 0..100 {
                spool.write(&text(n)).expect("nothing is refused");
                sent += texts(&mut a).len();
                a.delivered(a.position());
            }
            assert_eq!(sent, 100, "a destination that keeps up gets everything");
            let kept = texts(&mut b);
            let last: Vec<String> = (100 - kept.len()..100).map(text).collect();
            assert_eq!(kept, last);
            let dropped = |name: &str| spool.metric("baton_exporter_dropped_requests_total", name);
            assert_eq!(dropped("b"), (100 - kept.len()) as f64);
            assert_eq!(dropped("a"), 0.0);
            assert!(spool.metric("baton_spool_bytes", "") <= 4000.0);
            assert_eq!(spool.spool.shortage(), None);
        },
    );
}

#[test]
fn what_waits_for_a_destination_that_is_gone_stays_until_its_room_is_needed() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = limits(8000, 500, WhenFull::Refuse);
    let mut spool = TestSpool::on_disk(folder.path(), &["a", "gone"], limits);
    for n in 0..10 {
        spool.write(&text(n)).expect("there is room");
    }
    let all = |spool: &TestSpool, name: &str| texts(&mut spool.spool.reader(name)).len();
    assert_eq!(all(&spool, "gone"), 10);
    drop(spool);
    let mut spool = TestSpool::on_disk(folder.path(), &["a"], limits);
    spool.settle();
    drop(spool);
    let spool = TestSpool::on_disk(folder.path(), &["a", "gone"], limits);
    assert_eq!(all(&spool, "gone"), 10, "it came back in time");
    drop(spool);
    let mut spool = TestSpool::on_disk(folder.path(), &["a"], limits);
    let mut reader = spool.spool.reader("a");
    for n in 10..200 {
        texts(&mut reader);
        reader.delivered(reader.position());
        spool.write(&text(n)).expect("it refuses nothing for it");
    }
    drop((spool, reader));
    let spool = TestSpool::on_disk(folder.path(), &["a", "gone"], limits);
    let left = all(&spool, "gone");
    assert!((1..60).contains(&left), "{left}");
}
