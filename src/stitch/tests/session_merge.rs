//! What a session holds when its id meets another one.

use super::keys::{KeyedDesk, seconds};
use super::links::orders;
use super::*;

/// One model call that is a whole turn, `second`s from the beginning, and asks for these agents.
fn turn(of: u8, second: u64, who: &str, asks: &[&str], change: impl Fn(&mut Event)) -> Record {
    let mut s = Scene::default();
    let start = second * 1000;
    s.asking(0, (start, start + 100), asks);
    s.in_trace(of);
    s.last().agent = Some(name(who));
    change(s.last());
    Record::Event(Box::new(s.events.remove(0)))
}

fn says(event: &mut Event, words: std::ops::Range<u32>) {
    event.content.get_or_insert_default().asked = sketch(words);
}

/// A desk at which three sessions had a turn each, the first one with a handoff that waits.
fn three() -> KeyedDesk {
    let mut desk = KeyedDesk::new(Settings::default());
    let first = turn(1, 0, "desk", &["billing"], |event| {
        event.context.intent = Some(name("refund"));
        event.context.user = Some(name("u"));
        event.context.cohort = [(0, name("gold")), (1, name("web"))].into();
        says(event, 100..110);
    });
    desk.apply(&session("b"), first, 0);
    let second = turn(2, 60, "shop", &[], |event| {
        event.context.intent = Some(name("invoice"));
        event.context.cohort = [(0, name("free"))].into();
        event.context.value_usd = Some(8.0);
        says(event, 200..210);
    });
    desk.apply(&session("c"), second, 60);
    let third = turn(3, 90, "desk", &[], |event| {
        event.context.value_usd = Some(4.0);
        says(event, 300..310);
    });
    desk.apply(&session("a"), third, 90);
    desk
}

fn meet(desk: &mut KeyedDesk, from: &str, to: &str, second: u64) {
    desk.apply(&session(from), Record::Bind(session(to)), second);
    desk.deliver(second);
}

/// Whatever meets first, three sessions are one with one case, and what waited finds what came for it.
#[test]
fn of_sessions_that_meet_everything_goes_along_in_any_order() {
    let binds = [("b", "a"), ("c", "a"), ("c", "b")];
    for order in orders(&binds) {
        let mut desk = three();
        for (from, to) in order.clone() {
            meet(&mut desk, from, to, 100);
            desk.stitcher = reborn(&desk.stitcher, Settings::default());
        }
        // The billing agent was asked for in the first turn, and the user says again what he said there.
        let last = turn(4, 110, "billing", &[], |event| says(event, 100..110));
        desk.apply(&session("c"), last, 110);
        desk.deliver(110);
        let facts = desk.end();
        assert_eq!(count(&facts, |w| *w == What::Session), 3, "{order:?}");
        assert_eq!(handoffs(&facts), ["desk -> billing resume success"]);
        let pending = facts.iter().map(|fact| match fact.what {
            What::Pending(more) => more,
            _ => 0,
        });
        assert_eq!(pending.sum::<i64>(), 0, "{order:?}");
        let repeats = count(&facts, |w| matches!(w, What::Repeat { .. }));
        assert_eq!(repeats, 1, "{order:?}");
        let workflows = facts.iter().filter_map(|fact| match &fact.what {
            What::Workflow(w) => Some((fact, w)),
            _ => None,
        });
        let [(fact, workflow)] = workflows.collect::<Vec<_>>()[..] else {
            panic!("one workflow: {order:?}");
        };
        assert_eq!(fact.trace, trace(1));
        assert_eq!(fact.cohort.values(), ["gold", "web"].map(name));
        assert_eq!(workflow.duration.as_millis(), 110_100);
        assert_eq!(workflow.cost_usd, Some(1.0));
        assert_eq!(workflow.value_usd, Some(4.0));
    }
}

