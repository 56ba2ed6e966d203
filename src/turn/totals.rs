//! What agents and runs say that all their calls took, where no call shows it.

use super::model_calls::ModelCalls;
use super::tree::Tree;
use crate::model::Name;
use crate::model::event::{Cost, Event, Kind, ModelCall, RunTotals, Usage};
use crate::model::time::Timestamp;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};

/// The totals of a turn that count.
#[derive(Debug, Default)]
pub(super) struct CountedTotals {
    /// Each with its event, in order.
    pub(super) totals: Vec<(usize, RunTotals)>,
    /// Their costs, by event.
    costs: HashMap<usize, Cost>,
    /// Calls whose cost is part of one that a span around them declares, with that.
    settled: HashMap<usize, Cost>,
    /// The nearest event around each that has such a cost.
    around: Vec<Option<usize>>,
}

impl CountedTotals {
    /// The totals of agents and runs below which nothing tells tokens or cost, the innermost first, and the cost that they declare
    /// where nothing below declares one (C-14).
    pub(super) fn of(tree: &Tree<'_>, calls: &ModelCalls) -> Self {
        let mut counted = Self::default();
        let mut told: Vec<(usize, RunTotals)> = (0..tree.events.len())
            .filter_map(|i| Some((i, told(tree, calls, i)?)))
            .collect();
        if told.is_empty() {
            return counted;
        }
        let depths = tree.depths();
        told.sort_by_key(|(i, _)| (std::cmp::Reverse(depths[*i]), *i));
        counted.add_untold(tree, calls, &told);
        counted.add_declared(tree, calls, &told);
        counted.totals.sort_by_key(|(i, _)| *i);
        counted.around = tree.nearest_callers(|i| counted.costs.contains_key(&i));
        counted
    }

    /// The totals around which no call tells tokens or cost.
    fn add_untold(&mut self, tree: &Tree<'_>, calls: &ModelCalls, told: &[(usize, RunTotals)]) {
        let mut shown = TellingCalls::of(tree, calls, |call| {
            call.usage.is_some() || call.cost.usd().is_some()
        });
        let mut known: HashMap<(Option<&Name>, Usage), (Timestamp, Timestamp)> = HashMap::default();
        for (i, totals) in told {
            let event = tree.events[*i];
            if shown.covers(tree, *i) {
                continue;
            }
            shown.add_around(tree, *i);
            // Two spans of one agent at the same time that say the same mean the same.
            let same = totals.usage.map(|usage| (tree.agent(*i), usage));
            let again = same.and_then(|same| known.insert(same, (event.start, event.end)));
            if again.is_some_and(|(start, end)| start <= event.end && event.start <= end) {
                continue;
            }
            self.costs.insert(*i, totals.cost);
            self.totals.push((*i, totals.clone()));
        }
    }

    /// What spans declare that their calls cost, of which none declares its own: that is better evidence than the catalog.
    fn add_declared(&mut self, tree: &Tree<'_>, calls: &ModelCalls, told: &[(usize, RunTotals)]) {
        let declares = |cost: Cost| matches!(cost, Cost::Declared(_));
        if !told.iter().any(|(_, totals)| declares(totals.cost)) {
            return;
        }
        let mut shown = TellingCalls::of(tree, calls, |call| declares(call.cost));
        for (i, totals) in told.iter().filter(|(_, totals)| declares(totals.cost)) {
            let i = *i;
            let is_covered = shown.covers(tree, i);
            shown.add_around(tree, i);
            if is_covered || self.costs.contains_key(&i) {
                continue;
            }
            let inside = |call: usize| tree.is_called_inside(call, i);
            let own = calls.calls.iter().copied();
            let own = own.filter(|&call| {
                let measure = calls.measure(call);
                inside(call) || inside(measure) || is_beside(tree, call, i)
            });
            let own: Vec<usize> = own.collect();
            for (inner, part) in &mut self.totals {
                if inside(*inner) {
                    part.cost = Cost::Unknown;
                    self.costs.insert(*inner, totals.cost);
                }
            }
            let mut models = own
                .iter()
                .filter_map(|&call| model(tree, calls.measure(call)));
            let first = models.next();
            let only = first.filter(|first| models.all(|other| other == *first));
            let (provider, model) = only.unwrap_or_default();
            self.costs.insert(i, totals.cost);
            self.settled
                .extend(own.into_iter().map(|call| (call, totals.cost)));
            self.totals.push((
                i,
                RunTotals {
                    provider: totals.provider.clone().or(provider),
                    model: totals.model.clone().or(model),
                    usage: None,
                    cost: totals.cost,
                },
            ));
        }
    }

