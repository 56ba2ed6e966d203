//! VoltAgent: kinds by `span.type`, and names of its own. Inside a subagent the entity is the agent that called it. The span of a call
//! has the usage of its last step only, and that of its agent the sum: so the agent's span stands for its calls, save failed ones.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build};
use crate::model::event::{Event, Kind, ModelCall, Operation, Target};
use crate::normalise::{SpanReader, handoff, json};
use crate::otlp::attribute_key::{AttributeKeys, key, keys};
use serde_json::Value;

/// The agent at work, the innermost first.
const AGENT: AttributeKeys = &keys(["subagent.name", "entity.name"]);

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "voltagent",
    title: "VoltAgent",
    recognised_by: "scope `@voltagent*`, `entity.type` with `entity.id`, `subagent.id`",
    reading: "kinds by `span.type`; a subagent by `subagent.name`; the span of an agent stands for its calls, as theirs has the usage of the last step only",
    vocabulary: &[
        terms(Topic::Model, SDK, &["ai.model.name"]),
        terms(Topic::Provider, SDK, &["ai.model.provider"]),
        terms(Topic::FinishReason, SDK, &["ai.response.finish_reason"]),
        terms(Topic::InputTokens, SDK, &["usage.prompt_tokens"]),
        terms(Topic::OutputTokens, SDK, &["usage.completion_tokens"]),
        terms(Topic::CacheReadTokens, SDK, &["usage.cached_tokens"]),
        terms(Topic::ReasoningTokens, SDK, &["usage.reasoning_tokens"]),
        terms(Topic::Cost, SDK, &["usage.cost"]),
        terms(Topic::InputMessages, SDK + 1, &["llm.messages"]),
        terms(Topic::ToolCallId, SDK, &["tool.call.id"]),
        own(&[
            "entity.id",
            "entity.name",
            "entity.type",
            "input",
            "span.type",
            "subagent.id",
            "subagent.name",
            "tool.name",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    let has = |key| source.attributes().get(key).is_some();
    source.scope.name.starts_with("@voltagent")
        || source.scope.name.starts_with("voltagent")
        || has(key!("entity.type")) && has(key!("entity.id"))
        || has(key!("subagent.id"))
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let of = |key| source.str(key).unwrap_or_default();
    let entity = of(key!("entity.type"));
    let span = source.span.name;
    let agent = source.attributes().first_str(AGENT);
    event.agent = agent
        .filter(|_| entity != "workflow")
        .map(|agent| source.name(agent));
    event.kind = match of(key!("span.type")) {
        "llm" if source.failed() => build::model_kind(source),
        "embedding" => Kind::Model(Box::new(build::model(source, Operation::Embeddings))),
        "tool" => tool(source),
        "retriever" => Kind::Retrieval { source: None },
        "guardrail" => Kind::Guardrail {
            triggered: source.failed(),
        },
        "" | "agent" if entity == "agent" => {
            return match agent {
                Some(agent) => agent_with_calls(source, event, agent),
                None => build::workflow(source, event, Some(span)),
            };
        }
        "" | "workflow" if entity == "workflow" => {
            let named = source.str(key!("entity.name")).unwrap_or(span);
            return build::workflow(source, event, Some(named));
        }
        _ => return,
    };
}

/// The span of an agent, which has what all its calls took.
fn agent_with_calls(source: &SpanReader<'_>, event: &mut Event, agent: &str) {
    build::agent(source, event, agent, false);
    let call = build::model(source, Operation::Chat);
    if call.model.is_some() || call.usage.is_some() {
        event.kind = Kind::Model(Box::new(ModelCall {
            is_agent: true,
            // A failed call inside has a span of its own; what else fails is no call.
            failed: call.failed && call.usage.is_none(),
            ..call
        }));
    }
}

/// `delegate_task` has a list of the agents that get the task. The parameters beside its input are their schema.
fn tool(source: &SpanReader<'_>) -> Kind {
    let in_name = source.span.name.rsplit(':').next();
    let tool = source.str(key!("tool.name")).or(in_name);
    let input = || source.str(key!("input")).and_then(json::parse);
    let mut kind = build::tool_with(source, tool.unwrap_or_default(), input);
    if let Kind::Tool(call) = &mut kind
        && call.hands_to == Some(Target::Unknown)
        && let Some(only) = input().as_ref().and_then(only_target)
    {
        call.hands_to = Some(handoff::named(only, source.context));
    }
    kind
}

fn only_target(arguments: &Value) -> Option<&str> {
    match arguments.get("targetAgents")?.as_array()?.as_slice() {
        [Value::String(only)] => Some(only),
        _ => None,
    }
}
