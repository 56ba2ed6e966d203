//! What a turn ends with: whether it answered, how long that took, and what it tells the workflow around it.

use super::*;

/// The result of the only turn of a scene, and its time to the first token in milliseconds.
fn ends(s: &Scene) -> (TurnResult, Option<u128>) {
    let facts = run(s);
    let mut turns = facts.iter().filter_map(|fact| match &fact.what {
        What::Turn(turn) => Some((turn.result, turn.first_token.map(|wait| wait.as_millis()))),
        _ => None,
    });
    let found = turns.next().expect("a turn");
    assert_eq!(turns.next(), None);
    found
}

fn result(s: &Scene) -> TurnResult {
    ends(s).0
}

#[test]
fn a_call_that_asks_for_an_agent_is_no_answer_whatever_text_comes_with_it() {
    use TurnResult::{Answered, Failed};
    for (to, answered, expected) in [
        (None, Some(true), Answered),
        (None, None, Answered),
        (None, Some(false), Failed),
        (Some("b"), Some(true), Failed),
        (Some("b"), None, Failed),
        (Some("human"), Some(true), Answered),
        (Some("human"), Some(false), Answered),
    ] {
        let mut s = Scene::default();
        let agent = s.agent(0, "a", (0, 100));
        s.call(agent, (10, 90));
        if let Kind::Model(call) = &mut s.last().kind {
            call.answered = answered;
            call.first_token_seconds = Some(0.02);
            call.requests.extend(to.map(|to| HandoffRequest {
                target: target(to),
                call_id: None,
            }));
        }
        let first_token = (expected == Answered).then_some(30);
        assert_eq!(ends(&s), (expected, first_token), "{to:?} {answered:?}");
    }
}

/// T-16.
#[test]
fn an_answer_that_no_span_shows_is_assumed() {
    let assumed = |s: &Scene| {
        count(
            &run(s),
            |what| matches!(what, What::Turn(turn) if turn.is_assumed),
        )
    };
    for (answered, to, expected) in [
        (Some(true), None, 0),
        (None, None, 1),
        // No answer, and a human.
        (Some(false), None, 0),
        (None, Some("human"), 0),
    ] {
        let mut s = Scene::default();
        let agent = s.agent(0, "a", (0, 100));
        s.call(agent, (10, 90));
        if let Kind::Model(call) = &mut s.last().kind {
            call.answered = answered;
            call.requests.extend(to.map(|to| HandoffRequest {
                target: target(to),
                call_id: None,
            }));
        }
        assert_eq!(assumed(&s), expected, "{answered:?} {to:?}");
    }
    // A dialect that shows no model calls.
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    s.tool(agent, "tool", (10, 90), None);
    assert_eq!((result(&s), assumed(&s)), (TurnResult::Answered, 1));
}

/// T-3.
#[test]
fn a_tool_at_the_end_answers_only_where_no_model_calls_are_shown() {
    use TurnResult::{Answered, Failed};
    for (shows_calls, to, expected) in [
        (false, None, Answered),
        (true, None, Failed),
        (false, Some("b"), Failed),
        (false, Some("?"), Failed),
        (false, Some("human"), Answered),
        (true, Some("human"), Answered),
    ] {
        // Whether the agent ended is not shown: an agent that did said all it had to say (T-17).
        let mut s = Scene::default();
        let root = s.add(0, (0, 100), Kind::Workflow);
        s.last().agent = Some(name("a"));
        if shows_calls {
            s.call(root, (1, 9));
        }
        s.tool(root, "tool", (10, 90), to);
        assert_eq!(result(&s), expected, "{shows_calls} {to:?}");
    }
}

/// T-4, T-8.
#[test]
fn a_turn_without_an_answer_fails_if_something_broke_and_is_abandoned_if_not() {
    // What is wrong with the turn besides that its last call answers nothing, or nothing at all.
    for (answers, root_failed, asks, expected) in [
        (false, false, false, Outcome::Abandoned),
        (false, true, false, Outcome::Failed),
        (false, false, true, Outcome::Failed),
        (true, true, false, Outcome::Failed),
    ] {
        let mut s = Scene::default();
        let agent = s.agent(0, "a", (0, 100));
        s.last().error = root_failed;
        if asks {
            s.asking(agent, (1, 5), &["b"]);
        }
        s.call(agent, (10, 90));
        // An error inside is not the root's.
        s.last().error = !root_failed;
        if let Kind::Model(call) = &mut s.last().kind {
            call.answered = Some(answers);
        }
        assert_eq!(outcomes(&run(&s))[0], expected, "{root_failed} {asks}");
    }
}

