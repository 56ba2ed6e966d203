//! What agents and runs say that all their calls took, where no call shows it.

use super::model_calls::ModelCalls;
use super::tree::Tree;
use crate::model::Name;
use crate::model::event::{Cost, Event, Kind, RunTotals, Usage};
use crate::model::time::Timestamp;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};

/// The totals of a turn that count.
#[derive(Debug, Default)]
pub(super) struct CountedTotals {
    /// Each with its event, in order.
    pub(super) totals: Vec<(usize, RunTotals)>,
    /// Their costs, by event.
    costs: HashMap<usize, Cost>,
}

impl CountedTotals {
    /// The totals of agents and runs below which nothing tells tokens or cost, the innermost first (C-14).
    pub(super) fn of(tree: &Tree<'_>, calls: &ModelCalls) -> Self {
        let mut counted = Self::default();
        let mut told: Vec<(usize, RunTotals)> = (0..tree.events.len())
            .filter_map(|i| Some((i, told(tree, calls, i)?)))
            .collect();
        if told.is_empty() {
            return counted;
        }
        let paid: Vec<usize> = calls
            .calls
            .iter()
            .copied()
            .filter(|&call| tells(tree, calls, call))
            .collect();
        let mut covered = HashSet::default();
        for &call in &paid {
            covered.extend(tree.callers(calls.measure(call)).chain(tree.callers(call)));
        }
        let times = PaidTimes::of(tree, &paid);
        told.sort_by_key(|(i, _)| (std::cmp::Reverse(tree.callers(*i).count()), *i));
        let mut known: HashMap<(Option<&Name>, Usage), (Timestamp, Timestamp)> = HashMap::default();
        for (i, totals) in told {
            let event = tree.events[i];
            if covered.contains(&i) || times.lie_in(tree, i) {
                continue;
            }
            covered.extend(tree.callers(i));
            // Two spans of one agent at the same time that say the same mean the same.
            let same = totals.usage.map(|usage| (tree.agent(i), usage));
            let again = same.and_then(|same| known.insert(same, (event.start, event.end)));
            if again.is_some_and(|(start, end)| start <= event.end && event.start <= end) {
                continue;
            }
            counted.costs.insert(i, totals.cost);
            counted.totals.push((i, totals));
        }
        counted.totals.sort_by_key(|(i, _)| *i);
        counted
    }

    /// The cost of the totals around call `i` that count, which its tokens are a part of.
    pub(super) fn cost_around(&self, tree: &Tree<'_>, i: usize) -> Option<Cost> {
        if self.costs.is_empty() {
            return None;
        }
        let mut outer = tree.callers(i);
        outer.find_map(|outer| self.costs.get(&outer).copied())
    }
}

/// What event `i` tells of the calls inside it: an agent or a run, or a model span around calls that count for themselves.
fn told(tree: &Tree<'_>, calls: &ModelCalls, i: usize) -> Option<RunTotals> {
    let event = tree.events[i];
    match &event.kind {
        Kind::Model(call) if !calls.shows(i) => {
            let totals = RunTotals {
                provider: call.provider.clone(),
                model: call.model.clone(),
                usage: call.usage,
                cost: call.cost,
            };
            (call.usage.is_some() || call.cost.usd().is_some()).then_some(totals)
        }
        _ => event.rare.totals.as_deref().cloned(),
    }
}

/// Whether tokens or cost of call `i` are known.
fn tells(tree: &Tree<'_>, calls: &ModelCalls, i: usize) -> bool {
    match &tree.events[calls.measure(i)].kind {
        Kind::Model(call) => call.usage.is_some() || call.cost.usd().is_some(),
        _ => false,
    }
}

/// When calls ran whose tokens or cost are known, of each agent and of all: from each one on, the earliest end.
struct PaidTimes<'t> {
    all: Vec<(Timestamp, Timestamp)>,
    by_agent: HashMap<Option<&'t Name>, Vec<(Timestamp, Timestamp)>>,
}

impl<'t> PaidTimes<'t> {
    fn of(tree: &'t Tree<'_>, paid: &[usize]) -> Self {
        let mut times = Self {
            all: Vec::new(),
            by_agent: HashMap::default(),
        };
        // From the last one to the first one.
        for &call in paid.iter().rev() {
            let event = tree.events[call];
            for list in [
                &mut times.all,
                times.by_agent.entry(tree.agent(call)).or_default(),
            ] {
                let later = list
                    .last()
                    .map_or(event.end, |(_, end)| event.end.min(*end));
                list.push((event.start, later));
            }
        }
        times
    }

    /// Whether calls beside event `i` lie in its time: those of its agent or of nobody, and in that of a run those of all.
    fn lie_in(&self, tree: &Tree<'_>, i: usize) -> bool {
        let event = tree.events[i];
        let agent = tree.agent(i);
        if agent.is_none() || matches!(event.kind, Kind::Workflow) {
            return is_any_in(&self.all, event);
        }
        let lists = [agent, None].map(|agent| self.by_agent.get(&agent));
        lists
            .into_iter()
            .flatten()
            .any(|list| is_any_in(list, event))
    }
}

fn is_any_in(list: &[(Timestamp, Timestamp)], event: &Event) -> bool {
    let begun = list.partition_point(|(start, _)| *start >= event.start);
    begun
        .checked_sub(1)
        .is_some_and(|last| list[last].1 <= event.end)
}
