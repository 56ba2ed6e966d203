//! Tool calls that several spans show, under one id or none.

use super::model_calls::{KNOWN, shown};
use super::*;

/// C-2.
#[test]
fn calls_of_one_tool_inside_each_other_are_two_where_their_ids_differ() {
    for (ids, expected) in [
        ([Some("c1"), Some("c2")], 2),
        ([Some("c1"), Some("c1")], 1),
        ([Some("c1"), None], 1),
        ([None, Some("c2")], 1),
        ([None, None], 1),
    ] {
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 40));
        let mut parent = desk;
        for (start, id) in [(10, ids[0]), (12, ids[1])] {
            parent = s.tool(parent, "dig", (start, 30 - start / 2), None);
            if let Kind::Tool(tool) = &mut s.last().kind {
                tool.call_id = id.map(name);
            }
            s.last().error = start == 12;
            parent = s.add(parent, (start, 30 - start / 2), Kind::Structure);
        }
        let facts = run(&s);
        let tool = |failed| move |what: &What| matches!(what, What::Tool(t) if t.ending.is_error() == failed);
        let found = (count(&facts, tool(true)), count(&facts, tool(false)));
        assert_eq!(found, (1, expected - 1), "{ids:?}");
    }
}

/// C-2. Servers that number the calls of each answer anew.
#[test]
fn one_call_id_after_another_question_to_the_model_is_another_call() {
    for (asks_between, expected) in [(true, (1, 1)), (false, (1, 0))] {
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 100));
        for start in [10, 50] {
            if asks_between || start == 10 {
                shown(&mut s, desk, (start, start + 10), KNOWN);
            }
            s.tool(desk, "dig", (start + 11, start + 20), None);
            if let Kind::Tool(tool) = &mut s.last().kind {
                tool.call_id = Some(name("call_0"));
                tool.failed = start == 10;
            }
        }
        shown(&mut s, desk, (80, 99), KNOWN);
        let facts = run(&s);
        let tool = |failed| move |what: &What| matches!(what, What::Tool(t) if t.ending.is_error() == failed);
        let found = (count(&facts, tool(true)), count(&facts, tool(false)));
        assert_eq!(found, expected, "{asks_between}");
    }
}

/// C-2. The same of several calls of one answer.
#[test]
fn one_call_id_of_two_tools_is_two_calls() {
    let mut s = Scene::default();
    let desk = s.agent(0, "desk", (0, 100));
    shown(&mut s, desk, (1, 10), KNOWN);
    for (tool, failed) in [("dig", true), ("fill", false)] {
        s.tool(desk, tool, (11, 30), None);
        if let Kind::Tool(tool) = &mut s.last().kind {
            tool.call_id = Some(name("call_0"));
            tool.failed = failed;
        }
    }
    shown(&mut s, desk, (40, 99), KNOWN);
    let facts = run(&s);
    let tool =
        |failed| move |what: &What| matches!(what, What::Tool(t) if t.ending.is_error() == failed);
    assert_eq!(
        (count(&facts, tool(true)), count(&facts, tool(false))),
        (1, 1)
    );
}

/// C-5. A part of a tool call that has no name of its own.
#[test]
fn a_nameless_part_tells_the_error_of_the_tool_around_it() {
    let mut s = Scene::default();
    let desk = s.agent(0, "desk", (0, 100));
    shown(&mut s, desk, (1, 10), KNOWN);
    let tool = s.tool(desk, "dig", (11, 30), None);
    s.tool(tool, "", (12, 29), None);
    s.last().error = true;
    s.tool(desk, "", (31, 32), None);
    s.last().error = true;
    shown(&mut s, desk, (40, 99), KNOWN);
    let facts = run(&s);
    let tools =
        |what: &What| matches!(what, What::Tool(t) if t.ending.is_error() && &*t.tool == "dig");
    assert_eq!(count(&facts, tools), 1);
    assert_eq!(count(&facts, |what| matches!(what, What::Tool(_))), 1);
}