#[test]
fn a_tool_that_failed_is_counted_as_failed_whoever_says_it() {
    for (by_tool, by_span) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut s = Scene::default();
        let agent = s.agent(0, "a", (0, 100));
        s.tool(agent, "lookup", (10, 20), None);
        s.last().error = by_span;
        if let Kind::Tool(tool) = &mut s.last().kind {
            tool.failed = by_tool;
        }
        let failed = run(&s).into_iter().find_map(|fact| match fact.what {
            What::Tool(tool) => Some(tool.ending.is_error()),
            _ => None,
        });
        assert_eq!(failed, Some(by_tool || by_span));
    }
}

#[test]
fn a_turn_is_of_the_outermost_workflow_that_has_a_name() {
    for (named, expected) in [(None, "default"), (Some("billing"), "billing")] {
        let mut s = Scene::default();
        let root = s.add(0, (0, 100), Kind::Workflow);
        s.last().workflow = named.map(name);
        let agent = s.agent(root, "a", (0, 100));
        s.last().workflow = named.map(|_| name("inner"));
        s.call(agent, (1, 90));
        let workflow = run(&s).into_iter().find_map(|fact| match fact.what {
            What::Workflow(workflow) => Some(workflow.workflow),
            _ => None,
        });
        assert_eq!(workflow.as_deref(), Some(expected));
    }
}

/// One hop after the other: who hands over to whom, by which means.
fn loops(hops: &[(&str, &str, &str)]) -> Vec<(String, u64)> {
    let mut s = Scene::default();
    let root = s.add(0, (0, 1000), Kind::Workflow);
    for (at, (from, by, to)) in (0..).map(|n| n * 100).zip(hops) {
        let agent = s.agent(root, from, (at, at + 60));
        s.call(agent, (at + 1, at + 20));
        s.tool(agent, "transfer", (at + 41, at + 50), Some(to));
        if let Kind::Tool(tool) = &mut s.last().kind {
            tool.call_id = Some(name(&at.to_string()));
            tool.delegates = *by == "delegates to";
            tool.failed = *by == "fails to reach";
        }
    }
    let at = hops.len() as u64 * 100;
    if let Some((_, by, last)) = hops.last()
        && *by != "fails to reach"
    {
        let agent = s.agent(root, last, (at, at + 60));
        s.call(agent, (at + 1, at + 50));
    }
    let facts = run(&s).into_iter();
    facts
        .filter_map(|fact| match fact.what {
            What::Loop { agent, length } => Some((agent.to_string(), length)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_loop_is_as_long_as_the_way_back() {
    let hops = |path: &[&'static str]| {
        let hops = path.windows(2).map(|pair| (pair[0], "hands to", pair[1]));
        hops.collect::<Vec<_>>()
    };
    let at = |agent: &str, length| (agent.to_owned(), length);
    assert_eq!(loops(&hops(&["a", "b", "c"])), []);
    assert_eq!(loops(&hops(&["a", "b", "a"])), [at("a", 2)]);
    // The way to the loop is not part of it.
    assert_eq!(loops(&hops(&["a", "b", "c", "b"])), [at("b", 2)]);
    assert_eq!(
        loops(&hops(&["a", "b", "c", "b", "a"])),
        [at("b", 2), at("a", 2)],
        "who went round is back where it was"
    );
    assert_eq!(loops(&hops(&["a", "b", "a", "b"])), [at("a", 2)]);
    assert_eq!(
        loops(&hops(&["a", "b", "a", "b", "a"])),
        [at("a", 2), at("a", 2)]
    );
}

/// T-2.
#[test]
fn where_no_model_calls_are_shown_a_run_answers_after_a_delegate_has_returned() {
    use TurnResult::{Answered, Failed};
    for (delegates, failed, expected) in [
        (true, false, Answered),
        (true, true, Failed),
        (false, false, Failed),
    ] {
        let mut s = Scene::default();
        let run = s.add(0, (0, 100), Kind::Workflow);
        let tool = s.tool(run, "task", (10, 90), Some("desk"));
        if let Kind::Tool(tool) = &mut s.last().kind {
            (tool.delegates, tool.failed) = (delegates, failed);
        }
        s.tool(tool, "look_up", (20, 80), None);
        assert_eq!(result(&s), expected, "{delegates} {failed}");
    }
}

#[test]
fn a_delegation_that_returns_and_a_handoff_that_got_nowhere_are_no_loop() {
    for back in ["delegates to", "fails to reach"] {
        assert_eq!(loops(&[("a", "hands to", "b"), ("b", back, "a")]), []);
    }
    assert_eq!(
        loops(&[("a", "delegates to", "b"), ("b", "hands to", "a")]),
        []
    );
}
