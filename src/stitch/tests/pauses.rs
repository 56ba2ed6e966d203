//! Runs that wait for a person and go on in another trace, runs that failed although a step answered, and runs of which little is shown.

use super::*;
use crate::model::fact::Ending;

const MINUTE: u64 = 60_000;

pub(super) fn with_pause(s: &mut Scene, pause: Pause) {
    s.last().rare = OptionBox::new(RareFields {
        pause: Some(pause),
        ..RareFields::default()
    });
}

/// A call that asks for tools that do work; whether its input ends with a result.
pub(super) fn asks_tools(s: &mut Scene, parent: u64, times: (u64, u64)) {
    s.call(parent, times);
    if let Kind::Model(call) = &mut s.last().kind {
        (call.answered, call.asked_tools) = (Some(false), 1);
    }
}

pub(super) fn set_continues(s: &mut Scene, continues: bool) {
    if let Kind::Model(call) = &mut s.last().kind {
        call.continues = Some(continues);
    }
}

pub(super) fn work(s: &mut Scene, parent: u64, times: (u64, u64)) {
    s.tool(parent, "wipe", times, None);
    if let Kind::Tool(tool) = &mut s.last().kind {
        tool.does_work = true;
    }
}

/// An agent that asks for a tool which waits for a person.
fn paused(pause: Option<Pause>) -> Scene {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    asks_tools(&mut s, agent, (10, 50));
    if let Some(pause) = pause {
        work(&mut s, agent, (60, 90));
        with_pause(&mut s, pause);
    }
    s
}

/// What goes on with it `after` so many milliseconds in trace 2, where the tool runs or was refused.
pub(super) fn go_on(s: &mut Scene, after: u64, runs: bool) {
    let agent = s.agent(0, "a", (after, after + 100));
    s.in_trace(2);
    if runs {
        work(s, agent, (after + 10, after + 20));
        s.in_trace(2);
    }
    s.call(agent, (after + 30, after + 90));
    set_continues(s, true);
    s.in_trace(2);
}

fn tools(facts: &[Fact]) -> Vec<Ending> {
    let tool = |fact: &Fact| match &fact.what {
        What::Tool(tool) => Some(tool.ending),
        _ => None,
    };
    facts.iter().filter_map(tool).collect()
}

pub(super) fn results(facts: &[Fact]) -> Vec<TurnResult> {
    turns(facts).into_iter().map(|(result, _)| result).collect()
}

/// Whether there is one turn, which is answered, and that by no tool.
pub(super) fn waits_at_end(facts: &[Fact]) -> bool {
    let turns = facts.iter().filter_map(|fact| match &fact.what {
        What::Turn(turn) => Some((turn.result, turn.is_assumed)),
        _ => None,
    });
    turns.eq([(TurnResult::Answered, false)])
}

/// T-13, T-14.
#[test]
fn an_approval_is_no_input_of_the_user() {
    for pause in [None, Some(Pause::Waits), Some(Pause::MayWait)] {
        for runs in [true, false] {
            for after in [2_000, 40 * MINUTE] {
                let mut s = paused(pause);
                go_on(&mut s, after, runs);
                let facts = run(&s);
                let expected = (TurnResult::Answered, u128::from(after) + 90);
                assert_eq!(turns(&facts), [expected], "{pause:?} {runs}");
                assert_eq!(tools(&facts), vec![Ending::Ok; runs.into()], "{pause:?}");
                assert_eq!(count(&facts, |what| *what == What::Late), 0);
            }
        }
    }
}

/// T-13: of three tools that a call asks for, one ran and two wait.
#[test]
fn a_turn_waits_until_all_tools_that_were_asked_for_ran() {
    for (ran, waits) in [(0, true), (1, true), (2, true), (3, false), (4, false)] {
        let mut s = paused(None);
        if let Kind::Model(call) = &mut s.last().kind {
            call.asked_tools = 3;
        }
        for tool in 0..ran {
            work(&mut s, 1, (55 + tool, 90));
        }
        assert_eq!(waits_at_end(&run(&s)), waits, "{ran}");
        // Two that a person approved run in another trace.
        go_on(&mut s, 20 * MINUTE, true);
        assert_eq!(results(&run(&s)).len(), if waits { 1 } else { 2 }, "{ran}");
    }
}

