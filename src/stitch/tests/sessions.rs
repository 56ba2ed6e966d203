//! Late, repeated and shuffled spans, and traces that find their session.

use super::keys::{KeyedDesk, answered};
use super::notes::scored;
use super::*;

#[test]
fn a_span_after_the_decision_counts_only_where_it_adds_up() {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    s.call(agent, (1, 50));
    s.asking(agent, (60, 90), &["b"]);
    let mut events: Vec<_> = s.events.iter().cloned().map(|e| (e.end, e)).collect();
    // The last span and one that is known arrive ten seconds later.
    let late = Timestamp(10_000_000_000);
    events[2].0 = late;
    events.push((late, s.events[1].clone()));
    events.sort_by_key(|(arrival, _)| *arrival);
    let facts = play(events);
    assert_eq!(count(&facts, is_call), 2);
    assert_eq!(count(&facts, |w| *w == What::Late), 1);
    assert_eq!(count(&facts, |w| *w == What::Duplicate), 1);
    assert_eq!(handoffs(&facts), NOTHING);
    let cost = facts.iter().find_map(|f| match &f.what {
        What::Workflow(w) => w.cost_usd,
        _ => None,
    });
    assert_eq!(
        cost,
        Some(0.5),
        "money of a late call is the workflow's too"
    );
}

#[test]
fn any_order_and_any_repetition_tells_the_same_story() {
    let (mut s, _, refund) = transfer();
    s.asking(refund, (45, 60), &["human", "triage"]);
    s.tool(refund, "escalate", (61, 62), Some("human"));
    s.call(refund, (63, 90));
    let mut told: Vec<_> = run(&s).into_iter().map(|f| format!("{f:?}")).collect();
    told.sort();
    proptest::proptest!(|(order in proptest::sample::subsequence((0..s.events.len()).collect::<Vec<_>>(), 0..s.events.len()), seed in proptest::num::u64::ANY)| {
        let mut events = s.events.clone();
        events.extend(order.iter().map(|&i| s.events[i].clone()));
        let n = events.len();
        let mut state = seed;
        for i in (1..n).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            events.swap(i, (state >> 33) as usize % (i + 1));
        }
        let arrival = Timestamp(1_000_000_000);
        let facts = play(events.into_iter().map(|e| (arrival, e)).collect());
        let mut again: Vec<_> = facts
            .into_iter()
            .filter(|f| f.what != What::Duplicate)
            .map(|f| format!("{f:?}"))
            .collect();
        again.sort();
        proptest::prop_assert_eq!(&again, &told);
    });
}

/// Feeds records to one stitcher and carries what it sends back into it, as one partition would.
fn converse(records: Vec<(PartitionKey, Record)>) -> Vec<Fact> {
    let mut stitcher = Stitcher::new(Settings::default());
    let mut out = Output::default();
    let mut queue = std::collections::VecDeque::from(records);
    let mut ended = false;
    loop {
        while let Some((key, record)) = queue.pop_front() {
            stitcher.apply(Entry { key, record }, Timestamp(1), &mut out);
            queue.extend(out.sends.drain(..));
        }
        if ended {
            return out.facts;
        }
        stitcher.advance(Timestamp::MAX, &mut out);
        queue.extend(out.sends.drain(..));
        ended = queue.is_empty();
    }
}

#[test]
fn a_trace_finds_its_session_late_and_two_sessions_inside_each_other_are_one() {
    let (mut s, _, refund) = transfer();
    s.call(refund, (45, 90));
    for (i, id) in [(3, "b"), (4, "b"), (5, "a")] {
        s.events[i].context.session = named(id);
    }
    let event = |i: usize| Record::Event(Box::new(s.events[i].clone()));
    let held = PartitionKey::Trace(trace(1));
    let a = session("a");
    let b = session("b");
    let mut records: Vec<(PartitionKey, Record)> =
        (0..3).map(|i| (held.clone(), event(i))).collect();
    records.extend((3..5).map(|i| (b.clone(), event(i))));
    records.push((held.clone(), Record::Bind(b.clone())));
    records.push((a.clone(), event(5)));
    records.push((held, Record::Bind(a)));
    for rotation in 0..records.len() {
        let mut records = records.clone();
        records.rotate_left(rotation);
        let facts = converse(records);
        assert_eq!(count(&facts, |w| *w == What::Session), 1, "{rotation}");
        assert_eq!(handoffs(&facts), ["triage -> refund transfer success"]);
        assert_eq!(turns(&facts).len(), 1);
    }
}

/// W-8.
#[test]
fn what_comes_late_finds_its_turn_where_the_session_is_that_its_own_one_met_since() {
    let (a, b) = (session("a"), session("b"));
    let mut desk = KeyedDesk::new(Settings::default());
    desk.turn(&b, 1, 0);
    desk.apply(&b, Record::Bind(a.clone()), 60);
    let [agent, mut call] = answered(1, 0).try_into().expect("two spans");
    let mut note = agent;
    note.kind = Kind::Note(1);
    note.rare.evaluations = scored("csat", 0.75);
    call.span = span(9);
    for event in [note, call] {
        desk.apply(&b, Record::Event(Box::new(event)), 61);
    }
    // A later turn goes to the session that they are now.
    desk.turn(&b, 2, 90);
    desk.deliver(90);
    let facts = desk.end();
    let of = |key: &PartitionKey, is: fn(&What) -> bool| {
        let own = facts.iter().filter(|f| f.key.as_ref() == Some(key));
        own.filter(|f| is(&f.what)).count()
    };
    assert_eq!(of(&a, |w| matches!(w, What::Feedback { .. })), 1);
    assert_eq!(of(&a, |w| *w == What::Late), 2);
    assert_eq!((of(&b, is_call), of(&a, is_call)), (1, 2));
    assert_eq!(turns(&facts).len(), 2);
    assert_eq!(count(&facts, |w| *w == What::Session), 1);
    assert_eq!(outcomes(&facts), [Outcome::Unverified]);
}

/// A service in a trace of its own names the session at once, its caller only when it ends. A turn that was decided stays decided.
#[test]
fn a_caller_that_names_the_session_within_settle_has_one_turn_with_its_service() {
    let settle = Settings::default().settle.as_secs();
    for (wait, expected) in [(settle - 1, 1), (settle, 2)] {
        let mut s = Scene::default();
        let caller = s.agent(0, "desk", (0, 60_000));
        s.call(caller, (1, 1_000));
        let service = s.agent(0, "clerk", (1_500, 2_000));
        s.in_trace(2);
        s.call(service, (1_600, 1_900));
        s.in_trace(2);
        let (held, a) = (PartitionKey::Trace(trace(1)), session("a"));
        let event = |n: usize| Record::Event(Box::new(s.events[n].clone()));
        let mut desk = KeyedDesk::new(Settings::default());
        desk.apply(&held, event(1), 1);
        desk.apply(&a, event(2), 2);
        desk.apply(&a, event(3), 2);
        desk.apply(&held, Record::Bind(a.clone()), 2 + wait);
        desk.deliver(2 + wait);
        desk.apply(&a, event(0), 2 + wait);
        let facts = desk.end();
        assert_eq!(turns(&facts).len(), expected, "after {wait} s");
        assert_eq!(count(&facts, |w| *w == What::Session), 1);
    }
}
