//! Dialects that put most of what they say into JSON, and those of graphs.

use super::dialect::{check, check_roots};
use super::{event, told, with};
use crate::model::event::{ModelCall, Usage};
use crate::normalise::*;
use crate::otlp::view::{SpanEvent, Value};

const MLFLOW: &str = "mlflow.tracing.provider";

#[test]
fn mlflow_has_types_and_values_in_quotes() {
    check(
        MLFLOW,
        "mlflow.spanType",
        &[
            r#"ChatOpenAI | $="CHAT_MODEL"; mlflow.llm.model="gpt-4o"; mlflow.llm.provider="openai"; mlflow.chat.tokenUsage={"input_tokens": 79, "output_tokens": 14} | call openai/gpt-4o of - in 79 out 14 asks[]"#,
            r#"LLM.call | $="LLM"; mlflow.llm.model="gpt-4o" | call -/gpt-4o of - in 0 out 0 asks[]"#,
            r#"e | $="EMBEDDING"; mlflow.llm.model="ada" | call -/ada of - in 0 out 0 asks[] embeds"#,
            r#"kb | $="RETRIEVER" | retrieval"#,
            r#"rank | $="RERANKER" | structure of - refused[]"#,
            r#"look_up | $="TOOL" | tool look_up of -"#,
            r#"transfer_to_desk | $="TOOL" | tool transfer_to_desk of - to desk only"#,
            r#"check | $="GUARDRAIL"; mlflow.spanOutputs={"triggered": true} | guardrail true"#,
            r#"check | $="GUARDRAIL" | guardrail false"#,
            r#"desk | $="AGENT" | agent desk"#,
            r#"desk.on_messages | $="AGENT" | agent desk"#,
            r#"ToolCallingAgent.run | $="AGENT"; name="desk" | agent desk"#,
            r#"Agent.run | $="AGENT" | workflow Agent.run"#,
            r#"AgentRunner.run_streamed | $="AGENT" | workflow AgentRunner.run_streamed"#,
            r#"Senior Clerk | $="AGENT"; role="Senior Clerk" | agent Senior Clerk"#,
            r#"Handoff | $="CHAIN"; mlflow.spanInputs={"from_agent": "desk"}; mlflow.spanOutputs={"to_agent": "billing"} | handoff desk to billing"#,
            r#"Handoff | $="CHAIN" | structure of - refused[]"#,
            r#"step | $="CHAIN" | structure of - refused[]"#,
            r#"p | $="PARSER" | structure of - refused[]"#,
            r#"chat m | $="UNKNOWN"; gen_ai.operation.name=chat; gen_ai.request.model=m | call -/m of - in 0 out 0 asks[]"#,
            // With standard names the type of what has no operation is passed on.
            "CHAIN | gen_ai.operation.name=CHAIN | structure of - refused[]",
            "RETRIEVER | gen_ai.operation.name=RETRIEVER | retrieval",
            "execute_tool look_up | gen_ai.operation.name=execute_tool; gen_ai.tool.name=look_up | tool look_up of -",
            "invoke_agent desk | gen_ai.operation.name=invoke_agent; gen_ai.agent.name=desk | agent desk",
            "generate_content m | gen_ai.operation.name=generate_content; gen_ai.request.model=m | call -/m of - in 0 out 0 asks[]",
        ],
    );
    check_roots(
        MLFLOW,
        "mlflow.spanType",
        &[
            r#"handle | $="CHAIN" | workflow handle"#,
            "CHAIN | gen_ai.operation.name=CHAIN | workflow -",
        ],
    );
}

