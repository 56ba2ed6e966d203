//! LiteLLM, as a library and as a proxy: its own names for calls, cost and metadata, which it prints as Python objects.

use super::vocabulary::{SDK, STANDARD, Topic, own, terms};
use super::{Dialect, build, openinference, otel_genai};
use crate::model::event::{Event, Kind, Pause};
use crate::normalise::{SpanReader, json};
use crate::otlp::attribute_key::{AttributeKeys, key, keys};

/// What a proxy wrote about the request that it passed on: absent, or empty, where LiteLLM is a library.
const ROUTE: AttributeKeys = &keys(["http.route", "metadata.user_api_key_request_route"]);

/// The span of a request to the proxy, with all tries inside.
const PROXY: &str = "Received Proxy Server Request";

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "litellm",
    title: "LiteLLM",
    recognised_by: "scope `litellm`, `litellm.*`",
    reading: "`litellm_request` is the call; a try that failed inside a request to the proxy is part of that request; metadata and usage in Python's notation",
    vocabulary: &[
        terms(Topic::Metadata, SDK, &["metadata.requester_metadata"]),
        terms(
            Topic::User,
            SDK,
            &[
                "metadata.user_api_key_end_user_id",
                "litellm.end_user.id",
                "llm.user",
            ],
        ),
        terms(Topic::Model, SDK + 2, &["litellm.model_group"]),
        terms(Topic::RawUsage, SDK, &["metadata.usage_object"]),
        terms(
            Topic::Cost,
            STANDARD + 1,
            &[
                "litellm.cost.total",
                "litellm.response_cost",
                "litellm.response-cost",
            ],
        ),
        terms(
            Topic::CostObject,
            SDK,
            &["hidden_params", "metadata.hidden_params"],
        ),
        terms(Topic::InputCost, STANDARD + 1, &["litellm.cost.input"]),
        terms(Topic::OutputCost, STANDARD + 1, &["litellm.cost.output"]),
        own(&[
            "error.llm_provider",
            "gen_ai.input.messages",
            "guardrail_status",
            "http.route",
            "litellm.call_id",
            "metadata.mcp_tool_call_metadata",
            "metadata.user_api_key_request_route",
            "url.path",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name == "litellm" || source.str(key!("litellm.call_id")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    // Some of its exporters write the names of others on the same spans.
    if source.str(key!("openinference.span.kind")).is_some() {
        return openinference::read(source, event);
    }
    let span = source.span.name;
    let has_model = source.str(key!("gen_ai.request.model")).is_some();
    event.kind = match source.operation().unwrap_or_default() {
        // Newer versions have no span but this one for a call.
        "" if span == PROXY && !has_model => refused(source),
        "" if span == "guardrail" => Kind::Guardrail {
            triggered: source.str(key!("guardrail_status")) == Some("guardrail_intervened"),
        },
        "" if !has_model => Kind::Structure,
        // The request to the proxy says whether another try was better.
        _ if span != PROXY && is_proxied(source) && source.failed() => {
            // It alone knows what was asked.
            event.rare.pause = goes_on(source).then_some(Pause::Resumes);
            Kind::Structure
        }
        "call_mcp_tool" => tool(source),
        "embedding" | "aembedding" => build::embeddings_kind(source),
        "acompletion"
        | "atext_completion"
        | "aresponses"
        | "anthropic_messages"
        | "agenerate_content"
        | "agenerate_content_stream"
        | "generate_content_stream" => build::model_kind(source),
        _ => return otel_genai::read(source, event),
    };
}

/// Whether a proxy made the call for somebody.
fn is_proxied(source: &SpanReader<'_>) -> bool {
    source.attributes().first_str(ROUTE).is_some()
}

/// Whether the last message of the input is the result of a tool.
fn goes_on(source: &SpanReader<'_>) -> bool {
    let messages = source.json(key!("gen_ai.input.messages"));
    let last = messages.as_ref().and_then(|m| m.as_array()?.last());
    last.is_some_and(|last| last["role"] == "tool")
}

/// A request to the proxy, which is a call of its own where it failed: the tries inside do not count.
fn refused(source: &SpanReader<'_>) -> Kind {
    const OF_MODELS: &[&str] = &["completions", "responses", "messages", "generateContent"];
    let route = source.str(key!("url.path")).unwrap_or_default();
    let asks_a_model = OF_MODELS.iter().any(|part| route.contains(part));
    if !asks_a_model || !source.failed() {
        return Kind::Structure;
    }
    let mut kind = build::model_kind(source);
    if let Kind::Model(call) = &mut kind {
        let message = source.str(key!("error.message")).unwrap_or_default();
        call.model = model_group(message).map(|model| source.model(model));
        let provider = source.str(key!("error.llm_provider"));
        call.provider = provider.map(|provider| source.provider(provider));
    }
    kind
}

/// The model that the words of an error name: "model group 'gpt-4o' failed", "Received Model Group=gpt-4o".
fn model_group(message: &str) -> Option<&str> {
    let quoted = message.split_once("model group '");
    let quoted = quoted.and_then(|(_, rest)| rest.split_once('\''));
    let plain = || {
        let (_, rest) = message.split_once("Model Group=")?;
        rest.split(char::is_whitespace).next()
    };
    quoted.map(|(model, _)| model).or_else(plain)
}

/// A tool of a server behind the proxy.
fn tool(source: &SpanReader<'_>) -> Kind {
    let metadata = source.str(key!("metadata.mcp_tool_call_metadata"));
    let metadata = metadata.and_then(json::parse);
    let named = source
        .str(key!("gen_ai.tool.name"))
        .or_else(|| metadata.as_ref()?.get("name")?.as_str());
    named.map_or(Kind::Structure, |tool| build::tool(source, tool))
}
