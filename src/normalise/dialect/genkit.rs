//! Genkit: every action is a span with its type, its input and its output as JSON. Usage, requests and the provider's own response
//! stand in the output of a model.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build};
use crate::model::event::{Event, Kind, ModelCall, Operation, Usage};
use crate::normalise::{SpanReader, json, messages, session, usage};
use crate::otlp::attribute_key::key;
use serde_json::{Value, json as object};

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "genkit",
    title: "Genkit",
    recognised_by: "`genkit:type`",
    reading: "kinds by `genkit:metadata:subtype`; usage and requests from `genkit:output`; the session is that of the root agent",
    vocabulary: &[
        terms(Topic::InputMessages, SDK + 1, &["genkit:input"]),
        terms(Topic::OutputMessages, SDK + 1, &["genkit:output"]),
        terms(Topic::ToolArguments, SDK, &["genkit:input"]),
        terms(Topic::StatusMessage, SDK, &["genkit:error"]),
        own(&[
            "genkit:init",
            "genkit:isRoot",
            "genkit:metadata:agent:sessionId",
            "genkit:metadata:flow:name",
            "genkit:metadata:subtype",
            "genkit:name",
            "genkit:type",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.str(key!("genkit:type")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let of = |key| source.str(key).unwrap_or_default();
    let (kind, subtype) = (of(key!("genkit:type")), of(key!("genkit:metadata:subtype")));
    let named = source.str(key!("genkit:name")).unwrap_or(source.span.name);
    // Go writes the kind of an action as its type.
    let subtype = if subtype.is_empty() { kind } else { subtype };
    event.kind = match subtype {
        "model" | "background-model" => model(source, named),
        "embedder" => embeds(source, named),
        "retriever" => Kind::Retrieval { source: None },
        "tool" | "tool.v2" => build::tool(source, local(named)),
        "agent" | "session-flow" => {
            session(source, event);
            event.error |= has_failed(source);
            return build::agent(source, event, named, false);
        }
        "flow" if is_root(source) => {
            let flow = source.str(key!("genkit:metadata:flow:name"));
            return build::workflow(source, event, Some(flow.unwrap_or(named)));
        }
        _ => return,
    };
}

/// A tool of a plugin is called `plugin/tool`.
fn local(tool: &str) -> &str {
    tool.rsplit('/').next().unwrap_or(tool)
}

fn is_root(source: &SpanReader<'_>) -> bool {
    source.span.parent.is_none() || source.attributes().bool(key!("genkit:isRoot")) == Some(true)
}

/// The session that an agent is given. A subagent without one makes an id of its own for each run, which is no conversation.
fn session(source: &SpanReader<'_>, event: &mut Event) {
    let init = source.str(key!("genkit:init")).and_then(json::parse);
    let is_given = init.is_some_and(|init| json::first_str(&init, &["sessionId"]).is_some());
    let id = source
        .attributes()
        .get(key!("genkit:metadata:agent:sessionId"));
    if is_given || is_root(source) {
        event.context.session = id.and_then(|id| session::named(id, source.context.names));
    }
}

/// An agent catches what fails inside it, and says so in its output alone.
fn has_failed(source: &SpanReader<'_>) -> bool {
    let output = source.str(key!("genkit:output")).and_then(json::parse);
    let reason = output
        .as_ref()
        .and_then(|o| json::first_str(o, &["finishReason"]));
    reason == Some("failed")
}

fn embeds(source: &SpanReader<'_>, named: &str) -> Kind {
    let mut call = build::model(source, Operation::Embeddings);
    name_model(source, &mut call, named);
    Kind::Model(Box::new(call))
}

fn model(source: &SpanReader<'_>, named: &str) -> Kind {
    let mut call = build::model(source, Operation::Chat);
    name_model(source, &mut call, named);
    if let Some(output) = source.str(key!("genkit:output")).and_then(json::parse) {
        call.usage = used(&output).or(call.usage);
        if let Some(message) = message(&output) {
            let read = messages::output_in(&parts(message), source.context);
            (call.requests, call.answered) = (read.requests, read.answered);
        }
    }
    Kind::Model(Box::new(call))
}

/// `googleai/gemini-2.5-flash`: the plugin stands for the provider.
fn name_model(source: &SpanReader<'_>, call: &mut ModelCall, named: &str) {
    let (plugin, model) = match named.split_once('/') {
        Some((plugin, model)) => (Some(plugin), model),
        None => (None, named),
    };
    call.model = Some(source.model(model));
    call.provider = plugin.map(|plugin| {
        source.provider(match plugin.to_ascii_lowercase().as_str() {
            "googleai" | "google-genai" => "gcp.gemini",
            "vertexai" => "gcp.vertex_ai",
            _ => plugin,
        })
    });
}

/// Genkit's own count, with what only the provider's response says.
fn used(output: &Value) -> Option<Usage> {
    let own = output.get("usage").and_then(of_genkit);
    let raw = output.get("raw").or_else(|| output.get("custom"));
    let raw = raw.and_then(|raw| {
        let place = ["usage", "usageMetadata", "usage_metadata"];
        place.iter().find_map(|key| usage::of_json(raw.get(*key)?))
    });
    let (mut usage, raw) = match (own, raw) {
        (Some(own), raw) => (own, raw.unwrap_or_default()),
        (None, raw) => (raw?, Usage::default()),
    };
    usage.cache_read = usage.cache_read.or(raw.cache_read);
    usage.cache_write = usage.cache_write.or(raw.cache_write);
    usage.reasoning = usage.reasoning.or(raw.reasoning);
    Some(usage::inclusive(usage))
}

fn of_genkit(usage: &Value) -> Option<Usage> {
    let count = |key: &str| usage.get(key).and_then(Value::as_f64).map(|n| n as u64);
    let (input, output) = (count("inputTokens"), count("outputTokens"));
    let thoughts = count("thoughtsTokens");
    let known = input.is_some() || output.is_some();
    let (input, mut output) = (input.unwrap_or(0), output.unwrap_or(0));
    // Gemini counts its thoughts beside the output, as the total shows.
    let beside = thoughts.filter(|thoughts| {
        count("totalTokens").is_some_and(|total| total == input + output + thoughts)
    });
    output += beside.unwrap_or(0);
    known.then_some(Usage {
        input,
        output,
        cache_read: count("cachedContentTokens"),
        cache_write: None,
        reasoning: thoughts,
    })
}

/// The answer of a model; older versions have a list of candidates.
fn message(output: &Value) -> Option<&Value> {
    let candidates = output.get("candidates").and_then(Value::as_array);
    output
        .get("message")
        .or_else(|| candidates?.first()?.get("message"))
}

/// The parts of a message as other SDKs write them.
fn parts(message: &Value) -> Value {
    let parts = message.get("content").and_then(Value::as_array);
    let part = |part: &Value| match part.get("toolRequest") {
        Some(request) => object!({
            "type": "tool_call",
            "name": request["name"],
            "id": request["ref"],
            "arguments": request["input"],
        }),
        None => object!({"type": "text", "text": part["text"]}),
    };
    Value::Array(parts.into_iter().flatten().map(part).collect())
}
