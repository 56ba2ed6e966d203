//! Tokens that a dialect does not report.

/// The same as [`super::OTHERS`].
pub const TOKENS: &[(&str, &str, &str)] = &[
    (
        "agent365-openai-agents/parcel-handoffs",
        "tokens * cache_read",
        "only the answers of streamed calls are reported, whose usage has cached and reasoning tokens",
    ),
    (
        "agent365-openai-agents/parcel-handoffs",
        "tokens gpt-5-mini reasoning",
        "only the answers of streamed calls are reported, whose usage has cached and reasoning tokens",
    ),
    (
        "agentops-openai-agents/parcel-handoffs",
        "tokens * cache_read",
        "neither cached nor reasoning tokens are reported",
    ),
    (
        "agentops-openai-agents/parcel-handoffs",
        "tokens gpt-5-mini reasoning",
        "neither cached nor reasoning tokens are reported",
    ),
    (
        "agentscope/energy-team",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "agno-openinference/support-team",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "autogen-native/support-swarm",
        "tokens",
        "no spans for model calls",
    ),
    (
        "autogen-openinference/support-swarm",
        "tokens * cache_read",
        "the model client's result has neither cached nor reasoning tokens",
    ),
    (
        "autogen-openinference/support-swarm",
        "tokens gpt-5-mini reasoning",
        "the model client's result has neither cached nor reasoning tokens",
    ),
    (
        "beeai-openinference/support-handoff",
        "tokens gpt-4o-mini input",
        "a call whose tool the framework does not know is marked as failed, without its tokens",
    ),
    (
        "beeai-openinference/support-handoff",
        "tokens gpt-4o-mini output",
        "a call whose tool the framework does not know is marked as failed, without its tokens",
    ),
    (
        "beeai-openinference/support-handoff",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "claude-agent-sdk/support-subagents",
        "tokens *",
        "no spans for model calls; the sums on the run, which count, name the model that answered last and leave subagents out",
    ),
    (
        "gemini-cli/parcel-subagents",
        "tokens * cache_read",
        "spans count neither cached tokens nor thoughts; log records do, and name no call",
    ),
    (
        "gemini-cli/parcel-subagents",
        "tokens gemini-2.5-pro output",
        "spans count neither cached tokens nor thoughts; log records do, and name no call",
    ),
    (
        "gemini-cli/parcel-subagents",
        "tokens gemini-2.5-pro reasoning",
        "spans count neither cached tokens nor thoughts; log records do, and name no call",
    ),
    (
        "google-adk-v1/support-subagents",
        "tokens * cache_read",
        "cached tokens are not reported",
    ),
    (
        "google-adk-v1/support-subagents",
        "tokens gpt-4o input",
        "streamed calls report no tokens",
    ),
    (
        "google-adk-v1/support-subagents",
        "tokens gpt-4o output",
        "streamed calls report no tokens",
    ),
    (
        "google-adk-v1/support-subagents",
        "tokens gpt-4o-mini input",
        "streamed calls report no tokens",
    ),
    (
        "google-adk-v1/support-subagents",
        "tokens gpt-4o-mini output",
        "streamed calls report no tokens",
    ),
    (
        "google-adk-v1/support-subagents",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "koog/clinic-delegation",
        "tokens * cache_read",
        "neither cached nor reasoning tokens are reported",
    ),
    (
        "koog/clinic-delegation",
        "tokens gpt-5-mini reasoning",
        "neither cached nor reasoning tokens are reported",
    ),
    (
        "langgraph-js-traceloop/support-swarm",
        "tokens * cache_read",
        "neither cached nor reasoning tokens are reported",
    ),
    (
        "langgraph-js-traceloop/support-swarm",
        "tokens gpt-5-mini reasoning",
        "neither cached nor reasoning tokens are reported",
    ),
    (
        "langgraph-traceloop/support-swarm",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "llama-index-openinference/support-agentworkflow",
        "tokens gpt-4o cache_read",
        "streamed calls report no tokens",
    ),
    (
        "llama-index-openinference/support-agentworkflow",
        "tokens gpt-4o input",
        "streamed calls report no tokens",
    ),
    (
        "llama-index-openinference/support-agentworkflow",
        "tokens gpt-4o output",
        "streamed calls report no tokens",
    ),
    (
        "llama-index-openinference/support-agentworkflow",
        "tokens gpt-4o-mini input",
        "streamed calls report no tokens",
    ),
    (
        "llama-index-openinference/support-agentworkflow",
        "tokens gpt-4o-mini output",
        "streamed calls report no tokens",
    ),
    (
        "mlflow-langgraph/claims-supervisor",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are on the spans around the call only",
    ),
    (
        "mlflow-langgraph/claims-supervisor-semconv",
        "tokens * cache_read",
        "neither cached nor reasoning tokens are reported",
    ),
    (
        "mlflow-langgraph/claims-supervisor-semconv",
        "tokens gpt-5-mini reasoning",
        "neither cached nor reasoning tokens are reported",
    ),
    (
        "openai-agents-openinference/support-chat",
        "tokens * cache_read",
        "cached tokens are not reported",
    ),
    (
        "openai-agents-openinference/support-chat",
        "tokens gpt-4o input",
        "streamed calls report no tokens",
    ),
    (
        "openai-agents-openinference/support-chat",
        "tokens gpt-4o output",
        "streamed calls report no tokens",
    ),
    (
        "openai-agents-openinference/support-chat",
        "tokens gpt-4o-mini input",
        "streamed calls report no tokens",
    ),
    (
        "openai-agents-openinference/support-chat",
        "tokens gpt-4o-mini output",
        "streamed calls report no tokens",
    ),
    (
        "openai-agents-openinference/support-chat",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "openai-agents-otelv2/support-agents-as-tools",
        "tokens * cache_read",
        "cached tokens are not reported",
    ),
    (
        "openai-agents-otelv2/support-agents-as-tools",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "openai-agents-otelv2/support-responses",
        "tokens * cache_read",
        "cached tokens are not reported",
    ),
    (
        "openai-agents-otelv2/support-responses",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "openlit-openai-agents/travel-handoffs",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "otel-genai-semconv/support-manual",
        "tokens * cache_read",
        "cached tokens are not reported",
    ),
    (
        "otel-genai-semconv/support-manual",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "quarkus-langchain4j/parcel-transfers",
        "tokens * cache_read",
        "neither cached nor reasoning tokens are reported",
    ),
    (
        "quarkus-langchain4j/parcel-transfers",
        "tokens gpt-5-mini reasoning",
        "neither cached nor reasoning tokens are reported",
    ),
    (
        "semantic-kernel/support-handoff",
        "tokens * cache_read",
        "cached tokens are not reported",
    ),
    (
        "semantic-kernel/support-handoff",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "smolagents-openinference/support-managed",
        "tokens * cache_read",
        "cached tokens are not reported",
    ),
    (
        "smolagents-openinference/support-managed",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "spring-ai/support-delegation",
        "tokens * cache_read",
        "neither cached nor reasoning tokens are reported",
    ),
    (
        "spring-ai/support-delegation",
        "tokens gpt-5-mini reasoning",
        "neither cached nor reasoning tokens are reported",
    ),
    (
        "strands-ts/claims-swarm",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "strands/support-swarm-legacy",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "vercel-ai-v5/support-delegation",
        "tokens * cache_read",
        "generateText reports neither cached nor reasoning tokens, only streamText does",
    ),
    (
        "vercel-ai-v5/support-delegation",
        "tokens gpt-5-mini reasoning",
        "generateText reports neither cached nor reasoning tokens, only streamText does",
    ),
    (
        "vercel-ai-v7/support-delegation",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
];
