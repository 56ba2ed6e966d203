//! What is declared and cannot be used: it is counted.

use super::group;
use super::record::{EVALUATION, attributes, notes, record};
use crate::model::reject::{Unread, UnreadCounts};
use crate::model::time::Timestamp;
use crate::normalise::*;
use crate::otlp::view::{Attributes, SpanEvent, Value};

/// What was read of one span with these attributes and verdicts in span events, and what was not.
fn read(pairs: &[(&str, &str)], verdicts: &[Attributes<'static>]) -> (Box<Event>, UnreadCounts) {
    let batch = group("app", "x", pairs, |span| {
        let verdicts = verdicts.iter().map(|attributes| SpanEvent {
            name: EVALUATION,
            time: Timestamp(1),
            attributes: attributes.clone(),
        });
        span.events = verdicts.collect();
    });
    let normaliser = Normaliser::new(Settings::default(), Arc::new(PriceBook::default()));
    let mut scratch = Scratch::default();
    let mut events = normaliser.normalise(&batch, &mut scratch);
    let unread = *scratch.take_span_counts().unread();
    (events.remove(0), unread)
}

#[test]
fn an_outcome_in_an_unknown_word_of_an_evaluation_is_counted() {
    let judged = |name, word| {
        attributes(&[
            ("gen_ai.evaluation.name", name),
            ("gen_ai.evaluation.score.label", word),
        ])
    };
    for (name, word, unknown) in [
        ("task_completion", "partially", Some("partially")),
        ("task_completion", "pass", None),
        ("tone", "partially", None),
    ] {
        let (event, _) = read(&[], &[judged(name, word)]);
        assert_eq!(
            event.rare.unknown_outcome.as_deref(),
            unknown,
            "{name} {word}"
        );
        let mut log = record(EVALUATION, &[]);
        log.attributes = judged(name, word);
        let note = notes(vec![log]).remove(0);
        assert_eq!(
            note.rare.unknown_outcome.as_deref(),
            unknown,
            "{name} {word}"
        );
    }
    // A score decides.
    let scored = [
        ("gen_ai.evaluation.name", Value::Str("task_completion")),
        ("gen_ai.evaluation.score.label", Value::Str("partially")),
        ("gen_ai.evaluation.score.value", Value::Double(0.7)),
    ];
    let scored = scored.into_iter().collect();
    let (event, _) = read(&[], &[scored]);
    assert_eq!(event.rare.unknown_outcome, None);
}

#[test]
fn an_evaluation_without_a_name_is_counted() {
    let nameless: Attributes<'static> = [("gen_ai.evaluation.score.value", Value::Double(0.7))]
        .into_iter()
        .collect();
    let named = attributes(&[("gen_ai.evaluation.name", "tone")]);
    let (event, unread) = read(&[], &[nameless.clone(), named, nameless]);
    assert_eq!(event.rare.evaluations.len(), 1);
    assert_eq!(unread.of(Unread::EvaluationWithoutName), 2);
}

#[test]
fn an_amount_out_of_range_is_counted() {
    const CALL: (&str, &str) = ("gen_ai.operation.name", "chat");
    for (pairs, unread) in [
        (&[("transaction.value.usd", "-5")][..], 1),
        (&[("transaction.value.usd", "1e300")], 1),
        (&[("transaction.value.usd", "twelve")], 1),
        (&[("transaction.value.usd", "12")], 0),
        (&[CALL, ("gen_ai.usage.cost", "-1")], 1),
        (&[CALL, ("gen_ai.usage.cost", "1e300")], 1),
        (&[CALL, ("gen_ai.usage.cost", "0.25")], 0),
        // Nobody knows the price (C-12).
        (&[CALL, ("gen_ai.usage.cost", "0")], 0),
    ] {
        assert_eq!(
            read(pairs, &[]).1.of(Unread::AmountOutOfRange),
            unread,
            "{pairs:?}"
        );
    }
}

#[test]
fn verdicts_of_a_baton_change_no_figure_and_are_counted() {
    let mut batch = group("app", "x", &[], |_| {});
    batch.scope.name = VERDICT_SCOPE;
    let judged = [
        ("gen_ai.evaluation.name", "task_completion"),
        ("gen_ai.evaluation.score.label", "pass"),
    ];
    let mut log = record(EVALUATION, &[]);
    log.attributes = attributes(&judged);
    batch.logs = vec![log].into();
    let normaliser = Normaliser::new(Settings::default(), Arc::new(PriceBook::default()));
    let mut scratch = Scratch::default();
    assert!(normaliser.normalise(&batch, &mut scratch).is_empty());
    let counts = scratch.take_span_counts();
    assert_eq!(counts.unread().of(Unread::Verdict), 2);
    assert_eq!(counts.counts().iter().sum::<u64>(), 1, "its span");
}
