//! Haystack's own tracer: spans `haystack.*`, whose agents have no name; what a model call put out is in its printed replies.

use super::vocabulary::own;
use super::{Dialect, build};
use crate::model::event::{Event, Kind, ModelCall};
use crate::normalise::{SpanReader, json, messages, usage};
use crate::otlp::attribute_key::{AttributeKeys, key, keys};
use serde_json::Value;

/// Where a model's replies are: in an agent's step, or as the output of a pipeline's component.
const OUTPUT: AttributeKeys = &keys([
    "haystack.agent.step.llm.output",
    "haystack.component.output",
]);

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "haystack",
    title: "Haystack",
    recognised_by: "span names `haystack.*`",
    reading: "model, tokens and tool calls from the recorded replies",
    vocabulary: &[own(&[
        "haystack.agent.step.llm.output",
        "haystack.component.output",
        "haystack.component.type",
        "haystack.tool.error",
        "haystack.tool.name",
    ])],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.span.name.starts_with("haystack.")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let component = source
        .str(key!("haystack.component.type"))
        .unwrap_or_default();
    let span = source.span.name;
    event.kind = match span {
        "haystack.agent.run" | "haystack.pipeline.run" | "haystack.async_pipeline.run" => {
            return build::workflow(source, event, None);
        }
        "haystack.agent.step.llm" => call(source),
        "haystack.agent.step.tool" => tool(source),
        "haystack.component.run" if component.ends_with("Generator") => call(source),
        "haystack.component.run" if component.ends_with("Retriever") => {
            Kind::Retrieval { source: None }
        }
        _ => Kind::Structure,
    };
}

/// A failed tool is an answer to the agent: the span's status does not tell.
fn tool(source: &SpanReader<'_>) -> Kind {
    let Some(tool) = source.str(key!("haystack.tool.name")) else {
        return Kind::Structure;
    };
    let mut kind = build::tool(source, tool);
    if let Kind::Tool(call) = &mut kind {
        call.failed |= source.attributes().bool(key!("haystack.tool.error")) == Some(true);
    }
    kind
}

fn call(source: &SpanReader<'_>) -> Kind {
    let mut kind = build::model_kind(source);
    let output = source.attributes().first_str(OUTPUT).and_then(json::parse);
    if let (Kind::Model(call), Some(output)) = (&mut kind, output) {
        replies(source, call, &output);
    }
    kind
}

fn replies(source: &SpanReader<'_>, call: &mut ModelCall, output: &Value) {
    let replies = output.get("replies").and_then(Value::as_array);
    let meta = replies.and_then(|all| all.first()?.get("meta"));
    if let Some(meta) = meta {
        let model = json::first_str(meta, &["model"]).map(|text| source.model(text));
        call.model = call.model.take().or(model);
        let used = meta.get("usage").and_then(usage::of_json);
        call.usage = call.usage.or(used.map(usage::inclusive));
    }
    let put_out = messages::output_in(
        replies.map_or(output, |_| &output["replies"]),
        source.context,
    );
    call.requests = put_out.requests;
    call.answered = put_out.answered;
}
