//! Pydantic AI: standard names; older span names are `agent run` and `running tool`, so only attributes count.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build, otel_genai};
use crate::model::event::{Event, Kind, Pause};
use crate::normalise::{SpanReader, json};
use crate::otlp::attribute_key::{AttributeKeys, key, keys};

/// The agent that runs.
const AGENT: AttributeKeys = &keys(["gen_ai.agent.name", "agent_name"]);

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "pydantic_ai",
    title: "Pydantic AI",
    recognised_by: "scope `pydantic-ai*`",
    reading: "standard names; a run whose result is deferred calls waits",
    vocabulary: &[
        terms(
            Topic::CacheReadTokens,
            SDK - 2,
            &[
                "gen_ai.usage.details.cache_read_tokens",
                "gen_ai.usage.details.cached_tokens",
            ],
        ),
        terms(
            Topic::CacheWriteTokens,
            SDK - 2,
            &["gen_ai.usage.details.cache_write_tokens"],
        ),
        terms(
            Topic::ReasoningTokens,
            SDK - 2,
            &["gen_ai.usage.details.reasoning_tokens"],
        ),
        terms(Topic::Cost, SDK - 2, &["operation.cost"]),
        terms(Topic::ToolArguments, SDK - 3, &["tool_arguments"]),
        terms(Topic::ToolResult, SDK - 3, &["tool_response"]),
        terms(
            Topic::InputMessages,
            SDK + 1,
            &["all_messages_events", "pydantic_ai.all_messages"],
        ),
        terms(Topic::RequestingMessages, SDK - 1, &["all_messages_events"]),
        terms(Topic::EventList, SDK, &["all_messages_events"]),
        own(&[
            "agent_name",
            "final_result",
            "pydantic_ai.tool.deferral.name",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("pydantic-ai") || source.scope.name.starts_with("pydantic_ai")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    let span = source.span.name;
    if source.str(key!("final_result")).is_some_and(is_deferred) {
        event.rare.pause = Some(Pause::Waits);
    }
    if !matches!(event.kind, Kind::Structure) {
        return;
    }
    // Instrumentation version 1 sets no operation on these.
    if let Some(agent) = source.attributes().first_str(AGENT)
        && span.ends_with(" run")
    {
        build::agent(source, event, agent, false);
    } else if let Some(tool) = source.str(key!("gen_ai.tool.name")) {
        event.kind = build::tool(source, tool);
    }
}

/// Whether a run ended with the calls that somebody else has to decide on or to make, in place of a result.
fn is_deferred(result: &str) -> bool {
    if !result.contains("tool_call_id") {
        return false;
    }
    let Some(result) = json::parse(result) else {
        return false;
    };
    let waits = |list: &str| {
        let calls = result[list].as_array();
        calls.is_some_and(|calls| calls.iter().any(|call| call["tool_call_id"].is_string()))
    };
    result["calls"].is_array()
        && result["approvals"].is_array()
        && (waits("calls") || waits("approvals"))
}