/// Of two sessions the user's last messages are remembered, whoever heard them.
/// S-2.
#[test]
fn of_the_messages_of_both_sessions_the_latest_four_are_remembered() {
    let words = |n: u32| 100 * n..100 * n + 10;
    let repeats = |said: u32| {
        let mut desk = KeyedDesk::new(Settings::default());
        for n in 1..=6 {
            let second = u64::from(n) * 20;
            let asks: &[&str] = if n > 4 { &["billing"] } else { &[] };
            let heard = turn(n as u8, second, "desk", asks, |event| says(event, words(n)));
            desk.apply(&session(["a", "b"][n as usize % 2]), heard, second);
        }
        meet(&mut desk, "b", "a", 130);
        desk.stitcher = reborn(&desk.stitcher, Settings::default());
        let last = turn(9, 140, "desk", &[], |event| says(event, words(said)));
        desk.apply(&session("a"), last, 140);
        count(&desk.end(), |w| matches!(w, What::Repeat { .. }))
    };
    assert_eq!([1, 2, 3, 4, 5, 6].map(repeats), [0, 0, 1, 1, 1, 1]);
}

/// The user of a case is that of any of its parts; of two intents the greater one stays, whoever named it.
#[test]
fn a_case_of_two_parts_leaves_one_contact_at_its_user() {
    let mut desk = three();
    for from in ["c", "b"] {
        meet(&mut desk, from, "a", 100);
    }
    desk.stitcher.advance(seconds(7200), &mut desk.out);
    let contacts = desk.out.sends.iter().filter_map(|(key, record)| {
        let Record::Contact(contact) = record else {
            return None;
        };
        Some((key.clone(), contact.intent.clone()))
    });
    let user = PartitionKey::User(TenantScoped {
        tenant: None,
        id: name("u"),
    });
    assert_eq!(contacts.collect::<Vec<_>>(), [(user, Some(name("refund")))]);
}

#[test]
fn what_waits_is_due_when_it_was_due() {
    let drop = Settings::default().drop_timeout.as_secs();
    for (second, expected) in [
        (drop - 1, "desk -> billing resume success"),
        (drop + 1, "desk -> billing transfer failed dropped"),
    ] {
        let mut desk = three();
        meet(&mut desk, "b", "a", 100);
        let last = turn(4, second, "billing", &[], |_| {});
        desk.apply(&session("a"), last, second);
        assert_eq!(handoffs(&desk.end()), [expected], "{second}");
    }
}

/// One of two had a turn already, the other one has its first under way: they are one session.
/// S-7.
#[test]
fn a_session_that_was_counted_is_not_counted_again_where_it_goes() {
    let mut desk = KeyedDesk::new(Settings::default());
    desk.apply(&session("b"), turn(1, 0, "desk", &[], |_| {}), 0);
    desk.apply(&session("a"), turn(2, 20, "shop", &[], |_| {}), 20);
    meet(&mut desk, "b", "a", 21);
    let facts = desk.end();
    assert_eq!(turns(&facts).len(), 2);
    assert_eq!(count(&facts, |what| *what == What::Session), 1);
}

/// Of one trace a session has decided what it knew, and another one knows more that is not decided and began without a pause: it came
/// late.
#[test]
fn of_a_trace_that_is_decided_in_one_session_and_open_in_the_other_the_rest_is_late() {
    for (decided, open) in [("a", "b"), ("b", "a")] {
        let mut desk = KeyedDesk::new(Settings::default());
        desk.apply(&session(decided), turn(1, 0, "desk", &[], |_| {}), 0);
        let more = turn(1, 5, "desk", &[], |event| event.span = span(9));
        desk.apply(&session(open), more, 10);
        meet(&mut desk, "b", "a", 11);
        let facts = desk.end();
        assert_eq!(turns(&facts).len(), 1, "{decided}");
        assert_eq!(count(&facts, |w| *w == What::Late), 1, "{decided}");
        assert_eq!(count(&facts, is_call), 2, "{decided}");
    }
}

