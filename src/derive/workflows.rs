//! What a closed workflow counts: its outcome, its money, its models, and how much of that is known.

use super::series_cache::RowKind;
use super::shape;
use super::store::{Moment, Store};
use crate::catalogue::Metric;
use crate::model::call_costs::CallCost;
use crate::model::event::{Basis, Outcome};
use crate::model::fact::Workflow;

/// Counts a closed workflow.
pub(super) fn apply(store: &mut Store, workflow: &Workflow, when: Moment<'_>) {
    let basis = workflow.basis.as_str();
    let row = [&*workflow.workflow, workflow.outcome.as_str(), basis];
    let labels = [&*workflow.workflow, workflow.outcome.as_str()];
    let (cost, value) = (workflow.cost_usd, workflow.value_usd);
    let cascade = workflow.models.len() > 1;
    let calls = workflow.calls;
    let of = shape([
        cost.is_some(),
        value.is_some(),
        cascade,
        workflow.has_user,
        calls.no_usage > 0,
        calls.no_price > 0,
    ]);
    store.row((RowKind::Workflow, of), &row, when, |store| {
        for outcome in Outcome::ALL {
            let (counts, basis) = match outcome == workflow.outcome {
                true => (1, basis),
                false => (0, usual_basis(outcome).as_str()),
            };
            let labels = [&*workflow.workflow, outcome.as_str(), basis];
            store.count(Metric::Workflows, &labels, counts, when);
        }
        store.count(Metric::Recontacts, &labels, 0, when);
        let seconds = workflow.duration.as_secs_f64();
        store.observe(Metric::WorkflowDuration, &labels, seconds, when);
        store.add_up(Metric::WorkflowElapsed, &labels, seconds, when);
        if let Some(usd) = cost {
            store.observe(Metric::WorkflowCost, &labels, usd, when);
            store.add_up(Metric::WorkflowSpend, &labels, usd, when);
        }
        if let Some(usd) = value {
            store.add_up(Metric::WorkflowValue, &labels, usd, when);
        }
        if cascade {
            store.count(Metric::WorkflowCascades, &labels, 1, when);
        }
        count_gaps(store, workflow, when);
    });
    for model in &workflow.models {
        apply_model_of(store, model, workflow, when);
    }
}

/// Counts what of a workflow is known. What is missing has a series only where it is.
fn count_gaps(store: &mut Store, workflow: &Workflow, when: Moment<'_>) {
    for cost in CallCost::ALL {
        let calls = workflow.calls.of(cost);
        if calls > 0 || cost == CallCost::Known {
            let labels = [&*workflow.workflow, cost.as_str()];
            store.count(Metric::WorkflowCalls, &labels, calls.into(), when);
        }
    }
    let labels = [&*workflow.workflow, workflow.outcome.as_str()];
    if !workflow.has_user {
        store.count(Metric::WorkflowsWithoutUser, &labels, 1, when);
    }
    if workflow.value_usd.is_none() {
        store.count(Metric::WorkflowsWithoutValue, &labels, 1, when);
    }
}

/// The evidence of an outcome in the series that are there from the first workflow on, though it has not occurred.
fn usual_basis(outcome: Outcome) -> Basis {
    match outcome {
        Outcome::Resolved => Basis::Declared,
        _ => Basis::Inferred,
    }
}

/// A workflow in which a model took part.
fn apply_model_of(store: &mut Store, model: &str, workflow: &Workflow, when: Moment<'_>) {
    let name = &*workflow.workflow;
    let labels = [name, model, workflow.outcome.as_str()];
    let row = (RowKind::WorkflowModel, shape([workflow.cost_usd.is_some()]));
    store.row(row, &labels, when, |store| {
        for outcome in Outcome::ALL {
            let counts = u64::from(outcome == workflow.outcome);
            let labels = [name, model, outcome.as_str()];
            store.count(Metric::ModelWorkflows, &labels, counts, when);
        }
        if let Some(usd) = workflow.cost_usd {
            store.add_up(Metric::ModelWorkflowCost, &labels, usd, when);
        }
    });
}
