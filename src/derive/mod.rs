//! Pure. Turns business facts into metric families with bounded label sets. Sums are kept in whole units, so the order of facts does not change them.
//!
//! | File | Content |
//! |---|---|
//! | `labels.rs` | which labels a metric carries |
//! | `settings.rs` | limits and labels |
//! | `series_cache.rs` | groups of series that facts of one kind with the same labels change, found with one lookup |
//! | `store.rs` | values by metric and label set, within limits |
//! | `values.rs` | the series of one metric, and what becomes of one that is too many |
//! | `series_key.rs` | the key of a series |
//! | `known_values.rs` | the label values that the series of one metric use, by tenant |
//! | `value.rs, units.rs` | the value of one series, and the constants of how values are kept |
//! | `workflows.rs` | what a closed workflow counts |
//! | `corrections.rs` | what outcomes that are reported from outside count |
//! | `reveal.rs` | exposes a new series as 0 for `metrics.zero_hold`, by log time |
//! | `merge.rs` | merges the families of several partitions |
//! | `snapshot.rs` | conversion of the values from and to protobuf |

mod corrections;
mod distribution;
mod expiry;
mod known_values;
mod labels;
mod merge;
mod reveal;
mod series_cache;
mod series_key;
mod settings;
mod snapshot;
mod store;
mod units;
mod value;
mod values;
mod workflows;

#[cfg(test)]
mod tests;

pub use labels::{Labels, Preset};
pub use merge::merge;
pub use settings::Settings;
pub use snapshot::Restored;

use crate::catalogue::Metric;
use crate::model::Name;
use crate::model::event::{Cost, Operation, RunTotals, Usage};
use crate::model::fact::{
    Ending, Fact, Handoff, HandoffResult, ModelCallFact, Shed, ToolCallFact, Turn, TurnResult, What,
};
use crate::model::metric::Family;
use crate::model::time::Timestamp;
use rapidhash::RapidHashSet as HashSet;
use series_cache::RowKind;
use store::{Moment, Shown, Store};

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
                apply_observed_turn(store, fact.threshold.is_some(), when);
                apply_turn(store, turn, when);
            }
            What::Workflow(workflow) => workflows::apply(store, workflow, when),
            What::Correction(_) | What::Reported { .. } | What::Forgotten { .. } => {
                corrections::apply(store, &fact.what, when);
            }
            What::Recontact { workflow, outcome } => {
                let labels = [&**workflow, outcome.as_str()];
                store.count(Metric::Recontacts, &labels, 1, when);
            }
            What::FunnelStep { workflow, step } => {
                store.count(Metric::FunnelSteps, &[workflow, step], 1, when);
            }
            What::Agent(agent) => {
                let labels = [&*agent.agent, agent.ending.as_str()];
                store.count(Metric::AgentInvocations, &labels, 1, when);
            }
            What::Model(call) => apply_model(store, call, when),
            What::Totals { agent, totals } => apply_totals(store, agent, totals, when),
            What::UnknownUsage { provider, model } => {
                store.count(Metric::LlmCallsWithoutUsage, &[provider, model], 1, when);
            }
            What::UnknownPrice { provider, model } => {
                store.count(Metric::LlmCallsWithoutPrice, &[provider, model], 1, when);
            }
            What::Tool(tool) => apply_tool(store, tool, when),
            What::Retrieval => store.count(Metric::Retrievals, &[], 1, when),
            What::Action(action) => {
                let labels = [action.kind.as_str(), &*action.name];
                store.add_up(Metric::ActionCost, &labels, action.usd, when);
            }
            What::Evaluation { name, score } => {
                store.observe(Metric::EvaluationScore, &[name], *score, when);
            }
            What::Feedback { .. } | What::Loop { .. } => apply_two(store, &fact.what, when),
            What::Repeat { workflow, agent } => {
                store.count(Metric::UserRepeats, &[workflow, agent], 1, when);
            }
            What::Handoff(handoff) => apply_handoff(store, handoff, when),
            What::Escalation { from, .. } => store.count(Metric::Escalations, &[from], 1, when),
            What::Pending(change) => store.change(Metric::HandoffsPending, *change, when),
            What::UnknownOutcome { .. }
            | What::Unconverted { .. }
            | What::Late
            | What::Duplicate
            | What::Ignored { .. }
            | What::Shed(_) => apply_own(store, &fact.what, when),
        }
    }

    /// Tells the time: series that had no new value for long are forgotten, and those that are old enough are exposed with their values.
    pub fn advance(&mut self, now: Timestamp) {
        self.store.expire(now);
        self.store.reveals.advance(now);
    }

    /// A process goes on with the log: the time in which nobody could scrape does not count for [`Settings::zero_hold`].
    pub fn restart(&mut self, now: Timestamp) {
        self.store.reveals.restart(now);
    }

    /// When [`Deriver::advance`] has something to do next.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let expiry = self.store.next_expiry();
        expiry.into_iter().chain(self.store.reveals.next()).min()
    }

    /// Whether some of its series are expired and wait for [`Deriver::forget_expired`].
    pub fn has_expired(&self) -> bool {
        self.store.has_expired()
    }

    /// Its series by numbers that are the same in all partitions, and whether they live.
    pub fn lives(&self) -> impl Iterator<Item = (u64, bool)> + '_ {
        self.store.lives()
    }

    /// Forgets these series, as far as they are still expired.
    pub fn forget_expired(&mut self, dead: &HashSet<u64>, now: Timestamp) {
        self.store.forget_expired(dead, now);
    }

    /// The tenants that have series. A tenant may be named more than once.
    pub fn tenants(&self) -> impl Iterator<Item = &str> {
        self.store.tenants()
    }

    /// Roughly the bytes that its series hold in memory.
    pub fn weight(&self) -> usize {
        self.store.weight()
    }

    /// All families with their true values, in the order of the catalogue: what people are shown.
    pub fn families(&self) -> Vec<Family> {
        self.store.families(Shown::True)
    }

    /// The same as Prometheus is shown them. `increase()` does not see the first value of a series that was not there before, so a
    /// series is 0 until [`Settings::zero_hold`] after its birth, by log time: whoever reads, and however often the process restarts.
    pub fn exposition(&self) -> Vec<Family> {
        self.store.families(Shown::Exposed)
    }
}

