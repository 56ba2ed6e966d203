//! Evaluations of a span: scores and verdicts, and what is declared of the retention in a handoff.

use super::interner::NameInterners;
use super::topics;
use crate::model::Name;
use crate::model::event::{CONTEXT_RETENTION, Evaluation, INTENT_RETENTION};
use crate::otlp::attribute_key::{AttributeKey, AttributeKeys};
use crate::otlp::view::Attributes;

/// Attributes that declare how much passed in a handoff, from 0 to 1, and the evaluation that each stands for.
pub(super) const RETENTION: [(&str, AttributeKeys); 2] = [
    (CONTEXT_RETENTION, topics::CONTEXT_RETENTION),
    (INTENT_RETENTION, topics::INTENT_RETENTION),
];

/// What is evaluated, the verdict in a word, and the score.
pub(super) const EVALUATION: AttributeKey = AttributeKey::known("gen_ai.evaluation.name");
pub(super) const LABEL: AttributeKey = AttributeKey::known("gen_ai.evaluation.score.label");
/// A `gen_ai.evaluation.result` in a log record, a span event or the span's own attributes.
pub(super) fn of(
    event_name: &str,
    attributes: &Attributes<'_>,
    names: &NameInterners,
) -> Option<Evaluation> {
    if event_name != "gen_ai.evaluation.result" {
        return None;
    }
    Some(Evaluation {
        name: names.name(attributes.str(EVALUATION)?),
        score: topics::EVALUATION_SCORE
            .iter()
            .find_map(|key| attributes.f64(*key)),
        label: attributes.str(LABEL).map(|label| names.name(label)),
        by_record: false,
    })
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
