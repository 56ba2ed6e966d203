//! LiveKit Agents: a call on the phone is one trace, and each answer of an agent is an `agent_turn` in it.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::{SpanReader, json};
use crate::otlp::attribute_key::{AttributeKeys, key, keys};

/// What the user said, in newer and older versions.
const USER_INPUT: AttributeKeys = &keys(["lk.pii.user_input", "lk.user_input"]);
/// The agent at work.
const AGENT: AttributeKeys = &keys(["gen_ai.agent.name", "lk.agent_label", "lk.agent_name"]);
/// The tool that is called.
const TOOL: AttributeKeys = &keys(["gen_ai.tool.name", "lk.function_tool.name"]);

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "livekit",
    title: "LiveKit Agents",
    recognised_by: "scope `livekit*`",
    reading: "a trace is a call; `agent_turn` with what the user said is an exchange; `llm_request` is the model call, with its retries",
    vocabulary: &[
        terms(Topic::Session, SDK, &["lk.room_sid"]),
        terms(Topic::RawUsage, SDK, &["lk.llm_metrics"]),
        terms(Topic::ToolCallId, SDK, &["lk.function_tool.id"]),
        terms(
            Topic::ToolArguments,
            SDK,
            &[
                "lk.pii.function_tool.arguments",
                "lk.function_tool.arguments",
            ],
        ),
        own(&[
            "lk.agent_label",
            "lk.agent_name",
            "lk.function_tool.is_error",
            "lk.function_tool.name",
            "lk.interrupted",
            "lk.pii.user_input",
            "lk.user_input",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("livekit")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let attributes = source.attributes();
    match source.span.name {
        "agent_turn" => {
            match attributes.first_str(AGENT) {
                Some(agent) => build::agent(source, event, agent, false),
                None => event.kind = Kind::Agent { inferred: false },
            }
            // The answer of the agent that the call was handed to has no words of the user.
            event.rare.is_exchange = attributes.first_str(USER_INPUT).is_some();
        }
        "agent_session" => build::workflow(source, event, source.str(key!("gen_ai.workflow.name"))),
        "llm_request" | "realtime_inference" => {
            event.kind = call(source);
            // Someone who begins to speak ends the answer.
            event.rare.cancelled = attributes.bool(key!("lk.interrupted")) == Some(true);
        }
        "function_tool" => {
            if let Some(tool) = attributes.first_str(TOOL) {
                event.agent = source
                    .str(key!("gen_ai.agent.name"))
                    .map(|a| source.name(a));
                event.kind = build::tool(source, tool);
                if let Kind::Tool(tool) = &mut event.kind {
                    tool.failed |= attributes.bool(key!("lk.function_tool.is_error")) == Some(true);
                }
            }
        }
        _ => match source.operation().unwrap_or_default() {
            "chat" | "generate_content" | "embeddings" | "retrieval" | "execute_tool" => {
                otel_genai::read(source, event);
            }
            // The rest of the pipeline names the model too, and calls none.
            _ => event.kind = Kind::Structure,
        },
    }
}

/// A call of the model. Older versions have its time to the first token in their metrics alone.
fn call(source: &SpanReader<'_>) -> Kind {
    let mut kind = build::model_kind(source);
    if let Kind::Model(call) = &mut kind {
        let metrics = || json::parse(source.str(key!("lk.llm_metrics"))?);
        let seconds = || {
            metrics()?
                .get("ttft")?
                .as_f64()
                .filter(|seconds| *seconds >= 0.0)
        };
        call.first_token_seconds = call.first_token_seconds.or_else(seconds);
    }
    kind
}
