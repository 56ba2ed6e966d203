//! One line of each dialect after the other: what a span of this scope and name with these attributes says.

use super::{event, told, with};
use crate::model::event::Cost;
use crate::normalise::*;

/// Lines of `span | attributes | what is told`. Attributes are `key=value`, separated by `; `; the key `$` is the one that `key` says.
pub(super) fn check_as(root: bool, scope: &str, key: &str, lines: &[&str]) {
    for line in lines {
        let mut columns = line.split(" | ");
        let mut column = || columns.next().expect(line);
        let (span, attributes, expected) = (column(), column(), column());
        let attributes: Vec<(&str, &str)> = attributes
            .split("; ")
            .filter_map(|attribute| attribute.split_once('='))
            .map(|(name, value)| (if name == "$" { key } else { name }, value))
            .collect();
        let found = with(scope, span, &attributes, |span| {
            span.parent = span.parent.filter(|_| !root);
        });
        assert_eq!(told(&found), expected, "{scope}: {line}");
    }
}

/// Spans inside a trace.
pub(super) fn check(scope: &str, key: &str, lines: &[&str]) {
    check_as(false, scope, key, lines);
}

/// Spans that are the roots of their traces.
pub(super) fn check_roots(scope: &str, key: &str, lines: &[&str]) {
    check_as(true, scope, key, lines);
}

#[test]
fn agent_framework() {
    check(
        "agent_framework",
        "gen_ai.agent.name",
        &["workflow.run | workflow.name=billing | workflow billing"],
    );
    check(
        "Microsoft.Agents.AI",
        "gen_ai.agent.name",
        &["workflow_invoke | workflow.name=billing | workflow billing"],
    );
    check(
        "agent_framework",
        "gen_ai.agent.name",
        &["executor.process desk | $=desk | structure of - refused[]"],
    );
    check(
        "Microsoft.Agents.AI",
        "gen_ai.agent.name",
        &["message.send | $=desk | structure of - refused[]"],
    );
    check(
        "another",
        "gen_ai.agent.name",
        &["executor.process desk | $=desk | structure of desk refused[]"],
    );
}

#[test]
fn autogen() {
    check(
        "openinference.instrumentation.autogen",
        "openinference.span.kind",
        &[
            "writer.on_messages | $=AGENT | agent writer",
            "writer.on_messages_stream | $=AGENT | agent writer",
            "writer.on_reset | $=AGENT | workflow writer.on_reset",
            "writer.on_messages | $=CHAIN | structure of - refused[]",
            "Swarm.run | $=AGENT | workflow Swarm.run",
            "desk.run | $=AGENT; agent.name=desk; participant_names=a | workflow desk.run",
            "desk.run | $=AGENT; agent.name=desk | agent desk",
            r#"client.create | $=LLM; output.value={"usage":{"prompt_tokens":7}} | call -/- of - in 7 out 0 asks[]"#,
        ],
    );
}

#[test]
fn crewai() {
    check(
        "openinference.instrumentation.crewai",
        "openinference.span.kind",
        &[
            "run | $=AGENT; agent.name= Refund Desk  | agent refund desk",
            "Flow.kickoff | $=CHAIN | workflow Flow",
            "Flow.step | $=CHAIN | structure of - refused[]",
        ],
    );
    check_roots(
        "openinference.instrumentation.crewai",
        "openinference.span.kind",
        &["Crew_1.kickoff | $=CHAIN | workflow Crew_1"],
    );
}

#[test]
fn google_adk() {
    check(
        "gcp.vertex.agent",
        "openinference.span.kind",
        &[
            "call_llm |  | call -/- of - in 0 out 0 asks[] failed",
            "another |  | structure of - refused[]",
            "invocation |  | workflow -",
            "call | $=LLM | call -/- of - in 0 out 0 asks[]",
            "invoke_agent desk | $=LLM | call -/- of desk in 0 out 0 asks[] agent",
            "run | $=LLM; gen_ai.operation.name=invoke_agent; gen_ai.agent.name=desk | call -/- of desk in 0 out 0 asks[] agent",
            "invoke_agent desk | gen_ai.operation.name=invoke_agent | agent desk",
        ],
    );
}

#[test]
fn haystack() {
    check(
        "haystack.tracing",
        "haystack.component.type",
        &[
            "haystack.component.run | $=InMemoryRetriever | retrieval",
            "haystack.component.run | $=PromptBuilder | structure of - refused[]",
            "haystack.agent.step.tool | haystack.tool.name=lookup; haystack.tool.error=false | tool lookup of -",
            "haystack.agent.step.tool | haystack.tool.name=lookup; haystack.tool.error=true | tool lookup of - failed",
        ],
    );
}

