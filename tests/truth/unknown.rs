//! What a dialect does not carry.

pub const BEGIN: &str = "<!-- unknown figures: written by tests/truth -->\n";
pub const END: &str = "<!-- end -->\n";

/// (capture, figure or its beginning, why it is unknown). A figure that is known after all fails the test.
pub const UNKNOWN: &[(&str, &str, &str)] = &[
    (
        "autogen-native/support-swarm",
        "model calls",
        "no spans for model calls",
    ),
    (
        "autogen-native/support-swarm",
        "model errors",
        "no spans for model calls",
    ),
    (
        "autogen-native/support-swarm",
        "tokens",
        "no spans for model calls",
    ),
    (
        "autogen-native/support-swarm",
        "handoff triage_agent -> crypto_agent failed",
        "a call of an unknown tool leaves no span, and there are no model calls to show it",
    ),
    (
        "langgraph-traceloop/support-swarm",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
    ),
    (
        "openai-agents-openinference/support-chat",
        "tokens * cache_read",
        "cached tokens are not reported",
    ),
    (
        "openai-agents-openinference/support-chat",
        "tokens gpt-5-mini reasoning",
        "reasoning tokens are not reported",
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
        "openai-agents-otelv2/support-responses",
        "sessions",
        "no session id on any span: each trace is a session of its own",
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
        "openai-agents-traceloop/support-responses",
        "sessions",
        "no session id on any span: each trace is a session of its own",
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
];

/// Why a figure of a capture is unknown, if it is.
pub fn reason(capture: &str, figure: &str) -> Option<&'static str> {
    UNKNOWN
        .iter()
        .find(|(name, pattern, _)| *name == capture && covers(pattern, figure))
        .map(|(_, _, why)| *why)
}

/// A pattern covers a figure that it is, or begins, or meets around its one `*`.
fn covers(pattern: &str, figure: &str) -> bool {
    match pattern.split_once('*') {
        Some((head, tail)) => figure.starts_with(head) && figure.ends_with(tail),
        None => figure == pattern || pattern == "tokens" && figure.starts_with("tokens "),
    }
}

/// The table as Markdown.
pub fn table() -> String {
    let mut text = String::from("\n| recording | unknown | why |\n|---|---|---|\n");
    for (capture, figure, why) in UNKNOWN {
        text.push_str(&format!("| {capture} | {figure} | {why} |\n"));
    }
    text.push('\n');
    text
}
