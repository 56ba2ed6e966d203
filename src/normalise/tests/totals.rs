//! What the spans of agents and runs say that their calls took.

use super::event;
use crate::model::event::{Cost, RunTotals, Usage};

fn totals(attributes: &[(&str, &str)]) -> Option<RunTotals> {
    let totals = event("app", "step", attributes).rare.totals.clone();
    totals.map(|totals| *totals)
}

/// C-14.
#[test]
fn agents_and_runs_of_every_dialect_tell_their_totals() {
    let usage = Usage {
        input: 10,
        output: 5,
        ..Usage::default()
    };
    let agent = ("gen_ai.operation.name", "invoke_agent");
    let desk = ("gen_ai.agent.name", "desk");
    let marked = ("openinference.span.kind", "AGENT");
    for attributes in [
        [
            agent,
            desk,
            ("gen_ai.usage.input_tokens", "10"),
            ("gen_ai.usage.output_tokens", "5"),
        ],
        [
            agent,
            desk,
            ("gen_ai.aggregated_usage.input_tokens", "10"),
            ("gen_ai.aggregated_usage.output_tokens", "5"),
        ],
        [
            marked,
            ("agent.name", "desk"),
            ("llm.token_count.prompt", "10"),
            ("llm.token_count.completion", "5"),
        ],
        [
            agent,
            desk,
            ("usage.prompt_tokens", "10"),
            ("usage.completion_tokens", "5"),
        ],
        [
            agent,
            desk,
            ("gen_ai.usage", "{'input_tokens': 10, 'output_tokens': 5}"),
            ("x", "y"),
        ],
        [
            ("gen_ai.operation.name", "invoke_workflow"),
            desk,
            ("gen_ai.usage.input_tokens", "10"),
            ("gen_ai.usage.output_tokens", "5"),
        ],
    ] {
        let found = totals(&attributes).expect("totals");
        assert_eq!(found.usage, Some(usage), "{attributes:?}");
        assert_eq!(found.cost, Cost::Unpriced);
    }
}

/// C-14.
#[test]
fn a_declared_cost_alone_is_a_total_and_zeros_are_none() {
    let agent = ("gen_ai.operation.name", "invoke_agent");
    let desk = ("gen_ai.agent.name", "desk");
    let spent = totals(&[
        agent,
        desk,
        ("gen_ai.usage.cost", "0.5"),
        ("gen_ai.request.model", "m"),
    ]);
    let expected = RunTotals {
        provider: None,
        model: Some("m".into()),
        usage: None,
        cost: Cost::Declared(0.5),
    };
    assert_eq!(spent, Some(expected));
    let zeros = [
        agent,
        desk,
        ("gen_ai.usage.input_tokens", "0"),
        ("gen_ai.usage.cost", "0"),
    ];
    assert_eq!(totals(&zeros), None);
    assert_eq!(totals(&[agent, desk]), None);
    let tool = ("gen_ai.operation.name", "execute_tool");
    assert_eq!(totals(&[tool, ("gen_ai.usage.cost", "0.5")]), None);
}
