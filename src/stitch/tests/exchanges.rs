//! Several turns in one trace (T-10, T-11, T-12).

use super::*;

/// An agent that answers in so many milliseconds, under a parent.
fn answers(s: &mut Scene, parent: u64, who: &str, (start, end): (u64, u64)) -> u64 {
    let agent = s.agent(parent, who, (start, end));
    s.call(agent, (start + 1, end - 1));
    agent
}

/// A span of a conversation that says that it is a turn.
fn turn(s: &mut Scene, parent: u64, times: (u64, u64)) -> u64 {
    let id = s.add(parent, times, Kind::Structure);
    s.last().rare.is_exchange = true;
    id
}

/// T-10, T-12.
#[test]
fn each_turn_span_of_a_conversation_is_a_turn_that_lasts_as_long_as_itself() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 80_000), Kind::Structure);
    s.last().context.intent = Some(name("refund"));
    s.add(root, (0, 500), Kind::Structure);
    for start in [20_000, 40_000, 60_000] {
        let turn = turn(&mut s, root, (start, start + 2000));
        s.call(turn, (start + 500, start + 2000));
    }
    let facts = run(&s);
    assert_eq!(turns(&facts), [(TurnResult::Answered, 2000); 3]);
    let sessions = count(&facts, |what| *what == What::Session);
    let workflows = count(&facts, |what| matches!(what, What::Workflow(_)));
    assert_eq!((sessions, workflows), (1, 1));
}

/// T-12.
#[test]
fn a_conversation_of_one_exchange_lasts_as_long_as_the_exchange() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 80_000), Kind::Structure);
    let turn = turn(&mut s, root, (20_000, 22_000));
    s.call(turn, (20_500, 22_000));
    assert_eq!(turns(&run(&s)), [(TurnResult::Answered, 2000)]);
}

/// T-10.
#[test]
fn a_turn_goes_on_with_the_agent_that_it_was_handed_to_at_once() {
    for (pause, expected) in [(10, 1), (3000, 2)] {
        let mut s = Scene::default();
        let root = s.add(0, (0, 9000), Kind::Workflow);
        let first = turn(&mut s, root, (0, 1000));
        s.asking(first, (1, 500), &["refund"]);
        s.last().agent = Some(name("triage"));
        s.tool(first, "transfer_to_refund", (600, 900), Some("refund"));
        s.last().agent = Some(name("triage"));
        let second = turn(&mut s, root, (1000 + pause, 2000 + pause));
        s.call(second, (1001 + pause, 1900 + pause));
        s.last().agent = Some(name("refund"));
        assert_eq!(turns(&run(&s)).len(), expected, "{pause}");
    }
}

/// T-10.
#[test]
fn a_request_after_an_answer_is_a_turn_and_one_in_the_work_of_an_agent_is_none() {
    let request = |s: &mut Scene, parent, times| {
        let id = turn(s, parent, times);
        s.last().rare.remote_parent = true;
        id
    };
    let mut s = Scene::default();
    let root = s.add(0, (0, 9000), Kind::Structure);
    for start in [0, 2000, 4000] {
        let served = request(&mut s, root, (start, start + 1000));
        answers(&mut s, served, "desk", (start + 10, start + 900));
    }
    assert_eq!(turns(&run(&s)).len(), 3);

    let mut s = Scene::default();
    let chief = s.agent(0, "chief", (0, 9000));
    for start in [0, 2000, 4000] {
        let tool = s.tool(chief, "vault_agent", (start, start + 1000), None);
        let served = request(&mut s, tool, (start + 10, start + 990));
        answers(&mut s, served, "vault", (start + 20, start + 900));
    }
    s.call(chief, (8000, 8900));
    assert_eq!(turns(&run(&s)).len(), 1);
}

/// T-11.
#[test]
fn after_an_answer_and_a_pause_the_next_agent_begins_a_turn_and_a_pipeline_is_one() {
    for (pause, names, expected) in [
        (20_000, ["desk"; 3], 3),
        (20_000, ["desk", "billing", "desk"], 3),
        (100, ["writer", "editor", "printer"], 1),
        (100, ["desk"; 3], 1),
    ] {
        let mut s = Scene::default();
        let root = s.add(0, (0, 100_000), Kind::Structure);
        for (n, who) in (0..).zip(names) {
            let start = n * (1000 + pause);
            answers(&mut s, root, who, (start, start + 1000));
        }
        assert_eq!(turns(&run(&s)).len(), expected, "{pause} {names:?}");
    }
}

/// T-11.
#[test]
fn a_request_or_run_that_stays_open_for_a_conversation_holds_several_turns() {
    let pause = 20_000;
    // Another agent, the same words, no pause, and work in the pause are one request to a program.
    for (served, second, anew, pause, busy, expected) in [
        (true, "desk", true, pause, false, 2),
        (false, "desk", true, pause, false, 2),
        (true, "editor", true, pause, false, 1),
        (true, "desk", false, pause, false, 1),
        (true, "desk", true, 100, false, 1),
        (true, "desk", true, pause, true, 1),
    ] {
        let mut s = Scene::default();
        let kind = if served {
            Kind::Structure
        } else {
            Kind::Workflow
        };
        let root = s.add(0, (0, 50_000), kind);
        s.last().rare.is_exchange = served;
        s.last().rare.remote_parent = served;
        let words = if anew { 200..220 } else { 100..120 };
        for (start, who, words) in [(0, "desk", 100..120), (1000 + pause, second, words)] {
            answers(&mut s, root, who, (start, start + 1000));
            s.last().content = Some(Box::new(crate::model::sketch::Content {
                asked: sketch(words),
                ..Default::default()
            }));
        }
        if busy {
            s.add(root, (900, 1000 + pause), Kind::Structure);
        }
        let found = turns(&run(&s)).len();
        assert_eq!(found, expected, "{served} {second} {anew} {pause} {busy}");
    }
}

