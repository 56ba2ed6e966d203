//! Model calls that several spans show, and what agents and runs say of calls that none shows.

use super::*;
use crate::model::call_costs::{CallCost, CallCosts};
use crate::model::event::RunTotals;

/// What a span of a model call tells.
#[derive(Clone, Copy, Default)]
pub(super) struct Told {
    tokens: Option<(u64, u64)>,
    model: Option<&'static str>,
    by: u32,
    failed: bool,
    response: Option<u64>,
    answered: Option<bool>,
}

fn usage((input, output): (u64, u64)) -> Usage {
    Usage {
        input,
        output,
        ..Usage::default()
    }
}

pub(super) fn shown(s: &mut Scene, parent: u64, times: (u64, u64), told: Told) -> u64 {
    let call = ModelCall {
        usage: told.tokens.map(usage),
        model: told.model.map(name),
        instrumentation: told.by,
        failed: told.failed,
        response: told.response,
        answered: told.answered,
        ..ModelCall::default()
    };
    s.add(parent, times, Kind::Model(Box::new(call)))
}

/// Each call in a line: its model, its tokens, and whether it failed.
fn calls(facts: &[Fact]) -> Vec<String> {
    let line = |fact: &Fact| match &fact.what {
        What::Model(call) => {
            let tokens = call
                .usage
                .map_or("?".to_owned(), |u| format!("{}/{}", u.input, u.output));
            let failed = if call.ending.is_error() {
                " failed"
            } else {
                ""
            };
            Some(format!("{} {tokens}{failed}", call.model))
        }
        _ => None,
    };
    let mut lines: Vec<String> = facts.iter().filter_map(line).collect();
    lines.sort();
    lines
}

/// What counts of totals, each in a line.
fn totals(facts: &[Fact]) -> Vec<String> {
    let line = |fact: &Fact| match &fact.what {
        What::Totals { agent, totals } => Some(format!(
            "{agent} {} {}",
            totals.model.as_deref().unwrap_or("?"),
            totals.usage.map_or(0, |usage| usage.input)
        )),
        _ => None,
    };
    facts.iter().filter_map(line).collect()
}

fn unknown(facts: &[Fact]) -> usize {
    count(facts, |what| matches!(what, What::UnknownUsage { .. }))
}

/// Of the calls of the workflows, those whose cost is known, those without usage and those without a price.
fn costs(facts: &[Fact]) -> [u32; 3] {
    let mut all = CallCosts::default();
    for fact in facts {
        if let What::Workflow(workflow) = &fact.what {
            all.merge(workflow.calls);
        }
    }
    CallCost::ALL.map(|cost| all.of(cost))
}

pub(super) const KNOWN: Told = Told {
    tokens: Some((100, 8)),
    model: Some("m"),
    by: 1,
    failed: false,
    response: None,
    answered: Some(true),
};
const BARE: Told = Told {
    tokens: None,
    model: None,
    by: 1,
    failed: false,
    response: None,
    answered: None,
};

/// C-1.
#[test]
fn of_nested_spans_the_one_that_knows_most_is_the_call() {
    let inner = Told {
        tokens: Some((100, 7)),
        ..KNOWN
    };
    let unnamed = Told {
        model: None,
        ..inner
    };
    for (outer, inside, expected) in [
        (KNOWN, BARE, "m 100/8"),
        (KNOWN, inner, "m 100/7"),
        (KNOWN, unnamed, "m 100/8"),
        (BARE, inner, "m 100/7"),
    ] {
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 40));
        let around = shown(&mut s, desk, (10, 30), outer);
        shown(&mut s, around, (11, 29), inside);
        assert_eq!(calls(&run(&s)), [expected]);
    }
    // Wrapped twice, the middle one knows it.
    let mut s = Scene::default();
    let desk = s.agent(0, "desk", (0, 40));
    let outermost = shown(&mut s, desk, (10, 30), BARE);
    let middle = shown(&mut s, outermost, (11, 29), KNOWN);
    shown(&mut s, middle, (12, 28), BARE);
    let facts = run(&s);
    assert_eq!(
        (calls(&facts), unknown(&facts)),
        (vec!["m 100/8".to_owned()], 0)
    );
}

#[test]
fn tries_that_failed_inside_a_call_that_succeeded_are_calls_of_their_own() {
    let failed = Told {
        failed: true,
        model: Some("m"),
        ..BARE
    };
    for (tries, expected) in [
        (vec![failed, BARE], vec!["m 100/8", "m ? failed"]),
        (vec![failed], vec!["m 100/8", "m ? failed"]),
        (
            vec![failed, failed, KNOWN],
            vec!["m 100/8", "m ? failed", "m ? failed"],
        ),
    ] {
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 90));
        let around = shown(&mut s, desk, (10, 80), KNOWN);
        for (n, told) in (0..).zip(tries) {
            shown(&mut s, around, (11 + 10 * n, 19 + 10 * n), told);
        }
        let facts = run(&s);
        assert_eq!(calls(&facts), expected);
        let answered =
            |what: &What| matches!(what, What::Turn(turn) if turn.result == TurnResult::Answered);
        assert_eq!(count(&facts, answered), 1);
        // A call that failed at once cost nothing.
        assert_eq!(unknown(&facts), 0);
    }
}

