//! Events, turns and workflows as variables of the operator's rules, and the results of the rules.

use super::tree::Tree;
use super::turn::{Decided, Verdict};
use super::workflow::OpenWorkflow;
use crate::model::Name;
use crate::model::cohort::Cohort;
use crate::model::event::{Event, Kind, Outcome};
use crate::model::time::Timestamp;
use crate::rules::{Rule, Rules, Scope, View};
use std::sync::Arc;

/// The names of the configured dimensions, in the order of their numbers, and the rules.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    pub rules: Arc<Rules>,
    pub dimensions: Vec<String>,
}

impl Judge {
    /// Applies the rules over events: the latest verdict, and all steps.
    pub(super) fn events(&self, tree: &Tree<'_>, decided: &mut Decided) {
        if !self.rules.look_at(Scope::Event) {
            return;
        }
        for (i, event) in tree.events.iter().enumerate() {
            let view = self.event(event, tree.agent(i), &decided.workflow);
            let verdict = self.rules.judge(view);
            decided
                .steps
                .extend(verdict.steps.iter().map(|rule| rule.then.clone()));
            let proof = verdict.outcome.map(|rule| proof(event.end, rule));
            decided.outcome = decided.outcome.take().max(proof);
        }
    }

    /// Applies the rules over turns.
    pub(super) fn turn(&self, tree: &Tree<'_>, decided: &mut Decided) {
        let Some(result) = decided.result.filter(|_| self.rules.look_at(Scope::Turn)) else {
            return;
        };
        let tools = tree.events.iter().filter_map(|event| match &event.kind {
            Kind::Tool(tool) => Some(&tool.name),
            _ => None,
        });
        let view = View::new(Scope::Turn)
            .text("workflow", &decided.workflow)
            .text("result", result.as_str())
            .name("intent", decided.intent.as_ref())
            .texts("cohort", self.cohort(&decided.cohort))
            .list("agents", decided.agents.iter())
            .list("models", decided.models.iter())
            .list("tools", tools)
            .count("handoffs", decided.handoffs)
            .count("failed_handoffs", decided.failed_handoffs)
            .flag("escalated", decided.escalated)
            .number(
                "value_usd",
                decided.value.map(|(_, nano)| nano as f64 / 1e9),
            )
            .number("cost_usd", decided.spend.usd())
            .number(
                "duration_seconds",
                Some(decided.end.since(decided.start).as_secs_f64()),
            );
        let verdict = self.rules.judge(view);
        decided
            .steps
            .extend(verdict.steps.iter().map(|rule| rule.then.clone()));
        let proof = verdict.outcome.map(|rule| proof(decided.end, rule));
        decided.outcome = decided.outcome.take().max(proof);
    }

    /// Applies the rules over workflows, to one that ends so by its evidence: another outcome with the rule's name, and more steps.
    pub(super) fn workflow(
        &self,
        workflow: &OpenWorkflow,
        outcome: Outcome,
    ) -> (Option<(Outcome, Name)>, Vec<Name>) {
        if !self.rules.look_at(Scope::Workflow) {
            return (None, Vec::new());
        }
        let view = View::new(Scope::Workflow)
            .text("name", &workflow.name)
            .text("outcome", outcome.as_str())
            .name("intent", workflow.intent.as_ref())
            .texts("cohort", self.cohort(&workflow.cohort))
            .list("agents", workflow.agents.iter())
            .list("models", workflow.models.iter())
            .list("steps", workflow.steps.iter())
            .count("turns", workflow.turns)
            .count("handoffs", workflow.handoffs)
            .count("failed_handoffs", workflow.failed_handoffs)
            .flag("escalated", workflow.escalated)
            .number(
                "value_usd",
                workflow.value.map(|(_, nano)| nano as f64 / 1e9),
            )
            .number("cost_usd", workflow.spend.usd())
            .number(
                "duration_seconds",
                Some(workflow.end.since(workflow.start).as_secs_f64()),
            );
        let verdict = self.rules.judge(view);
        let outcome = verdict.outcome.map(|rule| (rule.then, rule.name.clone()));
        let steps = verdict.steps.iter().map(|rule| rule.then.clone());
        (outcome, steps.collect())
    }

    fn event(&self, event: &Event, agent: Option<&Name>, workflow: &Name) -> View {
        let cohort: Cohort = event.context.cohort.iter().collect();
        let scores = event.rare.evaluations.iter();
        let labels = event.rare.evaluations.iter();
        let mut ok = !event.error;
        let mut view = View::new(Scope::Event)
            .name("agent", agent)
            .text("workflow", workflow)
            .name("intent", event.context.intent.as_ref())
            .texts("cohort", self.cohort(&cohort))
            .numbers("scores", scores.filter_map(|e| Some((&*e.name, e.score?))))
            .texts(
                "labels",
                labels.filter_map(|e| Some((&*e.name, e.label.as_deref()?))),
            )
            .number("value_usd", event.context.value_usd)
            .number(
                "duration_seconds",
                Some(event.end.since(event.start).as_secs_f64()),
            );
        let kind = match &event.kind {
            Kind::Structure => "structure",
            Kind::Workflow => "workflow",
            Kind::Agent { .. } => "agent",
            Kind::Model(call) => {
                ok &= !call.failed;
                view = view
                    .name("model", call.model.as_ref())
                    .name("provider", call.provider.as_ref())
                    .number("cost_usd", call.cost.usd());
                "model"
            }
            Kind::Tool(tool) => {
                ok &= !tool.failed;
                view = view.text("tool", &tool.name);
                "tool"
            }
            Kind::Handoff(handoff) => {
                ok &= !handoff.failed;
                "handoff"
            }
            Kind::Retrieval { .. } => "retrieval",
            Kind::Note(_) => "note",
            Kind::Guardrail { triggered } => {
                ok &= !triggered;
                "guardrail"
            }
        };
        view.text("kind", kind).flag("ok", ok)
    }

    /// The known values by the names of their dimensions.
    fn cohort<'a>(&'a self, cohort: &'a Cohort) -> impl Iterator<Item = (&'a str, &'a str)> {
        let named = self.dimensions.iter().enumerate();
        named
            .map(|(i, name)| (name.as_str(), cohort.value(i)))
            .filter(|(_, value)| !value.is_empty())
    }
}

fn proof(at: Timestamp, rule: &Rule<Outcome>) -> Verdict {
    Verdict {
        at,
        rule: Some(rule.name.clone()),
        outcome: rule.then,
    }
}

/// Why a workflow ends as it does where no rule and no declaration says how.
pub(super) fn by_default(outcome: Outcome) -> Name {
    Name::from(match outcome {
        Outcome::Escalated => "a human took over",
        Outcome::Failed => "the last turn broke",
        Outcome::Abandoned => "the last request got no answer",
        Outcome::Resolved | Outcome::Unverified => "nothing proved the result",
    })
}
