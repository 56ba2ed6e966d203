//! Answers that stand, whatever ended after them (T-17).

use super::pauses::{asks_tools, results, work};
use super::*;
use crate::model::sketch::Content;
use TurnResult::{Answered, Failed};

type SceneChange = fn(&mut Scene);

/// A request in which agent `a` answers at 90 ms and ends at 100 ms.
fn answered(root: Kind) -> Scene {
    let mut s = Scene::default();
    let root = s.add(0, (0, 1_000), root);
    let agent = s.agent(root, "a", (0, 100));
    s.call(agent, (10, 90));
    s
}

/// Agent `a` answers at 90 ms and goes on until 1 s.
fn at_work() -> (Scene, u64) {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 1_000));
    s.call(agent, (10, 90));
    (s, agent)
}

fn model(s: &mut Scene, set: impl FnOnce(&mut ModelCall)) {
    if let Kind::Model(call) = &mut s.last().kind {
        set(call);
    }
}

fn cancel(s: &mut Scene) {
    s.last().rare = OptionBox::new(RareFields {
        cancelled: true,
        ..RareFields::default()
    });
}

fn set_asked(event: &mut Event, asked: std::ops::Range<u32>) {
    event.content = Some(Box::new(Content {
        asked: sketch(asked),
        ..Content::default()
    }));
}

#[track_caller]
fn assert_stands(s: &Scene, stands: bool) {
    let turns = turns(&run(s));
    match stands {
        true => assert_eq!(turns, [(Answered, 90)]),
        false => assert!(
            turns.iter().all(|(result, _)| *result == Failed),
            "{turns:?}"
        ),
    }
}

/// T-17: what an app does after the run, inside the same request.
#[test]
fn work_after_the_run_takes_no_answer_back() {
    let after: [SceneChange; 4] = [
        |s| work(s, 1, (200, 300)),
        |s| {
            work(s, 1, (200, 300));
            s.last().error = true;
        },
        |s| {
            s.failing_call(1, (200, 300));
        },
        |s| {
            let agent = s.agent(1, "b", (200, 300));
            s.last().error = true;
            s.failing_call(agent, (210, 290));
        },
    ];
    for (n, after) in after.into_iter().enumerate() {
        let mut s = answered(Kind::Structure);
        after(&mut s);
        assert_stands(&s, true);
        // The request failed, its root is missing, or the answer is no text.
        let mut broken = Scene {
            events: s.events.clone(),
        };
        broken.events[0].error = true;
        assert_stands(&broken, false);
        let mut lost = Scene {
            events: s.events.clone(),
        };
        lost.events[0].parent = Some(span(99));
        assert_stands(&lost, false);
        s.events[2].kind = Kind::Model(Box::new(ModelCall {
            answered: Some(false),
            ..ModelCall::default()
        }));
        assert_stands(&s, false);
        // What one run does is its own work: a stage that failed, a tool of the last one.
        let mut s = answered(Kind::Workflow);
        after(&mut s);
        assert_eq!(results(&run(&s)), [Failed], "{n}");
    }
    // The same agent goes on, or it began before the answer.
    let mut s = answered(Kind::Structure);
    let agent = s.agent(1, "a", (200, 300));
    s.failing_call(agent, (210, 290));
    assert_stands(&s, false);
    let mut s = answered(Kind::Structure);
    let agent = s.agent(1, "b", (0, 300));
    s.failing_call(agent, (10, 290));
    assert_stands(&s, false);
    // A tool that calls models itself.
    let mut s = answered(Kind::Structure);
    let tool = s.tool(1, "summarize", (200, 300), None);
    s.call(tool, (210, 290));
    assert_stands(&s, true);
}

/// T-17.
#[test]
fn a_check_takes_no_answer_back() {
    for (fails, went_on) in [(true, false), (false, false), (true, true)] {
        let (mut s, agent) = at_work();
        let guard = s.add(agent, (10, 400), Kind::Guardrail { triggered: false });
        match fails {
            true => s.failing_call(guard, (20, 300)),
            false => s.call(guard, (20, 300)),
        };
        if went_on {
            work(&mut s, agent, (100, 200));
        }
        assert_stands(&s, !went_on);
    }
    // Without an answer beside it, a call that is wrapped in a check answers as others do.
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 1_000));
    let guard = s.add(agent, (10, 100), Kind::Guardrail { triggered: false });
    s.call(guard, (20, 90));
    assert_stands(&s, true);
}

