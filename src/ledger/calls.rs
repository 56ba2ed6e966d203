//! Calls of models and tools, grouped: one row for all of one delivery that differ in nothing but their numbers.

use super::cell::{Cell, Row};
use crate::model::Name;
use crate::model::action::Action;
use crate::model::cohort::Cohort;
use crate::model::event::{Cost, Operation, RunTotals, Usage};
use crate::model::fact::{Fact, ModelCallFact, ToolCallFact, What};
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::money::billionths;
use rapidhash::RapidHashMap as HashMap;

/// What calls of one group have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct CallKind {
    kind: &'static str,
    agent: Option<Name>,
    provider: Option<Name>,
    model: Option<Name>,
    operation: &'static str,
    /// The tool, the knowledge base, or the agent that called a human in.
    name: Option<Name>,
    status: &'static str,
    cost_source: &'static str,
}

/// Whose calls they are, and what they stand for.
type CallOwner<'f> = (&'f Option<PartitionKey>, TraceId, &'f Cohort, u64);

/// The numbers of a group.
#[derive(Clone, Debug, Default)]
struct CallNumbers {
    calls: u64,
    nanos: Option<u128>,
    tokens: [Option<u64>; 5],
    /// In billionths.
    cost: Option<u128>,
}

/// One group, with the place of its first call among the facts.
#[derive(Debug)]
struct CallGroup {
    first: usize,
    kind: CallKind,
    numbers: CallNumbers,
}

/// The rows of all calls among the facts of one delivery, each with the place of the first of its calls: the cells after those that all tables begin with.
pub(super) fn rows(facts: &[(u32, Fact)]) -> Vec<(usize, Row)> {
    let mut groups: Vec<CallGroup> = Vec::new();
    let mut known: HashMap<(CallOwner<'_>, CallKind), usize> = HashMap::default();
    for (first, (_, fact)) in facts.iter().enumerate() {
        let Some((kind, numbers)) = call(&fact.what) else {
            continue;
        };
        let caller = (&fact.key, fact.trace, &fact.cohort, fact.weight());
        match known.get(&(caller, kind.clone())) {
            Some(group) => groups[*group].numbers.add(&numbers),
            None => {
                known.insert((caller, kind.clone()), groups.len());
                groups.push(CallGroup {
                    first,
                    kind,
                    numbers,
                });
            }
        }
    }
    let rows = groups.into_iter();
    rows.map(|group| (group.first, group.row())).collect()
}

impl CallNumbers {
    fn add(&mut self, more: &Self) {
        let sum = |one: Option<u128>, other: Option<u128>| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        self.calls += more.calls;
        self.nanos = sum(self.nanos, more.nanos);
        self.cost = sum(self.cost, more.cost);
        for (known, more) in self.tokens.iter_mut().zip(more.tokens) {
            if let Some(more) = more {
                *known = Some(known.unwrap_or(0).saturating_add(more));
            }
        }
    }
}

impl CallGroup {
    fn row(self) -> Row {
        let (kind, numbers) = (self.kind, self.numbers);
        let name = |name: &Option<Name>| Cell::maybe(name.as_ref(), Cell::word);
        let word = |word: &'static str| match word {
            "" => Cell::Null,
            word => Cell::text(word),
        };
        let mut row = vec![
            Cell::text(kind.kind),
            name(&kind.agent),
            name(&kind.provider),
            name(&kind.model),
            word(kind.operation),
            name(&kind.name),
            word(kind.status),
            Cell::whole(numbers.calls),
            Cell::maybe(numbers.nanos, Cell::whole),
        ];
        let tokens = numbers.tokens.into_iter();
        row.extend(tokens.map(|count| Cell::maybe(count, Cell::whole)));
        row.push(Cell::maybe(numbers.cost, Cell::billionths));
        row.push(word(kind.cost_source));
        row
    }
}

fn call(what: &What) -> Option<(CallKind, CallNumbers)> {
    match what {
        What::Model(call) => Some(model_call(call)),
        What::Totals { agent, totals } => Some(run_totals(agent, totals)),
        What::Tool(call) => Some(tool_call(call)),
        What::Retrieval => {
            let kind = CallKind {
                kind: "retrieval",
                ..CallKind::default()
            };
            Some((kind, one_call()))
        }
        What::Action(action) => Some(priced_action(action)),
        _ => None,
    }
}

fn one_call() -> CallNumbers {
    CallNumbers {
        calls: 1,
        ..CallNumbers::default()
    }
}

fn model_call(call: &ModelCallFact) -> (CallKind, CallNumbers) {
    let kind = CallKind {
        kind: "model",
        agent: Some(call.agent.clone()),
        provider: Some(call.provider.clone()),
        model: Some(call.model.clone()),
        operation: match call.operation {
            Operation::Chat => "chat",
            Operation::Embeddings => "embeddings",
        },
        name: None,
        status: call.ending.as_str(),
        cost_source: source(call.cost),
    };
    let numbers = CallNumbers {
        nanos: Some(call.duration.as_nanos()),
        tokens: tokens(call.usage.as_ref()),
        cost: call.cost.usd().map(billionths),
        ..one_call()
    };
    (kind, numbers)
}

/// What the calls of an agent or a run took, none of which is known by itself: no call, but tokens and money.
fn run_totals(agent: &Name, totals: &RunTotals) -> (CallKind, CallNumbers) {
    let kind = CallKind {
        kind: "totals",
        agent: Some(agent.clone()),
        provider: totals.provider.clone(),
        model: totals.model.clone(),
        cost_source: source(totals.cost),
        ..CallKind::default()
    };
    let numbers = CallNumbers {
        tokens: tokens(totals.usage.as_ref()),
        cost: totals.cost.usd().map(billionths),
        ..CallNumbers::default()
    };
    (kind, numbers)
}

fn tool_call(call: &ToolCallFact) -> (CallKind, CallNumbers) {
    let kind = CallKind {
        kind: "tool",
        name: Some(call.tool.clone()),
        status: call.ending.as_str(),
        ..CallKind::default()
    };
    (kind, one_call())
}

/// The price of an action: no call, because the call has a row of its own.
fn priced_action(action: &Action) -> (CallKind, CallNumbers) {
    let kind = CallKind {
        kind: action.kind.as_str(),
        name: Some(action.name.clone()),
        cost_source: "price",
        ..CallKind::default()
    };
    let numbers = CallNumbers {
        cost: Some(billionths(action.usd)),
        ..CallNumbers::default()
    };
    (kind, numbers)
}

fn source(cost: Cost) -> &'static str {
    match cost {
        Cost::Declared(_) => "declared",
        Cost::Computed(_) => "computed",
        Cost::Unpriced => "no_price",
        Cost::Unknown => "unknown",
    }
}

fn tokens(usage: Option<&Usage>) -> [Option<u64>; 5] {
    let of = |usage: &Usage| {
        [
            Some(usage.input),
            Some(usage.output),
            usage.cache_read,
            usage.cache_write,
            usage.reasoning,
        ]
    };
    usage.map_or([None; 5], of)
}
