//! Traces that follow a link into a session.

use super::keys::{answered, seconds};
use super::*;
use crate::model::record::{LinkAnswer, LinkQuestion};
use std::collections::VecDeque;

fn held(n: u8) -> PartitionKey {
    PartitionKey::Trace(trace(n))
}

/// The two events of a turn in trace `of`, which link to these traces one each.
fn linking(of: u8, to: &[u8]) -> Vec<(PartitionKey, Record)> {
    let mut events = answered(of, 0);
    for (event, to) in events.iter_mut().zip(to) {
        event.rare.links.push(Link {
            trace: trace(*to),
            span: span(1),
        });
    }
    let record = |event| (held(of), Record::Event(Box::new(event)));
    events.into_iter().map(record).collect()
}

/// A trace asks trace 1 for its session.
fn asks(asker: u8) -> Record {
    asks_for(trace(asker))
}

fn asks_for(asker: TraceId) -> Record {
    let (steps, span) = (1, Some(span(1)));
    Record::ResolveSession(asker, LinkQuestion { steps, span })
}

/// Trace 1 answers.
fn resolved() -> Record {
    let (steps, by) = (1, Some(trace(1)));
    Record::SessionResolved(session("s"), LinkAnswer { steps, by })
}

fn bind(of: u8, to: &str) -> (PartitionKey, Record) {
    (held(of), Record::Bind(session(to)))
}

/// The keys that had a turn, each as often as it had one, when these records come and all that is sent is brought back, before the
/// records that still come or after them.
fn homes(records: Vec<(PartitionKey, Record)>) -> Vec<PartitionKey> {
    let homes = homes_of(records.clone(), true);
    assert_eq!(homes, homes_of(records, false));
    homes
}

pub(super) fn homes_of(records: Vec<(PartitionKey, Record)>, at_once: bool) -> Vec<PartitionKey> {
    let settings = Settings::default();
    let mut stitcher = Stitcher::new(settings.clone());
    let mut out = Output::default();
    let mut coming = VecDeque::from(records);
    let mut sent = VecDeque::new();
    let mut now = Timestamp(1);
    loop {
        let next = match at_once {
            true => sent.pop_front().or_else(|| coming.pop_front()),
            false => coming.pop_front().or_else(|| sent.pop_front()),
        };
        if let Some((key, record)) = next {
            stitcher.apply(Entry { key, record }, now, &mut out);
            stitcher = reborn(&stitcher, settings.clone());
        } else if let Some(due) = stitcher.next_deadline() {
            now = due;
            stitcher.advance(now, &mut out);
        } else {
            break;
        }
        sent.extend(out.sends.drain(..));
    }
    assert_eq!((stitcher.keys(), stitcher.weight()), (0, 0));
    let turns = out.facts.iter();
    let turns = turns.filter(|fact| matches!(fact.what, What::Turn(_)));
    let mut homes: Vec<PartitionKey> = turns.filter_map(|fact| fact.key.clone()).collect();
    homes.sort();
    homes
}

/// All orders of some things.
pub(super) fn orders<T: Clone>(all: &[T]) -> Vec<Vec<T>> {
    let mut orders = vec![Vec::new()];
    for one in all {
        let put = |order: &Vec<T>| -> Vec<Vec<T>> {
            let at = |i| [&order[..i], std::slice::from_ref(one), &order[i..]].concat();
            (0..=order.len()).map(at).collect()
        };
        orders = orders.iter().flat_map(put).collect();
    }
    orders
}

/// Its name, the events, what traces are told, and where they are at the end.
pub(super) type LinkScene = (
    &'static str,
    Vec<(PartitionKey, Record)>,
    Vec<(PartitionKey, Record)>,
    Vec<PartitionKey>,
);

