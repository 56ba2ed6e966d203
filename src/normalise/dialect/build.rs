//! What several dialects build alike.

use crate::model::Name;
use crate::model::event::{Event, HandoffSpan, Kind, ModelCall, Operation, Target, ToolCall};
use crate::normalise::handoff::{self, ToolMeaning};
use crate::normalise::{
    SpanReader, declared, json, messages, response, tool_result, topics, usage,
};
use crate::otlp::attribute_key::key;
use crate::otlp::view::Value;
use serde_json::Value as Json;

/// A model call by the standard names.
pub(super) fn model(source: &SpanReader<'_>, operation: Operation) -> ModelCall {
    let output = messages::output(source);
    let asks_alone = output.answered == Some(false);
    ModelCall {
        operation,
        provider: provider(source),
        model: model_name(source),
        usage: usage::of(source),
        first_token_seconds: usage::first_token_seconds(source),
        requests: output.requests,
        answered: output.answered,
        asked_tools: if asks_alone { output.asked_tools } else { 0 },
        failed: source.failed() || source.raised() || stopped_by_error(source),
        instrumentation: rapidhash::v3::rapidhash_v3(source.scope.name.as_bytes()) as u32,
        response: response::id(source.attributes()),
        ..ModelCall::default()
    }
}

/// The provider that a span names; the name of a framework is none.
pub(in crate::normalise) fn provider(source: &SpanReader<'_>) -> Option<Name> {
    topics::PROVIDER
        .iter()
        .filter_map(|key| declared::of_value(source.attributes().get(*key)?))
        .map(|text| source.provider(&text))
        .find(|provider| !topics::FRAMEWORK_AS_PROVIDER.contains(&&**provider))
}

/// The model that a span names.
pub(in crate::normalise) fn model_name(source: &SpanReader<'_>) -> Option<Name> {
    let named = source.first_value(topics::MODEL);
    named.map(|text| source.model(&text))
}

/// Whether a model stopped for such a reason.
pub(in crate::normalise) fn stopped(source: &SpanReader<'_>, is: impl Fn(&str) -> bool) -> bool {
    let is = |reason: &str| is(reason.trim_matches(['[', ']', '"', ' ']));
    let mut reasons = topics::FINISH_REASON
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
    topics::TOOL_ARGUMENTS
        .iter()
        .find_map(|key| source.json(*key))
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

/// The name of no tool.
const MERGED_TOOLS: &str = "(merged tools)";

/// A tool call, or what its name makes of it.
pub(super) fn tool(source: &SpanReader<'_>, tool: &str) -> Kind {
    tool_with(source, tool, || arguments(source))
}

/// A tool call with the arguments that its dialect found.
pub(super) fn tool_with(
    source: &SpanReader<'_>,
    tool: &str,
    arguments: impl FnOnce() -> Option<Json>,
) -> Kind {
    let tool = of_server(tool);
    // Google ADK shows the results of several tools once more, as those of one.
    if tool == MERGED_TOOLS {
        return Kind::Structure;
    }
    let (mut hands_to, mut does_work, mut delegates) = (None, true, false);
    match handoff::meaning(tool, arguments, source.context) {
        ToolMeaning::Returns | ToolMeaning::Answers => return Kind::Structure,
        ToolMeaning::Work => {}
        ToolMeaning::Escalates => {
            hands_to = Some(Target::Human);
        }
        ToolMeaning::HandsOver {
            target,
            delegates: waits,
            by_name,
        } => {
            does_work = by_name && target != Target::Human;
            hands_to = Some(target);
            delegates = waits;
        }
    }
    if let Some(declared) = declared_target(source) {
        does_work &= declared == Target::Human && !matches!(hands_to, Some(Target::Agent(_)));
        hands_to = Some(declared);
    }
    let reported = source
        .str(key!("gen_ai.tool.status"))
        .or_else(|| source.str(key!("tool.status")));
    Kind::Tool(ToolCall {
        name: source.name(tool),
        call_id: source.first_id(topics::TOOL_CALL_ID),
        hands_to,
        does_work,
        delegates,
        failed: source.failed()
            || source.raised()
            || matches!(reported, Some("error" | "failure" | "failed"))
            || tool_result::is_error(source),
    })
}

/// The target of a handoff by the three proposals for OpenTelemetry and by what SDKs write already.
pub(super) fn declared_target(source: &SpanReader<'_>) -> Option<Target> {
    let attributes = source.attributes();
    let human = topics::HANDOFF_TARGET_TYPE.iter().any(|key| {
        attributes
            .str(*key)
            .is_some_and(|t| t.eq_ignore_ascii_case("human"))
    });
    if human {
        return Some(Target::Human);
    }
    attributes
        .first_str(topics::HANDOFF_TARGET)
        .map(|target| handoff::named(target, source.context))
}

/// A span whose only meaning is a handoff.
pub(super) fn handoff_kind(source: &SpanReader<'_>, to: Option<Target>) -> Kind {
    let attributes = source.attributes();
    let from = attributes.first_str(topics::HANDOFF_SOURCE);
    let mode = attributes.first_str(topics::HANDOFF_MODE);
    let to = declared_target(source).or(to).unwrap_or(Target::Unknown);
    if handoff::is_user(&to, source.context) {
        return Kind::Structure;
    }
    Kind::Handoff(HandoffSpan {
        from: from.map(|text| source.name(text)),
        to,
        delegates: mode.is_some_and(|m| m.to_ascii_lowercase().starts_with("delegat")),
        failed: source.failed(),
    })
}

/// Makes the event the span of an agent.
pub(super) fn agent(source: &SpanReader<'_>, event: &mut Event, agent: &str, inferred: bool) {
    event.agent = Some(source.name(agent));
    event.kind = Kind::Agent { inferred };
}

/// Makes the event the span of a run around agents.
pub(super) fn workflow(source: &SpanReader<'_>, event: &mut Event, workflow: Option<&str>) {
    event.workflow = workflow.map(|text| source.name(text));
    event.kind = Kind::Workflow;
}