/// C-14.
#[test]
fn the_sum_of_several_calls_counts_only_where_they_tell_none() {
    for (inside, expected, sum) in [
        (KNOWN, vec!["m 100/8", "m 100/8"], vec![]),
        (BARE, vec!["unknown ?", "unknown ?"], vec!["desk m 100"]),
    ] {
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 40));
        let around = shown(&mut s, desk, (10, 30), KNOWN);
        shown(&mut s, around, (11, 19), inside);
        shown(&mut s, around, (21, 29), inside);
        let facts = run(&s);
        assert_eq!(calls(&facts), expected);
        assert_eq!(totals(&facts), sum);
        assert_eq!(unknown(&facts), 0);
    }
}

/// C-4.
#[test]
fn a_second_instrumentation_may_begin_and_end_a_little_later() {
    let second = Told { by: 2, ..KNOWN };
    let untold = Told {
        tokens: None,
        ..second
    };
    let other = Told {
        tokens: Some((100, 7)),
        ..second
    };
    for (told, times, expected) in [
        (second, (13, 1004), 1),
        (untold, (13, 1004), 1),
        (other, (50, 1040), 1),
        // With the same tokens more may lie between them.
        (second, (110, 1100), 1),
        (other, (110, 1100), 2),
        (untold, (110, 1100), 2),
        (second, (600, 1500), 2),
        (Told { by: 1, ..second }, (13, 1004), 2),
    ] {
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 2000));
        shown(&mut s, desk, (10, 1000), KNOWN);
        shown(&mut s, desk, times, told);
        assert_eq!(calls(&run(&s)).len(), expected, "{times:?}");
    }
    // Two calls at once, each shown by both.
    let mut s = Scene::default();
    let desk = s.agent(0, "desk", (0, 2000));
    for (by, start) in [(1, 10), (1, 12), (2, 13), (2, 15)] {
        let told = Told { by, ..KNOWN };
        shown(&mut s, desk, (start, 1000 + start), told);
    }
    assert_eq!(calls(&run(&s)).len(), 2);
}

/// C-4.
#[test]
fn a_response_is_one_call_wherever_it_stands() {
    let named = |by, response| Told {
        by,
        response: Some(response),
        ..KNOWN
    };
    for (first, second, times, expected) in [
        // The same span twice under two ids, and two instrumentations in two places.
        (named(1, 7), named(1, 7), (10, 30), 1),
        (named(1, 7), named(2, 7), (20, 35), 1),
        // A server that gives all responses one id.
        (named(1, 7), named(1, 7), (12, 28), 2),
        (named(1, 7), named(2, 7), (31, 35), 2),
        (named(1, 7), named(2, 8), (12, 28), 2),
    ] {
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 40));
        let inner = s.add(desk, (5, 39), Kind::Structure);
        shown(&mut s, desk, (10, 30), first);
        shown(&mut s, inner, times, second);
        assert_eq!(calls(&run(&s)).len(), expected, "{times:?}");
    }
}

fn with_totals(s: &mut Scene, input: u64) {
    s.last().rare.totals = Some(Box::new(RunTotals {
        model: Some(name("m")),
        usage: Some(usage((input, 1))),
        cost: Cost::Declared(0.5),
        ..RunTotals::default()
    }));
}

/// C-14.
#[test]
fn totals_of_an_agent_count_where_no_call_shows_them() {
    // A hosted agent inside the tool of one that shows its calls.
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    with_totals(&mut s, 500);
    let desk = s.agent(root, "desk", (0, 100));
    with_totals(&mut s, 500);
    shown(&mut s, desk, (1, 20), KNOWN);
    let tool = s.tool(desk, "ask_ledger", (21, 60), None);
    s.agent(tool, "ledger", (22, 59));
    with_totals(&mut s, 400);
    shown(&mut s, desk, (61, 99), KNOWN);
    let facts = run(&s);
    assert_eq!(totals(&facts), ["ledger m 400"]);
    assert_eq!(calls(&facts), ["m 100/8", "m 100/8"]);
    // It adds to the money of the workflow.
    let cost = facts.iter().find_map(|fact| match &fact.what {
        What::Workflow(workflow) => Some(workflow.cost_usd),
        _ => None,
    });
    assert_eq!(cost, Some(Some(0.5)));
}

#[test]
fn of_totals_inside_each_other_the_innermost_count() {
    let mut s = Scene::default();
    let root = s.add(0, (0, 100), Kind::Workflow);
    with_totals(&mut s, 500);
    s.agent(root, "a", (1, 40));
    with_totals(&mut s, 200);
    let b = s.agent(root, "b", (41, 90));
    with_totals(&mut s, 300);
    s.agent(b, "b", (42, 89));
    with_totals(&mut s, 300);
    assert_eq!(totals(&run(&s)), ["a m 200", "b m 300"]);
    let mut s = Scene::default();
    s.add(0, (0, 100), Kind::Workflow);
    with_totals(&mut s, 500);
    assert_eq!(totals(&run(&s)), ["unknown m 500"]);
}

