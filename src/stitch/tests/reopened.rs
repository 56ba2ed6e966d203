//! Traces that go on after a turn of them was decided (T-9).

use super::keys::{KeyedDesk, seconds};
use super::notes::scored;
use super::*;

/// Long enough for the turn before to be decided while the span around both is open.
const PAUSE: u64 = 100_000;

/// An agent that answers with one call in two seconds.
fn answers(s: &mut Scene, parent: u64, who: &str, start: u64) -> u64 {
    let agent = s.agent(parent, who, (start, start + 2000));
    s.call(agent, (start + 100, start + 1900));
    agent
}

/// A desk to which the scene was told as one session, each event at its own end, and whose time has not gone on since.
fn told_to(id: &str, scene: &Scene) -> KeyedDesk {
    let mut desk = KeyedDesk::new(Settings::default());
    for event in &scene.events {
        let at = event.end.0 / 1_000_000_000;
        let record = Record::Event(Box::new(event.clone()));
        desk.apply(&session(id), record, at);
    }
    desk
}

fn is_late(what: &What) -> bool {
    *what == What::Late
}

/// T-9, T-11. The span around a conversation ends with it, was sent at its begin, or never comes.
#[test]
fn a_conversation_in_one_trace_may_pause_for_longer_than_a_span_is_waited_for() {
    for root_ends in [Some(4 * PAUSE), Some(1), None] {
        let mut s = Scene::default();
        let root = match root_ends {
            Some(end) => s.add(0, (0, end), Kind::Structure),
            None => 99,
        };
        for n in 0..4 {
            answers(&mut s, root, "desk", n * PAUSE);
        }
        let facts = run(&s);
        let expected = [(TurnResult::Answered, 1900); 4];
        assert_eq!(turns(&facts), expected, "{root_ends:?}");
        assert_eq!(count(&facts, is_call), 4);
        assert_eq!(count(&facts, is_late), 0);
        assert_eq!(count(&facts, |what| *what == What::Session), 1);
        assert_eq!(outcomes(&facts), [Outcome::Unverified]);
    }
}

/// T-9. Whatever of a turn comes in which order, it is the same turn.
#[test]
fn the_order_within_a_part_leaves_no_mark() {
    let mut s = Scene::default();
    answers(&mut s, 99, "desk", 0);
    let second = answers(&mut s, 99, "desk", PAUSE);
    s.tool(second, "lookup", (PAUSE + 10, PAUSE + 90), None);
    let (first, second) = s.events.split_at(2);
    let told = |order: [usize; 3]| {
        let first = first.iter().map(|event| (event.end, event.clone()));
        let second = order.map(|n| (Timestamp(110_000_000_000), second[n].clone()));
        let mut facts: Vec<String> = play(first.chain(second).collect())
            .iter()
            .map(|fact| format!("{fact:?}"))
            .collect();
        facts.sort();
        facts
    };
    let expected = told([0, 1, 2]);
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(told(order), expected, "{order:?}");
    }
}

/// T-9. What adds to a decided turn is late, however much later it began: it lies in the work of one of its agents, or goes on
/// where it ended.
#[test]
fn what_goes_on_with_a_decided_turn_is_late() {
    for (what, inside, start, expected) in [
        ("in the work of its agent", true, PAUSE, 1),
        ("at once after it", false, 2000 + 5000, 1),
        ("after a pause", false, 2000 + 5001, 2),
    ] {
        let mut s = Scene::default();
        let desk = answers(&mut s, 99, "desk", 0);
        let around = if inside { desk } else { 99 };
        answers(&mut s, around, "memory", start);
        s.events.iter_mut().skip(2).for_each(|event| {
            // It takes so long that the turn before is decided.
            event.end = Timestamp(event.end.0.max(PAUSE * 1_000_000));
        });
        let facts = run(&s);
        assert_eq!(turns(&facts).len(), expected, "{what}");
        assert_eq!(count(&facts, is_call), 2, "{what}");
        let late = count(&facts, is_late);
        assert_eq!(late, if expected == 1 { 2 } else { 0 }, "{what}");
    }
}

