//! Tokens and first-token times, in the counting of OpenTelemetry.

use super::Source;
use crate::model::event::Usage;
use crate::model::otlp::Attributes;

const INPUT: &[&str] = &[
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
];
const OUTPUT: &[&str] = &[
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
];
const CACHE_READ: &[&str] = &[
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cached_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.cachedInputTokens",
    "ai.usage.inputTokenDetails.cacheReadTokens",
];
const CACHE_WRITE: &[&str] = &[
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "llm.token_count.prompt_details.cache_write",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
];
const REASONING: &[&str] = &[
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.reasoningTokens",
    "ai.usage.outputTokenDetails.reasoningTokens",
];

/// The tokens of a call, `None` where the span says nothing of them.
pub(super) fn of(attributes: &Attributes<'_>) -> Option<Usage> {
    let input = attributes.first_count(INPUT);
    let output = attributes.first_count(OUTPUT);
    if input.is_none() && output.is_none() {
        return None;
    }
    Some(made_whole(Usage {
        input: input.unwrap_or(0),
        output: output.unwrap_or(0),
        cache_read: attributes.first_count(CACHE_READ),
        cache_write: attributes.first_count(CACHE_WRITE),
        reasoning: attributes.first_count(REASONING),
    }))
}

/// Tokens in the counting of OpenTelemetry: the parts inside the whole.
pub(super) fn made_whole(mut usage: Usage) -> Usage {
    // The wire of Anthropic leaves cached tokens out of the input, and some instrumentations pass it on as it is. More
    // cached than input tokens shows that.
    let cached = cached(&usage);
    if cached > usage.input {
        usage.input = usage.input.saturating_add(cached);
    }
    usage.reasoning = usage.reasoning.map(|tokens| tokens.min(usage.output));
    usage
}

/// Tokens read from a cache or written to it.
pub(super) fn cached(usage: &Usage) -> u64 {
    let (read, written) = (usage.cache_read, usage.cache_write);
    read.unwrap_or(0).saturating_add(written.unwrap_or(0))
}

/// Seconds to the first token, under the names that mean seconds everywhere.
pub(super) fn first_token_seconds(source: &Source<'_>) -> Option<f64> {
    [
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
        "gen_ai.response.time_to_first_token",
    ]
    .iter()
    .find_map(|key| source.attributes().f64(key))
    .filter(|seconds| *seconds >= 0.0)
}
