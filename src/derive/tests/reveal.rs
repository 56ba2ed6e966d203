//! A new series is exposed as 0 until it is old enough, whoever reads and however often the process restarts.

use crate::derive::*;
use crate::model::ids::TraceId;
use crate::model::metric::Point;
use crate::proto::v1;
use proptest::prelude::*;
use reveal::Reveals;
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;
const BIRTH: u64 = 1_000 * SECOND;

fn deriver() -> Deriver {
    Deriver::new(Settings {
        zero_hold: Duration::from_secs(120),
        ..Settings::default()
    })
}

fn session(deriver: &mut Deriver, at: u64) {
    let trace = TraceId::new(&[1; 16]).expect("not zero");
    deriver.apply(
        &Fact::new(Timestamp(at), trace, What::Session),
        Timestamp(at),
    );
    deriver.advance(Timestamp(at));
}

/// What is shown of the number of sessions, to people and to Prometheus.
fn shown(deriver: &Deriver) -> (f64, f64) {
    let of = |families: Vec<Family>| {
        let family = families
            .into_iter()
            .find(|f| f.name == "baton_sessions_total");
        match family.expect("it is in the catalogue").series[0].point {
            Point::Counter { value, .. } => value,
            _ => panic!("it counts"),
        }
    };
    (of(deriver.families()), of(deriver.exposition()))
}

/// The same from a snapshot at this log time.
fn restored(deriver: &Deriver, log_time: u64) -> Deriver {
    let mut next = self::deriver();
    next.restore_head(&v1::SnapshotHead {
        log_time,
        ..deriver.save_head()
    });
    for series in deriver.save() {
        assert_eq!(next.restore(series), Ok(Restored::Taken));
    }
    next
}

#[test]
fn prometheus_sees_0_first_and_people_see_the_truth() {
    let mut deriver = deriver();
    session(&mut deriver, BIRTH);
    assert_eq!(shown(&deriver), (1.0, 0.0));
    assert_eq!(shown(&deriver), (1.0, 0.0), "whoever looks, however often");
    let due = deriver.next_deadline().expect("it is revealed");
    assert_eq!(due, Timestamp(BIRTH + 120 * SECOND));
    session(&mut deriver, due.0 - 1);
    assert_eq!(
        shown(&deriver),
        (2.0, 0.0),
        "what comes meanwhile waits too"
    );
    deriver.advance(due);
    assert_eq!(shown(&deriver), (2.0, 2.0));
    session(&mut deriver, due.0);
    assert_eq!(shown(&deriver), (3.0, 3.0), "from then on at once");
}

#[test]
fn a_snapshot_neither_hides_what_was_shown_nor_shows_what_was_hidden() {
    let mut deriver = deriver();
    session(&mut deriver, BIRTH);
    let young = restored(&deriver, BIRTH);
    assert_eq!(shown(&young), (1.0, 0.0), "no scrape has seen its 0 yet");
    assert_eq!(young.next_deadline(), deriver.next_deadline());
    deriver.advance(Timestamp(BIRTH + 120 * SECOND));
    let old = restored(&deriver, BIRTH + 120 * SECOND);
    assert_eq!(shown(&old), (1.0, 1.0), "at once");
}

#[test]
fn a_snapshot_without_log_time_shows_its_values_at_once() {
    let mut deriver = deriver();
    session(&mut deriver, BIRTH);
    session(&mut deriver, BIRTH + 3600 * SECOND);
    assert_eq!(shown(&restored(&deriver, 0)), (2.0, 2.0));
}

#[test]
fn many_births_ask_for_few_looks_at_the_time() {
    let mut reveals = Reveals::new(Duration::from_millis(300));
    (1..1000).for_each(|millis| reveals.born(Timestamp(BIRTH + millis * 1_000_000)));
    let mut looks = 0;
    while let Some(due) = reveals.next() {
        reveals.advance(due);
        looks += 1;
    }
    assert_eq!(looks, 2);
}

