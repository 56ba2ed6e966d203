//! Events, turns and workflows as variables of the operator's rules, and the results of the rules.

use super::pause::WaitingTools;
use super::summary::{Verdict, WorkflowSummary};
use super::tree::Tree;
use crate::model::Name;
use crate::model::cohort::Cohort;
use crate::model::event::{Event, Kind, Outcome};
use crate::model::time::Timestamp;
use crate::rules::{RuleMatches, RuleScope, Rules, View};
use std::sync::Arc;

/// The names of the configured dimensions, in the order of their numbers, and the rules.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    pub rules: Arc<Rules>,
    pub dimensions: Vec<String>,
}

impl Judge {
    /// Applies the rules over events: the latest verdict, and all steps (W-1).
    pub(super) fn events(
        &self,
        tree: &Tree<'_>,
        waiting: &WaitingTools,
        summary: &mut WorkflowSummary,
    ) {
        if !self.rules.look_at(RuleScope::Event) {
            return;
        }
        for (i, event) in tree.events.iter().enumerate() {
            // What waits or was cancelled neither worked nor failed (T-13, C-16).
            let has_ended = !waiting.did_not_run(i) && !event.rare.cancelled;
            let (view, ok) = self.event(event, tree.agent(i), &summary.name);
            let view = if has_ended { view.flag("ok", ok) } else { view };
            apply(self.rules.judge(view), event.end, summary);
        }
    }

    /// Applies the rules over turns. Pending handoffs are not part of it (W-5).
    pub(super) fn turn(
        &self,
        tree: &Tree<'_>,
        waiting: &WaitingTools,
        summary: &mut WorkflowSummary,
    ) {
        let Some(result) = summary
            .last_result
            .filter(|_| self.rules.look_at(RuleScope::Turn))
        else {
            return;
        };
        let events = tree.events.iter().enumerate();
        let tools = events.filter_map(|(i, event)| match &event.kind {
            Kind::Tool(tool) if !waiting.did_not_run(i) => Some(&tool.name),
            _ => None,
        });
        let view = self
            .summary(RuleScope::Turn, summary)
            .text("workflow", &summary.name)
            .text("result", result.as_str())
            .list("tools", tools);
        apply(self.rules.judge(view), summary.end, summary);
    }

    /// Applies the rules over workflows to one that is about to end with `outcome`: another outcome with the name of its rule, and
    /// more steps.
    pub fn workflow(
        &self,
        workflow: &WorkflowSummary,
        outcome: Outcome,
    ) -> (Option<(Outcome, Name)>, Vec<Name>) {
        if !self.rules.look_at(RuleScope::Workflow) {
            return (None, Vec::new());
        }
        let view = self
            .summary(RuleScope::Workflow, workflow)
            .text("name", &workflow.name)
            .text("outcome", outcome.as_str())
            .list("steps", workflow.steps.iter())
            .count("turns", workflow.turns);
        let matches = self.rules.judge(view);
        let outcome = matches.outcome.map(|rule| (rule.then, rule.name.clone()));
        let steps = matches.steps.iter().map(|rule| rule.then.clone());
        (outcome, steps.collect())
    }

    /// The variables that turns and workflows have in common.
    fn summary(&self, scope: RuleScope, summary: &WorkflowSummary) -> View {
        View::new(scope)
            .name("intent", summary.intent.as_ref())
            .texts("cohort", self.cohort(&summary.cohort))
            .list("agents", summary.agents.iter())
            .list("models", summary.models.iter())
            .count("handoffs", summary.handoffs)
            .count("failed_handoffs", summary.failed_handoffs)
            .flag("escalated", summary.escalated)
            .number("value_usd", summary.value_amount())
            .number("cost_usd", summary.cost.usd())
            .number(
                "duration_seconds",
                Some(summary.end.since(summary.start).as_secs_f64()),
            )
    }

    /// The variables of an event but `ok`, and whether it went well.
    fn event(&self, event: &Event, agent: Option<&Name>, workflow: &Name) -> (View, bool) {
        let cohort: Cohort = event.context.cohort.iter().collect();
        let scores = event.rare.evaluations.iter();
        let labels = event.rare.evaluations.iter();
        let mut ok = !event.error;
        let mut view = View::new(RuleScope::Event)
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
        (view.text("kind", kind), ok)
    }

    /// The known values by the names of their dimensions.
    fn cohort<'a>(&'a self, cohort: &'a Cohort) -> impl Iterator<Item = (&'a str, &'a str)> {
        let named = self.dimensions.iter().enumerate();
        named
            .map(|(i, name)| (name.as_str(), cohort.value(i)))
            .filter(|(_, value)| !value.is_empty())
    }
}

/// Adds what the rules say about something that ended at `at`.
fn apply(matches: RuleMatches<'_>, at: Timestamp, summary: &mut WorkflowSummary) {
    let steps = matches.steps.iter().map(|rule| rule.then.clone());
    summary.steps.extend(steps);
    let verdict = matches.outcome.map(|rule| Verdict {
        at,
        rule: Some(rule.name.clone()),
        outcome: rule.then,
    });
    summary.outcome = summary.outcome.take().max(verdict);
}
