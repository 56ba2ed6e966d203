//! When things are decided, given up and forgotten, to the nanosecond.

use super::keys::{KeyedDesk, answered, seconds};
use super::*;

const TICK: Duration = Duration::from_nanos(1);

fn before(at: Timestamp) -> Timestamp {
    Timestamp(at.0 - TICK.as_nanos() as u64)
}

impl KeyedDesk {
    /// Turns decided up to a time.
    fn turns_at(&mut self, now: Timestamp) -> usize {
        self.stitcher.advance(now, &mut self.out);
        turns(&self.out.facts).len()
    }
}

/// T-9.
#[test]
fn a_turn_is_decided_when_it_is_whole_and_quiet_and_later_where_parents_are_missing_or_a_session_may_come()
 {
    let settings = Settings::default();
    let (settle, missing) = (settings.settle, settings.trace_timeout);
    for (key, whole, wait) in [
        (session("a"), true, settle),
        (session("a"), false, missing),
        (PartitionKey::Trace(trace(1)), true, settings.bind_timeout),
        (PartitionKey::Trace(trace(1)), false, missing),
    ] {
        let mut desk = KeyedDesk::new(settings.clone());
        for mut event in answered(1, 0) {
            if !whole && event.parent.is_none() {
                event.parent = Some(span(99));
            }
            desk.apply(&key, Record::Event(Box::new(event)), 0);
        }
        let due = Timestamp(0) + wait;
        assert_eq!(desk.turns_at(before(due)), 0, "{key:?} {whole}");
        assert_eq!(desk.turns_at(due), 1, "{key:?} {whole}");
    }
}

fn scene(build: impl Fn(&mut Scene)) -> Vec<Event> {
    let mut s = Scene::default();
    build(&mut s);
    s.events
}

/// Steps whose parent is missing: its agent may be at work.
fn at_work() -> Vec<(&'static str, Vec<Event>)> {
    vec![
        (
            "a call whose agent has not come",
            scene(|s| _ = s.call(99, (0, 9))),
        ),
        (
            "a tool",
            scene(|s| {
                s.tool(99, "wipe", (0, 9), None);
                s.call(0, (0, 8));
            }),
        ),
        (
            "a guardrail",
            scene(|s| {
                s.add(99, (0, 9), Kind::Guardrail { triggered: false });
                s.call(0, (0, 8));
            }),
        ),
        (
            "a node of a graph",
            scene(|s| {
                let node = s.add(99, (0, 9), Kind::Agent { inferred: true });
                s.call(node, (1, 8));
            }),
        ),
        (
            "a step in a frame",
            scene(|s| {
                let frame = s.add(99, (0, 9), Kind::Structure);
                s.call(frame, (1, 8));
            }),
        ),
        (
            "an exchange of a conversation",
            scene(|s| {
                let turn = s.add(99, (0, 9), Kind::Structure);
                s.last().rare.is_exchange = true;
                let agent = s.agent(turn, "desk", (0, 9));
                s.call(agent, (1, 8));
            }),
        ),
        (
            "an agent that handed over",
            scene(|s| {
                let agent = s.agent(99, "desk", (0, 9));
                s.asking(agent, (1, 5), &["refund"]);
                s.tool(agent, "transfer_to_refund", (6, 8), Some("refund"));
            }),
        ),
    ]
}

/// Whole runs whose parent is missing, and what another process calls.
fn ended() -> Vec<(&'static str, Vec<Event>)> {
    vec![
        (
            "a whole agent",
            scene(|s| {
                let agent = s.agent(99, "desk", (0, 9));
                s.call(agent, (1, 8));
            }),
        ),
        (
            "a whole agent in a frame",
            scene(|s| {
                let frame = s.add(99, (0, 9), Kind::Structure);
                let agent = s.agent(frame, "desk", (0, 9));
                s.call(agent, (1, 8));
            }),
        ),
        (
            "a call of another process",
            scene(|s| {
                s.call(99, (0, 9));
                s.last().rare.remote_parent = true;
            }),
        ),
    ]
}

