//! What a tool returned, as far as it says that the tool failed or did not run.

use super::{SpanReader, json, topics};
use crate::otlp::attribute_key::{AttributeKeys, keys};
use crate::otlp::view::Value;
use memchr::memmem;

/// The flag of MCP in its two spellings.
const FLAGS: [&str; 2] = ["isError", "is_error"];

/// Where clients put the result of MCP inside what they return, and LangChain its message.
const INSIDE: [&str; 6] = ["result", "output", "value", "response", "data", "kwargs"];

/// What the message of a tool has besides its status.
const MESSAGE_IDS: [&str; 3] = ["tool_call_id", "toolUseId", "tool_use_id"];

/// Names under which a tool's arguments stand in dialects that put its result beside them.
const ARGUMENTS_BESIDE: AttributeKeys = &keys([
    "gen_ai.tool.call.arguments",
    "input.value",
    "traceloop.entity.input",
    "ai.toolCall.args",
    "tool_arguments",
    "input",
    "gcp.vertex.agent.tool_call_args",
]);

/// Whether the result says that the tool failed: MCP's `isError`, in a structured value, in JSON or printed by Python.
pub(super) fn is_error(source: &SpanReader<'_>) -> bool {
    let attributes = source.attributes();
    let mut results = topics::TOOL_RESULT.iter();
    results.any(|key| {
        attributes
            .get(*key)
            .is_some_and(|value| says_error(value, 0))
    })
}

fn says_error(value: &Value<'_>, depth: usize) -> bool {
    match value {
        Value::Str(text) => text_says_error(text),
        Value::Map(map) => map.iter().any(|(name, inner)| {
            FLAGS.contains(&name) && inner.as_bool() == Some(true)
                || depth < 2 && INSIDE.contains(&name) && says_error(inner, depth + 1)
        }),
        _ => false,
    }
}

fn text_says_error(text: &str) -> bool {
    let has = |flag: &&str| memmem::find(text.as_bytes(), flag.as_bytes()).is_some();
    let is_message = || MESSAGE_IDS.iter().any(&has) && has(&"\"error\"");
    if !FLAGS.iter().any(has) && !is_message() {
        return false;
    }
    match json::parse(text) {
        Some(value) => json_says_error(&value, 0),
        None => {
            text.trim_end().ends_with("isError=True)") || text.trim_end().ends_with(" isError=True")
        }
    }
}

fn json_says_error(value: &serde_json::Value, depth: usize) -> bool {
    let value = json::unwrap(value);
    let flagged = |flag: &str| match value.get(flag) {
        Some(serde_json::Value::Bool(flag)) => *flag,
        Some(serde_json::Value::String(flag)) => flag == "true",
        _ => false,
    };
    let inside = |name: &str| {
        value
            .get(name)
            .is_some_and(|inner| json_says_error(inner, depth + 1))
    };
    let is =
        |name: &str, text: &str| value.get(name).and_then(serde_json::Value::as_str) == Some(text);
    let message =
        MESSAGE_IDS.into_iter().any(|id| value.get(id).is_some()) && is("status", "error");
    message || FLAGS.into_iter().any(flagged) || depth < 2 && INSIDE.into_iter().any(inside)
}

/// Whether the span shows what the tool got, and no result.
pub(super) fn is_missing(source: &SpanReader<'_>) -> bool {
    let attributes = source.attributes();
    let is_there = |value: &Value<'_>| match value {
        Value::Empty => false,
        Value::Str(text) => !is_nothing(text),
        _ => true,
    };
    ARGUMENTS_BESIDE
        .iter()
        .any(|key| attributes.get(*key).is_some())
        && !topics::TOOL_RESULT
            .iter()
            .any(|key| attributes.get(*key).is_some_and(is_there))
}

fn is_nothing(text: &str) -> bool {
    matches!(text.trim(), "" | "null" | "undefined") || text.contains("<not specified>")
}

/// The result as text.
pub(super) fn text<'s>(source: &SpanReader<'s>) -> Option<&'s str> {
    source.attributes().first_str(topics::TOOL_RESULT)
}