#[test]
fn mlflow_carries_the_place_in_the_graph() {
    let place =
        |ns: &str, more: &str| format!(r#"metadata={{"langgraph_checkpoint_ns": "{ns}"{more}}}"#);
    let named = r#", "lc_agent_name": "fraud""#;
    let lines = [
        (
            r#"clerk | $="CHAIN""#,
            place("clerk:1", ""),
            "agent clerk inferred",
        ),
        (
            r#"agent | $="AGENT""#,
            place("clerk:1|agent:2", ""),
            "structure of clerk refused[]",
        ),
        (
            r#"call_agent | $="CHAIN""#,
            place("call_agent:1", ""),
            "structure of - refused[]",
        ),
        (
            r#"score | $="TOOL""#,
            place("x:1|tools:2", named),
            "tool score of fraud",
        ),
        (
            "CHAIN | gen_ai.operation.name=CHAIN",
            place("clerk:1|model:2", ""),
            "structure of clerk refused[]",
        ),
    ];
    for (span, metadata, expected) in lines {
        let line = format!("{span}; {metadata} | {expected}");
        check(MLFLOW, "mlflow.spanType", &[&line]);
    }
}

#[test]
fn the_place_in_a_graph_is_read_from_any_metadata() {
    let chat = "gen_ai.operation.name=chat; gen_ai.request.model=m";
    for (metadata, agent) in [
        (
            r#"metadata={"langgraph_checkpoint_ns": "desk:1|model:2"}"#,
            "desk",
        ),
        (r#"metadata={"lc_agent_name": "desk"}"#, "desk"),
        ("my.metadata.langgraph_checkpoint_ns=desk:1", "desk"),
        ("my.metadata.lc_agent_name=desk", "desk"),
        (
            "my.metadata.lc_agent_name=desk; gen_ai.agent.name=model",
            "desk",
        ),
        (
            "my.metadata.langgraph_checkpoint_ns=tools:1; gen_ai.agent.name=agent",
            "-",
        ),
        (
            "my.metadata.langgraph_checkpoint_ns=desk:1; gen_ai.agent.name=clerk",
            "clerk",
        ),
        // Outside a graph an agent may have any name.
        ("gen_ai.agent.name=agent", "agent"),
        ("my.metadata.checkpoint_ns=desk:1", "-"),
    ] {
        let line = format!("c | {chat}; {metadata} | call -/m of {agent} in 0 out 0 asks[]");
        check("any", "", &[&line]);
    }
    let node = "my.metadata.langgraph_checkpoint_ns=call_agent:1";
    let line = format!(
        "invoke_agent call_agent | gen_ai.operation.name=invoke_agent; gen_ai.agent.name=call_agent; {node} | structure of - refused[]"
    );
    check("any", "", &[&line]);
}

fn call_of(scope: &str, attributes: &[(&str, &str)]) -> Box<ModelCall> {
    match event(scope, "c", attributes).kind {
        Kind::Model(call) => call,
        other => panic!("no call: {other:?}"),
    }
}

#[test]
fn mlflow_calls_have_usage_cost_and_output() {
    let chat = ("mlflow.spanType", r#""CHAT_MODEL""#);
    let call = |more: &[(&str, &str)]| call_of(MLFLOW, &[&[chat], more].concat());
    let usage = r#"{"input_tokens": 79, "output_tokens": 14, "total_tokens": 93, "cache_read_input_tokens": 19}"#;
    let expected = Usage {
        input: 79,
        output: 14,
        cache_read: Some(19),
        ..Usage::default()
    };
    let found = call(&[("mlflow.chat.tokenUsage", usage)]);
    assert_eq!(found.usage, Some(expected));
    for (cost, usd) in [
        (
            r#"{"input_cost": 0.1, "output_cost": 0.2, "total_cost": 0.3}"#,
            0.3,
        ),
        (r#"{"input_cost": 0.5, "output_cost": 0.25}"#, 0.75),
    ] {
        let found = call(&[("mlflow.llm.cost", cost)]);
        assert_eq!(found.cost.usd(), Some(usd), "{cost}");
    }
    for (output, answered, asks) in [
        (r#""Here you are.""#, Some(true), 0),
        (
            r#"{"choices": [{"message": {"content": "Yes."}}]}"#,
            Some(true),
            0,
        ),
        (
            r#"{"choices": [{"message": {"content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "transfer_to_x", "arguments": "{}"}}]}}]}"#,
            Some(false),
            1,
        ),
    ] {
        let found = call(&[("mlflow.spanOutputs", output)]);
        let said = (found.answered, found.requests.len());
        assert_eq!(said, (answered, asks), "{output}");
    }
}

#[test]
fn mlflow_tools_keep_their_ids_and_failures() {
    let tool = ("mlflow.spanType", r#""TOOL""#);
    let failed = r#"{"content": "no", "type": "tool", "status": "error"}"#;
    let id = ("tool_call_id", r#""call_1""#);
    let found = event(MLFLOW, "t", &[tool, id, ("mlflow.spanOutputs", failed)]);
    let Kind::Tool(call) = &found.kind else {
        panic!("{found:?}");
    };
    assert_eq!(
        (call.call_id.as_deref(), call.failed),
        (Some("call_1"), true)
    );
    let order = r#"{"type": "order", "status": "error"}"#;
    let found = event(MLFLOW, "t", &[tool, ("mlflow.spanOutputs", order)]);
    assert_eq!(told(&found), "tool t of -");
}

#[test]
fn genkit() {
    check(
        "genkit-tracer",
        "genkit:metadata:subtype",
        &[
            "googleai/gemini-2.5-flash | genkit:type=action; $=model | call gcp.gemini/gemini-2.5-flash of - in 0 out 0 asks[]",
            "openai/ada | genkit:type=action; $=embedder | call openai/ada of - in 0 out 0 asks[] embeds",
            "kb | genkit:type=action; $=retriever | retrieval",
            "look_up | genkit:type=action; $=tool | tool look_up of -",
            "desk/look_up | genkit:type=action; $=tool.v2 | tool look_up of -",
            "delegate_to_x | genkit:type=action; $=tool | tool delegate_to_x of - to x only",
            "desk | genkit:type=action; $=agent | agent desk",
            "inner | genkit:type=action; $=flow | structure of - refused[]",
            "generate | genkit:type=util | structure of - refused[]",
            "runTurn-1 | genkit:type=flowStep | structure of - refused[]",
            "openai/m | genkit:type=model | call openai/m of - in 0 out 0 asks[]",
        ],
    );
    check_roots(
        "genkit-tracer",
        "genkit:metadata:subtype",
        &["menu | genkit:type=action; $=flow | workflow menu"],
    );
}

#[test]
fn genkit_has_usage_in_the_output() {
    let usage = |output: &str| {
        let attributes = [
            ("genkit:type", "action"),
            ("genkit:metadata:subtype", "model"),
            ("genkit:output", output),
        ];
        call_of("genkit-tracer", &attributes).usage
    };
    let of = |input, output, cache_read, reasoning| {
        Some(Usage {
            input,
            output,
            cache_read,
            cache_write: None,
            reasoning,
        })
    };
    let openai = r#"{"usage": {"inputTokens": 68, "outputTokens": 30, "totalTokens": 98}, "raw": {"usage": {"prompt_tokens": 68, "completion_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 17}, "completion_tokens_details": {"reasoning_tokens": 16}}}}"#;
    assert_eq!(usage(openai), of(68, 30, Some(17), Some(16)));
    let beside = r#"{"usage": {"inputTokens": 10, "outputTokens": 5, "thoughtsTokens": 7, "totalTokens": 22, "cachedContentTokens": 4}}"#;
    assert_eq!(usage(beside), of(10, 12, Some(4), Some(7)));
    let within = r#"{"usage": {"inputTokens": 10, "outputTokens": 12, "thoughtsTokens": 7, "totalTokens": 22}}"#;
    assert_eq!(usage(within), of(10, 12, None, Some(7)));
    assert_eq!(usage(r#"{"usage": {}}"#), None);
    assert_eq!(usage("{}"), None);
}

#[test]
fn genkit_asks_in_tool_requests() {
    for (output, expected) in [
        (
            r#"{"message": {"content": [{"toolRequest": {"name": "delegate_to_x", "ref": "c", "input": {}}}]}}"#,
            (Some(false), 1),
        ),
        (
            r#"{"candidates": [{"message": {"content": [{"text": "Yes."}]}}]}"#,
            (Some(true), 0),
        ),
        (r#"{"message": {"content": []}}"#, (Some(false), 0)),
        ("{}", (None, 0)),
    ] {
        let attributes = [
            ("genkit:type", "action"),
            ("genkit:metadata:subtype", "model"),
            ("genkit:output", output),
        ];
        let found = call_of("genkit-tracer", &attributes);
        let found = (found.answered, found.requests.len());
        assert_eq!(found, expected, "{output}");
    }
}

#[test]
fn a_subagent_of_genkit_is_no_session_of_its_own() {
    let session = |init: &'static str, root: bool| {
        let attributes = [
            ("genkit:type", "action"),
            ("genkit:metadata:subtype", "agent"),
            ("genkit:metadata:agent:sessionId", "s"),
            ("genkit:init", init),
        ];
        let found = with("genkit-tracer", "desk", &attributes, |span| {
            span.parent = span.parent.filter(|_| !root);
        });
        found.context.session.as_ref().map(|s| s.id.to_string())
    };
    let s = || Some("s".to_owned());
    assert_eq!(session("{}", false), None);
    assert_eq!(session("{}", true), s());
    assert_eq!(session(r#"{"sessionId": "s"}"#, false), s());
    let failed = [
        ("genkit:type", "action"),
        ("genkit:metadata:subtype", "agent"),
        ("genkit:output", r#"{"finishReason": "failed"}"#),
    ];
    assert!(event("genkit-tracer", "desk", &failed).error);
}

#[test]
fn agentscope() {
    check(
        "agentscope",
        "gen_ai.tool.call.result",
        &[
            r#"execute_tool t | gen_ai.operation.name=execute_tool; gen_ai.tool.name=t; $={"state": "error", "content": []} | tool t of - failed"#,
            r#"execute_tool t | gen_ai.operation.name=execute_tool; gen_ai.tool.name=t; $={"state": "success"} | tool t of -"#,
            r#"execute_tool t | gen_ai.operation.name=execute_tool; gen_ai.tool.name=t; $=[{"state": "error"}] | tool t of -"#,
            r#"execute_tool TeamAssign | gen_ai.operation.name=execute_tool; gen_ai.tool.name=TeamAssign | tool TeamAssign of - to ? only"#,
            r#"execute_tool TeamAssign | gen_ai.operation.name=execute_tool; gen_ai.tool.name=TeamAssign; gen_ai.tool.call.arguments={"member": "desk"} | tool TeamAssign of - to desk only"#,
        ],
    );
    let cached = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.usage.input_tokens", "100"),
        ("agentscope.usage.cache_input_tokens", "40"),
        ("agentscope.usage.cache_creation_input_tokens", "7"),
    ];
    let usage = call_of("agentscope", &cached).usage.unwrap_or_default();
    assert_eq!((usage.cache_read, usage.cache_write), (Some(40), Some(7)));
}

#[test]
fn koog_has_agents_by_id() {
    check(
        "clinic",
        "gen_ai.agent.id",
        &[
            "run.77 | gen_ai.operation.name=invoke_agent; $=desk | agent desk",
            "agent.desk | gen_ai.operation.name=create_agent; $=desk | structure of desk refused[]",
            "node.x | koog.node.name=x | structure of - refused[]",
            "tool.look_up | gen_ai.tool.name=look_up | tool look_up of -",
            "tool.delegate_to_x | gen_ai.tool.name=delegate_to_x | tool delegate_to_x of - to x only",
        ],
    );
}

/// What a call of Koog whose messages are these says: whether it answered, what it asks for, whether it failed.
fn koog_call(
    messages: &[(&'static str, &'static str, &'static str)],
) -> (Option<bool>, usize, bool) {
    let attributes = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "m"),
    ];
    let found = with("clinic", "llm.chat", &attributes, |span| {
        for (name, key, text) in messages {
            let attribute = (*key, Value::Str(text));
            span.events.push(SpanEvent {
                name,
                time: span.start,
                attributes: [attribute].into_iter().collect(),
            });
        }
    });
    match found.kind {
        Kind::Model(call) => (call.answered, call.requests.len(), call.failed),
        other => panic!("no call: {other:?}"),
    }
}

#[test]
fn koog_answers_behind_its_last_input() {
    const ASKS: &str = r#"[{"function": {"name": "delegate_to_x", "arguments": "{}"}, "id": "c", "type": "function"}]"#;
    let user = ("gen_ai.user.message", "content", "Hello?");
    let choice = ("gen_ai.choice", "tool_calls", ASKS);
    let result = ("gen_ai.tool.message", "content", "done");
    let answer = ("gen_ai.assistant.message", "content", "Done.");
    assert_eq!(koog_call(&[user, choice]), (Some(false), 1, false));
    assert_eq!(
        koog_call(&[user, choice, result, answer]),
        (Some(true), 0, false)
    );
    assert_eq!(koog_call(&[user, answer, choice]), (Some(true), 1, false));
    // Neither an answer nor a reason to stop.
    assert!(koog_call(&[user]).2);
    assert!(!koog_call(&[]).2, "nothing was captured");
}
