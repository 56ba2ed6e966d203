//! Scores, feedback and outcomes that come apart from the turn that they are about (S-11, W-6).

use super::keys::{KeyedDesk, answered, seconds};
use super::notes::scored;
use super::*;

/// A span without an agent in a trace of its own that says something about its session.
fn remark(of: u8, second: u64) -> Event {
    let mut s = Scene::default();
    s.add(0, (second * 1000, second * 1000 + 1), Kind::Structure);
    s.in_trace(of);
    s.events.remove(0)
}

fn rated(of: u8, second: u64, score: f64) -> Event {
    let mut event = remark(of, second);
    event.rare.evaluations = scored("csat", score);
    event
}

/// A rating on a run in which nothing shows that it is about.
fn rated_run(of: u8, second: u64, score: f64) -> Event {
    let mut event = rated(of, second, score);
    event.kind = Kind::Workflow;
    event
}

fn resolved(of: u8, second: u64) -> Event {
    let mut event = remark(of, second);
    event.rare.outcome = Some(OutcomeEvidence {
        outcome: Outcome::Resolved,
    });
    event
}

/// What comes of events, each at its own second of arrival.
fn told(events: &[(u64, Event)]) -> Vec<Fact> {
    let arrivals = events
        .iter()
        .map(|(second, event)| (seconds(*second), event.clone()));
    play(arrivals.collect())
}

/// The ratings, with the agents that they are about.
fn ratings(facts: &[Fact]) -> Vec<(String, f64)> {
    let rated = facts.iter().filter_map(|fact| match &fact.what {
        What::Feedback { agent, score, .. } => Some((agent.to_string(), *score)),
        _ => None,
    });
    rated.collect()
}

fn outcomes(facts: &[Fact]) -> Vec<&'static str> {
    let ended = facts.iter().filter_map(|fact| match &fact.what {
        What::Workflow(workflow) => Some(workflow.outcome.as_str()),
        _ => None,
    });
    ended.collect()
}

fn ignored(facts: &[Fact]) -> Vec<(&'static str, u64)> {
    let ignored = facts.iter().filter_map(|fact| match fact.what {
        What::Ignored { reason, events } => Some((reason.as_str(), events)),
        _ => None,
    });
    ignored.collect()
}

/// One answered turn by the agent `desk` that ends in the first second.
fn turn() -> Vec<(u64, Event)> {
    answered(1, 0).into_iter().map(|event| (1, event)).collect()
}

#[test]
fn feedback_in_a_trace_of_its_own_is_about_the_agent_that_answered_last() {
    for (second, why) in [(120, "soon"), (2 * 3600, "after the workflow is closed")] {
        let mut events = turn();
        events.push((second, rated(2, second, 0.5)));
        // Sent again, at once and later.
        events.push((second, rated(2, second, 0.5)));
        events.push((second + 60, rated(2, second, 0.5)));
        let facts = told(&events);
        assert_eq!(ratings(&facts), [("desk".to_owned(), 0.5)], "{why}");
        assert_eq!(turns(&facts).len(), 1, "{why}");
        assert_eq!(count(&facts, |what| *what == What::Session), 1, "{why}");
        assert_eq!(outcomes(&facts), ["unverified"], "{why}");
    }
}

/// S-11.
#[test]
fn a_run_of_which_nothing_shows_but_its_rating_is_about_the_answer() {
    let mut events = turn();
    events.push((120, rated_run(2, 120, 0.5)));
    let facts = told(&events);
    assert_eq!(ratings(&facts), [("desk".to_owned(), 0.5)]);
    assert_eq!(turns(&facts).len(), 1);
}

#[test]
fn a_remark_with_a_link_is_about_the_agent_of_the_linked_span() {
    let mut events = turn();
    let mut other = answered(3, 10);
    other[0].agent = Some(name("second"));
    events.extend(other.into_iter().map(|event| (11, event)));
    let mut about = rated(2, 100, 0.5);
    about.rare.links = list![Link {
        trace: trace(1),
        span: span(2),
    }];
    events.push((100, about));
    assert_eq!(ratings(&told(&events)), [("desk".to_owned(), 0.5)]);
    events.pop();
    events.push((100, rated(2, 100, 0.5)));
    assert_eq!(ratings(&told(&events)), [("second".to_owned(), 0.5)]);
}

/// Two agents, each of which gives a response.
fn two_answers() -> Vec<Event> {
    let mut s = Scene::default();
    for (agent, response, at) in [("first", 7, 0), ("second", 8, 500)] {
        let agent = s.agent(0, agent, (at, at + 100));
        s.call(agent, (at + 10, at + 90));
        if let Kind::Model(call) = &mut s.last().kind {
            call.response = Some(response);
        }
    }
    s.events
}