/// T-13: a span that comes in several versions is one tool.
#[test]
fn the_tools_that_ran_count_once_in_any_order() {
    let mut s = paused(None);
    if let Kind::Model(call) = &mut s.last().kind {
        call.asked_tools = 2;
    }
    work(&mut s, 1, (55, 90));
    s.events.push(s.events[2].clone());
    let waits = |events: &[&Event]| {
        let mut signs = crate::turn::PauseSigns::default();
        events.iter().for_each(|event| signs.add(event));
        signs.waits(|| events.to_vec())
    };
    let [agent, call, tool, again] = &s.events[..] else {
        panic!("four spans");
    };
    assert!(waits(&[agent, call, tool, again]) && waits(&[again, tool, call, agent]));
    let mut other = tool.clone();
    other.span = span(9);
    assert!(!waits(&[&other, tool, call]) && !waits(&[call, tool, &other]));
    // What ran before the call is none of what it asked for.
    other.start = Timestamp(5_000_000);
    assert!(waits(&[&other, tool, call]));
    // More tools than are counted.
    let many: Vec<Event> = (0..40u64)
        .map(|n| Event {
            span: span(100 + n),
            start: Timestamp((60 + n) * 1_000_000),
            ..tool.clone()
        })
        .collect();
    let mut all: Vec<&Event> = many.iter().chain([call]).collect();
    assert!(!waits(&all));
    all.reverse();
    assert!(!waits(&all));
}

/// T-13.
#[test]
fn what_nobody_decides_is_answered_and_its_tool_no_call() {
    for pause in [None, Some(Pause::Waits), Some(Pause::MayWait)] {
        let facts = run(&paused(pause));
        assert_eq!(results(&facts), [TurnResult::Answered], "{pause:?}");
        assert_eq!(tools(&facts), []);
        assert_eq!(outcomes(&facts), [Outcome::Unverified]);
        // Its decision comes after the time that a turn may take.
        let mut s = paused(pause);
        go_on(&mut s, 70 * MINUTE, true);
        assert_eq!(results(&run(&s)).len(), 2);
    }
}

/// T-14.
#[test]
fn a_new_message_ends_the_wait() {
    let mut s = paused(Some(Pause::Waits));
    let agent = s.agent(0, "a", (9_000, 9_100));
    s.in_trace(2);
    s.call(agent, (9_010, 9_090));
    set_continues(&mut s, false);
    s.in_trace(2);
    let both = [TurnResult::Answered; 2];
    assert_eq!(results(&run(&s)), both);
    // What goes on later goes on with nothing that waits.
    go_on(&mut s, 20_000, true);
    for event in &mut s.events[5..] {
        event.trace = trace(3);
    }
    assert_eq!(results(&run(&s)).len(), 3);
}

/// T-14, S-11: a rating, a span of another service and a rated run are no turns.
#[test]
fn a_remark_does_not_end_the_wait() {
    use Kind::{Structure, Workflow};
    for (kind, rated) in [(Structure, true), (Structure, false), (Workflow, true)] {
        let case = format!("{kind:?} {rated}");
        let mut s = paused(Some(Pause::Waits));
        s.add(0, (60_000, 60_001), kind);
        s.in_trace(3);
        if rated {
            s.last().rare.evaluations = notes::scored("csat", 0.5);
        }
        go_on(&mut s, 40 * MINUTE, true);
        let facts = run(&s);
        let expected = (TurnResult::Answered, u128::from(40 * MINUTE) + 90);
        assert_eq!(turns(&facts), [expected], "{case}");
        let is_rating = |what: &What| matches!(what, What::Feedback { .. });
        assert_eq!(count(&facts, is_rating), usize::from(rated), "{case}");
        // Nor does it wait itself: a new question is another turn, which ends the wait.
        s.events.truncate(4);
        let agent = s.agent(0, "a", (120_000, 120_100));
        s.in_trace(4);
        s.call(agent, (120_010, 120_090));
        set_continues(&mut s, false);
        s.in_trace(4);
        go_on(&mut s, 40 * MINUTE, true);
        assert_eq!(results(&run(&s)).len(), 3, "{case}");
    }
}

