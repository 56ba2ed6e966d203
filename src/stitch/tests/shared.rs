//! Traces that name several sessions: S-1, S-2, S-14, S-15, S-16.

use super::keys::{KeyedDesk, seconds};
use super::notes::scored;
use super::*;

/// A scene whose spans may name sessions, told as they are routed.
#[derive(Default)]
pub(super) struct Job {
    pub(super) scene: Scene,
}

impl Job {
    pub(super) fn frame(&mut self, times: (u64, u64)) -> u64 {
        self.scene.add(0, times, Kind::Structure)
    }

    /// A desk that answers with one call.
    pub(super) fn desk(&mut self, parent: u64, start: u64, session: Option<&str>) -> u64 {
        let desk = self.scene.agent(parent, "desk", (start, start + 100));
        self.scene.last().context.session = session.and_then(named);
        self.scene.call(desk, (start + 1, start + 99));
        desk
    }

    /// The records of these events in this order, each with what tells its trace its session.
    pub(super) fn records(events: &[Event]) -> Vec<(PartitionKey, Record)> {
        let mut records = Vec::new();
        for event in events {
            let held = PartitionKey::Trace(event.trace);
            let own = event.context.session.as_ref();
            let own = own.map(|hint| session(&hint.id));
            if let Some(own) = &own {
                records.push((held.clone(), Record::Bind(own.clone())));
            }
            let event = Record::Event(Box::new(event.clone()));
            records.push((own.unwrap_or(held), event));
        }
        records
    }

    /// The story, with the events in this order, all at once, through a snapshot at every step.
    pub(super) fn told(events: &[Event]) -> Vec<Fact> {
        let mut desk = KeyedDesk::new(Settings::default());
        for (key, record) in Self::records(events) {
            desk.apply(&key, record, 0);
            desk.stitcher = reborn(&desk.stitcher, Settings::default());
        }
        desk.deliver(0);
        desk.stitcher = reborn(&desk.stitcher, Settings::default());
        desk.end()
    }
}

/// Sessions, turns, calls and handoffs of each session.
pub(super) fn figures(facts: &[Fact]) -> Vec<(String, [usize; 4])> {
    let mut all: std::collections::BTreeMap<String, [usize; 4]> = Default::default();
    for fact in facts {
        let Some(PartitionKey::Session(session)) = &fact.key else {
            continue;
        };
        let place = match &fact.what {
            What::Session => 0,
            What::Turn(_) => 1,
            What::Model(_) => 2,
            What::Handoff(_) => 3,
            _ => continue,
        };
        all.entry(session.id.as_str().to_owned()).or_default()[place] += 1;
    }
    all.into_iter().collect()
}

pub(super) fn ignored(facts: &[Fact]) -> u64 {
    let events = facts.iter().map(|fact| match fact.what {
        What::Ignored {
            reason: Ignored::OfSeveralSessions,
            events,
        } => events,
        _ => 0,
    });
    events.sum()
}

/// In any order the same sessions have the same figures.
pub(super) fn assert_told(job: &Job, expected: &[(&str, [usize; 4])], frames: u64) {
    let expected: Vec<(String, [usize; 4])> = expected
        .iter()
        .map(|(session, figures)| ((*session).to_owned(), *figures))
        .collect();
    let mut events = job.scene.events.clone();
    for _ in 0..events.len() {
        for way in [false, true] {
            if way {
                events.reverse();
            }
            let facts = Job::told(&events);
            let order: Vec<_> = events.iter().map(|event| event.span).collect();
            assert_eq!(figures(&facts), expected, "{order:?}");
            assert_eq!(ignored(&facts), frames, "{order:?}");
            assert_eq!(count(&facts, |what| *what == What::Duplicate), 0);
        }
        events.rotate_left(1);
    }
}