    /// The cost of the totals around call `i` that count, which its tokens or its own cost are a part of.
    pub(super) fn cost_around(&self, i: usize) -> Option<Cost> {
        let around = || *self.around.get(i)?;
        let settled = self.settled.get(&i).copied();
        settled.or_else(|| self.costs.get(&around()?).copied())
    }

    /// What call `i` costs, beside what is paid with the totals around it.
    pub(super) fn own_cost(&self, i: usize, cost: Cost) -> Cost {
        match self.settled.contains_key(&i) {
            true => Cost::Unknown,
            false => cost,
        }
    }
}

/// The provider and the model of a call.
fn model(tree: &Tree<'_>, i: usize) -> Option<(Option<Name>, Option<Name>)> {
    match &tree.events[i].kind {
        Kind::Model(call) => Some((call.provider.clone(), call.model.clone())),
        _ => None,
    }
}

/// Calls that tell something themselves: what is around them, and when they ran.
struct TellingCalls<'t> {
    around: HashSet<usize>,
    times: PaidTimes<'t>,
}

impl<'t> TellingCalls<'t> {
    fn of(tree: &'t Tree<'_>, calls: &ModelCalls, tells: impl Fn(&ModelCall) -> bool) -> Self {
        let is_one = |call: &usize| match &tree.events[calls.measure(*call)].kind {
            Kind::Model(call) => tells(call),
            _ => false,
        };
        let paid: Vec<usize> = calls.calls.iter().copied().filter(is_one).collect();
        let mut telling = Self {
            around: HashSet::default(),
            times: PaidTimes::of(tree, &paid),
        };
        for &call in &paid {
            telling.add_around(tree, calls.measure(call));
            telling.add_around(tree, call);
        }
        telling
    }

    /// Adds what is around an event. What is around something that is known is known too.
    fn add_around(&mut self, tree: &Tree<'_>, i: usize) {
        let mut callers = tree.callers(i);
        while callers
            .next()
            .is_some_and(|outer| self.around.insert(outer))
        {}
    }

    /// Whether such calls are inside event `i` or beside it, in its time.
    fn covers(&self, tree: &Tree<'_>, i: usize) -> bool {
        self.around.contains(&i) || self.times.lie_in(tree, i)
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
        if is_of_all(tree, i) {
            return is_any_in(&self.all, event);
        }
        let lists = [agent, None].map(|agent| self.by_agent.get(&agent));
        lists
            .into_iter()
            .flatten()
            .any(|list| is_any_in(list, event))
    }
}

/// Whether event `i` speaks of all calls in its time, whoever made them.
fn is_of_all(tree: &Tree<'_>, i: usize) -> bool {
    tree.agent(i).is_none() || matches!(tree.events[i].kind, Kind::Workflow)
}

/// Whether a call lies in the time of event `i` and is one of those that it speaks of.
fn is_beside(tree: &Tree<'_>, call: usize, i: usize) -> bool {
    let (event, call_event) = (tree.events[i], tree.events[call]);
    let in_time = event.start <= call_event.start && call_event.end <= event.end;
    let agent = tree.agent(call);
    in_time && (is_of_all(tree, i) || agent.is_none() || agent == tree.agent(i))
}

fn is_any_in(list: &[(Timestamp, Timestamp)], event: &Event) -> bool {
    let begun = list.partition_point(|(start, _)| *start >= event.start);
    begun
        .checked_sub(1)
        .is_some_and(|last| list[last].1 <= event.end)
}
