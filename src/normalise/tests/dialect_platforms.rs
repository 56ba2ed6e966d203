//! VoltAgent and Laminar.

use super::dialect::{check, check_roots};
use super::{event, told};
use crate::model::event::Usage;
use crate::normalise::*;

/// What all spans of an agent of VoltAgent carry, and those of a subagent.
const DESK: &str = "entity.type=agent; entity.id=d; entity.name=desk";
const BILLING: &str =
    "entity.type=agent; entity.id=d; entity.name=desk; subagent.id=b; subagent.name=billing";

/// Span, what all spans of its agent carry, what it carries itself, and what is told.
const LINES: &[(&str, &str, &str, &str)] = &[
    ("desk", DESK, "", "agent desk"),
    ("subagent:billing", BILLING, "", "agent billing"),
    (
        "desk",
        DESK,
        "ai.model.name=openai/gpt-4o; usage.prompt_tokens=70; usage.completion_tokens=9",
        "call -/gpt-4o of desk in 70 out 9 asks[] agent",
    ),
    (
        "subagent:billing",
        BILLING,
        "ai.model.name=gpt-4o; error.type=Error",
        "call -/gpt-4o of billing in 0 out 0 asks[] agent failed",
    ),
    (
        "llm:streamText",
        DESK,
        "span.type=llm; ai.model.name=gpt-4o; llm.usage.prompt_tokens=7",
        "structure of desk refused[]",
    ),
    (
        "llm:generateText",
        BILLING,
        "span.type=llm; ai.model.name=openai/gpt-4o; ai.model.provider=openai; error.type=APIError",
        "call openai/gpt-4o of billing in 0 out 0 asks[] failed",
    ),
    (
        "tool.execution:look_up",
        BILLING,
        "span.type=tool; tool.name=look_up",
        "tool look_up of billing",
    ),
    (
        "tool.execution:look_up",
        DESK,
        "span.type=tool",
        "tool look_up of desk",
    ),
    (
        "tool.execution:delegate_task",
        DESK,
        r#"span.type=tool; tool.name=delegate_task; tool.parameters={"type": "object"}; input={"targetAgents": ["billing"]}"#,
        "tool delegate_task of desk to billing only",
    ),
    (
        "tool.execution:delegate_task",
        DESK,
        r#"span.type=tool; tool.name=delegate_task; input={"targetAgents": ["billing", "sales"]}"#,
        "tool delegate_task of desk to ? only",
    ),
    (
        "memory.read",
        DESK,
        "span.type=memory",
        "structure of desk refused[]",
    ),
    ("search", DESK, "span.type=retriever", "retrieval"),
    (
        "embed",
        DESK,
        "span.type=embedding",
        "call -/- of desk in 0 out 0 asks[] embeds",
    ),
    ("check", DESK, "span.type=guardrail", "guardrail false"),
    (
        "judge",
        DESK,
        "span.type=scorer",
        "structure of desk refused[]",
    ),
    (
        "orders",
        "entity.type=workflow; entity.id=w; entity.name=orders",
        "",
        "workflow orders",
    ),
    (
        "step",
        "entity.type=workflow; entity.id=w; entity.name=orders",
        "span.type=workflow-step",
        "structure of - refused[]",
    ),
];

#[test]
fn voltagent() {
    for (span, common, own, expected) in LINES {
        check(
            "@voltagent/core",
            "",
            &[&format!("{span} | {common}; {own} | {expected}")],
        );
        check(
            "another",
            "",
            &[&format!("{span} | {common}; {own} | {expected}")],
        );
    }
}

/// Command-line agents write operations of their own with the standard names.
#[test]
fn operations_that_are_called_calls() {
    check(
        "cli",
        "gen_ai.operation.name",
        &[
            "agent_call | $=agent_call; gen_ai.agent.name=cli | agent cli",
            "llm_call | $=llm_call; gen_ai.request.model=m | call -/m of - in 0 out 0 asks[]",
            "tool_call | $=tool_call; gen_ai.tool.name=dig; gen_ai.tool.call_id=c1 | tool dig of -",
            "other | $=other; gen_ai.tool.name=dig; gen_ai.tool.call_id=c1 | tool dig of -",
        ],
    );
}

#[test]
fn laminar() {
    check(
        "lmnr.tracer",
        "lmnr.span.type",
        &[
            "agents.response | $=LLM; gen_ai.system=openai; gen_ai.request.model=gpt-4o | call openai/gpt-4o of - in 0 out 0 asks[]",
            "chat m | $=LLM; gen_ai.operation.name=embeddings; gen_ai.request.model=m | call -/m of - in 0 out 0 asks[] embeds",
            "look_up | $=TOOL | tool look_up of -",
            r#"delegate_to_agent | $=TOOL; lmnr.span.input={"agent": "desk"} | tool delegate_to_agent of - to desk only"#,
            "agents.mcp_tools | $=TOOL | structure of - refused[]",
            "agents.handoff | $=TOOL; openai.agents.handoff.from=desk; openai.agents.handoff.to=billing | handoff desk to billing",
            "agents.handoff | $=TOOL; openai.agents.handoff.from=desk | handoff desk to ?",
            "agents.guardrail | $=DEFAULT; openai.agents.guardrail.name=g; openai.agents.guardrail.triggered=true | guardrail true",
            r#"desk | $=DEFAULT; lmnr.span.input={"name": "desk", "output_type": "str"} | agent desk"#,
            r#"desk | $=DEFAULT; lmnr.span.input={"name": "desk", "handoffs": ["billing"]} | agent desk"#,
            r#"desk | $=DEFAULT; lmnr.span.input={"name": "desk"} | structure of - refused[]"#,
            r#"greet | $=DEFAULT; lmnr.span.input={"name": "greet", "text": "hello"} | structure of - refused[]"#,
            "agents.turn | $=DEFAULT; openai.agents.turn.agent_name=desk | structure of desk refused[]",
            "score | $=EVALUATOR | structure of - refused[]",
        ],
    );
    check_roots(
        "lmnr.tracer",
        "lmnr.span.type",
        &["support | $=DEFAULT | workflow support"],
    );
}

#[test]
fn laminar_names_sessions_users_and_reasoning() {
    let session = |name: &str| {
        let found = event(
            "lmnr.tracer",
            "c",
            &[("lmnr.span.type", "DEFAULT"), (name, "s")],
        );
        found.context.session.as_ref().map(|s| s.id.to_string())
    };
    for name in [
        "lmnr.association.properties.session_id",
        "lmnr.association.properties.metadata.openai.agents.group_id",
    ] {
        assert_eq!(session(name).as_deref(), Some("s"), "{name}");
    }
    let tokens = [
        ("lmnr.span.type", "LLM"),
        ("gen_ai.usage.input_tokens", "10"),
        ("gen_ai.usage.output_tokens", "9"),
        ("gen_ai.usage.reasoning_output_tokens", "8"),
    ];
    let found = event("lmnr.tracer", "agents.response", &tokens);
    let Kind::Model(call) = &found.kind else {
        panic!("{}", told(&found));
    };
    let expected = Usage {
        input: 10,
        output: 9,
        reasoning: Some(8),
        ..Usage::default()
    };
    assert_eq!(call.usage, Some(expected));
}