#[test]
fn the_time_in_which_nothing_was_exposed_does_not_count() {
    let mut deriver = deriver();
    session(&mut deriver, BIRTH);
    // The process is down until long after the hold, and the next one is killed soon.
    for back in [1_000, 1_100] {
        deriver = restored(&deriver, deriver_time(&deriver));
        deriver.restart(Timestamp(BIRTH + back * SECOND));
        deriver.advance(Timestamp(BIRTH + back * SECOND));
        assert_eq!(shown(&deriver), (1.0, 0.0), "no scrape has seen it since");
    }
    deriver.advance(Timestamp(BIRTH + 1_219 * SECOND));
    assert_eq!(shown(&deriver), (1.0, 0.0));
    deriver.advance(Timestamp(BIRTH + 1_220 * SECOND));
    assert_eq!(shown(&deriver), (1.0, 1.0));
    deriver.restart(Timestamp(BIRTH + 1_221 * SECOND));
    assert_eq!(shown(&deriver), (1.0, 1.0), "what was shown stays shown");
    assert_eq!(deriver.next_deadline(), deriver.store.next_expiry());
}

/// What timers find out in the time that no process ran is new to those who scrape the next one.
#[test]
fn what_is_born_in_the_time_that_was_missed_waits_for_a_scrape() {
    let mut deriver = deriver();
    deriver.advance(Timestamp(BIRTH));
    deriver.restart(Timestamp(BIRTH + 1_000 * SECOND));
    session(&mut deriver, BIRTH + 10 * SECOND);
    deriver.advance(Timestamp(BIRTH + 1_000 * SECOND));
    assert_eq!(shown(&deriver), (1.0, 0.0));
    assert_eq!(
        shown(&restored(&deriver, deriver_time(&deriver))),
        (1.0, 0.0)
    );
    deriver.advance(Timestamp(BIRTH + 1_120 * SECOND));
    assert_eq!(shown(&deriver), (1.0, 1.0));
}

/// Log time of a deriver.
fn deriver_time(deriver: &Deriver) -> u64 {
    deriver.store.reveals.now().0
}

/// What may happen to series: one is born, time passes (by seconds and a fraction), the process restarts after a while.
#[derive(Clone, Debug)]
enum RevealStep {
    Birth,
    Pass(u64),
    Restart { down: u64, from_snapshot: bool },
}

fn step() -> impl Strategy<Value = RevealStep> {
    prop_oneof![
        Just(RevealStep::Birth),
        (0..3_000u64).prop_map(RevealStep::Pass),
        (0..30_000u64, any::<bool>()).prop_map(|(down, from_snapshot)| RevealStep::Restart {
            down,
            from_snapshot
        }),
    ]
}

proptest! {
    /// With a hold of five seconds: every series is held while it was scraped for less than that in one go, and once revealed it stays so.
    #[test]
    fn each_series_is_exposed_as_0_for_its_hold_and_never_again(steps in proptest::collection::vec(step(), 1..40)) {
        const MILLI: u64 = 1_000_000;
        let hold = Duration::from_secs(5);
        let mut reveals = Reveals::new(hold);
        let mut now = BIRTH;
        let mut up_since = now;
        // Birth, and whether it was revealed.
        let mut series: Vec<(u64, bool)> = Vec::new();
        for step in steps {
            match step {
                RevealStep::Birth => {
                    now += 1;
                    reveals.born(Timestamp(now));
                    series.push((now, false));
                }
                RevealStep::Pass(millis) => {
                    // The worker looks at the time when it is asked to.
                    let end = now + millis * MILLI;
                    while let Some(due) = reveals.next().filter(|due| due.0 <= end) {
                        reveals.advance(due);
                    }
                    now = end;
                    reveals.advance(Timestamp(now));
                }
                RevealStep::Restart { down, from_snapshot } => {
                    if from_snapshot {
                        let mut next = Reveals::new(hold);
                        next.restore(reveals.interrupted(), reveals.now());
                        series.iter().for_each(|(start, _)| next.born(Timestamp(*start)));
                        reveals = next;
                    }
                    now += down * MILLI;
                    up_since = now;
                    reveals.restart(Timestamp(now));
                    reveals.advance(Timestamp(now));
                }
            }
            for (start, revealed) in &mut series {
                let holds = reveals.holds(Timestamp(*start));
                prop_assert!(!(*revealed && holds), "hidden again");
                let scraped = now - (*start).max(up_since);
                if !*revealed && !holds {
                    prop_assert!(scraped >= 5 * SECOND, "revealed after {scraped}");
                }
                if scraped >= 6 * SECOND {
                    prop_assert!(!holds, "still held after {scraped}");
                }
                *revealed |= !holds;
            }
            let pending = series.iter().any(|(_, revealed)| !revealed);
            prop_assert_eq!(reveals.next().is_some(), pending, "it asks for the time");
        }
    }
}
