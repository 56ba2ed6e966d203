//! What every log has to do, as checks: the contract of [`Log`], [`Replay`] and [`Snapshots`].
//!
//! A log is given to [`check`] as a [`LogUnderTest`]. What not every log can do is a capability of it: without
//! [`LogUnderTest::restart`], checks that end a process are left out, and nothing else is.
//!
//! 1. A partition reads what is its own, once, in the order in which it was appended; positions grow.
//! 2. A reader catches up once: what was stored before it, then what comes. It can be woken.
//! 3. What is refused is in no partition, and the error says so.
//! 4. An entry counts as backlog until it is committed.
//! 5. One reader at a time has a partition. What nobody reads waits for the next reader.
//! 6. A closed log takes nothing from outside, and readers see the end after what is in it.
//! 7. The newest snapshot is found, and after it is discarded the one before, or none.
//! 8. After a restart, everything after a position is read again as it was, and what was forwarded is known by its origin.

use super::{Log, LogError, Next, Position, Replay, Snapshots};
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::record::{Delivery, Entry, Frame, Origin, Record};
use crate::model::time::Timestamp;
use crate::proto::v1::{self, snapshot_part::Part};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Partitions of the log under test.
pub const PARTITIONS: usize = 3;
/// Entries from outside that may wait in the log under test.
pub const CAPACITY: usize = 16;

/// A log without a process: its threads work when they are told to.
pub trait LogUnderTest {
    /// The log and its snapshots, with [`PARTITIONS`] and [`CAPACITY`].
    fn parts(&self) -> (Arc<dyn Log>, Arc<dyn Snapshots>);

    /// Makes what was put into the log so far as safe as the log promises.
    fn settle(&mut self);

    /// Saves a snapshot as [`Snapshots::save`] does, while nothing else works.
    ///
    /// # Errors
    /// As that.
    fn save(&mut self, partition: usize, at: Position) -> Result<u64, LogError>;

    /// Goes on in another process, without a word to this one. `false`: what is in this log ends with its process.
    fn restart(&mut self) -> bool {
        false
    }
}

/// Makes every check on a new log of its own.
///
/// # Panics
/// When the log breaks the contract.
pub fn check<L: LogUnderTest>(new: impl Fn() -> L) {
    reads_in_order(new());
    catches_up_once(new());
    refuses_all_or_nothing(new());
    keeps_what_nobody_reads(new());
    ends_after_what_is_in_it(new());
    finds_the_newest_snapshot(new());
    goes_on_after_a_restart(new());
}

fn reads_in_order(mut subject: impl LogUnderTest) {
    let (log, _) = subject.parts();
    let mut readers = [reader(&*log, 0, 0), reader(&*log, 1, 0)];
    for n in 1..=3 {
        append(&mut subject, frame(&[(0, n), (1, n + 10), (0, n + 20)]));
    }
    log.forward(frame(&[(1, 7)]));
    subject.settle();
    assert_eq!(log.backlog().entries, 10, "all of it waits");
    assert!(log.backlog().bytes > 0);
    let [zero, one] = &mut readers;
    assert_eq!(entries(&rest(&mut **zero)), [1, 21, 2, 22, 3, 23]);
    assert_eq!(log.backlog().entries, 4, "what is committed is done");
    assert_eq!(entries(&rest(&mut **one)), [11, 12, 13, 7]);
    assert_eq!(log.backlog().entries, 0);
}

fn catches_up_once(mut subject: impl LogUnderTest) {
    let (log, _) = subject.parts();
    let mut reader = log.replay(0, 0).expect("it opens");
    append(&mut subject, frame(&[(0, 1)]));
    assert!(matches!(read(&mut *reader), Next::CaughtUp(_)));
    let first = delivery(&mut *reader);
    assert_eq!(first.arrival, Timestamp(5), "as it was appended");
    assert!(matches!(read(&mut *reader), Next::Nothing));
    // An hour stands for ever: a log that does not wake its readers hangs here.
    log.wake();
    let woken = reader.read(Duration::from_secs(3600));
    assert!(matches!(woken, Ok(Next::Nothing)), "it is woken");
    let again = log.replay(0, first.position);
    assert!(matches!(again, Err(LogError::InUse(_))), "one at a time");
}

