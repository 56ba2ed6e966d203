//! Which series a receiver knows, over pushes and processes.

use crate::export::push::known::{KnownSeries, KnownStore};
use crate::export::push::{SeriesBirth, SeriesHash};
use crate::log::disk::files::Folder;
use crate::model::metric::{Bucket, Family, FamilyKind, Histogram, Point, Series};
use crate::model::native::Native;
use crate::model::time::Timestamp;
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

/// When the first process began.
const SINCE: u64 = 100;

fn series(label: &str, point: Point, start: u64) -> Series {
    Series {
        expired: false,
        labels: vec![("k".into(), label.to_owned())],
        point,
        start: Timestamp(start),
    }
}

fn family(kind: FamilyKind, series: Vec<Series>) -> Family {
    Family {
        name: "x_total".into(),
        help: "Things.",
        kind,
        unit: "".into(),
        series,
    }
}

/// A counter with series by the value of their label, each with its value and its start.
fn counter(all: &[(&str, f64, u64)]) -> Vec<Family> {
    let all = all.iter().map(|(label, value, start)| {
        let point = Point::Counter {
            value: *value,
            exemplar: None,
        };
        series(label, point, *start)
    });
    vec![family(FamilyKind::Counter, all.collect())]
}

/// A folder of the state, and one that is removed at the end.
fn folder() -> (Arc<Folder>, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let files = Folder::open(folder.path()).expect("it is ours");
    (Arc::new(files), folder)
}

fn process(files: &Arc<Folder>, destination: &str, since: u64) -> KnownSeries {
    let store = KnownStore {
        files: Some(Arc::<Folder>::clone(files)),
        exporter: "test/a".into(),
        destination: destination.into(),
    };
    KnownSeries::new(store, Timestamp(since))
}

/// What is pushed of a counter, and what the receiver learns of by that.
fn pushed(
    known: &mut KnownSeries,
    all: &[(&str, f64, u64)],
    acknowledged: Vec<SeriesBirth>,
) -> (Vec<f64>, Vec<SeriesBirth>) {
    let mut families = counter(all);
    let hashes = SeriesHash::of_all(&families);
    let births = known.hold(&mut families, &hashes, acknowledged);
    let values = families[0].series.iter().map(|series| match series.point {
        Point::Counter { value, .. } => value,
        _ => panic!("a counter"),
    });
    let births = births.into_iter();
    let births = births.map(|(series, start)| SeriesBirth { series, start });
    (values.collect(), births.collect())
}

#[test]
fn a_series_is_0_until_the_receiver_has_acknowledged_it_whatever_restarts() {
    let (files, _folder) = folder();
    let mut first = process(&files, "there", SINCE);
    // What was there before the first push to the receiver began to count earlier.
    let (values, births) = pushed(&mut first, &[("old", 9.0, SINCE - 1)], Vec::new());
    assert_eq!((values, births.len()), (vec![9.0], 0));
    let both = [("old", 9.0, SINCE - 1), ("new", 1.0, SINCE)];
    assert_eq!(pushed(&mut first, &both, Vec::new()).0, [9.0, 0.0]);
    assert_eq!(pushed(&mut first, &both, Vec::new()).0, [9.0, 0.0]);

    // The receiver was away, and Baton restarts. What is old is still known, and what is new is not.
    let mut second = process(&files, "there", SINCE + 1000);
    let (values, births) = pushed(&mut second, &both, Vec::new());
    assert_eq!(values, [9.0, 0.0]);
    assert_eq!(births[0].start, Timestamp(SINCE));

    // It is acknowledged, and that is noted before the value is pushed.
    let grown = [("old", 9.0, SINCE - 1), ("new", 3.0, SINCE)];
    assert_eq!(pushed(&mut second, &grown, births).0, [9.0, 3.0]);
    let mut third = process(&files, "there", SINCE + 2000);
    let (values, births) = pushed(&mut third, &grown, Vec::new());
    assert_eq!((values, births.len()), (vec![9.0, 3.0], 0));
}

#[test]
fn a_series_that_begins_anew_is_0_again_and_one_that_began_earlier_than_thought_is_not() {
    let (files, _folder) = folder();
    let mut known = process(&files, "there", SINCE);
    let (_, births) = pushed(&mut known, &[("a", 5.0, SINCE + 10)], Vec::new());
    assert_eq!(
        pushed(&mut known, &[("a", 5.0, SINCE + 10)], births).0,
        [5.0]
    );
    // Another partition has an earlier value of it.
    assert_eq!(
        pushed(&mut known, &[("a", 6.0, SINCE + 5)], Vec::new()).0,
        [6.0]
    );
    assert_eq!(
        pushed(&mut known, &[("a", 1.0, SINCE + 20)], Vec::new()).0,
        [0.0]
    );
    // It ends, and what ended is not known any more.
    assert_eq!(pushed(&mut known, &[], Vec::new()).0, [0.0; 0]);
    assert_eq!(
        pushed(&mut known, &[("a", 6.0, SINCE + 5)], Vec::new()).0,
        [0.0]
    );
}

#[test]
fn another_receiver_and_a_damaged_file_begin_with_what_there_is() {
    let (files, folder) = folder();
    let both = [("old", 9.0, SINCE - 1), ("new", 1.0, SINCE + 1)];
    let mut known = process(&files, "there", SINCE);
    assert_eq!(pushed(&mut known, &both, Vec::new()).0, [9.0, 0.0]);
    let mut known = process(&files, "elsewhere", SINCE + 1);
    assert_eq!(pushed(&mut known, &both, Vec::new()).0, [9.0, 0.0]);
    let mut known = process(&files, "there", SINCE + 2);
    assert_eq!(pushed(&mut known, &both, Vec::new()).0, [9.0, 1.0]);
    let file = folder.path().join("test.a.known");
    let mut bytes = fs::read(&file).expect("it was noted");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, bytes).expect("written");
    // Nobody knows what the receiver knows. A 0 after a value would count all of it twice.
    let mut known = process(&files, "there", SINCE);
    assert_eq!(pushed(&mut known, &both, Vec::new()).0, [9.0, 1.0]);
}

#[test]
fn a_gauge_is_what_it_is_and_a_histogram_has_no_values() {
    let mut native = Native::default();
    native.observe(0.5, 1);
    let histogram = Histogram {
        bounds: [1.0].into(),
        buckets: [1, 0]
            .map(|count| Bucket {
                count,
                exemplar: None,
            })
            .to_vec(),
        sum: 0.5,
        native: Some(native),
    };
    let mut families = vec![
        family(
            FamilyKind::Histogram,
            vec![series("a", Point::Histogram(histogram), SINCE)],
        ),
        family(
            FamilyKind::Gauge,
            vec![series("b", Point::Gauge(4.0), SINCE)],
        ),
    ];
    let (files, _folder) = folder();
    let hashes = SeriesHash::of_all(&families);
    let births = process(&files, "there", SINCE).hold(&mut families, &hashes, Vec::new());
    let hash = SeriesHash::of(&families[0], &families[0].series[0]);
    assert_eq!(
        births.into_iter().collect::<Vec<_>>(),
        [(hash, Timestamp(SINCE))]
    );
    let Point::Histogram(histogram) = &families[0].series[0].point else {
        panic!("a histogram");
    };
    let counts = histogram.buckets.iter().map(|bucket| bucket.count);
    assert_eq!((counts.sum::<u64>(), histogram.sum), (0, 0.0));
    assert_eq!(histogram.native, Some(Native::default()));
    assert_eq!(families[1].series[0].point, Point::Gauge(4.0));
}
