//! Sessions of one trace that lie inside each other or inside work, and contexts that several share: S-1, S-15.

use super::keys::{KeyedDesk, seconds};
use super::notes::scored;
use super::shared::{Job, assert_told, figures, ignored};
use super::*;

/// S-15: a context that several sessions share, such as that of a remote agent, makes them not one, and is theirs.
#[test]
fn a_context_inside_several_sessions_belongs_to_each_of_its_callers() {
    // The session of each desk, the one that its remote agent names, and whether that also has a desk of its own.
    let one = [1, 1, 2, 0];
    for (desks, alone, expected) in [
        (
            vec![("a", "x"), ("b", "x")],
            false,
            vec![("a", one), ("b", one)],
        ),
        // Smaller than its callers.
        (
            vec![("b", "a"), ("c", "a")],
            false,
            vec![("b", one), ("c", one)],
        ),
        (
            vec![("a", "x"), ("b", "x")],
            true,
            vec![("a", one), ("b", one), ("x", [1, 1, 1, 0])],
        ),
        (
            vec![("b", "x"), ("b", "x")],
            false,
            vec![("b", [1, 1, 4, 0])],
        ),
        // The callers are one, as the second one lies in the first too.
        (
            vec![("a", "x"), ("b", "x"), ("a", "b")],
            false,
            vec![("a", [1, 1, 6, 0])],
        ),
    ] {
        let mut job = Job::default();
        let root = job.frame((0, 1000));
        for (i, (caller, context)) in desks.into_iter().enumerate() {
            let start = 100 + 200 * i as u64;
            let desk = job.desk(root, start, Some(caller));
            let tool = job.scene.tool(desk, "ask", (start + 20, start + 90), None);
            job.desk(tool, start + 21, Some(context));
            job.scene
                .events
                .iter_mut()
                .rev()
                .take(2)
                .for_each(|event| event.end.0 -= 50_000_000);
        }
        if alone {
            job.desk(root, 800, Some("x"));
        }
        let frames = u64::from(expected.len() > 1);
        assert_told(&job, &expected, frames);
    }
}

/// S-14, S-15: what comes late in a shared context goes to its caller, and a context that gets nothing waits for nothing.
#[test]
fn a_shared_context_is_remembered_and_waits_for_nothing() {
    let mut job = Job::default();
    let root = job.frame((0, 1000));
    let mut desks = Vec::new();
    for (i, session) in ["a", "b"].into_iter().enumerate() {
        let desk = job.desk(root, 100 + 200 * i as u64, Some(session));
        job.desk(desk, 110 + 200 * i as u64, Some("x"));
        desks.push(desk);
    }
    let mut desk = KeyedDesk::new(Settings::default());
    for (key, record) in Job::records(&job.scene.events) {
        desk.apply(&key, record, 1);
    }
    desk.deliver(1);
    desk.turn(&session("x"), 2, 2);
    for second in [10, 20] {
        desk.stitcher.advance(seconds(second), &mut desk.out);
        desk.deliver(second);
    }
    let told: Vec<String> = figures(&desk.out.facts)
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    assert_eq!(
        told,
        ["a", "b", "x"],
        "the turn of the context itself is finalized"
    );
    desk.stitcher = reborn(&desk.stitcher, Settings::default());
    let before = job.scene.events.len();
    job.desk(desks[1], 120, Some("x"));
    for (key, record) in Job::records(&job.scene.events[before..]) {
        desk.apply(&key, record, 21);
    }
    desk.deliver(21);
    for (number, id) in [(3, "a"), (4, "b"), (5, "x")] {
        desk.turn(&session(id), number, 40);
    }
    let turns = figures(&desk.end())
        .into_iter()
        .map(|(id, figures)| (id, figures[1]));
    let expected = [("a", 2), ("b", 2), ("x", 2)].map(|(id, turns)| (id.to_owned(), turns));
    assert_eq!(turns.collect::<Vec<_>>(), expected);
}

/// S-1: a tool alone around two sessions, or a search, makes them not one; it belongs to none, with what is said of it.
#[test]
fn sessions_inside_a_tool_without_an_agent_stay_apart() {
    for (agent, expected) in [(None, vec!["a", "b"]), (Some("boss"), vec!["a"])] {
        let mut job = Job::default();
        let tool = job.scene.tool(0, "each_customer", (0, 1000), None);
        job.scene.last().agent = agent.map(Name::from);
        for (i, session) in ["a", "b"].into_iter().enumerate() {
            job.desk(tool, 100 + 200 * i as u64, Some(session));
        }
        let mut note = job.scene.events[0].clone();
        note.kind = Kind::Note(7);
        note.rare.evaluations = scored("csat", 0.75);
        job.scene.events.push(note);
        let facts = Job::told(&job.scene.events);
        let told: Vec<String> = figures(&facts).into_iter().map(|(id, _)| id).collect();
        assert_eq!(told, expected);
        assert_eq!(ignored(&facts), if agent.is_some() { 0 } else { 2 });
    }
}
