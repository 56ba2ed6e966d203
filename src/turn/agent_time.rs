//! Response time by agent. Each moment of a turn belongs to at most one agent.

use super::activation::Activation;
use super::tree::UNKNOWN_AGENT;
use crate::model::Name;
use crate::model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long each agent had the turn between `start` and `end`. Of several agents at work the one that began last has it: a
/// delegate, not who waits for it. Moments in which no agent is at work are nobody's, so the shares never exceed the wait.
///
/// `activations` are in order of start.
pub(super) fn shares(
    activations: &[Activation],
    (start, end): (Timestamp, Timestamp),
) -> Vec<(Name, Duration)> {
    let mut changes: Vec<(Timestamp, usize)> = activations
        .iter()
        .enumerate()
        .flat_map(|(i, activation)| [(activation.start, i), (activation.end, i)])
        .map(|(at, i)| (at.clamp(start, end), i))
        .collect();
    changes.sort_unstable();
    let mut shares: BTreeMap<Option<&Name>, u64> = BTreeMap::new();
    let mut at_work: BTreeSet<usize> = BTreeSet::new();
    let mut since = start;
    for (at, i) in changes {
        if let Some(&latest) = at_work.last() {
            let agent = activations[latest].agent.as_ref();
            *shares.entry(agent).or_default() += at.0 - since.0;
        }
        since = at;
        // The second change of an activation is its end.
        if !at_work.remove(&i) {
            at_work.insert(i);
        }
    }
    let named = |agent: Option<&Name>| agent.cloned().unwrap_or_else(|| Name::from(UNKNOWN_AGENT));
    shares
        .into_iter()
        .filter(|(_, nanos)| *nanos > 0)
        .map(|(agent, nanos)| (named(agent), Duration::from_nanos(nanos)))
        .collect()
}