/// The endings whose series are there: `ok` and `error` from the first one on, `cancelled` only where it happened.
fn endings(of: Ending) -> impl Iterator<Item = (Ending, u64)> {
    let cancelled = (of == Ending::Cancelled).then_some(of);
    let all = [Ending::Ok, Ending::Error].into_iter().chain(cancelled);
    all.map(move |ending| (ending, u64::from(ending == of)))
}

/// What the labels of a row do not say: one bit for each thing that may be so.
fn shape<const N: usize>(so: [bool; N]) -> u8 {
    so.into_iter().fold(0, |bits, so| bits << 1 | u8::from(so))
}

fn apply_turn(store: &mut Store, turn: &Turn, when: Moment<'_>) {
    let labels = [&*turn.workflow];
    let row = (
        RowKind::Turn,
        shape([turn.first_token.is_some(), turn.is_assumed]),
    );
    store.row(row, &labels, when, |store| {
        for result in TurnResult::ALL {
            let counts = u64::from(result == turn.result);
            let labels = [&*turn.workflow, result.as_str()];
            store.count(Metric::Turns, &labels, counts, when);
        }
        let seconds = turn.duration.as_secs_f64();
        store.observe(Metric::TurnDuration, &labels, seconds, when);
        if let Some(wait) = turn.first_token {
            store.observe(Metric::TurnFirstToken, &labels, wait.as_secs_f64(), when);
        }
        if turn.is_assumed {
            store.count(Metric::TurnsWithoutText, &labels, 1, when);
        }
    });
    for (agent, share) in &turn.by_agent {
        let labels = [&*turn.workflow, &**agent];
        let seconds = share.as_secs_f64();
        store.observe(Metric::TurnAgentDuration, &labels, seconds, when);
    }
}

/// Counts a turn by whether its sender says how it sampled. Both series are there from the first turn on.
fn apply_observed_turn(store: &mut Store, is_weighted: bool, when: Moment<'_>) {
    for (label, counts) in [("unweighted", !is_weighted), ("weighted", is_weighted)] {
        store.count(Metric::ObservedTurns, &[label], u64::from(counts), when);
    }
}