/// Two sessions may each have decided a part of a trace; each span of both is known from then on.
#[test]
fn a_span_that_either_session_knew_is_a_duplicate_for_both() {
    let mut desk = KeyedDesk::new(Settings::default());
    let part = |id: u64| turn(1, 0, "desk", &[], move |event| event.span = span(id));
    desk.apply(&session("a"), part(1), 0);
    desk.apply(&session("b"), part(2), 0);
    meet(&mut desk, "b", "a", 20);
    for (key, id) in [("a", 1), ("a", 2), ("b", 1), ("b", 2)] {
        desk.apply(&session(key), part(id), 21);
        desk.deliver(21);
    }
    let facts = desk.end();
    assert_eq!(count(&facts, |w| *w == What::Duplicate), 4);
    assert_eq!(count(&facts, is_call), 2);
}

/// Of two sessions that met the later one says how long all of it is remembered, and how long their case waits for more.
#[test]
fn what_two_sessions_hold_is_kept_for_as_long_as_the_later_one_would() {
    let idle = Settings::default().idle_timeout.as_secs();
    for (later, earlier) in [("a", "b"), ("b", "a")] {
        let mut desk = KeyedDesk::new(Settings::default());
        let part = |of| turn(of, 0, "desk", &[], |_| {});
        desk.apply(&session(earlier), part(1), 0);
        desk.apply(&session(later), part(2), 1000);
        meet(&mut desk, "b", "a", 1010);
        desk.stitcher.advance(seconds(idle + 900), &mut desk.out);
        assert_eq!(outcomes(&desk.out.facts), [], "{later}");
        desk.apply(&session("a"), part(1), idle + 900);
        let facts = desk.end();
        assert_eq!(count(&facts, |w| *w == What::Duplicate), 1, "{later}");
        assert_eq!(outcomes(&facts), [Outcome::Unverified], "{later}");
    }
}

/// What is decided is handed over, be it only that the session was counted; what is not goes as it came, and nothing beside it.
#[test]
fn of_a_session_goes_along_what_is_decided() {
    let idle = Settings::default().idle_timeout.as_secs();
    let (asked, job) = (Operation::Chat, Operation::Embeddings);
    for (calls, second, expected) in [
        (&[(0, asked)][..], 1, false),
        (&[(0, asked)], 60, true),
        // Its trace and its case are forgotten.
        (&[(0, asked)], 2 * idle, true),
        // Nobody was asked anything yet, so that no session was counted.
        (&[(0, job), (3, asked)], 6, true),
    ] {
        let mut desk = KeyedDesk::new(Settings::default());
        for (of, (start, operation)) in (1..).zip(calls) {
            let call = turn(of, *start, "desk", &[], |event| {
                if let Kind::Model(call) = &mut event.kind {
                    call.operation = *operation;
                }
            });
            desk.apply(&session("b"), call, *start);
        }
        desk.apply(&session("b"), Record::Bind(session("a")), second);
        let mut sent = desk.out.sends.iter();
        let adopted = sent.any(|(_, record)| matches!(record, Record::MergeState(_)));
        assert_eq!(adopted, expected, "{calls:?} {second}");
    }
}

/// S-3: the timers of two workflows that become one run from the first opening and from the last turn, whichever came first.
#[test]
fn merged_workflows_have_the_earlier_age_and_the_later_activity() {
    use crate::stitch::workflow::OpenWorkflow;
    let (s, ..) = transfer();
    let open = |opened: u64, touched: u64| {
        let policy = Settings::default();
        let events = s.events.iter();
        let decided = crate::turn::decide(
            events,
            &mut Vec::new(),
            &mut Default::default(),
            &Default::default(),
            policy.policy(),
        );
        let mut workflow = OpenWorkflow::open(decided.expect("a turn").summary, Timestamp(opened));
        workflow.touched = Timestamp(touched);
        workflow
    };
    for (mut own, other) in [(open(1, 8), open(2, 9)), (open(2, 9), open(1, 8))] {
        own.merge(other);
        assert_eq!((own.opened.0, own.touched.0), (1, 9));
        assert_eq!(own.summary.turns, 2);
    }
}