/// S-15: sessions side by side below the span of a job stay apart, and each span goes with what it lies in.
#[test]
fn a_job_over_sessions_has_a_turn_in_each() {
    let mut job = Job::default();
    let root = job.frame((0, 1000));
    for (i, session) in ["c", "a", "b"].into_iter().enumerate() {
        job.desk(root, 100 + 200 * i as u64, Some(session));
    }
    let one = [1, 1, 1, 0];
    assert_told(&job, &[("a", one), ("b", one), ("c", one)], 1);
}

/// S-15: an ID on a call alone speaks for what lies around this call and no other session.
#[test]
fn a_session_named_inside_is_that_of_what_lies_around_it_alone() {
    let mut job = Job::default();
    let root = job.scene.add(0, (0, 1000), Kind::Workflow);
    for (i, session) in ["a", "b"].into_iter().enumerate() {
        job.desk(root, 100 + 200 * i as u64, None);
        job.scene.last().context.session = named(session);
    }
    assert_told(&job, &[("a", [1, 1, 1, 0]), ("b", [1, 1, 1, 0])], 1);
}

/// S-1: a session inside another one is that one, and so are sessions inside the work of one agent.
#[test]
fn sessions_inside_each_other_or_inside_one_agent_are_one() {
    for (outer, sessions) in [
        (Some("b"), ["a", "a"]),
        (Some("a"), ["b", "c"]),
        (None, ["b", "a"]),
    ] {
        let mut job = Job::default();
        let root = job.frame((0, 1000));
        let outer_agent = job.desk(root, 10, outer);
        job.scene.events[1].end = Timestamp(900_000_000);
        for (i, session) in sessions.into_iter().enumerate() {
            let start = 200 + 200 * i as u64;
            let tool = job
                .scene
                .tool(outer_agent, "ask", (start, start + 150), None);
            job.desk(tool, start + 10, Some(session));
        }
        let facts = Job::told(&job.scene.events);
        assert_eq!(count(&facts, is_call), 3);
        let all: Vec<_> = figures(&facts)
            .into_iter()
            .map(|(id, f)| (id, f[0], f[1]))
            .collect();
        assert_eq!(all, [("a".to_owned(), 1, 1)], "{outer:?} {sessions:?}");
        assert_eq!(ignored(&facts), 0, "the frame is the session's too");
    }
}

/// S-15: a handoff to an agent that acts in one other session only leads the user there. One that its own session answers does not.
#[test]
fn a_handoff_joins_the_sessions_of_its_two_agents() {
    for (own, late, expected) in [
        (false, 0, vec!["a"]),
        (true, 0, vec!["a", "b"]),
        (false, 5000, vec!["a", "b"]),
    ] {
        let mut job = Job::default();
        let root = job.frame((0, 1000));
        let desk = job.scene.agent(root, "desk", (10, 100));
        job.scene.last().context.session = named("b");
        job.scene.asking(desk, (11, 50), &["billing"]);
        job.scene
            .tool(desk, "transfer_to_billing", (51, 60), Some("billing"));
        for (session, start) in [("b", 110), ("a", 300 + late)] {
            if session == "a" || own {
                let billing = job.scene.agent(root, "Billing", (start, start + 100));
                job.scene.last().context.session = named(session);
                job.scene.call(billing, (start + 1, start + 99));
            }
        }
        let facts = Job::told(&job.scene.events);
        let told: Vec<String> = figures(&facts).into_iter().map(|(id, _)| id).collect();
        assert_eq!(told, expected);
        let taken = match late {
            0 => "desk -> Billing transfer success",
            _ => "desk -> billing transfer failed dropped",
        };
        assert_eq!(handoffs(&facts), [taken]);
    }
}

/// S-16: work that names no session goes with the session that began last before it; what only lies around counts nowhere.
#[test]
fn work_beside_sessions_goes_with_the_one_before() {
    let mut job = Job::default();
    let root = job.frame((0, 1000));
    job.scene.add(root, (5, 900), Kind::Structure);
    job.scene.call(root, (10, 20));
    job.desk(root, 100, Some("b"));
    job.scene.call(root, (210, 220));
    job.desk(root, 300, Some("a"));
    let outer = job.scene.agent(root, "extra", (450, 900));
    job.scene.call(outer, (500, 600));
    assert_told(&job, &[("a", [1, 1, 2, 0]), ("b", [1, 1, 3, 0])], 2);
}

