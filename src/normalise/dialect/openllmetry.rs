//! OpenLLMetry (Traceloop): `traceloop.span.kind` beside the names of OpenTelemetry.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build, langgraph, otel_genai};
use crate::model::event::{Event, Kind, ToolCall};
use crate::normalise::{SpanReader, topics};
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "openllmetry",
    title: "OpenLLMetry",
    recognised_by: "`traceloop.*`",
    reading: "`traceloop.*` and `gen_ai.*`; `goto` spans of LangGraph; in JavaScript, tools are found by their answers",
    vocabulary: &[
        terms(
            Topic::Session,
            SDK - 1,
            &[
                "traceloop.association.properties.session_id",
                "traceloop.association.properties.session.id",
                "traceloop.association.properties.thread_id",
            ],
        ),
        terms(
            Topic::User,
            SDK - 1,
            &["traceloop.association.properties.user_id"],
        ),
        terms(Topic::Workflow, SDK, &["traceloop.workflow.name"]),
        terms(
            Topic::Outcome,
            SDK - 2,
            &["traceloop.association.properties.outcome"],
        ),
        terms(
            Topic::Metadata,
            SDK + 2,
            &["traceloop.association.properties"],
        ),
        terms(
            Topic::MetadataEntries,
            SDK - 1,
            &["traceloop.association.properties."],
        ),
        terms(Topic::Model, SDK, &["llm.request.model"]),
        terms(Topic::InputTokens, SDK - 1, &["llm.usage.prompt_tokens"]),
        terms(
            Topic::OutputTokens,
            SDK - 1,
            &["llm.usage.completion_tokens"],
        ),
        terms(
            Topic::CacheReadTokens,
            SDK - 3,
            &["gen_ai.usage.cache_read_input_tokens"],
        ),
        terms(
            Topic::CacheWriteTokens,
            SDK - 3,
            &[
                "gen_ai.usage.cache_creation_input_tokens",
                "gen_ai.usage.cache_write_input_tokens",
            ],
        ),
        terms(
            Topic::ReasoningTokens,
            SDK - 3,
            &["gen_ai.usage.reasoning_tokens"],
        ),
        terms(Topic::Cost, SDK, &["llm.usage.cost"]),
        terms(Topic::ToolArguments, SDK, &["traceloop.entity.input"]),
        terms(Topic::ToolResult, SDK, &["traceloop.entity.output"]),
        terms(Topic::RunInput, SDK, &["traceloop.entity.input"]),
        terms(Topic::RequestingMessages, SDK, &["traceloop.entity.output"]),
        terms(Topic::FlatInput, SDK, &["gen_ai.prompt."]),
        terms(Topic::FlatOutput, SDK, &["gen_ai.completion."]),
        terms(Topic::OwnBeginnings, SDK, &["traceloop.", "langgraph."]),
        terms(
            Topic::GraphNamespace,
            SDK - 1,
            &["traceloop.association.properties.langgraph_checkpoint_ns"],
        ),
        terms(
            Topic::GraphAgent,
            SDK - 1,
            &["traceloop.association.properties.lc_agent_name"],
        ),
        terms(Topic::FrameworkAsProvider, SDK, &["langgraph", "langchain"]),
        own(&[
            "gen_ai.tool.status",
            "langgraph.command.goto_node",
            "llm.request.type",
            "traceloop.entity.name",
            "traceloop.span.kind",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    let attributes = source.attributes();
    attributes.get(key!("traceloop.span.kind")).is_some()
        || attributes.get(key!("traceloop.workflow.name")).is_some()
        || (source
            .scope
            .name
            .starts_with("opentelemetry.instrumentation.")
            && (attributes.get(key!("llm.request.type")).is_some()
                || attributes.iter().any(|(name, _)| {
                    topics::OWN_BEGINNINGS
                        .iter()
                        .any(|own| name.starts_with(own))
                })))
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    let place = langgraph::place(source);
    if event.agent.is_none() {
        event.agent = place
            .as_ref()
            .and_then(|p| p.agent.as_deref())
            .map(|text| source.name(text));
    }
    let entity = source.str(key!("traceloop.entity.name"));
    let span = source.span.name;
    match source.str(key!("traceloop.span.kind")).unwrap_or_default() {
        "workflow" => {
            let named = source
                .str(key!("traceloop.workflow.name"))
                .or(entity)
                .unwrap_or(span);
            build::workflow(
                source,
                event,
                Some(named.strip_suffix(".workflow").unwrap_or(named)),
            );
        }
        "agent" if !matches!(event.kind, Kind::Agent { .. }) => {
            let agent = source
                .str(key!("gen_ai.agent.name"))
                .or(entity)
                .unwrap_or_else(|| span.strip_suffix(".agent").unwrap_or(span));
            build::agent(source, event, agent, false);
        }
        "tool" => {
            let tool = source
                .str(key!("gen_ai.tool.name"))
                .or(entity)
                .unwrap_or_else(|| span.strip_suffix(".tool").unwrap_or(span));
            event.kind = build::tool(source, tool);
        }
        "handoff" => event.kind = build::handoff_kind(source, None),
        "task" if matches!(event.kind, Kind::Structure) => {
            if span.starts_with("vector_db_retrieve") {
                event.kind = Kind::Retrieval { source: None };
            } else if place.is_some_and(|p| p.is_node) {
                event.kind = Kind::Agent { inferred: true };
            }
        }
        _ if matches!(event.kind, Kind::Tool(_))
            && source.str(key!("gen_ai.tool.name")).is_none() =>
        {
            if let Some(kind) = answered(source) {
                event.kind = kind;
            }
        }
        _ => {}
    }
}

/// The tool call that a span of LangChain for JavaScript shows, which is named after the tool's class: the message with which
/// the tool answers has its name. One that hands over shows nobody's work after it, so nothing says what became of that.
fn answered(source: &SpanReader<'_>) -> Option<Kind> {
    let answer = source.json(key!("traceloop.entity.output"))?;
    let message = match answer.pointer("/update/messages") {
        Some(messages) => messages.as_array()?.last()?,
        None => &answer,
    };
    let message = message.get("kwargs")?;
    let call = message.get("tool_call_id")?.as_str()?;
    match build::tool(source, message.get("name")?.as_str()?) {
        Kind::Tool(tool) if tool.is_tool_call() => Some(Kind::Tool(ToolCall {
            call_id: Some(source.id(call)),
            ..tool
        })),
        _ => Some(Kind::Structure),
    }
}