/// T-17, C-16.
#[test]
fn the_loser_of_two_calls_at_once_takes_no_answer_back() {
    // When the cancelled call began, what it was asked, and whether the agent was cancelled too.
    for (begins, asked, agent_too, stands) in [
        (10, 0..5, false, true),
        (89, 0..5, false, true),
        (90, 0..5, false, false),
        (10, 5..9, false, false),
        (10, 0..5, true, false),
    ] {
        let (mut s, agent) = at_work();
        set_asked(s.last(), 0..5);
        s.failing_call(agent, (begins, 95));
        model(&mut s, |call| call.failed = false);
        cancel(&mut s);
        set_asked(s.last(), asked.clone());
        if agent_too {
            s.events[0].rare = s.last().rare.clone();
        }
        assert_stands(&s, stands);
    }
    // Two agents race; or one calls the other.
    for (inside, stands) in [(false, true), (true, false)] {
        let mut s = answered(Kind::Structure);
        let agent = s.agent(if inside { 2 } else { 1 }, "b", (0, 96));
        cancel(&mut s);
        s.failing_call(agent, (10, 95));
        model(&mut s, |call| call.failed = false);
        cancel(&mut s);
        assert_stands(&s, stands);
    }
}

/// T-17: a farewell with a tool that hangs up, a note with a tool that saves it.
#[test]
fn what_an_agent_still_does_after_its_text_takes_no_answer_back() {
    let break_it: [(SceneChange, bool); 8] = [
        (|_| {}, true),
        // It says nothing more.
        (
            |s| {
                s.call(1, (210, 300));
                model(s, |call| call.answered = Some(false));
            },
            true,
        ),
        // It asks for more.
        (|s| asks_tools(s, 1, (210, 300)), false),
        (
            |s| {
                s.failing_call(1, (210, 300));
            },
            false,
        ),
        (|s| s.last().error = true, false),
        (|s| cancel(s), false),
        // The agent was cut off, or broke.
        (|s| s.events[0].error = true, false),
        (
            |s| {
                s.events.remove(0);
            },
            false,
        ),
    ];
    for (n, (break_it, stands)) in break_it.into_iter().enumerate() {
        let (mut s, agent) = at_work();
        work(&mut s, agent, (100, 200));
        break_it(&mut s);
        // A turn that waits for the tools it asked for is answered too, but not by the text.
        let is_text = turns(&run(&s)) == [(Answered, 90)];
        assert_eq!(is_text, stands, "{n}");
    }
    // The text of a tool's own model is not for the user.
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 1_000));
    asks_tools(&mut s, agent, (1, 5));
    let tool = s.tool(agent, "dig", (10, 95), None);
    s.call(tool, (20, 90));
    s.failing_call(agent, (100, 200));
    assert_stands(&s, false);
}

/// T-17: memories that the agent's own run extracts.
#[test]
fn another_request_of_the_same_run_may_fail() {
    for (asked, agent_fails, stands) in [
        (Some(5..9), false, true),
        (Some(0..5), false, false),
        (None, false, false),
        (Some(5..9), true, false),
    ] {
        let (mut s, agent) = at_work();
        set_asked(s.last(), 0..5);
        s.failing_call(agent, (100, 200));
        if let Some(asked) = asked {
            set_asked(s.last(), asked);
        }
        s.events[0].error = agent_fails;
        assert_stands(&s, stands);
    }
}

/// T-17, T-16.
#[test]
fn what_the_last_tool_returned_is_the_answer_of_a_run_that_ended_well() {
    let changes: [(SceneChange, bool); 8] = [
        (|_| {}, true),
        (|s| s.events[0].error = true, false),
        (|s| s.events[0].parent = Some(span(99)), false),
        (|s| s.events[0].end = Timestamp(150_000_000), false),
        (|s| s.events[0].kind = Kind::Agent { inferred: true }, false),
        (|s| s.last().error = true, false),
        // Its agent handed over.
        (
            |s| {
                s.tool(1, "transfer_to_b", (200, 210), Some("b"));
            },
            false,
        ),
        // What it asked for is not shown.
        (
            |s| {
                if let Kind::Model(call) = &mut s.events[1].kind {
                    (call.answered, call.asked_tools) = (None, 0);
                }
            },
            false,
        ),
    ];
    for (n, (change, stands)) in changes.into_iter().enumerate() {
        let mut s = Scene::default();
        let agent = s.agent(0, "a", (0, 1_000));
        asks_tools(&mut s, agent, (10, 50));
        work(&mut s, agent, (60, 200));
        change(&mut s);
        let expected = if stands { Answered } else { Failed };
        assert_eq!(results(&run(&s)), [expected], "{n}");
    }
}
