//! OpenInference (Arize): `openinference.span.kind` and flattened messages.

use super::vocabulary::{SDK, STANDARD, Topic, own, terms};
use super::{Dialect, build, langgraph};
use crate::model::event::{Event, HandoffSpan, Kind};
use crate::normalise::{SpanReader, handoff};
use crate::otlp::attribute_key::{AttributeKeys, key, keys};

/// The agent at work.
const AGENT: AttributeKeys = &keys(["agent.name", "gen_ai.agent.name"]);
/// The node of a graph that runs.
const NODE: AttributeKeys = &keys(["graph.node.id", "graph.node.name"]);

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "openinference",
    title: "OpenInference",
    recognised_by: "`openinference.span.kind`",
    reading: "`llm.*`, flattened messages, metadata of LangGraph",
    vocabulary: &[
        terms(Topic::Metadata, STANDARD, &["metadata"]),
        terms(Topic::Outcome, SDK, &["metadata.outcome"]),
        terms(
            Topic::Model,
            SDK - 3,
            &["llm.request.model_name", "llm.model_name"],
        ),
        terms(
            Topic::Model,
            SDK - 1,
            &["llm.response.model_name", "embedding.model_name"],
        ),
        terms(Topic::AnsweringModel, SDK - 1, &["llm.response.model_name"]),
        terms(Topic::Provider, SDK - 1, &["llm.provider", "llm.system"]),
        terms(Topic::FinishReason, SDK, &["llm.finish_reason"]),
        terms(Topic::InputTokens, SDK - 2, &["llm.token_count.prompt"]),
        terms(
            Topic::OutputTokens,
            SDK - 2,
            &["llm.token_count.completion"],
        ),
        terms(Topic::TotalTokens, SDK, &["llm.token_count.total"]),
        terms(
            Topic::CacheReadTokens,
            SDK - 1,
            &["llm.token_count.prompt_details.cache_read"],
        ),
        terms(
            Topic::CacheWriteTokens,
            SDK - 1,
            &["llm.token_count.prompt_details.cache_write"],
        ),
        terms(
            Topic::ReasoningTokens,
            SDK - 1,
            &["llm.token_count.completion_details.reasoning"],
        ),
        terms(Topic::Cost, SDK - 1, &["llm.cost.total"]),
        terms(Topic::InputCost, SDK, &["llm.cost.prompt"]),
        terms(Topic::OutputCost, SDK, &["llm.cost.completion"]),
        terms(Topic::CostCurrency, SDK, &["llm.cost.currency"]),
        terms(
            Topic::ToolCallId,
            SDK,
            &["tool_call.id", "tool.call_id", "tool.id"],
        ),
        terms(Topic::ToolArguments, SDK - 1, &["input.value"]),
        terms(Topic::ToolResult, SDK, &["output.value"]),
        terms(Topic::RunInput, SDK, &["input.value"]),
        terms(Topic::WholeInput, SDK, &["input.value"]),
        terms(Topic::InputMessages, SDK, &["llm.input_messages"]),
        terms(Topic::OutputMessages, SDK, &["llm.output_messages"]),
        terms(Topic::RequestingMessages, SDK, &["llm.output_messages"]),
        terms(
            Topic::Verdicts,
            SDK,
            &[
                "annotations.",
                "evaluations.",
                "trace.annotations.",
                "trace.evaluations.",
                "session.annotations.",
                "session.evaluations.",
            ],
        ),
        terms(Topic::FlatInput, STANDARD, &["llm.input_messages."]),
        terms(Topic::FlatOutput, STANDARD, &["llm.output_messages."]),
        own(&[
            "agent.name",
            "graph.node.id",
            "graph.node.name",
            "openinference.span.kind",
            "output.value",
            "tool.name",
        ]),
    ],
    recognises,
    read: read_alone,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.str(key!("openinference.span.kind")).is_some()
}

/// The dialect alone: others that build on it tell runs around agents from runs of agents.
fn read_alone(source: &SpanReader<'_>, event: &mut Event) {
    read(source, event);
    let is_agent = source.str(key!("openinference.span.kind")) == Some("AGENT");
    if is_agent && matches!(event.kind, Kind::Workflow) {
        // The run of an agent without a name.
        event.kind = Kind::Agent { inferred: false };
    }
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let attributes = source.attributes();
    let place = langgraph::place(source);
    event.agent = attributes
        .first_str(AGENT)
        .or(place.as_ref().and_then(|p| p.agent.as_deref()))
        .map(|text| source.name(text));
    let kind = source
        .str(key!("openinference.span.kind"))
        .unwrap_or_default();
    let span = source.span.name;
    // Any run whose name contains "agent" is marked AGENT by LangChain's instrumentation; a tool stays a tool.
    if let Some(tool) = attributes.str(key!("tool.name")).filter(|_| kind != "LLM") {
        event.kind = build::tool(source, tool);
        return;
    }
    event.kind = match kind {
        "LLM" if is_helper(source) => Kind::Structure,
        "LLM" => build::model_kind(source),
        "EMBEDDING" => build::embeddings_kind(source),
        "RETRIEVER" => Kind::Retrieval { source: None },
        "GUARDRAIL" => Kind::Guardrail {
            triggered: source.failed(),
        },
        "TOOL" => match span.strip_prefix("handoff to ") {
            Some(to) => handed_over(source, to),
            None => build::tool(source, span.strip_suffix(".__call__").unwrap_or(span)),
        },
        "AGENT" | "CHAIN" => match place {
            Some(place) if place.is_node => Kind::Agent { inferred: true },
            Some(_) => Kind::Structure,
            None => return around(source, event, kind),
        },
        _ => Kind::Structure,
    };
}

/// No call, though it is marked as one: a private method of a model's class, which prepares or parses, and what hears and speaks.
fn is_helper(source: &SpanReader<'_>) -> bool {
    let method = source.span.name.rsplit_once('.').map(|(_, method)| method);
    let is_speech = method.is_some_and(|m| matches!(m, "stt" | "tts"));
    let is_private = method.is_some_and(|m| m.starts_with('_') && !m.starts_with("__"));
    (is_private || is_speech)
        && source
            .attributes()
            .get(key!("llm.token_count.prompt"))
            .is_none()
}

/// `handoff to X` of the OpenAI Agents SDK: the input is the source, the output the target.
fn handed_over(source: &SpanReader<'_>, to: &str) -> Kind {
    let target = source.str(key!("output.value")).unwrap_or(to);
    Kind::Handoff(HandoffSpan {
        from: source
            .str(key!("input.value"))
            .map(|text| source.name(text)),
        to: handoff::named(target, source.context),
        delegates: false,
        failed: source.failed(),
    })
}

/// Agents and chains outside LangGraph.
fn around(source: &SpanReader<'_>, event: &mut Event, kind: &str) {
    let span = source.span.name;
    let graph_node = source.attributes().first_str(NODE);
    let method = [".run", ".arun", ".invoke", ".ainvoke", ".run_stream"]
        .iter()
        .find_map(|suffix| span.strip_suffix(suffix));
    if kind == "AGENT" {
        let named = event.agent.as_deref().map(str::to_owned);
        let agent = named.or_else(|| graph_node.or(method).map(str::to_owned));
        if let Some(agent) = agent {
            return build::agent(source, event, &agent, false);
        }
    }
    if source.span.parent.is_none() || kind == "AGENT" {
        build::workflow(source, event, Some(span));
    }
}
