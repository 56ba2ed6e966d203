//! Evaluations of a span: scores and verdicts, and what is declared of the retention in a handoff.

use super::interner::NameInterners;
use super::{outcome, topics};
use crate::model::Name;
use crate::model::evaluation::{CONTEXT_RETENTION, Evaluation, INTENT_RETENTION};
use crate::otlp::attribute_key::{AttributeKey, AttributeKeys};
use crate::otlp::view::{Attributes, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Attributes that declare how much passed in a handoff, from 0 to 1, and the evaluation that each stands for.
pub(super) const RETENTION: [(&str, AttributeKeys); 2] = [
    (CONTEXT_RETENTION, topics::CONTEXT_RETENTION),
    (INTENT_RETENTION, topics::INTENT_RETENTION),
];

/// The name of a span event or a log record that is an evaluation.
pub(super) const EVENT: &str = "gen_ai.evaluation.result";
/// What is evaluated, the verdict in a word, and the score.
pub(super) const EVALUATION: AttributeKey = AttributeKey::known("gen_ai.evaluation.name");
pub(super) const LABEL: AttributeKey = AttributeKey::known("gen_ai.evaluation.score.label");
/// A `gen_ai.evaluation.result` in a log record, a span event or the span's own attributes.
pub(super) fn of(
    event_name: &str,
    attributes: &Attributes<'_>,
    names: &NameInterners,
) -> Option<Evaluation> {
    if event_name != EVENT {
        return None;
    }
    let score = |key: &AttributeKey| score(attributes.get(*key)?);
    let score = topics::EVALUATION_SCORE.iter().find_map(score);
    let label = attributes.str(LABEL);
    Some(evaluation(names, attributes.str(EVALUATION)?, score, label))
}

/// An evaluation; where it has no score, its word gives one (S-13).
fn evaluation(
    names: &NameInterners,
    name: &str,
    score: Option<f64>,
    label: Option<&str>,
) -> Evaluation {
    // Words of outcomes are read by `outcome.rs`.
    let decides = || outcome::EVALUATIONS.contains(&name.to_ascii_lowercase().as_str());
    let score = score.or_else(|| label.filter(|_| !decides()).and_then(of_word));
    Evaluation {
        name: names.name(name),
        score: score.filter(|score| score.is_finite()),
        label: label.map(|label| names.name(label)),
        by_record: false,
    }
}

fn score(value: &Value<'_>) -> Option<f64> {
    let flag = value.as_bool().map(|flag| f64::from(u8::from(flag)));
    flag.or_else(|| value.as_f64())
}

/// Words that say yes, and those that say no.
const VERDICTS: [(f64, &[&str]); 2] = [
    (
        1.0,
        &[
            "pass",
            "passed",
            "positive",
            "good",
            "thumbs_up",
            "thumbsup",
            "thumb_up",
            "up",
            "like",
            "liked",
            "helpful",
            "correct",
            "true",
            "yes",
        ],
    ),
    (
        0.0,
        &[
            "fail",
            "failed",
            "negative",
            "bad",
            "thumbs_down",
            "thumbsdown",
            "thumb_down",
            "down",
            "dislike",
            "disliked",
            "unhelpful",
            "not_helpful",
            "incorrect",
            "false",
            "no",
        ],
    ),
];

/// The score that a word stands for (S-13).
fn of_word(word: &str) -> Option<f64> {
    let word = word.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    let mut verdicts = VERDICTS.iter();
    let found = verdicts.find(|(_, words)| words.contains(&word.as_str()));
    found.map(|(score, _)| *score)
}

/// More verdicts on one span are none that anybody writes.
pub(super) const MAX_VERDICTS: usize = 32;

/// The flattened verdicts of OpenInference on a span, its trace or its session: `annotations.0.annotation.name`.
pub(super) fn flattened(attributes: &Attributes<'_>, names: &NameInterners) -> Vec<Evaluation> {
    let mut found: BTreeMap<&str, [Option<&Value<'_>>; 3]> = BTreeMap::new();
    for (of, place, value) in flattened_fields(attributes) {
        if found.len() < MAX_VERDICTS || found.contains_key(of) {
            found.entry(of).or_default()[place] = Some(value);
        }
    }
    let read = found.into_values().filter_map(|[name, score, label]| {
        let label = label.and_then(Value::as_str);
        let score = score.and_then(self::score);
        Some(evaluation(names, name?.as_str()?, score, label))
    });
    read.collect()
}

/// The fields of flattened verdicts: of which one, the place of the field, and its value.
fn flattened_fields<'a>(
    attributes: &'a Attributes<'_>,
) -> impl Iterator<Item = (&'a str, usize, &'a Value<'a>)> {
    attributes.others().filter_map(|(name, value)| {
        let is_one = topics::VERDICTS.iter().any(|start| name.starts_with(start));
        let (of, field) = name.rsplit_once('.').filter(|_| is_one)?;
        let place = ["name", "score", "label"]
            .iter()
            .position(|f| *f == field)?;
        Some((of, place, value))
    })
}

/// How many verdicts [`flattened`] leaves out.
pub(super) fn verdicts_over_limit(attributes: &Attributes<'_>) -> usize {
    let verdicts: BTreeSet<&str> = flattened_fields(attributes).map(|(of, ..)| of).collect();
    verdicts.len().saturating_sub(MAX_VERDICTS)
}

/// What is declared of the retention in a handoff, as the evaluations of that name.
pub(super) fn retention<'a>(
    attributes: &'a Attributes<'_>,
) -> impl Iterator<Item = Evaluation> + 'a {
    RETENTION.iter().filter_map(|(evaluation, keys)| {
        let score = keys.iter().find_map(|key| attributes.f64(*key))?;
        (0.0..=1.0).contains(&score).then(|| Evaluation {
            name: Name::from(*evaluation),
            score: Some(score),
            label: None,
            by_record: false,
        })
    })
}
