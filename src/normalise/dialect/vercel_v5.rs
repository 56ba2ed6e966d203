//! Vercel AI SDK 5, and 7 in its legacy mode (`ai.*`): the outer `ai.generateText` is the agent, the inner `doGenerate` the call.

use super::build;
use crate::model::event::{Event, Kind};
use crate::normalise::{SpanReader, name};
use crate::otlp::attribute_key::key;

pub(super) fn speaks(source: &SpanReader<'_>) -> bool {
    source.str(key!("ai.operationId")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let agent = source
        .str(key!("ai.telemetry.functionId"))
        .or_else(|| source.str(key!("resource.name")));
    event.agent = agent.map(name);
    let operation = source.str(key!("ai.operationId")).unwrap_or_default();
    event.kind = match operation {
        "ai.toolCall" => match source.str(key!("ai.toolCall.name")) {
            Some(tool) => build::tool(source, tool),
            None => Kind::Structure,
        },
        _ if operation.contains(".doEmbed") => build::embeddings_kind(source),
        _ if operation.contains(".do") => call(source),
        _ if operation.starts_with("ai.embed") => Kind::Structure,
        _ if agent.is_some() => Kind::Agent { inferred: false },
        _ => Kind::Workflow,
    };
}

fn call(source: &SpanReader<'_>) -> Kind {
    let mut kind = build::model_kind(source);
    if let Kind::Model(call) = &mut kind {
        let milliseconds = source.attributes().f64(key!("ai.response.msToFirstChunk"));
        call.first_token_seconds = milliseconds.map(|ms| ms / 1000.0);
        if call.answered.is_none() && source.str(key!("ai.response.finishReason")).is_some() {
            // Recording of outputs is off: the reason why it finished still tells.
            call.answered =
                Some(source.str(key!("ai.response.finishReason")) != Some("tool-calls"));
        }
    }
    kind
}
