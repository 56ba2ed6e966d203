//! PURE. Facts → metric families, with bounded label sets. Sums are kept in whole units, so that no order of facts shows in them.

pub mod catalogue;
mod merge;
mod saved;
mod store;
mod value;

#[cfg(test)]
mod limits_tests;
#[cfg(test)]
mod tests;

pub use merge::merge;

use crate::model::Name;
use crate::model::event::{Cost, Operation, Outcome, Usage};
use crate::model::fact::{
    Fact, Handoff, HandoffResult, ModelCall, Shed, Turn, TurnResult, What, Workflow,
};
use crate::model::metric::Family;
use crate::model::money::DOLLAR;
use crate::model::time::Timestamp;
use catalogue::Metric;
use std::time::Duration;
use store::{Moment, Store};

/// Limits of the derived metrics.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Series per metric; what is over goes to an overflow series.
    pub max_series: usize,
    /// Distinct values per label of a metric; what is over becomes `_overflow`.
    pub max_label_values: usize,
    /// A series without a new value for this long disappears, alone.
    pub expire_after: Duration,
    /// The names of the cohort dimensions, in the order of their numbers.
    pub dimensions: Vec<String>,
    /// Distinct values of one dimension; what is over becomes `other`.
    pub max_cohort_values: usize,
    /// The currency of all money: the names of its metrics end in it.
    pub currency: Name,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_series: 10_000,
            max_label_values: 200,
            expire_after: Duration::from_secs(24 * 60 * 60),
            dimensions: Vec::new(),
            max_cohort_values: 50,
            currency: DOLLAR.into(),
        }
    }
}

/// The metrics of one partition.
#[derive(Debug)]
pub struct Deriver {
    store: Store,
}

impl Deriver {
    pub fn new(settings: Settings) -> Self {
        Self {
            store: Store::new(settings),
        }
    }

    /// Counts one fact. `now` is arrival time: it starts and expires series.
    pub fn apply(&mut self, fact: &Fact, now: Timestamp) {
        let when = Moment {
            now,
            at: fact.at,
            trace: fact.trace,
            weight: fact.weight(),
            cohort: &fact.cohort,
        };
        let store = &mut self.store;
        match &fact.what {
            What::Session => store.count(Metric::Sessions, &[], 1, when),
            What::Turn(turn) => {
                let sampling = ["unweighted", "weighted"];
                let own = usize::from(fact.threshold.is_some());
                for (i, label) in sampling.into_iter().enumerate() {
                    store.count(Metric::ObservedTurns, &[label], u64::from(i == own), when);
                }
                apply_turn(store, turn, when);
            }
            What::Workflow(workflow) => apply_workflow(store, workflow, when),
            What::Recontact { workflow, outcome } => {
                let labels = [&**workflow, outcome.as_str()];
                store.count(Metric::Recontacts, &labels, 1, when);
            }
            What::FunnelStep { workflow, step } => {
                store.count(Metric::FunnelSteps, &[workflow, step], 1, when);
            }
            What::Agent(agent) => {
                let labels = [&*agent.agent, status(agent.failed)];
                store.count(Metric::AgentInvocations, &labels, 1, when);
            }
            What::Model(call) => apply_model(store, call, when),
            What::Tool(tool) => {
                for failed in [false, true] {
                    let counts = u64::from(failed == tool.failed);
                    store.count(
                        Metric::ToolCalls,
                        &[&tool.tool, status(failed)],
                        counts,
                        when,
                    );
                }
            }
            What::Retrieval => store.count(Metric::Retrievals, &[], 1, when),
            What::Action(action) => {
                let labels = [action.kind.as_str(), &*action.name];
                store.pay(Metric::ActionCost, &labels, action.usd, when);
            }
            What::Evaluation { name, score } => {
                store.observe(Metric::EvaluationScore, &[name], *score, when);
            }
            What::Feedback { agent, score } => {
                store.observe(Metric::FeedbackScore, &[agent], *score, when);
            }
            What::Loop { agent, length } => {
                store.count(Metric::TransferLoops, &[agent], 1, when);
                store.observe(Metric::TransferLoopLength, &[], *length as f64, when);
            }
            What::Repeat { agent } => store.count(Metric::UserRepeats, &[agent], 1, when),
            What::Handoff(handoff) => apply_handoff(store, handoff, when),
            What::Escalation { from } => store.count(Metric::Escalations, &[from], 1, when),
            What::Pending(change) => store.change(Metric::HandoffsPending, *change, when),
            What::Unconverted { currency } => {
                store.count(Metric::UnconvertedAmounts, &[currency], 1, when);
            }
            What::Late => store.count(Metric::LateEvents, &[], 1, when),
            What::Duplicate => store.count(Metric::DuplicateEvents, &[], 1, when),
            What::Shed(reason) => {
                for known in Shed::ALL {
                    let counts = u64::from(known == *reason);
                    store.count(Metric::Shed, &[known.as_str()], counts, when);
                }
            }
        }
    }

