//! What several spans show of one thing, and things that go by several names.

use super::*;

/// A model call that one instrumentation shows with its count of tokens.
fn shown(
    scene: &mut Scene,
    parent: u64,
    times: (u64, u64),
    instrumentation: u32,
    tokens: (u64, u64),
) {
    let usage = Usage {
        input: tokens.0,
        output: tokens.1,
        ..Usage::default()
    };
    let call = ModelCall {
        usage: Some(usage),
        instrumentation,
        ..ModelCall::default()
    };
    scene.add(parent, times, Kind::Model(Box::new(call)));
}

fn outputs(facts: &[Fact]) -> Vec<u64> {
    let output = |fact: &Fact| match &fact.what {
        What::Model(call) => call.usage.map(|usage| usage.output),
        _ => None,
    };
    facts.iter().filter_map(output).collect()
}

/// C-4.
#[test]
fn a_call_that_two_instrumentations_show_counts_once_by_the_inner_one() {
    for (second, expected) in [
        ((12, 28, 2, 100), vec![7]),
        // The same instrumentation, other tokens, or a time of its own: two calls.
        ((12, 28, 1, 100), vec![8, 7]),
        ((12, 28, 2, 90), vec![8, 7]),
        ((12, 31, 2, 100), vec![8, 7]),
    ] {
        let (start, end, by, input) = second;
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 40));
        shown(&mut s, desk, (10, 30), 1, (100, 8));
        shown(&mut s, desk, (start, end), by, (input, 7));
        assert_eq!(outputs(&run(&s)), expected, "{second:?}");
    }
}

#[test]
fn a_tool_has_failed_when_any_span_of_the_call_says_so() {
    let mut s = Scene::default();
    let desk = s.agent(0, "desk", (0, 40));
    let outer = s.tool(desk, "look_up", (10, 20), None);
    s.tool(outer, "look_up", (11, 19), None);
    s.last().error = true;
    let tool =
        |what: &What, failed: bool| matches!(what, What::Tool(t) if t.ending.is_error() == failed);
    let facts = run(&s);
    assert_eq!(count(&facts, |w| tool(w, true)), 1);
    assert_eq!(count(&facts, |w| tool(w, false)), 0);
}

#[test]
fn calls_side_by_side_that_two_instrumentations_show_count_once_each() {
    // Of the first pair the long call's second showing ends after the short call; of the second pair each may be either's.
    for (times, expected) in [
        ([(10, 30), (11, 20), (12, 29), (13, 19)], [3, 4]),
        ([(10, 30), (11, 28), (12, 20), (13, 19)], [4, 3]),
    ] {
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 40));
        for ((times, by), output) in times.into_iter().zip([1, 1, 2, 2]).zip(1..) {
            shown(&mut s, desk, times, by, (100, output));
        }
        assert_eq!(outputs(&run(&s)), expected);
    }
}

#[test]
fn a_tool_has_failed_when_a_span_with_its_call_id_beside_it_says_so() {
    for id in ["call-1", "call-2"] {
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 40));
        for (start, id) in [(10, "call-1"), (11, id)] {
            s.tool(desk, "look_up", (start, 20), None);
            s.last().error = start == 11;
            if let Kind::Tool(tool) = &mut s.last().kind {
                tool.call_id = Some(name(id));
            }
        }
        let facts = run(&s);
        let failed = |what: &What| matches!(what, What::Tool(tool) if tool.ending.is_error());
        let well = |what: &What| matches!(what, What::Tool(tool) if !tool.ending.is_error());
        let others = usize::from(id == "call-2");
        assert_eq!((count(&facts, failed), count(&facts, well)), (1, others));
    }
}

/// H-2.
#[test]
fn who_hands_back_by_the_id_of_a_name_bounces() {
    let mut s = Scene::default();
    let turn = s.add(0, (0, 100), Kind::Workflow);
    let front = s.agent(turn, "Front desk", (0, 40));
    s.asking(front, (1, 30), &["refund"]);
    let refund = s.agent(turn, "refund", (41, 100));
    s.asking(refund, (45, 50), &["front-desk"]);
    let told = handoffs(&run(&s));
    assert_eq!(told[0], "Front desk -> refund transfer failed bounced");
}

#[test]
fn a_handoff_to_the_id_of_a_name_is_taken_up_in_a_later_turn() {
    let mut s = Scene::default();
    let front = s.agent(0, "front", (0, 40));
    s.asking(front, (1, 30), &["second-desk"]);
    let desk = s.agent(0, "Second desk", (10_000, 10_100));
    s.in_trace(2);
    s.call(desk, (10_001, 10_090));
    s.in_trace(2);
    assert_eq!(handoffs(&run(&s)), ["front -> Second desk resume success"]);
}

#[test]
fn an_agent_asked_for_by_the_id_of_its_name_is_that_agent() {
    let mut s = Scene::default();
    let front = s.agent(0, "front", (0, 100));
    s.call(front, (5, 10));
    let tool = s.tool(front, "delegate", (10, 60), Some("second-desk"));
    let desk = s.agent(tool, "Second desk", (20, 50));
    s.call(desk, (25, 45));
    assert_eq!(
        handoffs(&run(&s)),
        ["front -> Second desk delegation success"]
    );
}

#[test]
fn a_tool_at_which_no_name_stands_is_used_by_whoever_is_at_work() {
    let mut s = Scene::default();
    let turn = s.add(0, (0, 100), Kind::Workflow);
    for (start, named) in [(10, true), (20, false), (30, true)] {
        if named {
            s.call(turn, (start, start + 5));
            s.last().agent = Some(name("desk"));
        } else {
            s.tool(turn, "look_up", (start, start + 5), None);
        }
    }
    let facts = run(&s);
    assert_eq!(count(&facts, |w| matches!(w, What::Agent(_))), 1);
}

#[test]
fn a_server_that_shows_its_part_beside_the_call_counts_once() {
    let calls = |spans: &[(&str, (u64, u64), Option<&str>)]| {
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 100));
        for (tool, times, id) in spans {
            s.tool(desk, tool, *times, None);
            if let Kind::Tool(tool) = &mut s.last().kind {
                tool.call_id = id.map(name);
            }
        }
        count(&run(&s), |what| matches!(what, What::Tool(_)))
    };
    let own = ("look_up", (10, 30), Some("c-1"));
    assert_eq!(calls(&[own, ("look_up", (12, 28), None)]), 1);
    // Another tool, another time, an id of its own, or nobody with an id: two calls.
    assert_eq!(calls(&[own, ("send", (12, 28), None)]), 2);
    assert_eq!(calls(&[own, ("look_up", (12, 31), None)]), 2);
    assert_eq!(calls(&[own, ("look_up", (12, 28), Some("c-2"))]), 2);
    let nobody = ("look_up", (10, 30), None);
    assert_eq!(calls(&[nobody, ("look_up", (12, 28), None)]), 2);
}
