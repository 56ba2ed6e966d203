//! Gemini CLI's own spans. Each names the program as its agent, also inside a subagent: who works is known by the tool that called it.

use super::{Dialect, build};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::key;

/// The agent that talks to the user.
const MAIN: &str = "gemini-cli";
/// The tool by which a subagent answers.
const ANSWER: &str = "complete_task";

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "gemini_cli",
    title: "Gemini CLI",
    recognised_by: "scope `gemini-cli*` and an operation `llm_call`, `tool_call`, `agent_call`, `schedule_tool_calls`, `user_prompt` or `system_prompt`",
    reading: "`agent_call` is a subagent by `agent_name` in its input, everything else the agent `gemini-cli`; `complete_task` is an answer",
    vocabulary: &[],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name.starts_with("gemini-cli")
        && matches!(
            source.span.name,
            "llm_call"
                | "tool_call"
                | "agent_call"
                | "schedule_tool_calls"
                | "user_prompt"
                | "system_prompt"
        )
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    // What is around no span is of the main agent: its calls and its tools are in traces of their own.
    let is_main = event.parent.is_none();
    event.kind = match source.span.name {
        "llm_call" => {
            event.agent = is_main.then(|| source.name(MAIN));
            call(source)
        }
        "tool_call" => tool(source),
        "agent_call" => {
            let input = source.json(key!("gen_ai.input.messages"));
            let named = input
                .as_ref()
                .and_then(|input| input["agent_name"].as_str());
            let named = named.unwrap_or(if is_main { MAIN } else { "subagent" });
            return build::agent(source, event, named, false);
        }
        "schedule_tool_calls" => {
            event.agent = is_main.then(|| source.name(MAIN));
            let around = if is_main {
                Kind::Agent { inferred: true }
            } else {
                Kind::Structure
            };
            refused(source).unwrap_or(around)
        }
        _ => Kind::Structure,
    };
}

fn call(source: &SpanReader<'_>) -> Kind {
    let mut kind = build::model_kind(source);
    if let Kind::Model(call) = &mut kind {
        call.provider
            .get_or_insert_with(|| source.provider("gcp.gemini"));
        // Whoever it delegates to is called by a tool, in another trace, that goes on with this one (T-14). The tool is the handoff.
        if call.answered == Some(false) && !call.requests.is_empty() {
            call.asked_tools = call.asked_tools.max(1);
        }
        call.requests.clear();
    }
    kind
}

/// A tool call: its arguments are inside its input, and how it ended begins its output.
fn tool(source: &SpanReader<'_>) -> Kind {
    let Some(name) = source
        .str(key!("gen_ai.tool.name"))
        .filter(|name| *name != ANSWER)
    else {
        return Kind::Structure;
    };
    let input = || source.json(key!("gen_ai.input.messages"));
    let mut kind = build::tool_with(source, name, || {
        input().map(|mut input| input["args"].take())
    });
    if let Kind::Tool(tool) = &mut kind {
        let output = source.str(key!("gen_ai.output.messages"));
        tool.failed |= output.is_some_and(|text| text.starts_with(r#"{"status":"error""#));
    }
    kind
}

/// The one tool of a batch that was refused before it ran, as for a subagent that does not exist: it has no span of its own.
fn refused(source: &SpanReader<'_>) -> Option<Kind> {
    let output = source.json(key!("gen_ai.output.messages"))?;
    let [only] = output.as_array()?.as_slice() else {
        return None;
    };
    if only["status"] != "error" || !only["outcome"].is_null() {
        return None;
    }
    let request = &only["request"];
    let arguments = || Some(request["args"].clone());
    let mut kind = build::tool_with(source, request["name"].as_str()?, arguments);
    if let Kind::Tool(tool) = &mut kind {
        tool.failed = true;
        tool.call_id = request["callId"].as_str().map(|id| source.id(id));
    }
    Some(kind)
}
