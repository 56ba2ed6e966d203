//! The keys of `engine`.

use crate::setting::{Amount, Count, Report, Validate, Whole};
use crate::{derive, stitch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How events are processed: the section `engine`, and what the engine is told of other sections.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Number of partitions, each with its own worker thread. 0 means the number of the state directory; a new directory gets one per CPU core, at most 4. Another number changes the directory at the next start.
    #[serde(with = "Whole::<u16>")]
    pub partitions: usize,
    /// Maximum number of events that wait to be processed. Above it, requests are refused with a retryable status.
    #[serde(with = "Count")]
    pub queue_events: usize,
    /// Number of latest sessions to remember for `/sessions/ID`. Fewer are kept if they have more than eight facts on average.
    #[serde(with = "Whole::<u32>")]
    pub stories: usize,
    /// Estimated memory of all sessions and waiting events above which requests are refused with a retryable status and sessions without open work are forgotten. A size, or a percentage of the memory limit: that of the container (cgroup), otherwise the memory of the machine.
    pub soft_state_size: Amount,
    /// Estimated memory of all sessions above which the least recently used sessions are closed early. A size, or a percentage of the memory limit.
    pub max_state_size: Amount,
    /// The settings of one partition (`stitch`).
    #[serde(skip)]
    pub stitch: stitch::Settings,
    /// The settings of one partition (`metrics`).
    #[serde(skip)]
    pub derive: derive::Settings,
    /// How often partitions save their state, where the log can (`state`).
    #[serde(skip)]
    pub snapshot_interval: Duration,
    /// `soft_state_size` in bytes.
    #[serde(skip)]
    pub soft_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            partitions: 0,
            queue_events: 200_000,
            stories: 1_000,
            soft_state_size: Amount::Percent(40),
            max_state_size: Amount::Percent(50),
            stitch: stitch::Settings::default(),
            derive: derive::Settings::default(),
            snapshot_interval: Duration::from_secs(60),
            soft_bytes: 1 << 30,
        }
    }
}

impl Settings {
    /// Bytes of state above which the least recently used sessions are closed early.
    pub fn max_state(&self, memory: u64) -> usize {
        self.max_state_size.of(memory)
    }

    /// Bytes of state above which senders are asked to retry. A size and a share may turn out the wrong way round.
    pub fn soft_state(&self, memory: u64) -> usize {
        self.soft_state_size.of(memory).min(self.max_state(memory))
    }
}

impl Validate for Settings {
    fn validate(&self, report: &mut Report<'_>) {
        // How a size and a share compare, only the machine knows: they are put in order there.
        let (soft, max) = match (self.soft_state_size, self.max_state_size) {
            (Amount::Bytes(soft), Amount::Bytes(max)) => (soft, max),
            (Amount::Percent(soft), Amount::Percent(max)) => (soft.into(), max.into()),
            _ => return,
        };
        report.not_more(("soft_state_size", soft), ("max_state_size", max));
    }
}