/// S-14: the trace is dealt out once it is complete, as a turn would be finalized; a session waits for its part.
#[test]
fn a_session_decides_nothing_while_its_part_may_come() {
    let mut job = Job::default();
    job.frame((0, 20_000));
    for (i, session) in ["a", "b"].into_iter().enumerate() {
        job.desk(1, 100 + 200 * i as u64, Some(session));
    }
    let mut desk = KeyedDesk::new(Settings::default());
    for (key, record) in Job::records(&job.scene.events[1..]) {
        desk.apply(&key, record, 1);
        desk.deliver(1);
    }
    desk.turn(&session("a"), 2, 2);
    desk.stitcher.advance(seconds(19), &mut desk.out);
    assert_eq!(turns(&desk.out.facts), [], "the job goes on");
    let root = Record::Event(Box::new(job.scene.events[0].clone()));
    desk.apply(&PartitionKey::Trace(trace(1)), root, 20);
    let settle = Settings::default().settle.as_secs();
    desk.stitcher.advance(seconds(20 + settle), &mut desk.out);
    desk.deliver(20 + settle);
    assert_eq!(turns(&desk.out.facts), []);
    desk.stitcher
        .advance(seconds(20 + 2 * settle), &mut desk.out);
    let starts = desk
        .out
        .facts
        .iter()
        .filter(|fact| matches!(fact.what, What::Turn(_)));
    let traces: Vec<_> = starts.map(|fact| fact.trace).collect();
    assert_eq!(traces, [1, 2, 1].map(trace), "in the order of their start");
    desk.end();
}

/// A session that was named waits little longer than a turn waits for its agent.
#[test]
fn a_part_that_never_comes_is_given_up() {
    let mut desk = KeyedDesk::new(Settings::default());
    desk.turn(&session("a"), 2, 2);
    let release = Record::Release(trace(1), PartitionKey::Trace(trace(1)));
    desk.apply(&session("a"), release, 2);
    let settings = Settings::default();
    let given_up = 2 + (settings.turn_timeout + settings.trace_timeout).as_secs();
    desk.stitcher.advance(seconds(given_up - 1), &mut desk.out);
    assert_eq!(turns(&desk.out.facts).len(), 0);
    desk.stitcher.advance(seconds(given_up), &mut desk.out);
    assert_eq!(turns(&desk.out.facts).len(), 1);
}

/// What comes later goes where the spans around it went, and counts once.
#[test]
fn what_comes_late_goes_the_way_of_its_parent() {
    let mut job = Job::default();
    let root = job.frame((0, 1000));
    for (i, session) in ["a", "b"].into_iter().enumerate() {
        job.desk(root, 100 + 200 * i as u64, Some(session));
    }
    let late = job.scene.events.split_off(4);
    let mut desk = KeyedDesk::new(Settings::default());
    for (key, record) in Job::records(&job.scene.events) {
        desk.apply(&key, record, 1);
    }
    desk.deliver(1);
    desk.stitcher.advance(seconds(30), &mut desk.out);
    desk.deliver(30);
    desk.stitcher.advance(seconds(40), &mut desk.out);
    let before = figures(&desk.out.facts);
    assert_eq!(before.len(), 2);
    // The call of the second desk names nothing and comes by way of the first session; all others come again.
    for event in late.iter().chain(&job.scene.events) {
        let event = Record::Event(Box::new(event.clone()));
        desk.apply(&session("a"), event, 41);
    }
    desk.deliver(41);
    desk.stitcher = reborn(&desk.stitcher, Settings::default());
    let facts = desk.end();
    let expected = [("a", [1, 1, 1, 0]), ("b", [1, 1, 1, 0])];
    let expected = expected.map(|(id, figures)| (id.to_owned(), figures));
    assert_eq!(figures(&facts), expected);
    assert_eq!(count(&facts, |what| *what == What::Duplicate), 4);
    assert_eq!(count(&facts, |what| *what == What::Late), 1);
    assert_eq!(ignored(&facts), 1);
}