pub(super) fn link_scenes() -> Vec<LinkScene> {
    let [a, b] = ["a", "b"].map(session);
    let one = || linking(2, &[1]);
    let both = || [linking(1, &[2]), linking(2, &[1])].concat();
    vec![
        ("a session", one(), vec![bind(1, "b")], vec![b.clone()]),
        ("no session", one(), vec![], vec![held(2)]),
        (
            "its own",
            one(),
            vec![bind(1, "a"), bind(2, "b")],
            vec![b.clone()],
        ),
        (
            "its own is the same",
            one(),
            vec![bind(1, "a"), bind(2, "a")],
            vec![a.clone()],
        ),
        (
            "two that it links to",
            linking(3, &[1, 2]),
            vec![bind(1, "b"), bind(2, "a")],
            vec![a.clone()],
        ),
        (
            "two sessions that it links to",
            one(),
            vec![bind(1, "b"), bind(1, "a")],
            vec![a.clone()],
        ),
        (
            "two steps",
            [linking(3, &[2]), one()].concat(),
            vec![bind(1, "a")],
            vec![a.clone()],
        ),
        (
            "the nearest, though it is greater",
            [linking(3, &[2]), one()].concat(),
            vec![bind(1, "a"), bind(2, "b")],
            vec![b.clone()],
        ),
        (
            "the nearest, though there is another way to it",
            [linking(3, &[2, 1]), linking(2, &[1, 4])].concat(),
            vec![bind(1, "b"), bind(4, "a")],
            vec![a.clone(), b.clone()],
        ),
        (
            "a circle outside of sessions",
            both(),
            vec![],
            vec![held(1), held(2)],
        ),
        (
            "a circle in a session",
            both(),
            vec![bind(1, "b")],
            vec![b.clone()],
        ),
        (
            "a circle between two sessions",
            both(),
            vec![bind(1, "a"), bind(2, "b")],
            vec![a, b],
        ),
    ]
}

/// L-1.
#[test]
fn whoever_comes_first_a_trace_follows_its_link_unless_it_has_a_session() {
    for (scene, events, binds, expected) in link_scenes() {
        for records in orders(&[events, binds].concat()) {
            assert_eq!(homes(records.clone()), expected, "{scene}: {records:?}");
        }
    }
}

/// L-2.
#[test]
fn a_span_that_links_to_several_traces_or_has_a_session_follows_nobody() {
    let mut event = answered(9, 0).remove(0);
    let link = |n| Link {
        trace: trace(n),
        span: span(1),
    };
    let cases: [(&[u8], Option<u8>); 4] = [
        (&[], None),
        (&[1], Some(1)),
        (&[1, 1], Some(1)),
        (&[1, 2], None),
    ];
    for (links, followed) in cases {
        event.rare.links = links.iter().map(|n| link(*n)).collect();
        let trace_of = event.follows().map(|link| link.trace);
        assert_eq!(trace_of, followed.map(trace), "{links:?}");
    }
    event.rare.links.truncate(1);
    for source in [SessionSource::Span, SessionSource::Resource] {
        let id = name("s");
        event.context.session = Some(SessionHint { id, source });
        assert_eq!(event.follows(), None, "{source:?}");
    }
}

/// Where only the resource names the session, it is told when the trace goes there, and that is later than a trace waits for one.
#[test]
fn a_session_that_only_the_resource_names_is_told_in_time() {
    let mut records = linking(2, &[1]);
    for mut event in answered(1, 0) {
        event.context.session = Some(SessionHint {
            id: name("s"),
            source: SessionSource::Resource,
        });
        records.push((held(1), Record::Event(Box::new(event))));
    }
    assert_eq!(homes(records), [session("s")]);
}

/// A trace that has begun to be a session stays one.
/// L-3.
#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    let settings = Settings::default();
    let mut desk = keys::KeyedDesk::new(settings.clone());
    for (key, record) in linking(2, &[1]) {
        desk.apply(&key, record, 0);
    }
    desk.stitcher.advance(seconds(120), &mut desk.out);
    assert_eq!(turns(&desk.out.facts).len(), 1);
    desk.apply(&held(2), resolved(), 120);
    for (key, record) in linking(2, &[1]) {
        desk.apply(&key, record, 121);
    }
    assert_eq!(desk.sent(), []);
    assert_eq!(turns(&desk.end()).len(), 1);
}

/// L-4.
#[test]
fn who_asks_is_remembered_as_long_as_it_waits_and_of_many_the_smallest() {
    let mut desk = keys::KeyedDesk::new(Settings::default());
    for asker in (2..=200).rev() {
        desk.apply(&held(1), asks(asker), 0);
    }
    desk.apply(&held(1), Record::Bind(session("s")), 1);
    let follow = |n: u8| (held(n), resolved());
    assert_eq!(desk.out.sends, (2..66).map(follow).collect::<Vec<_>>());
    desk.out.sends.clear();

    let mut desk = keys::KeyedDesk::new(Settings::default());
    desk.apply(&held(1), asks(2), 0);
    desk.stitcher.advance(seconds(59), &mut desk.out);
    assert_eq!(desk.stitcher.keys(), 1);
    desk.stitcher.advance(seconds(60), &mut desk.out);
    assert_eq!((desk.stitcher.keys(), desk.stitcher.weight()), (0, 0));
}

