//! What a fact weighs whose sender sampled.

use super::money::{ask_a_human, call, event, play, settings, tool};
use super::*;
use crate::model::event::HandoffSpan;
use crate::model::sampling::Threshold;
use proptest::prelude::*;

/// The threshold at which one of so many spans is kept; a power of two.
fn one_of(count: u64) -> Option<Threshold> {
    Threshold::new((1 << 56) - (1 << 56) / count)
}

fn sampled(mut event: Event, count: u64) -> Event {
    event.rare.threshold = one_of(count);
    event
}

/// Facts of a kind with their weights.
fn weights(facts: &[Fact], pick: impl Fn(&What) -> bool) -> Vec<u64> {
    let picked = facts.iter().filter(|fact| pick(&fact.what));
    picked.map(Fact::weight).collect()
}

/// A score in a log record about a span of trace 1.
fn verdict(span: u64) -> Event {
    let mut note = event(1, span, (2, 3), tool("x", false));
    note.kind = Kind::Note(1);
    note.rare.evaluations = list![Evaluation {
        name: "relevance".into(),
        score: Some(0.5),
        label: None,
        by_record: false,
    }];
    note
}

fn at_once(events: impl IntoIterator<Item = Event>) -> Vec<Fact> {
    play(events.into_iter().map(|e| (0, e)).collect(), &settings())
}

#[test]
fn a_turn_and_all_that_is_in_it_weighs_as_its_trace() {
    let facts = at_once([
        sampled(event(1, 1, (0, 1), call(0.25)), 4),
        sampled(event(1, 2, (1, 2), tool("lookup", false)), 4),
        sampled(event(1, 3, (2, 3), ask_a_human()), 4),
    ]);
    let own = |what: &What| matches!(what, What::Pending(_));
    assert!(facts.len() > 8, "{facts:?}");
    let rest = weights(&facts, |what| !own(what));
    assert!(rest.iter().all(|weight| *weight == 4), "{facts:?}");
}

#[test]
fn without_a_threshold_everything_weighs_one() {
    let facts = at_once([event(1, 1, (0, 1), call(0.25))]);
    assert!(facts.iter().all(|fact| fact.weight() == 1));
}

#[test]
fn a_span_weighs_as_it_says_and_its_turn_as_the_surest_span_of_its_trace() {
    let facts = at_once([
        sampled(event(1, 1, (0, 1), call(0.25)), 2),
        sampled(event(1, 2, (1, 2), tool("lookup", false)), 8),
        // It says nothing: it was kept with the others.
        event(1, 3, (2, 3), tool("lookup", false)),
    ]);
    assert_eq!(weights(&facts, |w| matches!(w, What::Tool(_))), [8, 2]);
    assert_eq!(weights(&facts, |w| matches!(w, What::Action(_))), [8, 2]);
    assert_eq!(weights(&facts, |w| matches!(w, What::Turn(_))), [2]);
    assert_eq!(weights(&facts, |w| matches!(w, What::Workflow(_))), [2]);
}

#[test]
fn a_workflow_weighs_as_the_surest_of_its_traces() {
    let turn = |trace, at| event(trace, 1, (at, at + 1), call(0.25));
    let facts = at_once([sampled(turn(1, 0), 8), sampled(turn(2, 60), 2)]);
    assert_eq!(weights(&facts, |w| matches!(w, What::Turn(_))), [8, 2]);
    assert_eq!(weights(&facts, |w| matches!(w, What::Workflow(_))), [2]);
    assert_eq!(weights(&facts, |w| matches!(w, What::Session)), [8]);
    let facts = at_once([sampled(turn(1, 0), 8), turn(2, 60)]);
    assert_eq!(weights(&facts, |w| matches!(w, What::Workflow(_))), [1]);
}

#[test]
fn a_step_of_the_funnel_weighs_as_its_workflow() {
    use crate::rules::{Condition, Rule, RuleScope, Rules};
    let condition =
        Condition::compile(RuleScope::Turn, "turn.result == 'answered'").expect("a rule");
    let mut with_step = settings();
    with_step.judge.rules = std::sync::Arc::new(Rules {
        outcomes: Vec::new(),
        steps: vec![Rule {
            name: name("answered"),
            condition,
            then: name("answered"),
        }],
    });
    let turn = |of, at| event(of, 1, (at, at + 1), call(0.25));
    let events = vec![(0, sampled(turn(1, 0), 8)), (0, sampled(turn(2, 60), 2))];
    let step = |what: &What| matches!(what, What::FunnelStep { .. });
    assert_eq!(weights(&play(events, &with_step), step), [2]);
}

