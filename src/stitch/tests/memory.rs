//! The limits of what is held.

use super::*;

#[test]
fn memory_has_a_bound_above_which_the_oldest_session_is_closed() {
    let (s, ..) = transfer();
    let max_bytes = 20_000;
    let settings = Settings {
        max_bytes,
        ..Settings::default()
    };
    let mut stitcher = Stitcher::new(settings);
    let mut out = Output::default();
    for n in 0..50 {
        for event in &s.events {
            let mut event = event.clone();
            event.trace = trace(n + 1);
            let entry = Entry {
                key: session(&n.to_string()),
                record: Record::Event(Box::new(event)),
            };
            stitcher.apply(entry, Timestamp(u64::from(n)), &mut out);
            assert!(stitcher.weight() <= max_bytes, "{}", stitcher.weight());
        }
    }
    let shed = |f: &&Fact| f.what == What::Shed(Shed::Memory);
    let shed = out.facts.iter().filter(shed).count();
    assert!(shed > 0);
    assert_eq!(
        turns(&out.facts).len(),
        shed,
        "each was decided when it was closed"
    );
    assert_eq!(stitcher.keys(), 50 - shed);
}

#[test]
fn what_is_only_remembered_is_forgotten_first_and_in_silence() {
    let (s, ..) = transfer();
    let settings = Settings {
        soft_bytes: 20_000,
        ..Settings::default()
    };
    let mut stitcher = Stitcher::new(settings.clone());
    let mut out = Output::default();
    let sessions = 50;
    for n in 0..sessions {
        let arrival = Timestamp::default() + Duration::from_secs(3600 * u64::from(n) / 2);
        stitcher.advance(arrival, &mut out);
        for event in &s.events {
            let mut event = event.clone();
            event.trace = trace(n + 1);
            let entry = Entry {
                key: session(&n.to_string()),
                record: Record::Event(Box::new(event)),
            };
            stitcher.apply(entry, arrival, &mut out);
            stitcher = reborn(&stitcher, settings.clone());
        }
        assert!(
            stitcher.weight() <= settings.soft_bytes * 7 / 8,
            "{}",
            stitcher.weight()
        );
    }
    assert!(
        stitcher.keys() < usize::from(sessions),
        "some are forgotten"
    );
    stitcher.advance(Timestamp::MAX, &mut out);
    assert_eq!(turns(&out.facts).len(), usize::from(sessions));
    let shed = |f: &&Fact| matches!(f.what, What::Shed(_));
    assert_eq!(out.facts.iter().filter(shed).count(), 0);
    assert_eq!((stitcher.keys(), stitcher.weight()), (0, 0));
}

/// One whole session, named by its number, at one time.
fn one_session(n: u8, arrival: Timestamp, stitcher: &mut Stitcher, out: &mut Output) {
    for event in &transfer().0.events {
        let mut event = event.clone();
        event.trace = trace(n + 1);
        let entry = Entry {
            key: session(&n.to_string()),
            record: Record::Event(Box::new(event)),
        };
        stitcher.apply(entry, arrival, out);
    }
}

#[test]
fn the_session_touched_least_recently_is_closed_though_others_are_due_sooner() {
    let settings = Settings {
        max_sessions: 3,
        ..Settings::default()
    };
    let mut stitcher = Stitcher::new(settings);
    let mut out = Output::default();
    let mut now = Timestamp(1);
    // The first one waits for the end of its workflow, the later ones for that of their turns.
    for (n, wait) in [(0, 60), (1, 1), (2, 1), (3, 1), (4, 1)] {
        stitcher.advance(now, &mut out);
        one_session(n, now, &mut stitcher, &mut out);
        now = now + Duration::from_secs(wait);
    }
    let shed = out
        .facts
        .iter()
        .filter(|f| f.what == What::Shed(Shed::Sessions));
    let shed: Vec<_> = shed.map(|fact| fact.key.clone()).collect();
    assert_eq!(shed, [Some(session("0")), Some(session("1"))]);
}

#[test]
fn timers_alone_make_room_where_nothing_is_let_in() {
    let settings = Settings {
        soft_bytes: 20_000,
        ..Settings::default()
    };
    let mut stitcher = Stitcher::new(settings.clone());
    let mut out = Output::default();
    for n in 0..50 {
        one_session(n, Timestamp(1), &mut stitcher, &mut out);
    }
    assert!(stitcher.weight() > settings.soft_bytes);
    let later = Timestamp(1) + settings.idle_timeout * 3;
    stitcher.advance(later, &mut out);
    assert!(stitcher.weight() <= settings.soft_bytes * 7 / 8);
}