/// T-9.
#[test]
fn a_turn_lasts_as_long_as_its_agent_may_work() {
    let settings = Settings::default();
    let (run, work) = (settings.trace_timeout, settings.turn_timeout);
    let waits = at_work().into_iter().map(|case| (work, case));
    let cases = waits.chain(ended().into_iter().map(|case| (run, case)));
    for (wait, (what, events)) in cases {
        let mut desk = KeyedDesk::new(settings.clone());
        for event in events {
            desk.apply(&session("a"), Record::Event(Box::new(event)), 0);
        }
        let due = Timestamp(0) + wait;
        assert_eq!(desk.turns_at(before(due)), 0, "{what}");
        assert_eq!(desk.turns_at(due), 1, "{what}");
    }
}

/// T-9.
#[test]
fn nothing_is_dropped_or_closed_while_a_person_takes_forty_minutes_to_approve() {
    let minute = 60_000;
    let mut s = Scene::default();
    let first = s.agent(0, "desk", (0, 1000));
    s.call(first, (1, 999));
    let agent = s.agent(0, "janitor", (2 * minute, 43 * minute));
    s.in_trace(2);
    s.asking(agent, (2 * minute + 1, 2 * minute + 900), &["?"]);
    s.in_trace(2);
    s.tool(agent, "wipe", (2 * minute + 1000, 42 * minute), None);
    s.in_trace(2);
    s.call(agent, (42 * minute + 1, 43 * minute - 1));
    s.in_trace(2);
    let facts = run(&s);
    let results: Vec<TurnResult> = turns(&facts)
        .into_iter()
        .map(|(result, _)| result)
        .collect();
    assert_eq!(results, [TurnResult::Answered; 2]);
    assert_eq!(count(&facts, |what| matches!(what, What::Workflow(_))), 1);
    assert_eq!(count(&facts, |what| *what == What::Late), 0);
}

/// S-4.
#[test]
fn a_trace_that_nobody_bound_goes_to_the_session_of_its_resource() {
    let wait = Settings::default().bind_timeout;
    for (source, follows) in [
        (Some(SessionSource::Resource), true),
        (Some(SessionSource::Span), false),
        (None, false),
    ] {
        let held = PartitionKey::Trace(trace(1));
        let mut desk = KeyedDesk::new(Settings::default());
        for mut event in answered(1, 0) {
            event.context.tenant = Some(name("acme"));
            event.context.session = source.map(|source| SessionHint {
                id: name("of the resource"),
                source,
            });
            desk.apply(&held, Record::Event(Box::new(event)), 0);
        }
        let due = Timestamp(0) + wait;
        assert_eq!(desk.turns_at(before(due)), 0);
        assert_eq!(desk.out.sends, []);
        assert_eq!(desk.turns_at(due), usize::from(!follows), "{source:?}");
        let to = PartitionKey::Session(TenantScoped {
            tenant: Some(name("acme")),
            id: name("of the resource"),
        });
        let sent = std::mem::take(&mut desk.out.sends);
        assert_eq!(sent.len(), if follows { 2 } else { 0 }, "{source:?}");
        for (key, record) in sent {
            assert_eq!(key, to);
            let Record::Event(event) = record else {
                panic!("an event is sent on, not {record:?}");
            };
            let hint = event.context.session.clone().map(|hint| hint.source);
            assert_eq!(hint, Some(SessionSource::Span), "it is decided now");
        }
    }
}