    /// Forgets series that had no new value for long.
    pub fn expire(&mut self, now: Timestamp) {
        self.store.expire(now);
    }

    /// When [`Deriver::expire`] has something to do next.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.store.next_expiry()
    }

    /// All families with their values now, in the order of the catalogue.
    pub fn families(&self) -> Vec<Family> {
        self.store.families()
    }
}

fn status(failed: bool) -> &'static str {
    if failed { "error" } else { "ok" }
}

fn apply_turn(store: &mut Store, turn: &Turn, when: Moment<'_>) {
    for result in TurnResult::ALL {
        let counts = u64::from(result == turn.result);
        store.count(
            Metric::Turns,
            &[&turn.workflow, result.as_str()],
            counts,
            when,
        );
    }
    let seconds = turn.duration.as_secs_f64();
    store.observe(Metric::TurnDuration, &[&turn.workflow], seconds, when);
    for (agent, share) in &turn.by_agent {
        let labels = [&*turn.workflow, &**agent];
        store.observe(
            Metric::TurnAgentDuration,
            &labels,
            share.as_secs_f64(),
            when,
        );
    }
    if let Some(wait) = turn.first_token {
        let seconds = wait.as_secs_f64();
        store.observe(Metric::TurnFirstToken, &[&turn.workflow], seconds, when);
    }
}

fn apply_workflow(store: &mut Store, workflow: &Workflow, when: Moment<'_>) {
    for outcome in Outcome::ALL {
        let counts = u64::from(outcome == workflow.outcome);
        let labels = [&*workflow.workflow, outcome.as_str()];
        store.count(Metric::Workflows, &labels, counts, when);
        store.count(Metric::Recontacts, &labels, 0, when);
    }
    let labels = [&*workflow.workflow, workflow.outcome.as_str()];
    let seconds = workflow.duration.as_secs_f64();
    store.observe(Metric::WorkflowDuration, &labels, seconds, when);
    if let Some(usd) = workflow.cost_usd {
        store.observe(Metric::WorkflowCost, &labels, usd, when);
    }
    if let Some(usd) = workflow.value_usd {
        store.pay(Metric::WorkflowValue, &labels, usd, when);
    }
    if workflow.models.len() > 1 {
        store.count(Metric::WorkflowCascades, &labels, 1, when);
    }
    for model in &workflow.models {
        apply_model_of(store, model, workflow, when);
    }
}

/// A workflow in which a model took part.
fn apply_model_of(store: &mut Store, model: &str, workflow: &Workflow, when: Moment<'_>) {
    for outcome in Outcome::ALL {
        let counts = u64::from(outcome == workflow.outcome);
        let labels = [model, outcome.as_str()];
        store.count(Metric::ModelWorkflows, &labels, counts, when);
    }
    if let Some(usd) = workflow.cost_usd {
        let labels = [model, workflow.outcome.as_str()];
        store.pay(Metric::ModelWorkflowCost, &labels, usd, when);
    }
}