/// S-12, C-6: in time, late, and in a trace of its own.
#[test]
fn a_record_that_names_a_response_is_about_the_agent_that_gave_it() {
    for (about, expected) in [(7, "first"), (8, "second"), (9, "second")] {
        for (of, second) in [(1, 2), (1, 60), (2, 60)] {
            let mut events: Vec<_> = two_answers().into_iter().map(|e| (1, e)).collect();
            let mut note = rated(of, second, 0.5);
            (note.kind, note.span) = (Kind::Note(1), SpanId::OF_TRACE);
            note.rare.about = Some(about);
            events.push((second, note));
            let facts = told(&events);
            assert_eq!(
                ratings(&facts),
                [(expected.to_owned(), 0.5)],
                "{about} {of} {second}"
            );
        }
    }
    // Its call says the same, and another record speaks of the whole trace.
    let mut events: Vec<_> = two_answers().into_iter().map(|e| (1, e)).collect();
    events[1].1.rare.evaluations = scored("csat", 0.5);
    for (id, about) in [(1, None), (2, Some(7))] {
        let mut note = rated(1, 2, 0.5);
        (note.kind, note.span) = (Kind::Note(id), SpanId::OF_TRACE);
        note.rare.about = about;
        events.push((2, note));
    }
    let both = [("first".to_owned(), 0.5), ("second".to_owned(), 0.5)];
    assert_eq!(ratings(&told(&events)), both);
    // A server that gives all responses one ID: the last one is meant.
    let mut events: Vec<_> = two_answers().into_iter().map(|e| (1, e)).collect();
    if let Kind::Model(call) = &mut events[3].1.kind {
        call.response = Some(7);
    }
    for second in [2, 60] {
        let mut note = rated(1, second, 0.5);
        (note.kind, note.span) = (Kind::Note(second), SpanId::OF_TRACE);
        note.rare.about = Some(7);
        events.push((second, note));
    }
    let both = [("second".to_owned(), 0.5), ("second".to_owned(), 0.5)];
    assert_eq!(ratings(&told(&events)), both);
}

#[test]
fn a_remark_without_any_turn_counts_for_nobody() {
    let facts = told(&[(0, rated(2, 0, 0.5))]);
    assert_eq!(ratings(&facts), [("unknown".to_owned(), 0.5)]);
    assert_eq!(turns(&facts), []);
    assert_eq!(outcomes(&facts), NOTHING);
}

#[test]
fn an_outcome_that_comes_later_counts_for_the_open_workflow() {
    let mut apart = turn();
    apart.push((60, resolved(2, 60)));
    assert_eq!(outcomes(&told(&apart)), ["resolved"]);

    // On a span of a trace whose turn is decided.
    let mut late = turn();
    let mut event = resolved(1, 1);
    event.span = span(9);
    late.push((60, event));
    let facts = told(&late);
    assert_eq!(outcomes(&facts), ["resolved"]);
    assert_eq!(ignored(&facts), []);
}

#[test]
fn an_outcome_that_comes_too_late_is_counted_as_ignored() {
    let mut events = turn();
    events.push((7200, resolved(2, 7200)));
    let facts = told(&events);
    assert_eq!(outcomes(&facts), ["unverified"]);
    assert_eq!(ignored(&facts), [("outcome_after_close", 1)]);

    // The open workflow began after it.
    let mut events = turn();
    let next = answered(3, 7200).into_iter();
    events.extend(next.map(|event| (7201, event)));
    let mut old = resolved(2, 3);
    old.span = span(9);
    events.push((7230, old));
    let facts = told(&events);
    assert_eq!(outcomes(&facts), ["unverified", "unverified"]);
    assert_eq!(ignored(&facts), [("outcome_after_close", 1)]);
}

#[test]
fn an_evaluation_without_a_score_is_counted_as_ignored() {
    let unscored = |mut event: Event| {
        event.rare.evaluations[0].score = None;
        event
    };
    for (of, second) in [(1, 2), (1, 60), (2, 60)] {
        let mut events = turn();
        let mut event = unscored(rated(of, second, 0.5));
        event.span = span(9);
        events.push((second, event.clone()));
        let facts = told(&events);
        let expected = [("evaluation_without_score", 1)];
        assert_eq!(
            (ignored(&facts), ratings(&facts)),
            (expected.into(), vec![])
        );
        // No rule reads its label.
        events.pop();
        let mut labelled = event.clone();
        labelled.rare.evaluations[0].label = Some(name("maybe"));
        events.push((second, labelled.clone()));
        assert_eq!(ignored(&told(&events)), expected);
        // A word that declares no outcome is counted as that.
        labelled.rare.unknown_outcome = Some(name("maybe"));
        events.pop();
        events.push((second, labelled));
        let facts = told(&events);
        assert_eq!(ignored(&facts), []);
        let is_unknown = |what: &What| matches!(what, What::UnknownOutcome { .. });
        assert_eq!(count(&facts, is_unknown), 1);
        // Its label declares the outcome.
        event.rare.outcome = resolved(of, second).rare.outcome.clone();
        events.pop();
        events.push((second, event));
        assert_eq!(ignored(&told(&events)), []);
    }
}

