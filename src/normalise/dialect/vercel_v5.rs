//! Vercel AI SDK 5 and 6, and 7 in its legacy mode (`ai.*`): the outer `ai.generateText` is the agent, the inner `doGenerate` the call.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build};
use crate::model::event::{Event, Kind};
use crate::normalise::{SpanReader, tool_result};
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "vercel_ai_5",
    title: "Vercel AI 5 and 6, and 7 in legacy mode",
    recognised_by: "`ai.operationId`",
    reading: "the outer call is the agent, the inner `do*` span is the model call",
    vocabulary: &[
        terms(
            Topic::Session,
            SDK,
            &[
                "ai.settings.context.sessionId",
                "ai.settings.context.session.id",
                "ai.settings.context.session_id",
            ],
        ),
        terms(Topic::User, SDK, &["ai.settings.context.userId"]),
        terms(Topic::Outcome, SDK, &["ai.telemetry.metadata.outcome"]),
        terms(Topic::Metadata, SDK, &["ai.telemetry.metadata"]),
        terms(Topic::MetadataEntries, SDK, &["ai.settings.context."]),
        terms(Topic::Model, SDK, &["ai.model.id"]),
        terms(Topic::AnsweringModel, SDK, &["ai.response.model"]),
        terms(Topic::Provider, SDK, &["ai.model.provider"]),
        terms(Topic::FinishReason, SDK, &["ai.response.finishReason"]),
        terms(
            Topic::InputTokens,
            SDK,
            &["ai.usage.inputTokens", "ai.usage.promptTokens"],
        ),
        terms(
            Topic::OutputTokens,
            SDK,
            &["ai.usage.outputTokens", "ai.usage.completionTokens"],
        ),
        terms(
            Topic::CacheReadTokens,
            SDK + 1,
            &[
                "ai.usage.cachedInputTokens",
                "ai.usage.inputTokenDetails.cacheReadTokens",
            ],
        ),
        terms(
            Topic::CacheWriteTokens,
            SDK + 1,
            &["ai.usage.inputTokenDetails.cacheWriteTokens"],
        ),
        terms(
            Topic::ReasoningTokens,
            SDK,
            &[
                "ai.usage.reasoningTokens",
                "ai.usage.outputTokenDetails.reasoningTokens",
            ],
        ),
        terms(Topic::TotalTokens, SDK, &["ai.usage.totalTokens"]),
        terms(Topic::CostObject, SDK, &["ai.response.providerMetadata"]),
        terms(Topic::ResponseId, SDK, &["ai.response.id"]),
        terms(Topic::InputMessages, SDK - 2, &["ai.prompt.messages"]),
        terms(
            Topic::OutputMessages,
            SDK + 1,
            &["ai.response.text", "ai.response.toolCalls"],
        ),
        terms(
            Topic::RequestingMessages,
            SDK - 2,
            &["ai.response.toolCalls"],
        ),
        terms(Topic::AnswerText, SDK, &["ai.response.text"]),
        terms(Topic::ToolCallId, SDK, &["ai.toolCall.id"]),
        terms(
            Topic::ToolArguments,
            SDK - 2,
            &["ai.toolCall.args", "ai.toolCall.input"],
        ),
        terms(
            Topic::ToolResult,
            SDK - 2,
            &["ai.toolCall.result", "ai.toolCall.output"],
        ),
        own(&[
            "ai.operationId",
            "ai.response.msToFirstChunk",
            "ai.telemetry.functionId",
            "ai.toolCall.name",
            "ai.toolCall.result",
            "resource.name",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.str(key!("ai.operationId")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let agent = source
        .str(key!("ai.telemetry.functionId"))
        .or_else(|| source.str(key!("resource.name")));
    event.agent = agent.map(|text| source.name(text));
    let operation = source.str(key!("ai.operationId")).unwrap_or_default();
    event.kind = match operation {
        "ai.toolCall" => match source.str(key!("ai.toolCall.name")) {
            Some(tool) => build::tool(source, tool),
            None => Kind::Structure,
        },
        _ if operation.contains(".doEmbed") => build::embeddings_kind(source),
        _ if operation.contains(".do") => call(source),
        _ if operation.starts_with("ai.embed") => Kind::Structure,
        // The run of an agent without a name.
        _ if agent.is_some() || source.span.parent.is_none() => Kind::Agent { inferred: false },
        _ => Kind::Workflow,
    };
    if has_finished(source) {
        event.error = false;
        match &mut event.kind {
            Kind::Model(call) => call.failed = false,
            Kind::Tool(call) => call.failed = false,
            _ => {}
        }
    }
}

/// OpenInference's processor gives the error of one tool to the spans around it and to those after it. The SDK says why a call
/// finished, and what a tool returned, only if it did; what it threw is an event (C-5).
fn has_finished(source: &SpanReader<'_>) -> bool {
    let reason = source.str(key!("ai.response.finishReason"));
    let result = source.attributes().get(key!("ai.toolCall.result"));
    let returned = result.is_some() && !tool_result::is_error(source);
    (reason.is_some_and(|reason| reason != "error") || returned) && !source.excepted()
}

fn call(source: &SpanReader<'_>) -> Kind {
    let mut kind = build::model_kind(source);
    if let Kind::Model(call) = &mut kind {
        let milliseconds = source.attributes().f64(key!("ai.response.msToFirstChunk"));
        call.first_token_seconds = milliseconds.map(|ms| ms / 1000.0);
        if call.answered.is_none() && source.str(key!("ai.response.finishReason")).is_some() {
            // Recording of outputs is off: the reason why it finished still shows it.
            call.answered =
                Some(source.str(key!("ai.response.finishReason")) != Some("tool-calls"));
        }
    }
    kind
}
