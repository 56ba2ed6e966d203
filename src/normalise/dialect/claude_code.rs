//! Claude Code's own spans, also below the Claude Agent SDK: `claude_code.*`.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build};
use crate::model::event::{Event, Kind, Usage};
use crate::normalise::{SpanReader, usage};
use crate::otlp::attribute_key::key;
use serde_json::json;

/// The name of the agent that talks to the user.
const MAIN: &str = "claude_code";

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "claude_code",
    title: "Claude Code",
    recognised_by: "span name `claude_code.*`",
    reading: "an `interaction` is one turn of the agent `claude_code`; input tokens are without cached ones; a subagent by `subagent_type` of the surrounding tool",
    vocabulary: &[
        terms(Topic::ToolCallId, SDK, &["tool_use_id"]),
        own(&[
            "cache_creation_tokens",
            "cache_read_tokens",
            "input_tokens",
            "output_tokens",
            "model",
            "query_source",
            "response.has_tool_call",
            "stop_reason",
            "subagent_type",
            "success",
            "tool_name",
            "ttft_ms",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.span.name.starts_with("claude_code.")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let failed = source.attributes().bool(key!("success")) == Some(false);
    match source.span.name {
        "claude_code.interaction" => {
            build::agent(source, event, MAIN, false);
            event.rare.is_exchange = true;
        }
        "claude_code.llm_request" => {
            let agent = subagent(source).or_else(|| source.str(key!("gen_ai.agent.name")));
            event.agent = agent.map(|agent| source.name(agent));
            event.kind = call(source);
        }
        "claude_code.tool" => {
            if let Some(tool) = source.str(key!("tool_name")) {
                event.kind = self::tool(source, tool);
            }
        }
        // It alone says that the tool around it failed; the id joins the two, or that it has no name of its own (C-5).
        "claude_code.tool.execution" if failed => {
            event.kind = tool(source, source.str(key!("tool_name")).unwrap_or_default());
            if let Kind::Tool(tool) = &mut event.kind {
                tool.failed = true;
            }
        }
        // Waiting for a person, and hooks.
        _ => event.kind = Kind::Structure,
    }
    event.error |= failed;
}

/// The subagent that asks: `agent:builtin:Explore`. The main thread goes by many names, which all belong to the interaction.
fn subagent<'s>(source: &SpanReader<'s>) -> Option<&'s str> {
    let mut parts = source.str(key!("query_source"))?.splitn(3, ':');
    (parts.next() == Some("agent")).then_some(())?;
    parts.next()?;
    parts.next().filter(|name| !name.is_empty())
}

fn call(source: &SpanReader<'_>) -> Kind {
    let attributes = source.attributes();
    let mut kind = build::model_kind(source);
    let Kind::Model(call) = &mut kind else {
        return kind;
    };
    if call.model.is_none() {
        call.model = source.str(key!("model")).map(|model| source.model(model));
    }
    call.provider
        .get_or_insert_with(|| source.provider("anthropic"));
    let count = |key| attributes.count(key);
    let (input, output) = (count(key!("input_tokens")), count(key!("output_tokens")));
    if input.is_some() || output.is_some() {
        let mut used = Usage {
            input: input.unwrap_or(0),
            output: output.unwrap_or(0),
            cache_read: count(key!("cache_read_tokens")),
            cache_write: count(key!("cache_creation_tokens")),
            reasoning: None,
        };
        used.input = used.input.saturating_add(usage::cached(&used));
        call.usage = Some(used);
    }
    let milliseconds = attributes.f64(key!("ttft_ms"));
    call.first_token_seconds = milliseconds
        .map(|ms| ms / 1000.0)
        .or(call.first_token_seconds);
    call.failed |= attributes.bool(key!("success")) == Some(false);
    let asks_for_tools = attributes
        .bool(key!("response.has_tool_call"))
        .unwrap_or_else(|| {
            source.str(key!("stop_reason")) == Some("tool_use")
                || build::stopped(source, |reason| reason == "tool_use")
        });
    if call.answered.is_none() && asks_for_tools {
        call.answered = Some(false);
    }
    kind
}

/// A tool call. Which subagent it calls stands beside its name, where details are recorded.
fn tool(source: &SpanReader<'_>, tool: &str) -> Kind {
    let subagent = source.str(key!("subagent_type"));
    build::tool_with(source, tool, || Some(json!({ "subagent_type": subagent? })))
}
