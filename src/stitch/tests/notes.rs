//! What log records add to spans, and what clocks and wrappers do to the tree.

use super::keys::{KeyedDesk, seconds};
use super::*;

pub(super) fn scored(evaluation: &str, score: f64) -> List<Evaluation> {
    list![Evaluation {
        name: name(evaluation),
        score: Some(score),
        label: None,
        by_record: false,
    }]
}

/// The scores that were counted, by name.
fn scores(facts: &[Fact]) -> Vec<(String, f64)> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Evaluation { name, score } => Some((name.to_string(), *score)),
            _ => None,
        })
        .collect()
}

/// Notes to span 2, a call of agent `a`.
fn noted(notes: &[(u64, List<Evaluation>)]) -> Scene {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    s.call(agent, (1, 90));
    s.last().rare.evaluations = scored("bleu", 0.5);
    for (id, evaluations) in notes {
        s.add(1, (50, 50), Kind::Note(*id));
        s.last().span = span(2);
        s.last().rare.evaluations = evaluations.clone();
    }
    s
}

/// C-6, W-4.
#[test]
fn notes_add_to_their_span_what_it_does_not_say_itself() {
    let facts = run(&noted(&[
        (1, scored("bleu", 0.5)),
        (2, scored("rouge", 0.25)),
        (2, scored("rouge", 0.25)),
    ]));
    let bleu = ("bleu".to_owned(), 0.5);
    let rouge = ("rouge".to_owned(), 0.25);
    assert_eq!(scores(&facts), [bleu, rouge]);
    assert_eq!(count(&facts, |what| *what == What::Duplicate), 1);
    assert_eq!(turns(&facts).len(), 1);
    assert_eq!(count(&facts, is_call), 1);
}

/// W-6.
#[test]
fn notes_after_the_decision_count_once_each() {
    let s = noted(&[
        (1, scored("rouge", 0.25)),
        (2, scored("meteor", 0.75)),
        (2, scored("meteor", 0.75)),
    ]);
    let mut desk = KeyedDesk::new(Settings::default());
    for (n, event) in s.events.iter().enumerate() {
        let second = if n < 2 { 0 } else { 10 };
        let record = Record::Event(Box::new(event.clone()));
        desk.apply(&session("s"), record, second);
    }
    let facts = desk.end();
    assert_eq!(scores(&facts).len(), 3);
    assert_eq!(count(&facts, |what| *what == What::Duplicate), 1);
}

/// C-6: what says again what a span or another record says adds nothing, whenever it comes.
#[test]
fn a_verdict_counts_once_whether_its_record_comes_in_time_or_late() {
    let s = noted(&[
        (1, scored("bleu", 0.5)),
        (2, scored("rouge", 0.25)),
        (3, scored("rouge", 0.25)),
        (4, scored("rouge", 0.75)),
    ]);
    for late in [0, 10] {
        let mut desk = KeyedDesk::new(Settings::default());
        for (n, event) in s.events.iter().enumerate() {
            let second = if n < 2 { 0 } else { late };
            let record = Record::Event(Box::new(event.clone()));
            desk.apply(&session("s"), record, second);
        }
        let mut told = scores(&desk.end());
        told.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
        let expected = [("bleu", 0.5), ("rouge", 0.25), ("rouge", 0.75)];
        let expected = expected.map(|(name, score)| (name.to_owned(), score));
        assert_eq!(told, expected, "{late}");
    }
}

/// W-1.
#[test]
fn of_several_verdicts_about_one_span_the_last_one_counts() {
    let ends = |notes: [(u64, u64, Outcome); 2]| {
        let mut s = Scene::default();
        let agent = s.agent(0, "a", (0, 100));
        s.call(agent, (1, 90));
        for (id, at, outcome) in notes {
            s.add(1, (at, at), Kind::Note(id));
            s.last().span = span(2);
            s.last().rare.outcome = Some(OutcomeEvidence { outcome });
        }
        outcomes(&run(&s))
    };
    let (good, bad) = (Outcome::Resolved, Outcome::Failed);
    for (one, two) in [(1, 2), (2, 1)] {
        assert_eq!(ends([(one, 50, good), (two, 60, bad)]), [bad]);
        assert_eq!(ends([(one, 50, bad), (two, 60, good)]), [good]);
    }
}

#[test]
fn a_request_that_a_note_repeats_is_one_request() {
    let request = |to| HandoffRequest {
        target: target(to),
        call_id: None,
    };
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    s.asking(agent, (1, 90), &["b"]);
    s.add(1, (50, 50), Kind::Note(1));
    s.last().span = span(2);
    s.last().rare.requests = list![request("b"), request("c")];
    let dropped = |to| format!("a -> {to} transfer failed dropped");
    assert_eq!(handoffs(&run(&s)), [dropped("b"), dropped("c")]);
}