#[test]
fn what_comes_late_weighs_as_it_says_or_as_its_trace() {
    let facts = play(
        vec![
            (0, sampled(event(1, 1, (0, 1), call(0.25)), 4)),
            (60, sampled(event(1, 2, (1, 2), tool("lookup", false)), 2)),
            (61, verdict(3)),
        ],
        &settings(),
    );
    assert_eq!(weights(&facts, |w| matches!(w, What::Tool(_))), [2]);
    let score = |what: &What| matches!(what, What::Evaluation { .. });
    assert_eq!(weights(&facts, score), [4]);
}

#[test]
fn what_a_log_record_says_weighs_as_its_trace_when_it_comes_in_time_too() {
    for second in [0, 60] {
        let facts = play(
            vec![
                (0, sampled(event(1, 1, (0, 1), call(0.25)), 2)),
                (0, sampled(event(1, 2, (1, 2), tool("lookup", false)), 8)),
                (second, verdict(2)),
            ],
            &settings(),
        );
        let score = |what: &What| matches!(what, What::Evaluation { .. });
        assert_eq!(weights(&facts, score), [2], "after {second} seconds");
    }
}

fn handoff(at: (u64, u64)) -> Event {
    let mut event = event(1, 2, at, tool("x", false));
    event.kind = Kind::Handoff(HandoffSpan {
        from: Some("desk".into()),
        to: Target::Agent("refund".into()),
        delegates: false,
        failed: false,
    });
    event
}

#[test]
fn a_handoff_weighs_as_the_trace_that_made_it_whoever_takes_it_up_or_nobody() {
    let is_handoff = |what: &What| matches!(what, What::Handoff(_));
    let made = [
        (0, sampled(event(1, 1, (0, 1), call(0.25)), 4)),
        (0, sampled(handoff((1, 2)), 4)),
    ];
    let dropped = play(made.to_vec(), &settings());
    assert_eq!(weights(&dropped, is_handoff), [4]);
    let mut target = sampled(event(2, 3, (20, 21), call(0.25)), 16);
    target.agent = Some("refund".into());
    let taken_up = play([made.to_vec(), vec![(20, target)]].concat(), &settings());
    assert_eq!(weights(&taken_up, is_handoff), [4]);
    // Even if its trace is forgotten by then.
    let patient = Settings {
        drop_timeout: settings().idle_timeout * 3,
        ..settings()
    };
    let mut target = sampled(event(2, 3, (4000, 4001), call(0.25)), 16);
    target.agent = Some("refund".into());
    let events = [made.to_vec(), vec![(4000, target)]].concat();
    assert_eq!(weights(&play(events, &patient), is_handoff), [4]);
}

#[test]
fn a_workflow_that_is_contacted_again_weighs_then_as_it_did() {
    let context = |trace, at| {
        let mut event = sampled(event(trace, 1, (at, at + 1), call(0.25)), 4);
        event.context.user = Some("u".into());
        event
    };
    let mut stitcher = Stitcher::new(settings());
    let mut out = Output::default();
    for (id, event) in [("a", context(1, 0)), ("b", context(2, 60))] {
        let record = Record::Event(Box::new(event));
        let key = session(id);
        stitcher.apply(Entry { key, record }, Timestamp(0), &mut out);
    }
    while let Some(due) = stitcher.next_deadline() {
        settle(&mut stitcher, due, &mut out);
    }
    let again = |what: &What| matches!(what, What::Recontact { .. });
    assert_eq!(weights(&out.facts, again), [4]);
}

proptest! {
    /// Whatever spans say of sampling: the order in which they come leaves no mark on the weights.
    #[test]
    fn no_order_shows_in_the_weights(counts in prop::collection::vec(0_u32..5, 2..7), turn in 0_usize..7) {
        let events: Vec<Event> = (1..).zip(&counts).map(|(id, power)| {
            let event = event(1, id, (id, id + 1), call(0.25));
            if *power == 0 { event } else { sampled(event, 1 << power) }
        }).collect();
        let told = |events: Vec<Event>| {
            let facts = at_once(events);
            let mut lines: Vec<String> = facts.iter().map(|f| format!("{f:?} {}", f.weight())).collect();
            lines.sort();
            lines
        };
        let mut other = events.clone();
        other.rotate_left(turn % events.len());
        other.reverse();
        prop_assert_eq!(told(events), told(other));
    }
}
