//! What a tool returned, as far as it says that the tool failed or did not run, or that a delegate answered.

use super::{SpanReader, json, topics};
use crate::model::event::{Target, ToolCall};
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

/// Whether the tool that delegates returned what an agent said. If it says that there is no such agent, it failed.
pub(super) fn has_returned(source: &SpanReader<'_>, tool: &mut ToolCall) -> bool {
    let result = text(source).filter(|_| tool.delegates);
    let Some(result) = result.filter(|text| !is_nothing(text)) else {
        return false;
    };
    if let Some(Target::Agent(target)) = &tool.hands_to {
        tool.failed |= is_unknown(target, result);
    }
    tool.failed |= json::parse(result).is_some_and(|result| is_fault(&result));
    !tool.failed
}

/// `{"status": "error", …}`, `{"error": "…"}`.
fn is_fault(result: &serde_json::Value) -> bool {
    let error = result.get("error").and_then(serde_json::Value::as_str);
    let status = result.get("status").and_then(serde_json::Value::as_str);
    error.is_some_and(|error| !error.is_empty()) || matches!(status, Some("error" | "failed"))
}

/// "Member with ID x not found", "cannot invoke subagent x because it does not exist", "Unknown agent: x"; not the answer of an agent that
/// could not find something else.
fn is_unknown(target: &str, result: &str) -> bool {
    const AFTER: &[&str] = &[
        "not found",
        "does not exist",
        "doesn't exist",
        "not defined",
    ];
    const BEFORE: &[&str] = &["unknown", "no such", "no agent", "invalid"];
    let plain = |text: &str| text.to_ascii_lowercase().replace(['_', '-'], " ");
    let (text, target) = (plain(result), plain(target));
    let mut places = text.match_indices(&*target);
    places.any(|(at, _)| {
        let ends_sentence = |c: char| matches!(c, '.' | ',' | ';' | '\n');
        let after = text[at + target.len()..].split(ends_sentence).next();
        let before = text[..at].rsplit(ends_sentence).next();
        let near = |distance: usize| distance < 24;
        let denied = |after: &str| AFTER.iter().any(|s| after.find(s).is_some_and(near));
        let missed = |before: &str| {
            let distance = |s: &&str| Some(before.len() - before.rfind(*s)? - s.len());
            BEFORE.iter().any(|s| distance(s).is_some_and(near))
        };
        after.is_some_and(denied) || before.is_some_and(missed)
    })
}