/// S-14: what was dealt out tells nothing new of what belongs together; a span that comes late around it may.
#[test]
fn a_second_piece_joins_only_what_it_lies_around() {
    for (works, sessions) in [(false, vec!["a", "b"]), (true, vec!["a"])] {
        let mut job = Job::default();
        let root = match works {
            true => job.scene.agent(0, "boss", (0, 1000)),
            false => job.frame((0, 1000)),
        };
        job.desk(root, 100, Some("a"));
        // A call between the two belongs to the first, though it lies in an agent that says nothing else.
        let extra = job.scene.agent(root, "extra", (250, 280));
        job.scene.call(extra, (251, 279));
        job.desk(root, 300, Some("b"));
        let mut desk = KeyedDesk::new(Settings::default());
        for (key, record) in Job::records(&job.scene.events[1..]) {
            desk.apply(&key, record, 1);
        }
        desk.deliver(1);
        for second in [70, 80, 100] {
            desk.stitcher.advance(seconds(second), &mut desk.out);
            desk.deliver(second);
        }
        assert_eq!(figures(&desk.out.facts).len(), 2);
        let late = Record::Event(Box::new(job.scene.events[0].clone()));
        desk.apply(&PartitionKey::Trace(trace(1)), late, 101);
        desk.stitcher.advance(seconds(110), &mut desk.out);
        desk.deliver(110);
        desk.turn(&session("a"), 2, 111);
        desk.turn(&session("b"), 3, 131);
        let facts = desk.end();
        let later = facts
            .iter()
            .filter(|fact| matches!(fact.what, What::Turn(_)) && fact.trace != trace(1));
        let keys: std::collections::BTreeSet<_> = later.map(|fact| fact.key.clone()).collect();
        let expected = sessions.into_iter().map(|id| Some(session(id))).collect();
        assert_eq!(keys, expected);
        assert_eq!(ignored(&facts), u64::from(!works));
    }
}

/// What a log record says of the job itself is about no session. One that names a response is about its call, also late (S-16).
#[test]
fn a_log_record_is_of_the_session_of_its_call_or_of_none() {
    let mut job = Job::default();
    let root = job.frame((0, 1000));
    for (i, session) in ["a", "b"].into_iter().enumerate() {
        job.desk(root, 100 + 200 * i as u64, Some(session));
        if let Kind::Model(call) = &mut job.scene.last().kind {
            call.response = Some(i as u64 + 1);
        }
    }
    // Work of the job itself goes with the session before it.
    job.scene.call(root, (500, 600));
    if let Kind::Model(call) = &mut job.scene.last().kind {
        call.response = Some(3);
    }
    let mut note = job.scene.events[0].clone();
    note.kind = Kind::Note(7);
    note.start = Timestamp(900_000_000);
    note.rare.evaluations = scored("csat", 0.75);
    // With the spans, and when they are dealt out.
    for (waits, at) in [(vec![], 1), (vec![10, 20], 30)] {
        for (about, of) in [
            (None, None),
            (Some(1), Some("a")),
            (Some(2), Some("b")),
            (Some(3), Some("b")),
        ] {
            let mut desk = KeyedDesk::new(Settings::default());
            for (key, record) in Job::records(&job.scene.events) {
                desk.apply(&key, record, 1);
            }
            desk.deliver(1);
            for &second in &waits {
                desk.stitcher.advance(seconds(second), &mut desk.out);
                desk.deliver(second);
            }
            desk.stitcher = reborn(&desk.stitcher, Settings::default());
            let mut note = note.clone();
            note.rare.about = about;
            if about.is_some() {
                note.span = span(99);
            }
            for (key, record) in Job::records(&[note]) {
                desk.apply(&key, record, at);
                desk.deliver(at);
            }
            let facts = desk.end();
            let rated = facts
                .iter()
                .filter(|fact| matches!(fact.what, What::Feedback { .. }));
            let rated: Vec<_> = rated.map(|fact| fact.key.clone()).collect();
            let expected: Vec<_> = of.into_iter().map(|id| Some(session(id))).collect();
            assert_eq!(rated, expected, "{about:?} {at}");
            assert_eq!(ignored(&facts), if of.is_some() { 1 } else { 2 });
        }
    }
}

