//! What several dialects build alike.

use crate::model::event::{Event, Handoff, Kind, ModelCall, Operation, Target, ToolCall};
use crate::normalise::handoff::{self, Meaning};
use crate::normalise::{SpanReader, id, json, messages, model_name, name, usage};
use crate::otlp::attribute_key::{AttributeKeys, key, keys};
use crate::otlp::view::Value;
use serde_json::Value as Json;

/// How control passes in a handoff.
const MODE: AttributeKeys = &keys([
    "gen_ai.transfer.mode",
    "gen_ai.handoff.mode",
    "gen_ai.handoff.type",
]);

/// Sources of a handoff.
const FROM: AttributeKeys = &keys([
    "gen_ai.handoff.from_agent",
    "gen_ai.agent.handoff.source.name",
    "gen_ai.transfer.source.name",
    "gen_ai.handoff.source.name",
    "gen_ai.handoff.source.agent.name",
    "gen_ai.handoff.from",
    "from_agent",
]);

/// Targets of a handoff.
const TO: AttributeKeys = &keys([
    "gen_ai.handoff.to_agent",
    "gen_ai.agent.handoff.target.name",
    "gen_ai.transfer.target.name",
    "gen_ai.handoff.target.name",
    "gen_ai.handoff.target.agent.name",
    "gen_ai.handoff.to",
    "to_agent",
]);

/// Attributes that tell one call of a tool from another.
const CALL_ID: AttributeKeys = &keys([
    "gen_ai.tool.call.id",
    "ai.toolCall.id",
    "tool_call.id",
    "tool.call_id",
    "tool.id",
]);

/// Models asked for and answering, in the order of trust.
const MODEL: AttributeKeys = &keys([
    "gen_ai.request.model",
    "llm.request.model_name",
    "llm.model_name",
    "gen_ai.response.model",
    "llm.response.model_name",
    "embedding.model_name",
    "ai.model.id",
    "llm.request.model",
]);
const PROVIDER: AttributeKeys = &keys([
    "gen_ai.provider.name",
    "gen_ai.system",
    "llm.provider",
    "llm.system",
    "ai.model.provider",
]);
/// Frameworks that write their own name where the provider belongs.
const FRAMEWORKS: &[&str] = &[
    "strands-agents",
    "autogen",
    "langgraph",
    "langchain",
    "crewai",
    "microsoft.agent_framework",
    "_other",
    "unknown",
];
const ARGUMENTS: AttributeKeys = &keys([
    "gen_ai.tool.call.arguments",
    "tool_arguments",
    "ai.toolCall.args",
    "ai.toolCall.input",
    "gcp.vertex.agent.tool_call_args",
    "input.value",
    "traceloop.entity.input",
    "gen_ai.prompt",
    "langfuse.observation.input",
    "input",
]);

/// Why a model stopped.
const FINISH: AttributeKeys = &keys([
    "gen_ai.response.finish_reasons",
    "gen_ai.response.finish_reason",
    "ai.response.finishReason",
    "llm.finish_reason",
]);

/// A model call by the standard names.
pub(super) fn model(source: &SpanReader<'_>, operation: Operation) -> ModelCall {
    let attributes = source.attributes();
    let output = messages::output(source);
    let provider = PROVIDER
        .iter()
        .filter_map(|key| attributes.str(*key))
        .map(model_name::provider)
        .find(|provider| !FRAMEWORKS.contains(&&**provider));
    ModelCall {
        operation,
        provider,
        model: attributes.first_str(MODEL).map(model_name::model),
        usage: usage::of(attributes),
        first_token_seconds: usage::first_token_seconds(source),
        requests: output.requests,
        answered: output.answered,
        failed: source.failed() || source.raised() || stopped_by_error(source),
        instrumentation: rapidhash::v3::rapidhash_v3(source.scope.name.as_bytes()) as u32,
        ..ModelCall::default()
    }
}

/// Whether a model stopped for such a reason.
pub(super) fn stopped(source: &SpanReader<'_>, is: impl Fn(&str) -> bool) -> bool {
    let is = |reason: &str| is(reason.trim_matches(['[', ']', '"', ' ']));
    let mut reasons = FINISH
        .iter()
        .filter_map(|key| source.attributes().get(*key));
    reasons.any(|reasons| match reasons {
        Value::Array(reasons) => reasons.iter().filter_map(Value::as_str).any(is),
        reason => reason.as_str().is_some_and(is),
    })
}

