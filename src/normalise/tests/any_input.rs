//! Whatever attributes hold, nothing of it stops the normaliser.

use super::{kept, with};
use crate::otlp::view::Status;
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

proptest! {
    /// The room takes any text under any key it reads, cut anywhere, and still answers with one event a span.
    #[test]
    fn no_span_makes_it_fail(
        scope in prop::sample::select(SCOPES),
        picked in prop::collection::vec((prop::sample::select(KEYS), prop::sample::select(TEXTS), 0..80_usize, any::<char>()), 0..8),
        name in "\\PC{0,20}",
    ) {
        let attributes: Vec<(&str, String)> = picked
            .into_iter()
            .map(|(key, text, at, odd)| {
                let mut text: Vec<char> = text.chars().collect();
                text.insert(at.min(text.len()), odd);
                (key, text.into_iter().collect())
            })
            .collect();
        let attributes: Vec<(&str, &str)> = attributes.iter().map(|(k, v)| (*k, v.as_str())).collect();
        for span in [name.as_str(), "invoke_agent x", "Delegate work to coworker.run"] {
            let e = with(scope, span, &attributes, |s| {
                s.status = Status::Error;
                s.status_message = attributes.first().map(|a| kept(a.1)).unwrap_or_default();
            });
            prop_assert_eq!(e.start.0, 1_000_000_000);
            prop_assert!(e.agent.is_none_or(|a| a.len() <= 128));
        }
    }
}

const SCOPES: &[&str] = &[
    "app",
    "ai",
    "gen_ai",
    "mcp",
    "langsmith",
    "langfuse-sdk",
    "logfire.openai_agents",
    "pydantic-ai",
    "agent_framework",
    "gcp.vertex.agent",
    "strands.telemetry.tracer",
    "autogen-core",
    "openinference.instrumentation.crewai",
    "openinference.instrumentation.autogen_agentchat",
    "opentelemetry.instrumentation.langchain",
];
const KEYS: &[&str] = &[
    "gen_ai.operation.name",
    "gen_ai.tool.name",
    "gen_ai.agent.name",
    "gen_ai.output.messages",
    "gen_ai.tool.call.arguments",
    "gen_ai.usage.input_tokens",
    "gen_ai.request.model",
    "openinference.span.kind",
    "output.value",
    "tool.name",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name",
    "traceloop.span.kind",
    "langsmith.span.kind",
    "langfuse.observation.type",
    "langfuse.observation.usage_details",
    "logfire.msg_template",
    "ai.operationId",
    "ai.response.toolCalls",
    "metadata",
    "error",
    "outcome",
    "session.id",
    "langsmith.metadata.langgraph_checkpoint_ns",
];
const TEXTS: &[&str] = &[
    "",
    "chat",
    "execute_tool",
    "invoke_agent",
    "LLM",
    "TOOL",
    "AGENT",
    "generation",
    "llm",
    "ai.toolCall",
    "transfer_to_desk",
    "transferToDesk",
    "delegate_",
    "18446744073709551615",
    "a:1|b:2",
    "Agent 'x' not found",
    "Tool not found: {'tool_name': 'transfer_to_x'}",
    "Error executing tool. x",
    "ResponseFunctionToolCall(arguments='{}', call_id='c', name='transfer_to_x'",
    r#"[{"parts":[{"type":"tool_call","name":"transfer_to_x"}]}]"#,
    r#"{"input":18446744073709551615,"output":1,"total":2}"#,
];