#[test]
fn a_note_to_a_span_that_never_came_stands_for_it() {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (0, 100));
    s.call(agent, (1, 90));
    s.add(0, (50, 50), Kind::Note(7));
    s.last().span = span(9);
    s.last().rare.evaluations = scored("bleu", 0.5);
    s.call(9, (60, 70));
    s.last().agent = Some(name("a"));
    let facts = run(&s);
    assert_eq!(scores(&facts), [("bleu".to_owned(), 0.5)]);
    assert_eq!(turns(&facts).len(), 1);
}

#[test]
fn what_is_not_about_agents_is_not_even_known() {
    let mut s = Scene::default();
    s.add(0, (0, 10), Kind::Structure);
    let mut desk = KeyedDesk::new(Settings::default());
    // A case is open around it.
    desk.turn(&session("s"), 2, 0);
    for second in [0, 10] {
        let record = Record::Event(Box::new(s.events[0].clone()));
        desk.apply(&session("s"), record, second);
    }
    let about = |fact: &&Fact| fact.trace == trace(1);
    let is_ignored = |fact: &Fact| matches!(fact.what, What::Ignored { .. });
    let facts = desk.end();
    let mut told = facts.iter().filter(about);
    assert!(told.clone().count() == 2 && told.all(is_ignored));
}

///
#[test]
fn a_child_that_starts_before_its_parent_works_for_it_all_the_same() {
    let mut s = Scene::default();
    let agent = s.agent(0, "a", (5, 100));
    let chain = s.add(agent, (3, 90), Kind::Structure);
    s.call(chain, (1, 80));
    let caller = run(&s).into_iter().find_map(|fact| match fact.what {
        What::Model(call) => Some(call.agent),
        _ => None,
    });
    assert_eq!(caller.as_deref(), Some("a"));
}

#[test]
fn a_model_span_that_stands_for_an_agent_is_its_activation() {
    for is_agent in [true, false] {
        let mut s = Scene::default();
        s.call(0, (0, 100));
        s.last().agent = Some(name("a"));
        s.last().error = true;
        if let Kind::Model(call) = &mut s.last().kind {
            call.is_agent = is_agent;
        }
        let failed = run(&s).into_iter().find_map(|fact| match fact.what {
            What::Agent(agent) => Some(agent.ending.is_error()),
            _ => None,
        });
        assert_eq!(
            failed,
            Some(is_agent),
            "the status of its span is the agent's"
        );
    }
}

/// The retention of the only handoff.
fn retention(s: &Scene) -> Option<(f64, &'static str)> {
    run(s).into_iter().find_map(|fact| match fact.what {
        What::Handoff(handoff) => Some(
            handoff
                .retention
                .map(|kept| (kept.ratio, kept.evidence.as_str())),
        ),
        _ => None,
    })?
}

#[test]
fn the_source_knew_what_its_last_chat_call_before_the_handoff_knew() {
    let kept = Some((0.5, "content"));
    assert_eq!(retention(&transfer_with(0..5)), kept);
    // An embedding is no chat, and what the source does after it handed over tells nothing.
    for (operation, times) in [
        (Operation::Embeddings, (10, 33)),
        (Operation::Chat, (36, 39)),
    ] {
        let mut s = transfer_with(0..5);
        let triage = 2;
        s.call(triage, times);
        s.last().content = content(500..600);
        if let Kind::Model(call) = &mut s.last().kind {
            call.operation = operation;
        }
        assert_eq!(retention(&s), kept, "{operation:?}");
    }
    // The target's embedding before its first chat call neither.
    let mut s = transfer_with(0..5);
    s.call(5, (42, 44));
    s.last().content = content(500..600);
    if let Kind::Model(call) = &mut s.last().kind {
        call.operation = Operation::Embeddings;
    }
    assert_eq!(retention(&s), kept);
}

#[test]
fn of_an_unknown_source_and_of_no_tokens_nothing_is_known() {
    let mut s = transfer_with(0..5);
    for event in &mut s.events[..4] {
        event.agent = None;
    }
    assert_eq!(retention(&s), None);
    for (before, expected) in [(0, None), (100, Some((0.5, "tokens")))] {
        let mut s = transfer_with(0..5);
        for (place, input) in [(2, before), (5, 50)] {
            let event = &mut s.events[place];
            event.content = None;
            if let Kind::Model(call) = &mut event.kind {
                call.usage = Some(Usage {
                    input,
                    ..Usage::default()
                });
            }
        }
        assert_eq!(retention(&s), expected, "{before} tokens before");
    }
}

#[test]
fn timers_of_a_session_with_notes_run_out() {
    let mut desk = KeyedDesk::new(Settings::default());
    for event in noted(&[(1, scored("rouge", 0.25))]).events {
        desk.apply(&session("s"), Record::Event(Box::new(event)), 0);
    }
    desk.stitcher.advance(seconds(60), &mut desk.out);
    assert_eq!(turns(&desk.out.facts).len(), 1);
    assert_eq!(outcomes(&desk.out.facts), []);
    assert_eq!(outcomes(&desk.end()), [Outcome::Unverified]);
}
