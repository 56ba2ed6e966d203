//! Declared outcomes.

use super::{ReadContext, Settings, declared, topics};
use crate::model::Name;
use crate::model::evaluation::Evaluation;
use crate::model::event::{Kind, Outcome, OutcomeEvidence};
use crate::otlp::attribute_key::AttributeKey;
use crate::otlp::view::Attributes;
use std::borrow::Cow;

/// A name that others use too: a tool call's own result, or what Micrometer says of an HTTP request.
pub(super) const BARE: AttributeKey = AttributeKey::known("outcome");

/// Words that a request uses of itself, so on its span they prove nothing about the business.
const TECHNICAL: &[&str] = &[
    "success",
    "succeeded",
    "completed",
    "complete",
    "done",
    "pass",
    "passed",
    "failed",
    "failure",
    "fail",
    "error",
    "cancelled",
    "canceled",
];

/// Evaluations that judge the business result; others (user feedback, relevance …) are scores only.
pub(super) const EVALUATIONS: &[&str] = &[
    "outcome",
    "resolution",
    "resolved",
    "task_completion",
    "task_success",
    "goal_completion",
    "task.completion",
];

/// Words for outcomes, in lower case.
pub(super) const WORDS: &[(&str, Outcome)] = &[
    ("resolved", Outcome::Resolved),
    ("success", Outcome::Resolved),
    ("succeeded", Outcome::Resolved),
    ("completed", Outcome::Resolved),
    ("complete", Outcome::Resolved),
    ("solved", Outcome::Resolved),
    ("done", Outcome::Resolved),
    ("pass", Outcome::Resolved),
    ("passed", Outcome::Resolved),
    ("escalated", Outcome::Escalated),
    ("escalation", Outcome::Escalated),
    ("handed_to_human", Outcome::Escalated),
    ("failed", Outcome::Failed),
    ("failure", Outcome::Failed),
    ("fail", Outcome::Failed),
    ("error", Outcome::Failed),
    ("unresolved", Outcome::Failed),
    ("unsolved", Outcome::Failed),
    ("abandoned", Outcome::Abandoned),
    ("cancelled", Outcome::Abandoned),
    ("canceled", Outcome::Abandoned),
    ("unverified", Outcome::Unverified),
];

/// The outcome that a span declares. A word that is not known says nothing.
pub(super) fn of_span(
    attributes: &Attributes<'_>,
    kind: &Kind,
    settings: &Settings,
) -> Option<OutcomeEvidence> {
    declarations(attributes, settings)
        .find_map(|text| word(&text))
        .or_else(|| bare(attributes, kind))
        .map(|outcome| OutcomeEvidence { outcome })
}

/// The outcome that a log record declares.
pub(super) fn of_record(
    attributes: &Attributes<'_>,
    settings: &Settings,
) -> Option<OutcomeEvidence> {
    let outcome = declarations(attributes, settings).find_map(|text| word(&text));
    outcome.map(|outcome| OutcomeEvidence { outcome })
}

/// What a span says under the names that declare an outcome.
fn declarations<'a>(
    attributes: &'a Attributes<'_>,
    settings: &'a Settings,
) -> impl Iterator<Item = Cow<'a, str>> {
    settings
        .outcome_attributes
        .iter()
        .map(|name| attributes.named(name))
        .chain(topics::OUTCOME.iter().map(|key| attributes.get(*key)))
        .filter_map(|value| declared::of_value(value?))
}

/// The word by which a span declares an outcome, if it declares none that is known. The bare name is not read here: others use it too.
pub(super) fn unknown(attributes: &Attributes<'_>, context: ReadContext<'_>) -> Option<Name> {
    let text = declarations(attributes, context.settings).next()?;
    word(&text).is_none().then(|| context.names.name(&text))
}

/// The word by which an evaluation of the outcome declares none, where no score does.
pub(super) fn unknown_verdict(evaluations: &[Evaluation]) -> Option<Name> {
    let mut verdicts = evaluations.iter().filter(|e| judges_outcome(e));
    verdicts.find_map(|verdict| verdict.label.clone())
}

fn judges_outcome(evaluation: &Evaluation) -> bool {
    EVALUATIONS.contains(&evaluation.name.to_ascii_lowercase().as_str())
}

/// The outcome under the bare name, on spans that may stand for a unit of work.
fn bare(attributes: &Attributes<'_>, kind: &Kind) -> Option<Outcome> {
    if !matches!(kind, Kind::Structure | Kind::Workflow | Kind::Agent { .. }) {
        return None;
    }
    let text = attributes.str(BARE)?;
    let is_request = || {
        attributes.iter().any(|(key, _)| {
            topics::TECHNICAL_REQUEST
                .iter()
                .any(|beginning| key.starts_with(beginning))
        })
    };
    let technical = TECHNICAL.contains(&text.trim().to_ascii_lowercase().as_str());
    word(text).filter(|_| !(technical && is_request()))
}

/// The outcome that evaluations prove: by label, else by score (half and more is a success).
pub(super) fn of_evaluations(evaluations: &[Evaluation]) -> Option<OutcomeEvidence> {
    evaluations
        .iter()
        .filter(|e| judges_outcome(e))
        .find_map(|e| {
            let by_label = e.label.as_deref().and_then(word);
            by_label.or_else(|| {
                let passed = e.score? >= 0.5;
                Some(if passed {
                    Outcome::Resolved
                } else {
                    Outcome::Failed
                })
            })
        })
        .map(|outcome| OutcomeEvidence { outcome })
}

/// `Handed to human` is `handed_to_human`.
pub(super) fn word(text: &str) -> Option<Outcome> {
    let text = text.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    WORDS
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, outcome)| *outcome)
}