/// A call in a trace of its own, as a proxy shows it.
fn proxied(s: &mut Scene, number: u8, start: u64, to: &[&str], continues: bool) {
    s.asking(0, (start, start + 50), to);
    set_continues(s, continues);
    s.in_trace(number);
}

/// T-14.
#[test]
fn behind_a_proxy_a_turn_goes_on_after_a_handoff() {
    for (to, after, number, expected) in [
        ("refund", 60, true, vec![TurnResult::Answered]),
        ("human", 60, true, vec![TurnResult::Answered]),
        ("refund", 110_000, true, vec![TurnResult::Answered]),
        // It is a new request, or the answer of nobody who waits.
        (
            "refund",
            60,
            false,
            vec![TurnResult::Failed, TurnResult::Answered],
        ),
        (
            "refund",
            130_000,
            true,
            vec![TurnResult::Failed, TurnResult::Answered],
        ),
    ] {
        let mut s = Scene::default();
        proxied(&mut s, 1, 0, &[to], false);
        proxied(&mut s, 2, after, &[], number);
        assert_eq!(results(&run(&s)), expected, "{to} {after} {number}");
    }
    // The request is not over with its first call: what comes third goes on with both.
    let mut s = Scene::default();
    proxied(&mut s, 1, 0, &["refund"], false);
    proxied(&mut s, 2, 60_000, &["support"], true);
    proxied(&mut s, 3, 130_000, &[], true);
    assert_eq!(results(&run(&s)), [TurnResult::Answered]);
}

/// T-14: where agents, runs or tools are shown, another trace is another turn.
#[test]
fn a_turn_whose_work_is_shown_does_not_wait_for_a_handoff() {
    let kinds = [
        Kind::Agent { inferred: false },
        Kind::Agent { inferred: true },
        Kind::Workflow,
        Kind::Structure,
    ];
    for kind in kinds {
        let alone = kind == Kind::Structure;
        let mut s = Scene::default();
        s.add(0, (0, 60), kind);
        s.asking(1, (1, 50), &["refund"]);
        proxied(&mut s, 2, 10_000, &[], true);
        assert_eq!(results(&run(&s)).len(), if alone { 1 } else { 2 });
    }
    // An agent that is named is found by its name (H-7).
    let mut s = Scene::default();
    proxied(&mut s, 1, 0, &["refund"], false);
    s.last().agent = Some(name("desk"));
    proxied(&mut s, 2, 10_000, &[], true);
    assert_eq!(results(&run(&s)).len(), 2);
    let mut s = Scene::default();
    s.add(0, (0, 60), Kind::Structure);
    s.last().error = true;
    s.asking(1, (1, 50), &["refund"]);
    proxied(&mut s, 2, 10_000, &[], true);
    assert_eq!(results(&run(&s)).len(), 2);
}

/// T-13: a tool without a result is a call like others where its run goes on.
#[test]
fn a_tool_that_returns_nothing_ran() {
    let mut s = paused(Some(Pause::MayWait));
    s.call(1, (92, 98));
    let facts = run(&s);
    assert_eq!(turns(&facts), [(TurnResult::Answered, 98)]);
    assert_eq!(tools(&facts), [Ending::Ok]);
    // And where the run failed.
    let mut s = paused(Some(Pause::MayWait));
    s.events[0].error = true;
    let facts = run(&s);
    assert_eq!(results(&facts), [TurnResult::Failed]);
    assert_eq!(tools(&facts), [Ending::Ok]);
}

/// T-13.
#[test]
fn a_question_to_the_user_answers() {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    asks_tools(&mut s, agent, (10, 50));
    work(&mut s, agent, (60, 90));
    with_pause(&mut s, Pause::Asks);
    let facts = run(&s);
    assert_eq!(turns(&facts), [(TurnResult::Answered, 90)]);
    assert_eq!(tools(&facts), [Ending::Ok]);
}