/// T-9. The rest of a turn, and after a pause the next one.
#[test]
fn of_what_comes_together_the_end_of_one_turn_is_late_and_the_next_one_counts() {
    let mut s = Scene::default();
    answers(&mut s, 99, "desk", 0);
    answers(&mut s, 99, "desk", 2500);
    answers(&mut s, 99, "desk", 60_000);
    let arrivals = [2000, 2000, PAUSE, PAUSE, PAUSE, PAUSE];
    let coming = arrivals.iter().zip(&s.events);
    let coming = coming.map(|(at, event)| (Timestamp(at * 1_000_000), event.clone()));
    let facts = play(coming.collect());
    assert_eq!(turns(&facts).len(), 2);
    assert_eq!(count(&facts, is_late), 2);
    assert_eq!(count(&facts, is_call), 3);
}

/// T-9. A score that comes hours later is about what it names, and begins nothing.
#[test]
fn a_note_about_a_decided_span_is_late_at_once() {
    let mut s = Scene::default();
    let desk = answers(&mut s, 99, "desk", 0);
    s.add(0, (PAUSE, PAUSE), Kind::Note(7));
    let note = s.last();
    note.span = span(desk);
    note.rare.evaluations = scored("quality", 1.0);
    let desk = told_to("s", &s);
    let scores = |facts: &[Fact]| count(facts, |what| matches!(what, What::Evaluation { .. }));
    assert_eq!(scores(&desk.out.facts), 1);
    let facts = desk.end();
    assert_eq!((turns(&facts).len(), scores(&facts)), (1, 1));
}

/// T-9, S-7. Its session met another one while the next turn was under way.
#[test]
fn a_part_that_is_open_moves_with_its_session() {
    let mut s = Scene::default();
    answers(&mut s, 99, "desk", 0);
    answers(&mut s, 99, "desk", PAUSE);
    let mut desk = told_to("b", &s);
    desk.apply(&session("b"), Record::Bind(session("a")), 103);
    let facts = desk.end();
    assert_eq!(turns(&facts).len(), 2);
    assert_eq!(count(&facts, is_call), 2);
    assert_eq!(count(&facts, |what| *what == What::Session), 1);
}

/// T-9. The end of all that is decided counts, whichever part came last.
#[test]
fn what_goes_on_with_the_second_of_two_decided_turns_is_late() {
    let mut s = Scene::default();
    answers(&mut s, 99, "desk", 0);
    answers(&mut s, 99, "desk", PAUSE);
    s.call(99, (PAUSE + 2500, PAUSE + 2600));
    let last = s.last();
    last.end = Timestamp(2 * PAUSE * 1_000_000);
    let facts = run(&s);
    assert_eq!(turns(&facts).len(), 2);
    assert_eq!(count(&facts, is_late), 1);
}

/// T-9. A part whose parents are known is whole: it waits no longer than a whole trace.
#[test]
fn a_part_below_a_known_span_waits_for_no_other() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 1), Kind::Structure);
    answers(&mut s, root, "desk", 0);
    answers(&mut s, root, "desk", PAUSE);
    let mut desk = told_to("s", &s);
    let last = seconds(PAUSE / 1000 + 2);
    desk.stitcher
        .advance(last + Settings::default().settle, &mut desk.out);
    assert_eq!(turns(&desk.out.facts).len(), 2);
}

/// T-9, S-12. What a log record says of a whole trace that is decided counts at once: nothing more of it may come.
#[test]
fn a_note_about_a_decided_trace_is_late_at_once() {
    let mut s = Scene::default();
    answers(&mut s, 0, "desk", 0);
    s.add(0, (PAUSE, PAUSE), Kind::Note(7));
    let note = s.last();
    note.span = SpanId::OF_TRACE;
    note.rare.evaluations = scored("quality", 1.0);
    let desk = told_to("s", &s);
    let scores = |what: &What| matches!(what, What::Evaluation { .. });
    assert_eq!(count(&desk.out.facts, scores), 1);
}