/// Counts what says something about Baton's own work.
fn apply_own(store: &mut Store, what: &What, when: Moment<'_>) {
    match what {
        What::UnknownOutcome { .. } => store.count(Metric::UnknownOutcomes, &[], 1, when),
        What::Unconverted { currency } => {
            store.count(Metric::UnconvertedAmounts, &[currency], 1, when);
        }
        What::Late => store.count(Metric::LateEvents, &[], 1, when),
        What::Duplicate => store.count(Metric::DuplicateEvents, &[], 1, when),
        What::Ignored { reason, events } => {
            store.count(Metric::IgnoredEvents, &[reason.as_str()], *events, when);
        }
        What::Shed(reason) => apply_shed(store, *reason, when),
        _ => {}
    }
}

/// Counts what two metrics tell.
fn apply_two(store: &mut Store, what: &What, when: Moment<'_>) {
    match what {
        What::Feedback {
            workflow,
            agent,
            score,
        } => {
            store.observe(Metric::FeedbackScore, &[agent], *score, when);
            store.observe(Metric::WorkflowFeedback, &[workflow], *score, when);
        }
        What::Loop { agent, length } => {
            store.count(Metric::TransferLoops, &[agent], 1, when);
            store.observe(Metric::TransferLoopLength, &[], *length as f64, when);
        }
        _ => {}
    }
}

/// Counts a call of a tool. The series of both results are there from its first call on.
fn apply_tool(store: &mut Store, tool: &ToolCallFact, when: Moment<'_>) {
    for (ending, counts) in endings(tool.ending) {
        let labels = [&*tool.tool, ending.as_str()];
        store.count(Metric::ToolCalls, &labels, counts, when);
    }
}

/// Counts what was shed. The series of all reasons are there from the first time on.
fn apply_shed(store: &mut Store, reason: Shed, when: Moment<'_>) {
    for known in Shed::ALL {
        let counts = u64::from(known == reason);
        store.count(Metric::Shed, &[known.as_str()], counts, when);
    }
}

fn apply_model(store: &mut Store, call: &ModelCallFact, when: Moment<'_>) {
    let model = [&*call.agent, &*call.provider, &*call.model];
    let operation = match call.operation {
        Operation::Chat => "chat",
        Operation::Embeddings => "embeddings",
    };
    let [agent, provider, name] = model;
    let usage = call.usage.as_ref();
    let of = shape([
        call.first_token.is_some(),
        usage.is_some(),
        usage.is_some_and(|usage| usage.cache_read.is_some()),
        usage.is_some_and(|usage| usage.cache_write.is_some()),
        usage.is_some_and(|usage| usage.reasoning.is_some()),
        call.cost == Cost::Unpriced,
        call.ending == Ending::Cancelled,
        call.cache_savings.is_some(),
    ]);
    let labels = [agent, provider, name, operation, paid(call.cost)];
    store.row((RowKind::Model, of), &labels, when, |store| {
        for (ending, counts) in endings(call.ending) {
            let labels = [agent, provider, name, operation, ending.as_str()];
            store.count(Metric::LlmCalls, &labels, counts, when);
        }
        let seconds = call.duration.as_secs_f64();
        store.observe(Metric::LlmCallDuration, &model, seconds, when);
        if let Some(wait) = call.first_token {
            store.observe(Metric::LlmFirstToken, &model, wait.as_secs_f64(), when);
        }
        for (metric, counts) in [
            (Metric::LlmCallsWithoutUsage, false),
            (Metric::LlmCallsWithoutPrice, call.cost == Cost::Unpriced),
        ] {
            store.count(metric, &[provider, name], u64::from(counts), when);
        }
        count_money(store, model, usage, call.cost, when);
        for (direction, usd) in call.cache_savings.into_iter().flat_map(directions) {
            let labels = [agent, provider, name, direction];
            store.add_up(Metric::LlmCacheSavings, &labels, usd, when);
        }
    });
}

