//! The timeouts and limits of the stitcher. All waits are in arrival time.

use crate::model::ids::PartitionKey;
use crate::model::price::ActionPrices;
use crate::model::tenant::TenantLimit;
use crate::setting::{Count, Interval, Percent, PositiveInterval, Report, Validate};
use crate::turn::{Judge, Policy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Timeouts and limits of sessions, turns, handoffs and workflows: the section `stitch`, and what the stitcher is told of other sections.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// A turn whose traces are complete is finalized when no span has arrived for this time.
    #[serde(with = "Interval")]
    pub settle: Duration,
    /// A trace in which no span names a session within this time becomes a session of its own.
    #[serde(with = "Interval")]
    pub bind_timeout: Duration,
    /// A turn with missing parent spans, of which none is of an agent that may be at work, is finalized when no span has arrived for
    /// this time.
    #[serde(with = "Interval")]
    pub trace_timeout: Duration,
    /// A turn in which an agent may be at work, since the span around its steps is missing, is finalized when no span has arrived for
    /// this time. A tool or an approval may take as long.
    #[serde(with = "Interval")]
    pub turn_timeout: Duration,
    /// A handoff whose target does not start within this time counts as dropped.
    #[serde(with = "Interval")]
    pub drop_timeout: Duration,
    /// A workflow without activity closes after this time.
    #[serde(with = "Interval")]
    pub idle_timeout: Duration,
    /// Maximum age of a workflow. It closes then, even if it is active.
    #[serde(with = "Interval")]
    pub max_age: Duration,
    /// If the same user starts another workflow with the same intent within this time, the earlier workflow counts as re-contacted.
    #[serde(with = "Interval")]
    pub recontact_window: Duration,
    /// A handoff that passes less than this percentage of the context, by declared or content evidence, fails with context_lost.
    #[serde(rename = "retention_threshold_percent", with = "Percent")]
    pub retention_threshold: f64,
    /// Whether this also applies to delegations, which often pass only a part on purpose.
    pub retention_of_delegations: bool,
    /// Maximum number of sessions, and of traces without a session, per partition. Above it, the least recently used are closed early.
    #[serde(with = "Count")]
    pub max_sessions: usize,
    /// Maximum number of spans of one session that wait for their turn to be finalized. Above it, its turns are finalized early.
    #[serde(with = "Count")]
    pub max_spans_per_session: usize,
    /// The compiled rules (`rules`) and the names of the dimensions (`cohorts`).
    #[serde(skip)]
    pub judge: Judge,
    /// What tool calls, retrievals and escalations cost (`prices`). They are looked up when a turn is decided: an escalation is known only then.
    #[serde(skip)]
    pub prices: Arc<ActionPrices>,
    /// How long a closed workflow can be corrected, and a report waits for its workflow (`outcomes.window`).
    #[serde(skip)]
    pub outcomes_window: Duration,
    /// This partition's share of what each tenant may keep (`tenants.limits.max_sessions`).
    #[serde(skip)]
    pub tenant_sessions: TenantLimit,
    /// This partition's share of `engine.soft_state_size`, in bytes. Above seven eighths of it, sessions and users without open work are forgotten
    /// early, the longest idle first.
    #[serde(skip)]
    pub soft_bytes: usize,
    /// This partition's share of `engine.max_state_size`, in bytes. Above it, the least recently used sessions are closed early.
    #[serde(skip)]
    pub max_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(5),
            bind_timeout: Duration::from_secs(30),
            trace_timeout: Duration::from_secs(60),
            turn_timeout: Duration::from_secs(60 * 60),
            drop_timeout: Duration::from_secs(120),
            idle_timeout: Duration::from_secs(30 * 60),
            max_age: Duration::from_secs(24 * 60 * 60),
            recontact_window: Duration::from_secs(24 * 60 * 60),
            retention_threshold: 0.5,
            retention_of_delegations: false,
            max_sessions: 1_000_000,
            max_spans_per_session: 20_000,
            judge: Judge::default(),
            prices: Arc::default(),
            outcomes_window: OutcomeSettings::default().window,
            tenant_sessions: TenantLimit::default(),
            soft_bytes: 1 << 30,
            max_bytes: 3 << 29,
        }
    }
}

impl Settings {
    /// How much of the soft limit keys without open work may fill. The rest is for events that wait: requests are refused when both exceed the
    /// limit, and what is only remembered must not be what refuses them.
    pub(super) fn idle_bytes(&self) -> usize {
        self.soft_bytes - self.soft_bytes / 8
    }

    /// What turns are decided by.
    pub(super) fn policy(&self) -> Policy<'_> {
        Policy {
            drop_timeout: self.drop_timeout,
            retention_threshold: self.retention_threshold,
            retention_of_delegations: self.retention_of_delegations,
            judge: &self.judge,
            prices: &self.prices,
        }
    }

    /// How long a key without open work is remembered: a session, so that it is not counted again, and so that two which met stay
    /// one. A trace may go on for as long as a turn is waited for, and does not come back after that.
    pub(super) fn remembered(&self, key: &PartitionKey) -> Duration {
        match key {
            // S-5, S-9.
            PartitionKey::Session(_) => self.max_age,
            PartitionKey::Trace(_) | PartitionKey::TenantTrace(..) => {
                self.idle_timeout.max(self.turn_timeout)
            }
            PartitionKey::User(_) => self.idle_timeout,
        }
    }
}

/// Outcomes that systems outside of the agents report (docs/outcomes.md): the section `outcomes`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutcomeSettings {
    /// How long after its end a workflow can be corrected, and how long a report waits for its workflow. Every closed workflow takes about 300 bytes for this time; above engine.soft_state_size, those of the longest idle sessions are forgotten early.
    #[serde(with = "PositiveInterval")]
    pub window: Duration,
}

impl Default for OutcomeSettings {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(72 * 60 * 60),
        }
    }
}

impl Validate for Settings {
    fn validate(&self, report: &mut Report<'_>) {
        let settle = ("settle", self.settle);
        report.not_longer(settle, ("trace_timeout", self.trace_timeout));
        report.not_longer(
            ("trace_timeout", self.trace_timeout),
            ("turn_timeout", self.turn_timeout),
        );
        report.not_longer(settle, ("drop_timeout", self.drop_timeout));
        report.not_longer(
            ("idle_timeout", self.idle_timeout),
            ("max_age", self.max_age),
        );
    }
}