fn apply_model(store: &mut Store, call: &ModelCall, when: Moment<'_>) {
    let model = [&*call.agent, &*call.provider, &*call.model];
    let [agent, provider, name] = model;
    let operation = match call.operation {
        Operation::Chat => "chat",
        Operation::Embeddings => "embeddings",
    };
    for failed in [false, true] {
        let counts = u64::from(failed == call.failed);
        let labels = [agent, provider, name, operation, status(failed)];
        store.count(Metric::LlmCalls, &labels, counts, when);
    }
    let seconds = call.duration.as_secs_f64();
    store.observe(Metric::LlmCallDuration, &model, seconds, when);
    if let Some(wait) = call.first_token {
        store.observe(Metric::LlmFirstToken, &model, wait.as_secs_f64(), when);
    }
    if let Some(usage) = &call.usage {
        for (kind, count) in token_types(usage) {
            // Unknown is not 0: a type that the span does not report gets no series.
            let Some(count) = count else { continue };
            store.count(
                Metric::LlmTokens,
                &[agent, provider, name, kind],
                count,
                when,
            );
        }
    }
    let mut pay = |usd, source| {
        let labels = [agent, provider, name, source];
        store.pay(Metric::LlmCost, &labels, usd, when);
    };
    match (call.cost, &call.usage) {
        (Cost::Declared(usd), _) => pay(usd, "declared"),
        (Cost::Computed(usd), _) => pay(usd, "computed"),
        (Cost::Unpriced, Some(usage)) => {
            for (kind, count) in [("input", usage.input), ("output", usage.output)] {
                store.count(Metric::UnpricedTokens, &[provider, name, kind], count, when);
            }
        }
        (Cost::Unpriced | Cost::Unknown, _) => {}
    }
}

/// `cache_read` and `cache_write` are part of `input`, `reasoning` is part of `output`: never add the types up.
fn token_types(usage: &Usage) -> [(&'static str, Option<u64>); 5] {
    [
        ("input", Some(usage.input)),
        ("output", Some(usage.output)),
        ("cache_read", usage.cache_read),
        ("cache_write", usage.cache_write),
        ("reasoning", usage.reasoning),
    ]
}

fn apply_handoff(store: &mut Store, handoff: &Handoff, when: Moment<'_>) {
    // A pair that appears shows its success at 0 too, so that its rate of failures has both sides from the first scrape on.
    for result in [HandoffResult::Success, handoff.result] {
        let (label, reason) = result.labels();
        let labels = [
            &*handoff.from,
            &*handoff.to,
            handoff.kind.as_str(),
            label,
            reason,
        ];
        store.count(Metric::Handoffs, &labels, 0, when);
    }
    let (label, reason) = handoff.result.labels();
    let labels = [
        &*handoff.from,
        &*handoff.to,
        handoff.kind.as_str(),
        label,
        reason,
    ];
    store.count(Metric::Handoffs, &labels, 1, when);
    if let Some(latency) = handoff.latency {
        let labels = [&*handoff.from, &*handoff.to];
        store.observe(
            Metric::HandoffDuration,
            &labels,
            latency.as_secs_f64(),
            when,
        );
    }
    if let Some(retention) = handoff.retention {
        let labels = [&*handoff.from, &*handoff.to, retention.evidence.as_str()];
        store.observe(Metric::ContextRetention, &labels, retention.ratio, when);
    }
    if let Some(intent) = &handoff.intent {
        for (result, counts) in [("kept", intent.kept), ("changed", !intent.kept)] {
            let labels = [&*handoff.from, &*handoff.to, result];
            store.count(Metric::HandoffIntents, &labels, u64::from(counts), when);
        }
    }
    if handoff.phantom {
        let labels = [&*handoff.from, &*handoff.to];
        store.count(Metric::PhantomHandoffs, &labels, 1, when);
    }
}