/// C-14. The calls show tokens, and the agent what they cost.
#[test]
fn calls_beside_the_span_of_their_agent_show_its_totals() {
    for (agent, times, expected) in [
        (Some("a"), (10, 30), vec!["a m 0"]),
        (None, (10, 30), vec!["a m 0"]),
        (Some("b"), (10, 30), vec!["a m 200"]),
        (Some("a"), (41, 50), vec!["a m 200"]),
    ] {
        let mut s = Scene::default();
        let root = s.add(0, (0, 100), Kind::Workflow);
        s.agent(root, "a", (1, 40));
        with_totals(&mut s, 200);
        shown(&mut s, root, times, KNOWN);
        s.last().agent = agent.map(name);
        assert_eq!(totals(&run(&s)), expected, "{agent:?} {times:?}");
    }
}

/// C-14.
#[test]
fn a_cost_that_a_run_declares_takes_the_place_of_what_its_calls_would_cost() {
    let spent = |own: [Cost; 2]| {
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 100));
        let declared = Cost::Declared(0.5);
        s.last().rare.totals = Some(Box::new(RunTotals {
            usage: Some(usage((200, 16))),
            cost: declared,
            ..RunTotals::default()
        }));
        for (start, cost) in (10..).step_by(40).zip(own) {
            shown(&mut s, desk, (start, start + 30), KNOWN);
            if let Kind::Model(call) = &mut s.last().kind {
                call.cost = cost;
            }
        }
        let facts = run(&s);
        let cost = facts.iter().find_map(|fact| match &fact.what {
            What::Workflow(workflow) => workflow.cost_usd,
            _ => None,
        });
        (totals(&facts), cost, unknown(&facts))
    };
    // The catalog has a price, or none; and the calls know the model.
    for own in [Cost::Computed(0.1), Cost::Unpriced] {
        assert_eq!(spent([own; 2]), (vec!["desk m 0".to_owned()], Some(0.5), 0));
    }
    // One call that declares its cost is better evidence than the sum.
    let own = [Cost::Declared(0.2), Cost::Computed(0.1)];
    let (counted, cost, _) = spent(own);
    assert_eq!(
        (counted, cost.map(|usd| (usd * 10.0).round())),
        (vec![], Some(3.0))
    );
}

/// C-15.
#[test]
fn calls_whose_usage_nobody_knows_are_told_late_or_not() {
    let failed = Told {
        failed: true,
        ..BARE
    };
    let cut = Told {
        answered: Some(true),
        ..failed
    };
    for (told, sum, expected) in [
        (BARE, false, 1),
        (KNOWN, false, 0),
        (failed, false, 0),
        (cut, false, 1),
        (BARE, true, 0),
    ] {
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 40));
        if sum {
            with_totals(&mut s, 200);
        }
        shown(&mut s, desk, (10, 30), told);
        assert_eq!(unknown(&run(&s)), expected);
    }
    let mut s = Scene::default();
    let desk = s.agent(0, "desk", (0, 40));
    shown(&mut s, desk, (10, 30), BARE);
    s.last().rare.cancelled = true;
    assert_eq!(unknown(&run(&s)), 0);
}

/// C-14, C-15, C-17.
#[test]
fn a_workflow_knows_of_how_many_of_its_calls_it_knows_the_cost() {
    let failed = Told {
        failed: true,
        ..BARE
    };
    let unpriced = |s: &mut Scene| {
        if let Kind::Model(call) = &mut s.last().kind {
            call.cost = Cost::Unpriced;
        }
    };
    let mut s = Scene::default();
    let desk = s.agent(0, "desk", (0, 90));
    for (start, told) in [(10, KNOWN), (20, failed), (30, BARE), (40, BARE)] {
        shown(&mut s, desk, (start, start + 5), told);
    }
    shown(&mut s, desk, (50, 60), KNOWN);
    unpriced(&mut s);
    assert_eq!(costs(&run(&s)), [2, 2, 1]);
    // The agent around them knows what they took together, at a price or at none.
    for (cost, expected, without_price) in [
        (Cost::Declared(0.5), [2, 0, 0], 0),
        (Cost::Unpriced, [0, 0, 2], 2),
    ] {
        let mut s = Scene::default();
        let desk = s.agent(0, "desk", (0, 40));
        with_totals(&mut s, 200);
        if let Some(totals) = &mut s.last().rare.totals {
            totals.cost = cost;
        }
        shown(&mut s, desk, (10, 15), BARE);
        shown(&mut s, desk, (20, 30), BARE);
        let facts = run(&s);
        assert_eq!((costs(&facts), unknown(&facts)), (expected, 0));
        let told = count(&facts, |what| matches!(what, What::UnknownPrice { .. }));
        assert_eq!(told, without_price);
    }
}
