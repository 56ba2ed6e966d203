//! What a verdict says, as attributes: those of the conventions first, then Baton's own, which begin with `baton.`.

use super::DecidedFact;
use super::explanation;
use crate::model::event::Outcome;
use crate::model::fact::{Handoff, What, Workflow};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

/// Names of evaluations.
const HANDOFF_RESULT: &str = "handoff_result";
const WORKFLOW_OUTCOME: &str = "workflow_outcome";

/// The attributes of a verdict. `dimensions` are the names of the dimensions of cohorts.
pub(super) fn of(verdict: &DecidedFact, dimensions: &[String]) -> Vec<KeyValue> {
    let mut list = AttributeList::default();
    match &verdict.fact.what {
        What::Handoff(handoff) => list.handoff(handoff),
        What::Workflow(workflow) => list.workflow(workflow),
        _ => {}
    }
    if let Some(session) = verdict.session() {
        list.text("gen_ai.conversation.id", &session.id);
        list.text("session.id", &session.id);
    }
    if let Some(tenant) = verdict.tenant() {
        list.text("tenant.id", tenant);
    }
    let values = verdict.fact.cohort.values();
    for (dimension, value) in dimensions.iter().zip(values) {
        if !value.is_empty() {
            list.text(&format!("baton.cohort.{dimension}"), value);
        }
    }
    let weight = verdict.fact.weight();
    if weight > 1 {
        let weight = i64::try_from(weight).unwrap_or(i64::MAX);
        list.add("baton.adjusted_count", Value::IntValue(weight));
    }
    list.0
}

#[derive(Default)]
struct AttributeList(Vec<KeyValue>);

impl AttributeList {
    fn add(&mut self, key: &str, value: Value) {
        self.0.push(KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        });
    }

    fn text(&mut self, key: &str, value: &str) {
        self.add(key, Value::StringValue(value.to_owned()));
    }

    /// What every evaluation has. A score is 1 or 0, and none where nothing proves the one or the other.
    fn evaluation(&mut self, name: &str, label: &str, score: Option<bool>, why: &str) {
        self.text("gen_ai.evaluation.name", name);
        self.text("gen_ai.evaluation.score.label", label);
        if let Some(score) = score {
            let score = f64::from(u8::from(score));
            self.add("gen_ai.evaluation.score.value", Value::DoubleValue(score));
        }
        self.text("gen_ai.evaluation.explanation", why);
    }

    fn handoff(&mut self, handoff: &Handoff) {
        let (label, reason) = handoff.result.labels();
        let score = match label {
            "success" => Some(true),
            "failed" => Some(false),
            _ => None,
        };
        let why = explanation::handoff(handoff);
        self.evaluation(HANDOFF_RESULT, label, score, &why);
        self.text("gen_ai.agent.name", &handoff.from);
        self.text("gen_ai.agent.handoff.source.name", &handoff.from);
        self.text("gen_ai.agent.handoff.target.name", &handoff.to);
        self.text("gen_ai.workflow.name", &handoff.workflow);
        self.text("baton.handoff.kind", handoff.kind.as_str());
        if !reason.is_empty() {
            self.text("baton.handoff.reason", reason);
        }
        self.text("baton.evidence", handoff.basis.as_str());
    }

    fn workflow(&mut self, workflow: &Workflow) {
        let score = match workflow.outcome {
            Outcome::Resolved => Some(true),
            Outcome::Escalated | Outcome::Failed | Outcome::Abandoned => Some(false),
            Outcome::Unverified => None,
        };
        let label = workflow.outcome.as_str();
        let why = explanation::workflow(workflow);
        self.evaluation(WORKFLOW_OUTCOME, label, score, &why);
        self.text("gen_ai.workflow.name", &workflow.workflow);
        self.text("baton.evidence", workflow.basis.as_str());
    }
}