#[test]
fn langfuse() {
    check(
        "",
        "langfuse.observation.type",
        &[
            "e | $=embedding | call -/- of - in 0 out 0 asks[] embeds",
            "g | $=generation; langfuse.observation.level=ERROR | call -/- of - in 0 out 0 asks[] failed",
            "desk | $=agent | agent desk",
            "lookup | $=tool | tool lookup of -",
            "r | $=retriever | retrieval",
            "g | $=guardrail | guardrail false",
            "g | $=guardrail; langfuse.observation.level=ERROR | guardrail true",
            "s | $=span | structure of - refused[]",
            "writer | $=agent; langgraph_checkpoint_ns=writer:1 | agent writer inferred",
            "my_agent | $=agent; langgraph_checkpoint_ns=writer:1|agent:2 | structure of writer refused[]",
        ],
    );
    check(
        "langfuse-sdk",
        "langfuse.observation.type",
        &["chat | gen_ai.operation.name=chat | call -/- of - in 0 out 0 asks[]"],
    );
    check(
        "",
        "langfuse.observation.type",
        &[
            r#"g | $=generation; langfuse.observation.usage_details={"output":3} | call -/- of - in 0 out 3 asks[]"#,
        ],
    );
    check_roots(
        "",
        "langfuse.observation.type",
        &[
            "s | $=span | workflow s",
            "s | $=chain; langfuse.trace.name=billing | workflow billing",
        ],
    );
}

