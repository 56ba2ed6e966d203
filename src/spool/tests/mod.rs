//! The spool in memory and on disk: who gets what, what happens when it is full, and what a crash or a damage leaves.

mod damage;
mod disk;
mod quarantine;
mod room;

use super::{Admitted, Spool, SpoolLimits, SpoolPayload, SpoolReader, SpoolWriter, WhenFull};
use crate::clock::Clock;
use crate::log::LogError;
use crate::log::disk::files::{Files, Folder};
use crate::model::metric::Point;
use crate::model::time::Timestamp;
use crate::telemetry::Telemetry;
use bytes::{BufMut, Bytes};
use futures_util::FutureExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A spool whose writer works when the test says so.
struct TestSpool {
    spool: Spool,
    writer: Option<SpoolWriter>,
    telemetry: Telemetry,
    now: Arc<AtomicU64>,
}

fn limits(max_bytes: u64, segment_bytes: u64, when_full: WhenFull) -> SpoolLimits {
    SpoolLimits {
        max_bytes: Some(max_bytes),
        min_bytes: 1,
        segment_bytes,
        when_full,
    }
}

/// Room for all that most tests write.
fn wide() -> SpoolLimits {
    limits(1 << 20, 256, WhenFull::Refuse)
}

fn names(destinations: &[&str]) -> Vec<String> {
    destinations.iter().map(|name| (*name).to_owned()).collect()
}

impl TestSpool {
    fn in_memory(destinations: &[&str], limits: SpoolLimits) -> Self {
        let telemetry = Telemetry::new(Timestamp(0));
        let names = names(destinations);
        Self {
            spool: telemetry.register(|| Spool::in_memory(&names, limits)),
            writer: None,
            telemetry,
            now: Arc::default(),
        }
    }

    fn on_disk(folder: &Path, destinations: &[&str], limits: SpoolLimits) -> Self {
        let files: Arc<dyn Files> = Arc::new(Folder::open(folder).expect("a folder"));
        Self::over(files, destinations, limits)
    }

    fn over(files: Arc<dyn Files>, destinations: &[&str], limits: SpoolLimits) -> Self {
        let telemetry = Telemetry::new(Timestamp(0));
        let now: Arc<AtomicU64> = Arc::default();
        let clock = Clock::manual(Arc::clone(&now));
        let names = names(destinations);
        let open = || Spool::on_disk(files, &names, limits, clock);
        let (spool, writer) = telemetry.register(open).expect("it opens");
        Self {
            spool,
            writer: Some(writer),
            telemetry,
            now,
        }
    }

    /// What the writer does, after the time at which cursors are saved.
    fn settle(&mut self) {
        self.now.fetch_add(2_000_000_000, Ordering::AcqRel);
        if let Some(writer) = &mut self.writer {
            writer.round().expect("the disk works");
        }
    }

    /// Writes a payload and makes it safe.
    fn write(&mut self, payload: &str) -> Result<(), LogError> {
        self.write_bytes(payload.as_bytes())
    }

    fn write_bytes(&mut self, payload: &[u8]) -> Result<(), LogError> {
        let Admitted::Place(place) = self.spool.reserve(payload.len())? else {
            return Ok(());
        };
        let (head, body) = payload.split_at(payload.len() / 3);
        let (head, body) = (Bytes::copy_from_slice(head), Bytes::copy_from_slice(body));
        let mut written = place.write(SpoolPayload::new(head, body));
        self.settle();
        (&mut written).now_or_never().expect("it is answered")
    }

    /// The sum of a metric over series with this label value.
    fn metric(&self, name: &str, label: &str) -> f64 {
        self.spool.measure();
        let families = self.telemetry.families();
        let family = families.iter().find(|family| family.name == name);
        let series = family.into_iter().flat_map(|family| &family.series);
        let series =
            series.filter(|s| label.is_empty() || s.labels.iter().any(|(_, v)| v == label));
        let values = series.map(|series| match series.point {
            Point::Counter { value, .. } | Point::Gauge(value) => value,
            _ => 0.0,
        });
        values.sum()
    }
}

/// All that a reader gets now.
fn texts(reader: &mut SpoolReader) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some((_, payload)) = reader.read().expect("it can be read") {
        let mut bytes = Vec::new();
        bytes.put(payload.into_buf());
        texts.push(String::from_utf8(bytes).expect("a text"));
    }
    texts
}

/// Both kinds of spool.
fn each_kind(destinations: &[&str], limits: SpoolLimits, check: impl Fn(TestSpool)) {
    check(TestSpool::in_memory(destinations, limits));
    let folder = tempfile::tempdir().expect("a folder");
    check(TestSpool::on_disk(folder.path(), destinations, limits));
}

#[test]
fn every_destination_gets_everything_in_order_at_its_own_pace() {
    each_kind(&["a", "b"], wide(), |mut spool| {
        let (mut a, mut b) = (spool.spool.reader("a"), spool.spool.reader("b"));
        let mut all = Vec::new();
        for n in 0..50 {
            let text = format!("request {n}");
            spool.write(&text).expect("there is room");
            assert_eq!(texts(&mut a), std::slice::from_ref(&text));
            a.delivered(a.position());
            all.push(text);
            if n == 20 {
                assert_eq!(texts(&mut b), all, "it is far behind");
            }
        }
        assert_eq!(texts(&mut b), all[21..]);
        assert_eq!(spool.metric("baton_spool_requests", "a"), 0.0);
        assert_eq!(spool.metric("baton_spool_requests", "b"), 50.0);
        assert!(spool.metric("baton_spool_bytes", "") > 500.0);
        b.delivered(b.position());
        spool.settle();
        assert!(
            spool.metric("baton_spool_bytes", "") < 500.0,
            "the segments are gone"
        );
    });
}

#[test]
fn a_reader_waits_until_there_is_something() {
    each_kind(&["a"], wide(), |mut spool| {
        let mut reader = spool.spool.reader("a");
        assert!(reader.ready().now_or_never().is_none());
        assert!(reader.read().expect("it can be read").is_none());
        spool.write("one").expect("there is room");
        assert!(reader.ready().now_or_never().is_some());
        assert_eq!(texts(&mut reader), ["one"]);
        assert!(reader.ready().now_or_never().is_none());
    });
}

#[test]
fn a_place_that_is_not_used_is_given_back() {
    each_kind(&["a"], limits(1000, 256, WhenFull::Refuse), |mut spool| {
        for _ in 0..10 {
            let place = spool.spool.reserve(800).expect("there is room");
            assert!(spool.spool.reserve(800).is_err(), "it is taken");
            drop(place);
        }
        spool.write(&"x".repeat(800)).expect("there is room");
    });
}

#[test]
fn an_ended_spool_takes_nothing() {
    each_kind(&["a"], wide(), |spool| {
        spool.spool.end();
        let refused = spool.spool.reserve(1).expect_err("it has ended");
        assert!(matches!(refused, LogError::Closed), "{refused}");
    });
}