/// Frameworks that catch an error set no status: the reason why the call stopped is its only sign.
fn stopped_by_error(source: &SpanReader<'_>) -> bool {
    stopped(source, |reason| reason == "error")
}

pub(super) fn model_kind(source: &SpanReader<'_>) -> Kind {
    Kind::Model(Box::new(model(source, Operation::Chat)))
}

pub(super) fn embeddings_kind(source: &SpanReader<'_>) -> Kind {
    Kind::Model(Box::new(model(source, Operation::Embeddings)))
}

/// The arguments of a tool call, wherever the dialect puts them.
pub(super) fn arguments(source: &SpanReader<'_>) -> Option<Json> {
    ARGUMENTS
        .iter()
        .find_map(|key| json::parse(source.str(*key)?))
        .map(|value| match value.get("inputs") {
            // OpenLLMetry wraps what LangChain passes on.
            Some(inputs) => json::unwrap(inputs),
            None => value,
        })
}

/// The tool's own name: `mcp__desk__look_up` is how clients of MCP tell servers apart.
fn of_server(tool: &str) -> &str {
    let behind = tool.strip_prefix("mcp__").and_then(|t| t.split_once("__"));
    behind.map_or(tool, |(_, own)| own)
}

/// A tool call, or what its name makes of it.
pub(super) fn tool(source: &SpanReader<'_>, tool: &str) -> Kind {
    let tool = of_server(tool);
    let (mut hands_to, mut does_work, mut delegates) = (None, false, false);
    match handoff::meaning(tool, || arguments(source), source.settings) {
        Meaning::Returns | Meaning::Answers => return Kind::Structure,
        Meaning::Work => does_work = true,
        Meaning::Escalates => {
            hands_to = Some(Target::Human);
            does_work = true;
        }
        Meaning::HandsOver {
            target,
            delegates: waits,
        } => {
            hands_to = Some(target);
            delegates = waits;
        }
    }
    if let Some(declared) = declared_target(source) {
        hands_to = Some(declared);
    }
    let call_id = source.attributes().first_str(CALL_ID);
    let reported = source
        .str(key!("gen_ai.tool.status"))
        .or_else(|| source.str(key!("tool.status")));
    Kind::Tool(ToolCall {
        name: name(tool),
        call_id: call_id.map(id),
        hands_to,
        does_work,
        delegates,
        failed: source.failed() || matches!(reported, Some("error" | "failure" | "failed")),
    })
}

/// What kind of target a handoff has.
const TARGET_TYPE: AttributeKeys = &keys([
    "gen_ai.transfer.target.type",
    "gen_ai.agent.handoff.target.type",
    "gen_ai.handoff.target.type",
]);

/// The target of a handoff by the three proposals for OpenTelemetry and by what SDKs write already.
pub(super) fn declared_target(source: &SpanReader<'_>) -> Option<Target> {
    let attributes = source.attributes();
    let human = TARGET_TYPE.iter().any(|key| {
        attributes
            .str(*key)
            .is_some_and(|t| t.eq_ignore_ascii_case("human"))
    });
    if human {
        return Some(Target::Human);
    }
    attributes
        .first_str(TO)
        .map(|target| handoff::named(target, source.settings))
}

/// A span whose only meaning is a handoff.
pub(super) fn handoff_kind(source: &SpanReader<'_>, to: Option<Target>) -> Kind {
    let attributes = source.attributes();
    let from = attributes.first_str(FROM);
    let mode = attributes.first_str(MODE);
    Kind::Handoff(Handoff {
        from: from.map(name),
        to: declared_target(source).or(to).unwrap_or(Target::Unknown),
        delegates: mode.is_some_and(|m| m.to_ascii_lowercase().starts_with("delegat")),
        failed: source.failed(),
    })
}

/// Makes the event the span of an agent.
pub(super) fn agent(event: &mut Event, agent: &str, inferred: bool) {
    event.agent = Some(name(agent));
    event.kind = Kind::Agent { inferred };
}

/// Makes the event the span of a run around agents.
pub(super) fn workflow(event: &mut Event, workflow: Option<&str>) {
    event.workflow = workflow.map(name);
    event.kind = Kind::Workflow;
}