/// S-5.
#[test]
fn a_session_forgets_its_spans_after_the_idle_time_and_itself_at_its_age() {
    let settings = Settings::default();
    let mut desk = KeyedDesk::new(settings.clone());
    let key = session("a");
    let events = answered(1, 0);
    for mut event in events.clone() {
        event.rare.outcome = Some(OutcomeEvidence {
            outcome: Outcome::Resolved,
        });
        desk.apply(&key, Record::Event(Box::new(event)), 0);
    }
    let closed = Timestamp(0) + settings.settle;
    desk.stitcher.advance(closed, &mut desk.out);
    assert_eq!(outcomes(&desk.out.facts), [Outcome::Resolved]);
    let spans = Timestamp(0) + settings.idle_timeout;
    assert_eq!(desk.stitcher.next_deadline(), Some(spans));
    desk.stitcher.advance(spans, &mut desk.out);
    let itself = Timestamp(0) + settings.max_age;
    assert_eq!(desk.stitcher.next_deadline(), Some(itself));
    desk.stitcher.advance(before(itself), &mut desk.out);
    assert_eq!(desk.stitcher.keys(), 1);
    let whole = desk.stitcher.weight();
    desk.stitcher.advance(itself, &mut desk.out);
    // Only what can be corrected is left of it (O-6).
    assert!(desk.stitcher.weight() < whole);
    let window = closed + settings.outcomes_window;
    assert_eq!(desk.stitcher.next_deadline(), Some(window));
    desk.stitcher.advance(window, &mut desk.out);
    assert_eq!(desk.stitcher.keys(), 0);
}

#[test]
fn a_closed_session_that_still_knows_its_spans_is_not_forgotten() {
    let mut desk = KeyedDesk::new(Settings {
        soft_bytes: 1,
        ..Settings::default()
    });
    let (first, second) = (answered(1, 0), answered(2, 60));
    for mut event in first.clone() {
        event.rare.outcome = Some(OutcomeEvidence {
            outcome: Outcome::Resolved,
        });
        desk.apply(&session("1"), Record::Event(Box::new(event)), 0);
    }
    desk.stitcher.advance(seconds(60), &mut desk.out);
    assert_eq!(outcomes(&desk.out.facts).len(), 1);
    for event in second {
        desk.apply(&session("2"), Record::Event(Box::new(event)), 60);
    }
    for event in first {
        desk.apply(&session("1"), Record::Event(Box::new(event)), 60);
    }
    assert_eq!(count(&desk.out.facts, |what| *what == What::Duplicate), 2);
    assert_eq!(turns(&desk.end()).len(), 2);
}

#[test]
fn one_span_more_than_a_session_may_hold_decides_its_turns_at_once() {
    let events = answered(1, 0);
    for (max_spans_per_session, shed) in [(2, 0), (1, 1)] {
        let mut desk = KeyedDesk::new(Settings {
            max_spans_per_session,
            ..Settings::default()
        });
        for event in &events {
            desk.apply(&session("a"), Record::Event(Box::new(event.clone())), 0);
        }
        let over = What::Shed(Shed::SpansPerSession);
        assert_eq!(count(&desk.out.facts, |what| *what == over), shed);
        assert_eq!(turns(&desk.out.facts).len(), shed);
    }
}

#[test]
fn of_two_handoffs_that_wait_the_one_that_is_taken_up_waits_no_more() {
    for taken in ["a", "b"] {
        let mut s = Scene::default();
        let triage = s.agent(0, "triage", (0, 60));
        s.last().context.cohort = [(0, name("gold"))].into();
        s.asking(triage, (1, 30), &["a", "b"]);
        let agent = s.agent(0, taken, (20_000, 20_100));
        s.in_trace(2);
        s.call(agent, (20_001, 20_090));
        s.in_trace(2);
        let facts = run(&s);
        let other = if taken == "a" { "b" } else { "a" };
        assert_eq!(
            handoffs(&facts),
            [
                format!("triage -> {taken} resume success"),
                format!("triage -> {other} transfer failed dropped"),
            ]
        );
        let waiting: i64 = facts
            .iter()
            .filter_map(|fact| match fact.what {
                What::Pending(change) => Some(change),
                _ => None,
            })
            .sum();
        assert_eq!(waiting, 0);
        let business =
            |what: &What| matches!(what, What::Session | What::Handoff(_) | What::Workflow(_));
        let all = facts.iter().filter(|fact| business(&fact.what));
        assert!(all.clone().all(|fact| fact.cohort.value(0) == "gold"));
        assert_eq!(all.count(), 4);
    }
}

