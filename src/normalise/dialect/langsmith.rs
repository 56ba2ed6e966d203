//! LangSmith's OpenTelemetry export: `langsmith.span.kind`, raw JSON messages, details of usage as JSON.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build, langgraph};
use crate::model::event::{Event, Kind};
use crate::normalise::declared::unquoted;
use crate::normalise::{SpanReader, usage};
use crate::otlp::attribute_key::{AttributeKeys, key, keys};

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "langsmith",
    title: "LangSmith",
    recognised_by: "`langsmith.span.kind`, scope `langsmith`",
    reading: "messages as raw JSON; details of token usage as JSON",
    vocabulary: &[
        terms(Topic::Outcome, SDK - 1, &["langsmith.metadata.outcome"]),
        terms(Topic::Metadata, SDK - 1, &["langsmith.metadata"]),
        terms(
            Topic::RawUsage,
            SDK - 1,
            &[
                "langsmith.usage_metadata",
                "langsmith.metadata.usage_metadata",
            ],
        ),
        terms(Topic::InputMessages, SDK - 2, &["gen_ai.prompt"]),
        terms(Topic::OutputMessages, SDK - 2, &["gen_ai.completion"]),
        terms(Topic::RequestingMessages, SDK - 2, &["gen_ai.completion"]),
        terms(Topic::ToolArguments, SDK + 1, &["gen_ai.prompt"]),
        terms(Topic::ToolResult, SDK + 1, &["gen_ai.completion"]),
        terms(Topic::RunInput, SDK, &["gen_ai.prompt"]),
        terms(
            Topic::GraphNamespace,
            SDK,
            &["langsmith.metadata.langgraph_checkpoint_ns"],
        ),
        terms(
            Topic::GraphAgent,
            SDK,
            &["langsmith.metadata.lc_agent_name"],
        ),
        own(&[
            "gen_ai.usage.input_token_details",
            "gen_ai.usage.output_token_details",
            "langsmith.metadata.ls_model_name",
            "langsmith.metadata.ls_provider",
            "langsmith.span.kind",
            "langsmith.usage.input_token_details",
            "langsmith.usage.output_token_details",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.str(key!("langsmith.span.kind")).is_some() || source.scope.name == "langsmith"
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let place = langgraph::place(source);
    event.agent = source
        .str(key!("gen_ai.agent.name"))
        .or(place.as_ref().and_then(|p| p.agent.as_deref()))
        .map(|text| source.name(text));
    let span = source.span.name;
    let kind = source
        .str(key!("langsmith.span.kind"))
        .unwrap_or_else(|| source.operation().unwrap_or_default());
    event.kind = match kind {
        "llm" | "chat" => model(source),
        "embedding" | "embeddings" => build::embeddings_kind(source),
        "tool" | "execute_tool" => {
            build::tool(source, source.str(key!("gen_ai.tool.name")).unwrap_or(span))
        }
        "retriever" | "retrieval" => Kind::Retrieval { source: None },
        _ => match place {
            Some(place) if place.is_node => Kind::Agent { inferred: true },
            None if source.span.parent.is_none() => {
                return build::workflow(source, event, Some(span));
            }
            _ => Kind::Structure,
        },
    };
}

fn model(source: &SpanReader<'_>) -> Kind {
    let mut kind = build::model_kind(source);
    if let Kind::Model(call) = &mut kind {
        let attributes = source.attributes();
        // LangSmith leaves the status of a failed call at OK.
        call.failed |= source.excepted();
        call.model = call.model.take().or_else(|| {
            attributes
                .str(key!("langsmith.metadata.ls_model_name"))
                .map(|model| source.model(&unquoted(model)))
        });
        call.provider = call.provider.take().or_else(|| {
            attributes
                .str(key!("langsmith.metadata.ls_provider"))
                .map(|provider| source.provider(&unquoted(provider)))
        });
        if let Some(usage) = &mut call.usage {
            let detail = |keys: AttributeKeys, part: &str| {
                keys.iter()
                    .find_map(|key| source.json(*key)?.get(part)?.as_u64())
            };
            const INPUT: AttributeKeys = &keys([
                "gen_ai.usage.input_token_details",
                "langsmith.usage.input_token_details",
            ]);
            const OUTPUT: AttributeKeys = &keys([
                "gen_ai.usage.output_token_details",
                "langsmith.usage.output_token_details",
            ]);
            usage.cache_read = usage.cache_read.or_else(|| detail(INPUT, "cache_read"));
            usage.cache_write = usage
                .cache_write
                .or_else(|| detail(INPUT, "cache_creation"));
            usage.reasoning = usage.reasoning.or_else(|| detail(OUTPUT, "reasoning"));
            *usage = usage::inclusive(*usage);
        }
    }
    kind
}
