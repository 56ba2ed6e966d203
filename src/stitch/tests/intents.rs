//! What becomes of the user's intent in a handoff.

use super::*;

/// How the handoffs of a scene passed the intent on: kept or changed, from what to what.
fn intents(scene: &Scene) -> Vec<String> {
    let facts = run(scene).into_iter();
    let told = facts.filter_map(|fact| match fact.what {
        What::Handoff(handoff) => handoff.intent,
        _ => None,
    });
    told.map(|intent| {
        let result = if intent.kept { "kept" } else { "changed" };
        match intent.sides {
            Some((before, after)) => format!("{result}: {before} -> {after}"),
            None => result.to_owned(),
        }
    })
    .collect()
}

/// A transfer; `declares` gives spans (their place in the scene) the intent that they declare.
fn with(declares: &[(usize, &str)]) -> Scene {
    let mut s = transfer_with(0..10);
    for (place, intent) in declares {
        s.events[*place].context.intent = Some(name(intent));
    }
    s
}

// The places of the scene's spans.
const ROOT: usize = 0;
const TRIAGE: usize = 1;
const ASKING: usize = 2;
const TOOL: usize = 3;
const REFUND: usize = 4;
const ANSWER: usize = 5;

#[test]
fn an_intent_is_kept_or_changed_where_both_sides_declare_one() {
    let kept = "kept: refund -> refund";
    let changed = "changed: refund -> sales";
    for (declares, expected) in [
        (&[(TRIAGE, "refund"), (REFUND, "refund")][..], &[kept][..]),
        (&[(TRIAGE, "refund"), (REFUND, "sales")], &[changed]),
        // Any span of an agent declares for it: the last one before, the first one after.
        (
            &[(TRIAGE, "hello"), (ASKING, "refund"), (ANSWER, "sales")],
            &[changed],
        ),
        (
            &[(ASKING, "refund"), (REFUND, "refund"), (ANSWER, "sales")],
            &[kept],
        ),
        (&[(TOOL, "refund"), (REFUND, "sales")], &[changed]),
        // What is declared around both agents says nothing of either.
        (&[(ROOT, "refund"), (REFUND, "sales")], &[]),
        (&[(TRIAGE, "refund")], &[]),
        (&[], &[]),
    ] {
        assert_eq!(intents(&with(declares)), expected, "{declares:?}");
    }
}

#[test]
fn an_evaluation_of_the_intent_goes_before_the_names() {
    for (score, expected) in [(1.0, "kept: a -> b"), (0.2, "changed: a -> b")] {
        for place in [TOOL, REFUND] {
            let mut s = with(&[(TRIAGE, "a"), (REFUND, "b")]);
            s.events[place].rare.evaluations.push(Evaluation {
                name: name("intent_retention"),
                score: Some(score),
                label: None,
                by_record: false,
            });
            assert_eq!(intents(&s), [expected]);
            s.events[TRIAGE].context.intent = None;
            let (bare, _) = expected.split_once(':').expect("a result");
            assert_eq!(intents(&s), [bare]);
        }
    }
}

#[test]
fn a_target_of_a_later_turn_is_compared_with_what_its_source_declared() {
    let mut s = Scene::default();
    let triage = s.agent(0, "triage", (0, 20));
    s.last().context.intent = Some(name("refund"));
    s.asking(triage, (1, 15), &["refund"]);
    s.agent(0, "refund", (10_000, 10_100));
    s.last().context.intent = Some(name("sales"));
    s.in_trace(2);
    s.call(3, (10_001, 10_050));
    s.in_trace(2);
    assert_eq!(intents(&s), ["changed: refund -> sales"]);
}

#[test]
fn what_another_span_declares_in_the_time_of_the_target_says_nothing_of_it() {
    let mut s = with(&[(TRIAGE, "refund"), (ANSWER, "refund")]);
    s.add(1, (42, 43), Kind::Structure);
    s.last().context.intent = Some(name("sales"));
    assert_eq!(intents(&s), ["kept: refund -> refund"]);
}

#[test]
fn nobody_hands_an_intent_to_a_human_or_to_an_agent_that_never_comes() {
    for to in ["human", "crypto"] {
        let mut s = Scene::default();
        let triage = s.agent(0, "triage", (0, 60));
        s.last().context.intent = Some(name("refund"));
        s.asking(triage, (1, 30), &[to]);
        let facts = run(&s);
        assert_eq!(count(&facts, |w| matches!(w, What::Handoff(_))), 1);
        assert_eq!(intents(&s), NOTHING, "{to}");
    }
}