/// A trace with more spans than a session may hold is dealt out early, and so is one that memory has no room for.
#[test]
fn too_many_spans_are_dealt_out_early() {
    let settings = Settings {
        max_spans_per_session: 4,
        ..Settings::default()
    };
    let mut job = Job::default();
    let root = job.frame((0, 1000));
    for (i, session) in ["a", "b", "a"].into_iter().enumerate() {
        job.desk(root, 100 + 200 * i as u64, Some(session));
    }
    let mut desk = KeyedDesk::new(settings);
    for (key, record) in Job::records(&job.scene.events[1..]) {
        desk.apply(&key, record, 1);
        desk.deliver(1);
    }
    assert_eq!(count(&desk.out.facts, |w| matches!(w, What::Shed(_))), 1);
    let facts = desk.end();
    assert_eq!(count(&facts, is_call), 3);
    assert_eq!(count(&facts, |what| *what == What::Session), 2);
}

/// A span may lose the ID that it named in an earlier version.
#[test]
fn spans_without_a_session_are_that_of_the_smallest_that_the_trace_named() {
    let mut job = Job::default();
    job.desk(0, 100, None);
    let held = PartitionKey::Trace(trace(1));
    let mut desk = KeyedDesk::new(Settings::default());
    for id in ["b", "a"] {
        desk.apply(&held, Record::Bind(session(id)), 1);
    }
    desk.deliver(1);
    for (key, record) in Job::records(&job.scene.events) {
        desk.apply(&key, record, 1);
    }
    desk.deliver(1);
    assert_eq!(figures(&desk.end()), [("a".to_owned(), [1, 1, 1, 0])]);
}

/// A trace that links to a span is in the session of that span; in the smallest, if that belongs to none or is unknown. The answer may
/// come before the trace is dealt out, or after.
#[test]
fn a_link_leads_to_the_session_of_the_span() {
    // The root, the desk of "a" with its call, the desk of "b" with its call, and nothing.
    for (linked, calls) in [(1, [2, 1]), (2, [2, 1]), (5, [1, 2]), (99, [2, 1])] {
        let mut job = Job::default();
        let root = job.frame((0, 1000));
        for (i, session) in ["a", "b"].into_iter().enumerate() {
            job.desk(root, 100 + 200 * i as u64, Some(session));
        }
        let desk = job.scene.agent(0, "desk", (500, 600));
        job.scene.in_trace(2);
        job.scene.last().rare.links.push(Link {
            trace: trace(1),
            span: span(linked),
        });
        job.scene.call(desk, (510, 590));
        job.scene.in_trace(2);
        // It links to a turn that is open, and joins it.
        let figures = |calls| [1, 1, calls, 0];
        let [a, b] = calls.map(figures);
        assert_told(&job, &[("a", a), ("b", b)], 1);
        // It comes when the other one was dealt out, and finalized.
        let (job, late) = job.scene.events.split_at(5);
        let mut desk = KeyedDesk::new(Settings::default());
        for (key, record) in Job::records(job) {
            desk.apply(&key, record, 1);
        }
        desk.deliver(1);
        for second in [10, 20] {
            desk.stitcher.advance(seconds(second), &mut desk.out);
            desk.deliver(second);
        }
        for (key, record) in Job::records(late) {
            desk.apply(&key, record, 21);
        }
        desk.deliver(21);
        let told = self::figures(&desk.end());
        let told: Vec<usize> = told.into_iter().map(|(_, figures)| figures[2]).collect();
        assert_eq!(told, calls, "{linked}, late");
    }
}
