//! Which of the tools that a call asked for ran, and so whether its turn waits for a person (T-13).

use super::pauses::{asks_tools, go_on, results, waits_at_end, with_pause, work};
use super::*;

const MINUTE: u64 = 60_000;

/// An agent whose call asks for so many tools that do work.
fn asking(tools: u32) -> Scene {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    asks_tools(&mut s, agent, (10, 50));
    if let Kind::Model(call) = &mut s.last().kind {
        call.asked_tools = tools;
    }
    s
}

/// A tool of the agent, under a call ID.
fn tool(s: &mut Scene, parent: u64, named: &str, times: (u64, u64), id: Option<&str>) -> u64 {
    let number = s.tool(parent, named, times, None);
    set_tool(s, |tool| {
        (tool.does_work, tool.call_id) = (true, id.map(name));
    });
    number
}

fn set_tool(s: &mut Scene, set: impl FnOnce(&mut ToolCall)) {
    if let Kind::Tool(tool) = &mut s.last().kind {
        set(tool);
    }
}

/// Whether the turn takes up what goes on with it twenty minutes later; alone it waits for an answer, and no tool gave that.
#[track_caller]
fn assert_waits(s: &Scene, waits: bool) {
    let alone = waits_at_end(&run(s));
    let mut later = Scene {
        events: s.events.clone(),
    };
    go_on(&mut later, 20 * MINUTE, true);
    let joined = results(&run(&later)).len() == 1;
    assert_eq!((alone, joined), (waits, waits), "waits alone, joined");
}

#[test]
fn a_tool_that_is_tried_again_ran_once() {
    for (ids, waits) in [
        ([Some("x"), Some("x")], true),
        ([Some("x"), Some("y")], false),
        ([None, None], false),
    ] {
        let mut s = asking(2);
        tool(&mut s, 1, "wipe", (60, 70), ids[0]);
        set_tool(&mut s, |tool| tool.failed = true);
        tool(&mut s, 1, "wipe", (71, 90), ids[1]);
        assert_waits(&s, waits);
    }
    // Its server shows its part beside it, without the ID.
    let mut s = asking(2);
    tool(&mut s, 1, "wipe", (60, 90), Some("x"));
    tool(&mut s, 1, "wipe", (65, 85), None);
    assert_waits(&s, true);
}

/// A person approves one call that stopped and runs under the same ID in another trace; the other one ran before.
#[test]
fn a_call_that_was_approved_ran_under_its_id() {
    let mut s = asking(2);
    tool(&mut s, 1, "wipe", (60, 70), Some("x"));
    go_on(&mut s, 5 * MINUTE, true);
    s.events.pop();
    for (id, waits) in [("x", true), ("y", false)] {
        if let Kind::Tool(tool) = &mut s.last().kind {
            tool.call_id = Some(name(id));
        }
        let facts = run(&s);
        assert_eq!(results(&facts) == [TurnResult::Answered], waits, "{id}");
    }
}

#[test]
fn a_tool_that_failed_ran() {
    for (second, waits) in [(true, false), (false, true)] {
        let mut s = asking(2);
        tool(&mut s, 1, "dig", (60, 70), Some("x"));
        s.last().error = true;
        if second {
            tool(&mut s, 1, "wipe", (60, 90), Some("y"));
        }
        assert_waits(&s, waits);
    }
}

/// Nobody decides anything for a run that broke, whatever it had not done.
#[test]
fn a_run_that_failed_waits_for_nobody() {
    for fails in [true, false] {
        let mut s = Scene::default();
        s.add(0, (0, 100), Kind::Structure);
        let agent = s.agent(1, "a", (0, 100));
        s.last().error = fails;
        asks_tools(&mut s, agent, (10, 50));
        if let Kind::Model(call) = &mut s.last().kind {
            call.asked_tools = 2;
        }
        tool(&mut s, agent, "dig", (60, 70), None);
        s.last().error = true;
        assert_waits(&s, !fails);
    }
}

#[test]
fn what_a_tool_calls_itself_was_not_asked_for() {
    // Of another name, or another call: asked by the tool. The same call: its own part.
    for (inner, id) in [
        ("query", None),
        ("query", Some("z")),
        ("wipe", Some("z")),
        ("wipe", None),
    ] {
        for wrapped in [false, true] {
            let mut s = asking(2);
            let mut outer = tool(&mut s, 1, "wipe", (60, 90), Some("x"));
            if wrapped {
                outer = s.add(outer, (61, 89), Kind::Structure);
            }
            tool(&mut s, outer, inner, (65, 80), id);
            assert_waits(&s, true);
            tool(&mut s, 1, "wipe", (60, 95), Some("y"));
            assert_waits(&s, false);
        }
    }
}

/// An agent that is a tool works beside a tool that waits: its calls do not go on with the run.
#[test]
fn a_delegate_beside_an_approval_does_not_end_the_wait() {
    for (handed, mark) in [
        (true, None),
        (false, None),
        (true, Some(Pause::Waits)),
        (true, Some(Pause::MayWait)),
    ] {
        let mut s = asking(if handed { 1 } else { 2 });
        let helper = s.tool(1, "helper", (55, 95), handed.then_some("helper"));
        set_tool(&mut s, |tool| tool.delegates = handed);
        if handed && let Kind::Model(call) = &mut s.events[1].kind {
            call.requests = list![HandoffRequest {
                target: target("helper"),
                call_id: None,
            }];
        }
        if let Some(mark) = mark {
            work(&mut s, 1, (56, 60));
            with_pause(&mut s, mark);
        }
        let agent = s.agent(helper, "helper", (61, 94));
        asks_tools(&mut s, agent, (62, 70));
        tool(&mut s, agent, "look", (71, 80), None);
        s.call(agent, (81, 90));
        assert_waits(&s, true);
        if mark.is_none() {
            let mut done = Scene {
                events: s.events.clone(),
            };
            work(&mut done, 1, (56, 99));
            assert_waits(&done, false);
        }
        // The run went on: nothing waits.
        s.call(1, (96, 99));
        let facts = run(&s);
        assert_eq!(
            turns(&facts),
            [(TurnResult::Answered, 99)],
            "{handed} {mark:?}"
        );
        go_on(&mut s, 20 * MINUTE, true);
        assert_eq!(results(&run(&s)).len(), 2, "{handed} {mark:?}");
    }
}

/// The delegate itself waits, inside the tool that stands for it, until the run around it goes on.
#[test]
fn a_turn_waits_for_what_a_delegate_asked_for() {
    let mut s = asking(0);
    let helper = s.tool(1, "helper", (55, 95), Some("helper"));
    let agent = s.agent(helper, "helper", (56, 94));
    asks_tools(&mut s, agent, (57, 90));
    assert_waits(&s, true);
    s.call(1, (96, 99));
    go_on(&mut s, 20 * MINUTE, true);
    assert_eq!(results(&run(&s)).len(), 2);
}

/// A tool without a result that a delegate left behind ran, as the delegate went on.
#[test]
fn a_tool_without_a_result_ran_where_its_own_run_went_on() {
    let mut s = asking(1);
    let helper = tool(&mut s, 1, "helper", (55, 95), None);
    s.call(helper, (56, 60));
    work(&mut s, helper, (61, 65));
    with_pause(&mut s, Pause::MayWait);
    s.call(helper, (66, 90));
    assert_waits(&s, false);
}