#[test]
fn a_message_is_recognised_among_the_last_four() {
    for (others, repeats) in [(0, 1), (3, 1), (4, 0)] {
        let mut s = transfer_with(0..10);
        s.events[2].content.get_or_insert_default().asked = sketch(100..110);
        for n in 0..=others {
            let start = 10_000 * (u64::from(n) + 1);
            let words = if n == others { 100 } else { 1000 * (n + 1) };
            let of = n as u8 + 2;
            let agent = s.agent(0, "refund", (start, start + 100));
            s.in_trace(of);
            s.call(agent, (start + 1, start + 90));
            s.in_trace(of);
            s.last().content.get_or_insert_default().asked = sketch(words..words + 10);
        }
        let found = count(&run(&s), |what| matches!(what, What::Repeat { .. }));
        assert_eq!(found, repeats, "{others} messages in between");
    }
}

#[test]
fn a_late_tool_is_a_tool_call_unless_it_only_hands_over() {
    for (tool, to, calls) in [
        ("lookup", None, 1),
        ("transfer", Some("b"), 0),
        ("call a human", Some("human"), 0),
        ("escalate_ticket", Some("human"), 1),
    ] {
        let mut s = Scene::default();
        let agent = s.agent(0, "a", (0, 100));
        s.call(agent, (1, 50));
        s.tool(agent, tool, (60, 90), to);
        let mut events: Vec<_> = s.events.iter().map(|e| (e.end, e.clone())).collect();
        events[2].0 = seconds(10);
        events.sort_by_key(|(arrival, _)| *arrival);
        let found = count(&play(events), |what| matches!(what, What::Tool(_)));
        assert_eq!(found, calls, "{tool}");
    }
}

/// An event of a session that only the resource names.
fn of_resource(mut event: Event) -> Event {
    event.context.tenant = Some(name("acme"));
    event.context.session = Some(SessionHint {
        id: name("s"),
        source: SessionSource::Resource,
    });
    event
}

#[test]
fn traces_of_one_turn_whose_session_only_the_resource_names_meet_in_it() {
    // The second one lies in the time of the first, which began long before and ends a little later.
    let mut s = Scene::default();
    let front = s.agent(0, "front", (0, 30_000));
    s.call(front, (500, 1000));
    let desk = s.agent(0, "desk", (24_000, 28_000));
    s.in_trace(2);
    s.call(desk, (24_500, 27_000));
    s.in_trace(2);
    s.events.sort_by_key(|event| event.end);
    let mut desk = KeyedDesk::new(Settings::default());
    for event in s.events {
        let (key, second) = (
            PartitionKey::Trace(event.trace),
            event.end.0 / 1_000_000_000,
        );
        let record = Record::Event(Box::new(of_resource(event)));
        desk.apply(&key, record, second);
    }
    let facts = desk.end();
    assert_eq!(count(&facts, |what| *what == What::Session), 1);
    assert_eq!(turns(&facts).len(), 1);
    assert_eq!(handoffs(&facts), ["front -> desk delegation success"]);
}

#[test]
fn a_late_log_record_goes_to_the_session_and_tenant_of_its_resource() {
    let held = PartitionKey::Trace(trace(1));
    let mut desk = KeyedDesk::new(Settings::default());
    let mut note = answered(1, 0).remove(1);
    for mut event in answered(1, 0) {
        event.workflow = Some(name("support"));
        desk.apply(&held, Record::Event(Box::new(of_resource(event))), 0);
    }
    note.kind = Kind::Note(1);
    note.rare.evaluations = list![Evaluation {
        name: name("csat"),
        score: Some(0.75),
        label: None,
        by_record: false,
    }];
    desk.apply(&held, Record::Event(Box::new(of_resource(note))), 180);
    let facts = desk.end();
    let found = facts
        .iter()
        .find(|f| matches!(f.what, What::Feedback { .. }));
    let feedback = found.expect("feedback");
    let expected = What::Feedback {
        workflow: name("support"),
        agent: name("desk"),
        score: 0.75,
    };
    assert_eq!(feedback.what, expected);
    let of_tenant = PartitionKey::Session(TenantScoped {
        tenant: Some(name("acme")),
        id: name("s"),
    });
    assert_eq!(feedback.key, Some(of_tenant));
    assert_eq!(count(&facts, |what| *what == What::Session), 1);
}
