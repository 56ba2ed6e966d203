//! What a turn is decided by, apart from its events.

use super::judge::Judge;
use crate::model::price::ActionPrices;
use std::time::Duration;

/// Thresholds, prices and rules by which turns are decided.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// Time after which a handoff without a target is dropped.
    pub drop_timeout: Duration,
    /// A handoff that passes a smaller share of the context than this has lost it.
    pub retention_threshold: f64,
    /// Whether delegations can lose their context too.
    pub retention_of_delegations: bool,
    /// The rules of the operator.
    pub judge: &'a Judge,
    /// Prices of tool calls, searches and escalations.
    pub prices: &'a ActionPrices,
}