#[test]
fn a_trace_asks_so_many_that_it_links_to_and_no_more() {
    let mut desk = keys::KeyedDesk::new(Settings::default());
    let mut asked = 0;
    for (key, record) in (2..=70).flat_map(|to| linking(1, &[to])) {
        desk.apply(&key, record, 0);
        let asks =
            |(_, record): &&(PartitionKey, Record)| matches!(record, Record::ResolveSession(..));
        asked += desk.out.sends.iter().filter(asks).count();
    }
    assert_eq!(asked, 64);
}

/// What is decided elsewhere stays there; what is not goes to the trace's own session, wherever the other one has moved.
#[test]
fn a_trace_is_given_back_by_sessions_that_met() {
    let mut records = linking(2, &[1]);
    records.extend([
        bind(1, "b"),
        (session("b"), Record::Bind(session("a"))),
        bind(2, "c"),
    ]);
    assert_eq!(homes(records), [session("c")]);
}

/// Links that go round in circles are asked along for so long and no longer.
#[test]
fn nobody_asks_on_for_ever() {
    let chain = |steps: u8| {
        let links = (2..2 + steps).flat_map(|of| linking(of, &[of - 1]));
        let mut records: Vec<_> = links.collect();
        records.push(bind(1, "a"));
        homes(records)
    };
    assert_eq!(chain(4), [session("a")]);
    assert_eq!(chain(5), [session("a"), held(6)]);
    let circle = (1..=3).flat_map(|of| linking(of, &[of % 3 + 1]));
    assert_eq!(homes(circle.collect()), [held(1), held(2), held(3)]);
}

/// A tool's call in trace 1, and the same call as its server shows it in a trace of its own, which links to it.
fn served() -> Scene {
    let mut s = Scene::default();
    let desk = s.agent(0, "desk", (0, 100));
    let client = s.tool(desk, "search", (10, 90), None);
    s.tool(0, "search", (20, 80), None);
    s.in_trace(2);
    s.last().rare.links.push(Link {
        trace: trace(1),
        span: span(client),
    });
    s
}

/// C-3.
#[test]
fn a_tool_and_its_server_in_a_trace_of_its_own_are_one_call() {
    let tools = |facts: &[Fact]| {
        let failed = facts.iter().filter_map(|fact| match &fact.what {
            What::Tool(tool) => Some(tool.ending.is_error()),
            _ => None,
        });
        failed.collect::<Vec<_>>()
    };
    assert_eq!(tools(&run(&served())), [false]);
    let mut failing = served();
    failing.last().error = true;
    assert_eq!(tools(&run(&failing)), [true]);
    let mut other = served();
    let Kind::Tool(tool) = &mut other.last().kind else {
        unreachable!("a tool")
    };
    tool.name = name("index");
    assert_eq!(tools(&run(&other)).len(), 2);
}

#[test]
fn two_tools_that_link_to_each_other_are_one_call() {
    let mut s = served();
    s.events[1].parent = None;
    let server = s.last().span;
    s.events[1].rare.links.push(Link {
        trace: trace(2),
        span: server,
    });
    assert_eq!(count(&run(&s), |what| matches!(what, What::Tool(_))), 1);
}

/// More traces than one remembers are not asked, and those that ask are not told: each is counted.
#[test]
fn links_above_the_limit_are_counted() {
    let over = |facts: &[Fact]| {
        let ignored = facts.iter().filter_map(|fact| match fact.what {
            What::Ignored {
                reason: Ignored::LinksOverLimit,
                events,
            } => Some(events),
            _ => None,
        });
        ignored.sum::<u64>()
    };
    let trace_of = |n: u64| TraceId::new(&u128::from(n + 1).to_be_bytes()).expect("not zero");
    let mut stitcher = Stitcher::new(Settings::default());
    let mut out = Output::default();
    for n in 1..=70 {
        let mut event = answered(1, 0).remove(0);
        event.trace = trace_of(1000);
        event.span = span(n);
        event.rare.links.push(Link {
            trace: trace_of(n),
            span: span(1),
        });
        let entry = Entry {
            key: PartitionKey::Trace(trace_of(1000)),
            record: Record::Event(Box::new(event)),
        };
        stitcher.apply(entry, Timestamp(1), &mut out);
    }
    assert_eq!(over(&out.facts), 6);
    let mut out = Output::default();
    for n in 1..=70 {
        let entry = Entry {
            key: PartitionKey::Trace(trace_of(2000)),
            record: asks_for(trace_of(n)),
        };
        stitcher.apply(entry, Timestamp(1), &mut out);
    }
    assert_eq!(over(&out.facts), 6);
}