fn refuses_all_or_nothing(mut subject: impl LogUnderTest) {
    let (log, _) = subject.parts();
    let mut reader = reader(&*log, 0, 0);
    // What nobody reads may wait elsewhere than in memory.
    let _other = self::reader(&*log, 1, 0);
    let too_many: Vec<_> = (0..=CAPACITY).map(|n| (n % 2, n as u8)).collect();
    let refused = appended(&mut subject, frame(&too_many));
    let refused = refused.expect_err("it can never be held");
    assert!(matches!(refused, LogError::TooLarge), "{refused}");
    assert!(refused.is_determinate() && !refused.is_retryable());
    append(&mut subject, frame(&too_many[..CAPACITY - 1]));
    let refused = appended(&mut subject, frame(&[(0, 90), (1, 91)]));
    let refused = refused.expect_err("there is no room");
    assert!(matches!(refused, LogError::Full(_)), "{refused}");
    assert!(refused.is_determinate() && refused.is_retryable());
    log.forward(frame(&[(0, 77)]));
    subject.settle();
    let read = entries(&rest(&mut *reader));
    assert!(!read.contains(&90), "nothing of what was refused");
    assert_eq!(read.last(), Some(&77), "what is forwarded is never refused");
    append(&mut subject, frame(&[(0, 90)]));
    assert_eq!(entries(&rest(&mut *reader)), [90], "there is room again");
}

fn keeps_what_nobody_reads(mut subject: impl LogUnderTest) {
    let (log, _) = subject.parts();
    let mut first = reader(&*log, 0, 0);
    append(&mut subject, frame(&[(0, 1)]));
    let at = rest(&mut *first).last().expect("one").position;
    append(&mut subject, frame(&[(0, 2)]));
    drop(first);
    append(&mut subject, frame(&[(0, 3)]));
    let mut second = log.replay(0, at).expect("it was given up");
    append(&mut subject, frame(&[(0, 4)]));
    let read = rest(&mut *second);
    assert_eq!(entries(&read), [2, 3, 4]);
    assert!(read[0].position > at, "each position is another one");
}

fn ends_after_what_is_in_it(mut subject: impl LogUnderTest) {
    let (log, _) = subject.parts();
    let mut reader = reader(&*log, 0, 0);
    append(&mut subject, frame(&[(0, 1)]));
    log.close();
    let refused = appended(&mut subject, frame(&[(0, 2)]));
    let refused = refused.expect_err("it is closed");
    assert!(matches!(refused, LogError::Closed), "{refused}");
    assert!(refused.is_determinate());
    // What is in it may make a partition forward something.
    log.forward(frame(&[(0, 3)]));
    subject.settle();
    assert_eq!(entries(&rest(&mut *reader)), [1, 3]);
    assert!(matches!(read(&mut *reader), Next::End));
}

fn finds_the_newest_snapshot(mut subject: impl LogUnderTest) {
    let (_, snapshots) = subject.parts();
    let newest = |below| {
        let snapshot = snapshots.newest(1, below).expect("it is read")?;
        let parts: Result<Vec<_>, _> = snapshot.parts.collect();
        assert_eq!(parts.expect("whole"), parts_at(snapshot.at));
        Some(snapshot.at)
    };
    assert_eq!(newest(Position::MAX), None);
    subject.save(1, 4).expect("saved");
    subject.save(1, 9).expect("saved");
    assert_eq!(newest(Position::MAX), Some(9));
    let before = newest(9);
    assert!([None, Some(4)].contains(&before), "{before:?}");
    snapshots.discard(1, 9).expect("removed");
    assert_eq!(newest(Position::MAX), before);
    let other = snapshots.newest(0, Position::MAX);
    assert!(other.expect("it is read").is_none(), "of another partition");
}