/// T-11.
#[test]
fn inside_one_run_everything_is_one_turn() {
    let mut s = Scene::default();
    let crew = s.add(0, (0, 100_000), Kind::Workflow);
    for start in [0, 20_000, 40_000] {
        answers(&mut s, crew, "writer", (start, start + 1000));
    }
    assert_eq!(turns(&run(&s)).len(), 1);
}

/// T-11.
#[test]
fn a_new_message_to_the_same_agent_begins_a_turn_without_a_pause() {
    for (second, expected) in [(200..220, 2), (100..120, 1)] {
        let mut s = Scene::default();
        let root = s.add(0, (0, 9000), Kind::Structure);
        for (start, words) in [(0, 100..120), (1100, second)] {
            answers(&mut s, root, "desk", (start, start + 1000));
            s.last().content = Some(Box::new(crate::model::sketch::Content {
                asked: sketch(words),
                ..Default::default()
            }));
        }
        assert_eq!(turns(&run(&s)).len(), expected);
    }
}

/// T-12.
#[test]
fn what_the_span_of_a_conversation_declares_counts_once_at_its_end() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 80_000), Kind::Structure);
    s.last().rare.outcome = Some(OutcomeEvidence {
        outcome: Outcome::Resolved,
    });
    s.last().rare.evaluations = list![Evaluation {
        name: name("csat"),
        score: Some(1.0),
        label: None,
        by_record: false,
    }];
    for start in [20_000, 40_000] {
        let turn = turn(&mut s, root, (start, start + 2000));
        s.call(turn, (start + 500, start + 2000));
    }
    let facts = run(&s);
    assert_eq!(outcomes(&facts), [Outcome::Resolved]);
    assert_eq!(
        count(&facts, |what| matches!(what, What::Feedback { .. })),
        1
    );
}

/// A span that comes late belongs to its trace, whichever exchange it was in, and is known when it comes again.
#[test]
fn spans_of_every_exchange_are_known_when_they_come_again() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 80_000), Kind::Structure);
    for start in [20_000, 40_000] {
        let turn = turn(&mut s, root, (start, start + 2000));
        s.call(turn, (start + 500, start + 2000));
    }
    let mut coming: Vec<(Timestamp, Event)> = s.events.iter().map(|e| (e.end, e.clone())).collect();
    coming.sort_by_key(|(at, _)| *at);
    let again = Timestamp(200_000 * 1_000_000);
    coming.extend(s.events.iter().map(|e| (again, e.clone())));
    let facts = play(coming);
    assert_eq!(count(&facts, |what| *what == What::Duplicate), 5);
    assert_eq!(count(&facts, |what| matches!(what, What::Model(_))), 2);
}

/// What a model call was told by the user.
fn told(s: &mut Scene, words: std::ops::Range<u32>) {
    s.last().content = Some(Box::new(crate::model::sketch::Content {
        asked: sketch(words),
        ..Default::default()
    }));
}

/// T-11: nobody answered the first message, as the agent broke. The same message again is a retry.
#[test]
fn a_new_message_after_an_exchange_that_failed_begins_a_turn() {
    use TurnResult::{Answered, Failed};
    for (agent_fails, second, words, expected) in [
        (
            true,
            "desk",
            200..220,
            vec![(Failed, 1000), (Answered, 999)],
        ),
        (true, "desk", 100..120, vec![(Answered, 2099)]),
        (true, "editor", 200..220, vec![(Answered, 2099)]),
        (false, "desk", 200..220, vec![(Answered, 2099)]),
    ] {
        let mut s = Scene::default();
        let root = s.add(0, (0, 9000), Kind::Structure);
        // The conversation ends with an error, which is that of its first exchange.
        s.last().error = agent_fails && expected.len() == 2;
        let agent = s.agent(root, "desk", (0, 1000));
        s.last().error = agent_fails;
        s.failing_call(agent, (1, 900));
        told(&mut s, 100..120);
        answers(&mut s, root, second, (1100, 2100));
        told(&mut s, words.clone());
        assert_eq!(
            turns(&run(&s)),
            expected,
            "{agent_fails} {second} {words:?}"
        );
    }
}

/// T-11: a run around the agent that failed, and a request that stays open for a conversation.
#[test]
fn a_run_that_failed_is_an_exchange_that_failed() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 9000), Kind::Structure);
    let first = s.add(root, (0, 1000), Kind::Workflow);
    s.last().error = true;
    s.failing_call(first, (1, 900));
    s.last().agent = Some(name("desk"));
    told(&mut s, 100..120);
    answers(&mut s, root, "desk", (1100, 2100));
    told(&mut s, 200..220);
    let both = [(TurnResult::Failed, 1000), (TurnResult::Answered, 999)];
    assert_eq!(turns(&run(&s)), both);

    for (pause, expected) in [(20_000, 2), (100, 1)] {
        let mut s = Scene::default();
        let root = s.add(0, (0, 50_000), Kind::Workflow);
        let agent = s.agent(root, "desk", (0, 1000));
        s.last().error = true;
        s.failing_call(agent, (1, 900));
        told(&mut s, 100..120);
        answers(&mut s, root, "desk", (1000 + pause, 2000 + pause));
        told(&mut s, 200..220);
        assert_eq!(turns(&run(&s)).len(), expected, "{pause}");
    }
}