/// C-16, T-3.
#[test]
fn cancelled_work_neither_failed_nor_answered() {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    s.call(agent, (10, 90));
    s.last().rare = OptionBox::new(RareFields {
        cancelled: true,
        ..RareFields::default()
    });
    let facts = run(&s);
    let endings: Vec<Ending> = facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Model(call) => Some(call.ending),
            What::Agent(agent) => Some(agent.ending),
            _ => None,
        })
        .collect();
    assert_eq!(endings, [Ending::Cancelled; 2]);
    assert_eq!(results(&facts), [TurnResult::Failed]);
    assert_eq!(outcomes(&facts), [Outcome::Abandoned]);
}

/// T-15.
#[test]
fn a_failed_run_is_no_answer() {
    use TurnResult::{Answered, Failed};
    for (root_fails, expected) in [(true, Failed), (false, Answered)] {
        let mut s = Scene::default();
        let root = s.add(0, (0, 100), Kind::Workflow);
        s.last().error = root_fails;
        let agent = s.agent(root, "a", (0, 90));
        s.call(agent, (10, 80));
        assert_eq!(results(&run(&s)), [expected]);
    }
    // Two branches at once: one failed and nobody took up what the other one said.
    for (again, joined, expected) in [
        (false, false, Failed),
        (true, false, Answered),
        (false, true, Answered),
    ] {
        let mut s = Scene::default();
        let root = s.add(0, (0, 200), Kind::Workflow);
        let a = s.agent(root, "a", (0, 50));
        s.failing_call(a, (10, 40));
        let b = s.agent(root, "b", (0, 100));
        s.call(b, (10, 90));
        if again {
            let a = s.agent(root, "a", (60, 95));
            s.call(a, (61, 89));
        }
        if joined {
            let c = s.agent(root, "c", (110, 190));
            s.call(c, (120, 180));
        }
        assert_eq!(results(&run(&s)), [expected], "{again} {joined}");
    }
    // A try that failed, and a tool of which the model then told.
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    s.failing_call(agent, (1, 10));
    s.call(agent, (11, 20));
    work(&mut s, agent, (21, 30));
    s.last().error = true;
    s.call(agent, (31, 90));
    assert_eq!(results(&run(&s)), [Answered]);
}

/// T-2, T-6.
#[test]
fn a_run_of_a_nameless_agent_is_a_turn_and_a_lost_tool_is_none() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Structure);
    s.add(root, (0, 90), Kind::Agent { inferred: false });
    assert_eq!(turns(&run(&s)), [(TurnResult::Answered, 90)]);
    s.last().error = true;
    assert_eq!(results(&run(&s)), [TurnResult::Failed]);
    let mut s = Scene::default();
    s.tool(0, "dig", (0, 100), None);
    let facts = run(&s);
    assert_eq!((turns(&facts), tools(&facts)), (vec![], vec![Ending::Ok]));
    // A tool that names its session is a turn as before.
    s.last().context.session = Some(SessionHint {
        id: name("s"),
        source: SessionSource::Span,
    });
    assert_eq!(results(&run(&s)), [TurnResult::Answered]);
}

/// T-2: a run without a name is the delegate's inside a tool that delegates, and a part of the agent's inside one of an agent.
#[test]
fn a_nameless_run_inside_is_the_work_of_whoever_it_is_inside() {
    let mut s = Scene::default();
    let boss = s.agent(0, "boss", (0, 100));
    s.call(boss, (1, 10));
    let tool = s.tool(boss, "task", (11, 90), Some("helper"));
    s.last().error = true;
    if let Kind::Tool(tool) = &mut s.last().kind {
        tool.delegates = true;
    }
    s.add(tool, (12, 80), Kind::Agent { inferred: false });
    s.call(boss, (91, 99));
    assert_eq!(handoffs(&run(&s)), ["boss -> helper delegation success"]);
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    s.last().error = true;
    s.add(agent, (1, 90), Kind::Agent { inferred: false });
    assert_eq!(turns(&run(&s)), [(TurnResult::Failed, 100)]);
}
