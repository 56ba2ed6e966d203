//! Tokens and first-token times, counted as OpenTelemetry specifies.

use super::{SpanReader, json, topics};
use crate::model::event::Usage;
use crate::otlp::attribute_key::AttributeKeys;
use crate::otlp::view::Attributes;
use serde_json::Value;

/// The tokens of a call, `None` where the span says nothing of them.
pub(super) fn of(attributes: &Attributes<'_>) -> Option<Usage> {
    let count = |keys: AttributeKeys| attributes.first_count(keys);
    let (input, output) = (count(topics::INPUT_TOKENS), count(topics::OUTPUT_TOKENS));
    let declared = Usage {
        input: input.unwrap_or(0),
        output: output.unwrap_or(0),
        cache_read: count(topics::CACHE_READ_TOKENS),
        cache_write: count(topics::CACHE_WRITE_TOKENS),
        reasoning: count(topics::REASONING_TOKENS),
    };
    let known = input.is_some() || output.is_some();
    let mut raw = topics::RAW_USAGE
        .iter()
        .filter_map(|key| attributes.str(*key));
    let raw = raw.find_map(|text| of_json(&json::parse(text)?));
    match (known, raw) {
        (true, raw) => Some(inclusive(filled(declared, raw.unwrap_or_default()))),
        (false, raw) => raw.map(inclusive),
    }
}

/// Usage with the parts that only another source of the same call has.
fn filled(declared: Usage, raw: Usage) -> Usage {
    Usage {
        cache_read: declared.cache_read.or(raw.cache_read),
        cache_write: declared.cache_write.or(raw.cache_write),
        reasoning: declared.reasoning.or(raw.reasoning),
        ..declared
    }
}

/// A usage object as the providers' wires and LangChain write it, parts nested or not; not yet [`inclusive`].
pub(super) fn of_json(usage: &Value) -> Option<Usage> {
    let top = |keys: &[&str]| keys.iter().find_map(|key| usage.get(*key)?.as_u64());
    let part = |groups: &[&str], keys: &[&str]| {
        let mut groups = groups.iter().filter_map(|group| usage.get(*group));
        groups.find_map(|group| keys.iter().find_map(|key| group.get(*key)?.as_u64()))
    };
    const OF_INPUT: &[&str] = &[
        "input_tokens_details",
        "prompt_tokens_details",
        "input_token_details",
    ];
    const OF_OUTPUT: &[&str] = &[
        "output_tokens_details",
        "completion_tokens_details",
        "output_token_details",
    ];
    let input = top(&["input_tokens", "prompt_tokens", "input"]);
    let output = top(&["output_tokens", "completion_tokens", "output"]);
    (input.is_some() || output.is_some()).then(|| Usage {
        input: input.unwrap_or(0),
        output: output.unwrap_or(0),
        cache_read: part(OF_INPUT, &["cached_tokens", "cache_read"]).or_else(|| {
            top(&[
                "cache_read_input_tokens",
                "input_cached_tokens",
                "input_cache_read",
                "prompt_cached_tokens",
            ])
        }),
        cache_write: part(
            OF_INPUT,
            &[
                "cache_write_tokens",
                "cache_creation_tokens",
                "cache_creation",
            ],
        )
        .or_else(|| {
            top(&[
                "cache_creation_input_tokens",
                "input_cache_creation",
                "cache_creation_tokens",
            ])
        }),
        reasoning: part(OF_OUTPUT, &["reasoning_tokens", "reasoning"]).or_else(|| {
            top(&[
                "output_reasoning_tokens",
                "reasoning_tokens",
                "output_reasoning",
            ])
        }),
    })
}

/// Tokens in the counting of OpenTelemetry: the parts inside the whole.
pub(super) fn inclusive(mut usage: Usage) -> Usage {
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
pub(super) fn first_token_seconds(source: &SpanReader<'_>) -> Option<f64> {
    let mut declared = topics::FIRST_TOKEN_SECONDS.iter();
    declared
        .find_map(|key| source.attributes().f64(*key))
        .filter(|seconds| *seconds >= 0.0)
}