fn goes_on_after_a_restart(mut subject: impl LogUnderTest) {
    let (log, _) = subject.parts();
    let mut zero = reader(&*log, 0, 0);
    append(&mut subject, frame(&[(0, 1), (1, 2)]));
    let cause = delivery(&mut *zero).position;
    zero.commit(cause);
    let origin = Some(Origin {
        partition: 0,
        position: cause,
    });
    log.forward(Frame {
        origin,
        ..frame(&[(2, 3)])
    });
    append(&mut subject, frame(&[(0, 4)]));
    let read = rest(&mut *zero);
    subject.save(0, cause).expect("saved");
    drop((zero, log));
    if !subject.restart() {
        return;
    }
    let (log, snapshots) = subject.parts();
    let snapshot = snapshots.newest(0, Position::MAX).expect("read");
    assert_eq!(snapshot.map(|snapshot| snapshot.at), Some(cause));
    let mut zero = log.replay(0, cause).expect("it opens");
    let stored = delivery(&mut *zero);
    assert_eq!(vec![stored], read, "as it was, where it was");
    let Next::CaughtUp(end) = self::read(&mut *zero) else {
        panic!("there is no more");
    };
    assert!(end >= read[0].position);
    assert_eq!(zero.forwarded(), cause, "its message is in the log");
    let mut two = reader(&*log, 2, 0);
    assert_eq!(two.forwarded(), 0, "it sent nothing");
    assert!(rest(&mut *two).is_empty(), "it was stored before");
    append(&mut subject, frame(&[(0, 5)]));
    let next = rest(&mut *zero);
    assert_eq!(entries(&next), [5]);
    assert!(next[0].position > end, "no position is used twice");
}

/// A reader that has caught up.
fn reader(log: &dyn Log, partition: usize, after: Position) -> Box<dyn Replay> {
    let mut reader = log.replay(partition, after).expect("it opens");
    while !matches!(read(&mut *reader), Next::CaughtUp(_)) {}
    reader
}

fn read(reader: &mut dyn Replay) -> Next {
    reader.read(Duration::ZERO).expect("it can be read")
}

fn delivery(reader: &mut dyn Replay) -> Delivery {
    match read(reader) {
        Next::Delivery(delivery) => delivery,
        other => panic!("not a delivery: {other:?}"),
    }
}

/// Reads and commits what there is.
fn rest(reader: &mut dyn Replay) -> Vec<Delivery> {
    let mut all: Vec<Delivery> = Vec::new();
    // A reader may have nothing between two deliveries: it is told the time, or the end.
    let mut nothing = 0;
    while nothing < 3 {
        match read(reader) {
            Next::Delivery(delivery) => {
                let before = all.last().map_or(0, |last| last.position);
                assert!(delivery.position > before, "positions grow");
                reader.commit(delivery.position);
                all.push(delivery);
            }
            Next::CaughtUp(_) => {}
            Next::Nothing => nothing += 1,
            Next::End => break,
        }
    }
    all
}

/// The numbers of entries.
fn entries(deliveries: &[Delivery]) -> Vec<u8> {
    let entries = deliveries.iter().flat_map(|delivery| &delivery.entries);
    let number = |entry: &Entry| match &entry.key {
        PartitionKey::Trace(trace) | PartitionKey::TenantTrace(_, trace) => trace.as_bytes()[0],
        other => panic!("not an entry of this suite: {other:?}"),
    };
    entries.map(number).collect()
}

/// Entries with these numbers for these partitions.
fn frame(entries: &[(usize, u8)]) -> Frame {
    let entry = |(partition, number): &(usize, u8)| {
        let mut id = [1; 16];
        id[0] = *number;
        let trace = TraceId::new(&id).expect("not zero");
        let key = PartitionKey::Trace(trace);
        let record = Record::Bind(key.clone());
        (*partition, Entry { key, record })
    };
    Frame::of(entries.iter().map(entry), Timestamp(5), None)
}

fn append(subject: &mut impl LogUnderTest, frame: Frame) {
    appended(subject, frame).expect("it is taken");
}

/// What an append came to.
fn appended(subject: &mut impl LogUnderTest, frame: Frame) -> Result<(), LogError> {
    let mut append = subject.parts().0.append(frame);
    subject.settle();
    match append
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("a settled log has answered"),
    }
}

/// The snapshot that the suite saves at a position.
pub fn parts_at(position: Position) -> Vec<v1::SnapshotPart> {
    let head = v1::SnapshotHead {
        position,
        ..v1::SnapshotHead::default()
    };
    let end = v1::SnapshotEnd::default();
    let parts = [Part::Head(head), Part::End(end)];
    let part = |part| v1::SnapshotPart { part: Some(part) };
    parts.into_iter().map(part).collect()
}