#[test]
fn spans_of_traces_without_agents_are_counted_as_ignored() {
    let facts = told(&[(0, remark(2, 0)), (0, remark(3, 0))]);
    assert_eq!(ignored(&facts), [("not_about_agents", 1); 2]);
}

#[test]
fn sessions_that_meet_know_the_last_answer_of_both() {
    let (a, b) = (session("a"), session("b"));
    for (first, second) in [(&a, &b), (&b, &a)] {
        let mut desk = KeyedDesk::new(Settings::default());
        desk.turn(first, 1, 0);
        let mut later = answered(3, 60);
        later[0].agent = Some(name("later"));
        for event in later {
            desk.apply(second, Record::Event(Box::new(event)), 61);
        }
        desk.apply(&a, Record::Bind(b.clone()), 100);
        desk.deliver(101);
        let about = Record::Event(Box::new(rated(2, 120, 0.5)));
        desk.apply(&b, about, 121);
        assert_eq!(ratings(&desk.end()), [("later".to_owned(), 0.5)]);
    }
}

/// W-6. Who closes a case says what it was worth.
#[test]
fn an_outcome_apart_from_its_turn_brings_its_value() {
    let worth = |facts: &[Fact]| -> Vec<Option<f64>> {
        let ended = facts.iter().filter_map(|fact| match &fact.what {
            What::Workflow(workflow) => Some(workflow.value_usd),
            _ => None,
        });
        ended.collect()
    };
    let valued = |mut event: Event, value: f64| {
        event.context.value_usd = Some(value);
        event
    };
    let turn = || answered(1, 0).into_iter().map(|event| (0, event));
    // In a trace of its own, and late in that of the turn.
    for of in [2, 1] {
        let mut late = valued(resolved(of, 60), 50.0);
        late.span = span(77);
        let events: Vec<(u64, Event)> = turn().chain([(60, late.clone()), (60, late)]).collect();
        assert_eq!(worth(&told(&events)), [Some(50.0)], "{of}");
    }
    // Not where it comes too late.
    let events: Vec<(u64, Event)> = turn()
        .chain([(9000, valued(resolved(2, 9000), 50.0))])
        .collect();
    assert_eq!(worth(&told(&events)), [None]);
}

/// S-11. An agent that links to the turn before and rates itself is no judge.
#[test]
fn an_agent_that_links_and_rates_is_a_turn() {
    let link = |mut event: Event| {
        if event.parent.is_none() {
            event.rare.evaluations = scored("relevance", 0.8);
            event.rare.links.push(Link {
                trace: trace(1),
                span: span(2),
            });
        }
        event
    };
    let first = answered(1, 0).into_iter().map(|event| (0, event));
    let second = answered(2, 60).into_iter().map(|event| (60, link(event)));
    let facts = told(&first.chain(second).collect::<Vec<_>>());
    assert_eq!(turns(&facts).len(), 2);
    // Neither is one that only a call names.
    let mut s = Scene::default();
    let root = s.add(0, (60_000, 60_900), Kind::Structure);
    s.events[0] = link(s.events[0].clone());
    s.call(root, (60_001, 60_800));
    s.last().agent = Some(name("desk"));
    let second = s.events.into_iter().map(|mut event| {
        event.trace = trace(2);
        (60, event)
    });
    let first = answered(1, 0).into_iter().map(|event| (0, event));
    let facts = told(&first.chain(second).collect::<Vec<_>>());
    assert_eq!(turns(&facts).len(), 2);
}

/// S-11. A judge asks a model about an answer, also while the turn is open; when it fails, the user is not concerned.
#[test]
fn the_work_of_a_judge_adds_up_and_is_no_turn() {
    for (second, fails) in [(0, false), (60, false), (60, true)] {
        let mut s = Scene::default();
        let at = second * 1000;
        let root = s.add(0, (at, at + 900), Kind::Structure);
        s.last().rare.evaluations = scored("relevance", 0.8);
        s.last().rare.links.push(Link {
            trace: trace(1),
            span: span(2),
        });
        match fails {
            true => s.failing_call(root, (at + 1, at + 800)),
            false => s.call(root, (at + 1, at + 800)),
        };
        let mut events: Vec<(u64, Event)> = Vec::new();
        events.extend(answered(1, 0).into_iter().map(|event| (0, event)));
        for mut event in s.events {
            event.trace = trace(2);
            // It comes twice, and counts once.
            events.extend([(second, event.clone()), (second, event)]);
        }
        let facts = told(&events);
        assert_eq!(turns(&facts).len(), 1, "{second} {fails}");
        assert_eq!(outcomes(&facts), ["unverified"], "{second} {fails}");
        assert_eq!(count(&facts, is_call), 2, "{second} {fails}");
        let scores = |what: &What| matches!(what, What::Evaluation { .. });
        assert_eq!(count(&facts, scores), 1, "{second} {fails}");
    }
}