#[test]
fn langfuse_adds_up_the_parts_of_a_cost_without_a_total() {
    for (details, cost) in [
        (r#"{"total":0.5,"input":0.125}"#, Cost::Declared(0.5)),
        (r#"{"input":0.125,"output":0.25}"#, Cost::Declared(0.375)),
        ("{}", Cost::Unknown),
    ] {
        let attributes = [
            ("langfuse.observation.type", "generation"),
            ("langfuse.observation.cost_details", details),
        ];
        match event("langfuse-sdk", "g", &attributes).kind {
            Kind::Model(call) => assert_eq!(call.cost, cost, "{details}"),
            other => panic!("no call: {other:?}"),
        }
    }
}

#[test]
fn langsmith() {
    check(
        "",
        "langsmith.span.kind",
        &[
            "e | $=embedding | call -/- of - in 0 out 0 asks[] embeds",
            "lookup | $=tool | tool lookup of -",
            "r | $=retriever | retrieval",
            "c | $=chain | structure of - refused[]",
            "writer | $=chain; langgraph_checkpoint_ns=writer:1 | agent writer inferred",
            "c | $=chain; langgraph_checkpoint_ns=writer:1|agent:2 | structure of writer refused[]",
        ],
    );
    check(
        "langsmith",
        "langsmith.span.kind",
        &["c | gen_ai.operation.name=chat | call -/- of - in 0 out 0 asks[]"],
    );
    check_roots("", "langsmith.span.kind", &["c | $=chain | workflow c"]);
}

#[test]
fn llama_index() {
    check(
        "openinference.instrumentation.llama_index",
        "output.value",
        &[
            "Flow.run_agent_step | openinference.span.kind=CHAIN; $=current_agent_name='a' | structure of a refused[]",
            "Flow.run_agent_step | openinference.span.kind=CHAIN; agent.name=b; $=current_agent_name='a' | structure of b refused[]",
            "Flow.parse | openinference.span.kind=CHAIN; $=current_agent_name='a' | structure of - refused[]",
        ],
    );
}

#[test]
fn logfire() {
    check(
        "logfire.openai_agents",
        "error",
        &[
            "Responses API |  | call -/- of - in 0 out 0 asks[]",
            "Chat completion with x |  | call -/- of - in 0 out 0 asks[]",
            "Chat Completion with x |  | call -/- of - in 0 out 0 asks[]",
            "Responses API | $=null | call -/- of - in 0 out 0 asks[]",
            r#"Responses API | $={"message":"no"} | call -/- of - in 0 out 0 asks[] failed"#,
            "Function: lookup | name=lookup; $=null | tool lookup of -",
            r#"Function: lookup | name=lookup; $={"message":"no"} | tool lookup of - failed"#,
            "Handoff: a → b | from_agent=a; to_agent=b | handoff a to b",
            "Handoff: a | from_agent=a | handoff a to ?",
            "Guardrail x | triggered=true | guardrail true",
            "Guardrail x | triggered=false | guardrail false",
            "OpenAI Agents trace: x | name=x | workflow x",
            "Turn 1 | gen_ai.operation.name=chat | structure of - refused[]",
            "Turn 1 | logfire.span_type=span; logfire.msg_template=Responses API with {x} | call -/- of - in 0 out 0 asks[]",
            "Responses API | logfire.msg_template={x} | call -/- of - in 0 out 0 asks[]",
            "Other | gen_ai.operation.name=chat | call -/- of - in 0 out 0 asks[]",
        ],
    );
}

#[test]
fn mcp() {
    check(
        "",
        "mcp.method.name",
        &[
            "tools/call lookup | $=tools/call | tool lookup of -",
            "tools/call lookup | $=tools/call; error.type=timeout | tool lookup of - failed",
            "tools/list | $=tools/list | structure of - refused[]",
        ],
    );
}

#[test]
fn openinference() {
    check(
        "",
        "openinference.span.kind",
        &[
            "c | $=LLM; tool.name=x | call -/- of - in 0 out 0 asks[]",
            "c | $=AGENT; tool.name=x | tool x of -",
            "c | $=EMBEDDING | call -/- of - in 0 out 0 asks[] embeds",
            "c | $=RETRIEVER | retrieval",
            "c | $=GUARDRAIL | guardrail false",
            "desk.run | $=AGENT | agent desk",
            "desk.run | $=AGENT; graph.node.id=node | agent node",
            "desk | $=AGENT | agent -",
            "desk.run | $=CHAIN | structure of - refused[]",
            "c | $=OTHER | structure of - refused[]",
            "writer | $=CHAIN; langgraph_checkpoint_ns=writer:1 | agent writer inferred",
            "c | $=CHAIN; langgraph_checkpoint_ns=writer:1|agent:2 | structure of writer refused[]",
        ],
    );
    check_roots(
        "",
        "openinference.span.kind",
        &[
            "desk | $=CHAIN | workflow desk",
            "desk | $=OTHER | structure of - refused[]",
        ],
    );
}

#[test]
fn openllmetry() {
    check(
        "",
        "traceloop.span.kind",
        &[
            "billing.workflow | $=workflow | workflow billing",
            "desk.agent | $=agent | agent desk",
            "invoke_agent desk | $=agent; gen_ai.operation.name=invoke_agent; agent.name=desk; traceloop.entity.name=other | agent desk",
            "lookup.tool | $=tool | tool lookup of -",
            "h | $=handoff; to_agent=b | handoff - to b",
            "h | $=handoff | handoff - to ?",
            "vector_db_retrieve | $=task | retrieval",
            "vector_db_retrieve | $=task; gen_ai.operation.name=chat | call -/- of - in 0 out 0 asks[]",
        ],
    );
}

#[test]
fn openllmetry_is_known_by_its_scope_and_its_names_together() {
    for (scope, name, expected) in [
        ("", "traceloop.workflow.name", true),
        ("opentelemetry.instrumentation.x", "traceloop.x", true),
        ("opentelemetry.instrumentation.x", "langgraph.x", true),
        ("opentelemetry.instrumentation.x", "llm.request.type", true),
        ("opentelemetry.instrumentation.x", "another", false),
        ("x", "llm.request.type", false),
    ] {
        let batch = super::group(scope, "c", &[(name, "x")], |_| {});
        let normaliser = Normaliser::new(Settings::default(), Arc::new(PriceBook::default()));
        let mut scratch = Scratch::default();
        normaliser.normalise(&batch, &mut scratch);
        let counts = scratch.take_span_counts();
        let mut counts = SpanCounts::dialects().zip(counts.counts());
        let found = counts.any(|(dialect, count)| dialect == "openllmetry" && *count == 1);
        assert_eq!(found, expected, "{scope}: {name}");
    }
}

#[test]
fn the_standard_names() {
    check(
        "",
        "gen_ai.operation.name",
        &[
            "e | $=embeddings | call -/- of - in 0 out 0 asks[] embeds",
            "r | $=retrieval | retrieval",
            "w | $=invoke_workflow | workflow -",
            "h | $=handoff | handoff - to ?",
            "g | $=goto; langgraph.command.goto_node=b | handoff - to b",
            "g | $=goto; langgraph.command.goto_node=__end__ | structure of - refused[]",
            "g | $=guardrail; gen_ai.guardrail.triggered=true | guardrail true",
            "g | $=guardrail; gen_ai.guardrail.triggered=false | guardrail false",
            "c | $=chat; gen_ai.agent.name=desk; gen_ai.agent.id=agent; gen_ai.request.model=m | call -/m of - in 0 out 0 asks[]",
            "c | $=chat; gen_ai.agent.name=desk; gen_ai.request.model=m | call -/m of desk in 0 out 0 asks[]",
            "c | $=invoke_agent; gen_ai.agent.name=desk; gen_ai.agent.id=agent | agent desk",
            "h | $=other; gen_ai.handoff.to_agent=b | handoff - to b",
            "h | gen_ai.handoff.to_agent=b | handoff - to b",
            "c | $=chat; gen_ai.handoff.to_agent=b; gen_ai.request.model=m | call -/m of - in 0 out 0 asks[]",
            "c | gen_ai.request.model=m; gen_ai.system=openai | call openai/m of - in 0 out 0 asks[]",
            "c | gen_ai.request.model=m; gen_ai.provider.name=openai | call openai/m of - in 0 out 0 asks[]",
            "c | gen_ai.request.model=m; gen_ai.usage.input_tokens=5 | call -/m of - in 5 out 0 asks[]",
            "c | gen_ai.request.model=m; llm.request.type=chat | call -/m of - in 0 out 0 asks[]",
            "c | gen_ai.request.model=m; llm.request.type=embedding | call -/m of - in 0 out 0 asks[] embeds",
            "c | gen_ai.response.model=m; gen_ai.system=openai | call openai/m of - in 0 out 0 asks[]",
            "c | llm.request.model=m; gen_ai.system=openai | call openai/m of - in 0 out 0 asks[]",
            "c | gen_ai.request.model=m | structure of - refused[]",
            "c | gen_ai.system=openai | structure of - refused[]",
            "c | gen_ai.agent.name=desk | structure of desk refused[]",
            "invoke_agent |  | structure of - refused[]",
            "invoke_agent x | gen_ai.agent.name=desk | agent desk",
        ],
    );
}

#[test]
fn a_call_says_when_its_first_token_came_and_which_scope_shows_it() {
    let call = |scope: &str, seconds: &str| {
        let attributes = [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.response.time_to_first_chunk", seconds),
        ];
        match event(scope, "c", &attributes).kind {
            Kind::Model(call) => (call.first_token_seconds, call.instrumentation),
            other => panic!("no call: {other:?}"),
        }
    };
    for (told, seconds) in [("0.5", Some(0.5)), ("0", Some(0.0)), ("-1", None)] {
        assert_eq!(call("a", told).0, seconds);
    }
    assert_eq!(call("a", "1").1, call("a", "2").1);
    assert_ne!(call("a", "1").1, call("b", "1").1);
}

#[test]
fn pydantic_ai() {
    check(
        "pydantic-ai",
        "agent_name",
        &["desk run | $=desk | agent desk"],
    );
    check(
        "pydantic_ai",
        "agent_name",
        &["agent run | $=desk | agent desk"],
    );
    check(
        "pydantic-ai",
        "agent_name",
        &["desk | $=desk | structure of - refused[]"],
    );
    check(
        "another",
        "agent_name",
        &["desk run | $=desk | structure of - refused[]"],
    );
    check(
        "pydantic-ai",
        "agent_name",
        &["desk run | $=desk; gen_ai.operation.name=chat | call -/- of - in 0 out 0 asks[]"],
    );
}

#[test]
fn strands() {
    check(
        "strands.telemetry",
        "gen_ai.operation.name",
        &[
            "invoke_swarm | $=invoke_swarm | workflow -",
            "invoke_swarm | $=invoke_swarm; workflow.name=x | workflow x",
        ],
    );
}

#[test]
fn vercel() {
    check(
        "ai",
        "ai.operationId",
        &[
            "t | $=ai.toolCall; ai.toolCall.name=lookup | tool lookup of -",
            "e | $=ai.embed.doEmbed; ai.telemetry.functionId=desk | call -/- of desk in 0 out 0 asks[] embeds",
            "c | $=ai.generateText.doGenerate; ai.telemetry.functionId=desk | call -/- of desk in 0 out 0 asks[]",
            "e | $=ai.embed; ai.telemetry.functionId=desk | structure of desk refused[]",
            "c | $=ai.generateText; ai.telemetry.functionId=desk | agent desk",
            "c | $=ai.generateText | workflow -",
        ],
    );
    let call = |attributes: &[(&str, &str)]| {
        let mut all = vec![("ai.operationId", "ai.generateText.doGenerate")];
        all.extend(attributes);
        match event("ai", "c", &all).kind {
            Kind::Model(call) => (call.first_token_seconds, call.answered),
            other => panic!("no call: {other:?}"),
        }
    };
    assert_eq!(call(&[]), (None, None));
    assert_eq!(call(&[("ai.response.msToFirstChunk", "250")]).0, Some(0.25));
    for (reason, answered) in [("stop", true), ("tool-calls", false)] {
        assert_eq!(
            call(&[("ai.response.finishReason", reason)]).1,
            Some(answered)
        );
    }
}