/// A change of an amount as two amounts, of which neither falls.
fn directions(change: f64) -> [(&'static str, f64); 2] {
    [("saved", change.max(0.0)), ("added", (-change).max(0.0))]
}

/// What the calls of an agent or of a run took, none of which is known by itself.
fn apply_totals(store: &mut Store, agent: &str, totals: &RunTotals, when: Moment<'_>) {
    let known = |name: &Option<Name>| name.clone().unwrap_or_else(|| Name::from("unknown"));
    let (provider, model) = (known(&totals.provider), known(&totals.model));
    let usage = totals.usage.as_ref();
    let labels = [agent, &*provider, &*model, paid(totals.cost)];
    let of = shape([
        usage.is_some(),
        usage.is_some_and(|usage| usage.cache_read.is_some()),
        usage.is_some_and(|usage| usage.cache_write.is_some()),
        usage.is_some_and(|usage| usage.reasoning.is_some()),
        totals.cost == Cost::Unpriced,
    ]);
    store.row((RowKind::Totals, of), &labels, when, |store| {
        let model = [agent, &*provider, &*model];
        count_money(store, model, usage, totals.cost, when);
    });
}

/// Where a cost is from, as a label.
fn paid(cost: Cost) -> &'static str {
    match cost {
        Cost::Declared(_) => "declared",
        Cost::Computed(_) => "computed",
        Cost::Unpriced | Cost::Unknown => "",
    }
}

/// Counts tokens and their cost.
fn count_money(
    store: &mut Store,
    [agent, provider, name]: [&str; 3],
    usage: Option<&Usage>,
    cost: Cost,
    when: Moment<'_>,
) {
    // Unknown is not 0: a type that the span does not report gets no series.
    for (kind, count) in usage.into_iter().flat_map(token_types) {
        let Some(count) = count else { continue };
        let labels = [agent, provider, name, kind];
        store.count(Metric::LlmTokens, &labels, count, when);
    }
    match (cost, usage) {
        (Cost::Declared(usd) | Cost::Computed(usd), _) => {
            let labels = [agent, provider, name, paid(cost)];
            store.add_up(Metric::LlmCost, &labels, usd, when);
        }
        (Cost::Unpriced, Some(usage)) => {
            for (kind, count) in [("input", usage.input), ("output", usage.output)] {
                let labels = [provider, name, kind];
                store.count(Metric::UnpricedTokens, &labels, count, when);
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
    let pair = [&*handoff.from, &*handoff.to];
    let ([from, to], kind, workflow) = (pair, handoff.kind.as_str(), &*handoff.workflow);
    let (result, reason) = handoff.result.labels();
    let evidence = handoff.retention.as_ref().map(|r| r.evidence.as_str());
    let of = shape([
        handoff.latency.is_some(),
        handoff.intent.is_some(),
        handoff.phantom,
    ]);
    let labels = [
        workflow,
        from,
        to,
        kind,
        result,
        reason,
        evidence.unwrap_or_default(),
        handoff.basis.as_str(),
    ];
    store.row((RowKind::Handoff, of), &labels, when, |store| {
        // A pair that appears shows its success at 0 too, so that its rate of failures has both sides from the first scrape on.
        let basis = handoff.basis.as_str();
        for (counts, handoff) in [(0, HandoffResult::Success), (1, handoff.result)] {
            let (result, reason) = handoff.labels();
            let labels = [from, to, kind, result, reason, basis];
            store.count(Metric::Handoffs, &labels, counts, when);
            let labels = [workflow, result, reason];
            store.count(Metric::WorkflowHandoffs, &labels, counts, when);
        }
        if let Some(latency) = handoff.latency {
            let seconds = latency.as_secs_f64();
            store.observe(Metric::HandoffDuration, &pair, seconds, when);
        }
        if let (Some(retention), Some(evidence)) = (&handoff.retention, evidence) {
            let labels = [from, to, evidence];
            store.observe(Metric::ContextRetention, &labels, retention.ratio, when);
            let labels = [workflow, evidence];
            store.observe(Metric::WorkflowRetention, &labels, retention.ratio, when);
        }
        if let Some(intent) = &handoff.intent {
            for (result, counts) in [("kept", intent.kept), ("changed", !intent.kept)] {
                let labels = [from, to, result];
                store.count(Metric::HandoffIntents, &labels, u64::from(counts), when);
            }
        }
        if handoff.phantom {
            store.count(Metric::PhantomHandoffs, &pair, 1, when);
        }
    });
}
