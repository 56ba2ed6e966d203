//! Langfuse SDK: `langfuse.observation.*`, usage and cost as JSON objects.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build, langgraph, otel_genai};
use crate::model::event::{Cost, Event, Kind};
use crate::normalise::{SpanReader, money, usage};
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "langfuse",
    title: "Langfuse",
    recognised_by: "`langfuse.observation.type`, scope `langfuse*`",
    reading: "usage and cost as JSON; first token from `completion_start_time`",
    vocabulary: &[
        terms(Topic::Session, SDK - 2, &["langfuse.session.id"]),
        terms(Topic::User, SDK - 2, &["langfuse.user.id"]),
        terms(
            Topic::Outcome,
            SDK,
            &[
                "langfuse.trace.metadata.outcome",
                "langfuse.observation.metadata.outcome",
            ],
        ),
        terms(
            Topic::Metadata,
            SDK - 2,
            &["langfuse.trace.metadata", "langfuse.observation.metadata"],
        ),
        terms(Topic::InputMessages, SDK, &["langfuse.observation.input"]),
        terms(Topic::OutputMessages, SDK, &["langfuse.observation.output"]),
        terms(
            Topic::RequestingMessages,
            SDK,
            &["langfuse.observation.output"],
        ),
        terms(
            Topic::ToolArguments,
            SDK + 1,
            &["langfuse.observation.input"],
        ),
        terms(Topic::ToolResult, SDK + 1, &["langfuse.observation.output"]),
        terms(Topic::RunInput, SDK, &["langfuse.observation.input"]),
        terms(
            Topic::StatusMessage,
            SDK,
            &["langfuse.observation.status_message"],
        ),
        terms(
            Topic::GraphNamespace,
            SDK,
            &["langfuse.observation.metadata.langgraph_checkpoint_ns"],
        ),
        terms(
            Topic::GraphAgent,
            SDK,
            &["langfuse.observation.metadata.lc_agent_name"],
        ),
        own(&[
            "langfuse.observation.completion_start_time",
            "langfuse.observation.cost_details",
            "langfuse.observation.level",
            "langfuse.observation.model.name",
            "langfuse.observation.type",
            "langfuse.observation.usage_details",
            "langfuse.trace.name",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.str(key!("langfuse.observation.type")).is_some()
        || source.scope.name.starts_with("langfuse")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let span = source.span.name;
    let level = source.str(key!("langfuse.observation.level"));
    event.error |= level == Some("ERROR") && !source.is_control_flow();
    let place = langgraph::place(source);
    event.agent = source
        .str(key!("gen_ai.agent.name"))
        .or(place.as_ref().and_then(|p| p.agent.as_deref()))
        .map(|text| source.name(text));
    match source
        .str(key!("langfuse.observation.type"))
        .unwrap_or_default()
    {
        // Under LangGraph the type follows from the run's name, so only its place in the graph says which agent it is.
        "agent" | "chain" | "span" if place.is_some() => {
            if place.is_some_and(|p| p.is_node) {
                event.kind = Kind::Agent { inferred: true };
            }
        }
        "generation" => event.kind = generation(source, event.error, build::model_kind(source)),
        "embedding" => event.kind = generation(source, event.error, build::embeddings_kind(source)),
        "agent" => build::agent(
            source,
            event,
            source.str(key!("gen_ai.agent.name")).unwrap_or(span),
            false,
        ),
        "tool" => {
            event.kind = build::tool(source, source.str(key!("gen_ai.tool.name")).unwrap_or(span))
        }
        "retriever" => event.kind = Kind::Retrieval { source: None },
        "guardrail" => {
            event.kind = Kind::Guardrail {
                triggered: event.error,
            }
        }
        "chain" | "span" if source.span.parent.is_none() => {
            build::workflow(
                source,
                event,
                Some(source.str(key!("langfuse.trace.name")).unwrap_or(span)),
            );
        }
        _ => otel_genai::read(source, event),
    }
}

fn generation(source: &SpanReader<'_>, failed: bool, mut kind: Kind) -> Kind {
    let Kind::Model(call) = &mut kind else {
        return kind;
    };
    let object = |key| source.json(key);
    call.failed |= failed;
    if let Some(model) = source.str(key!("langfuse.observation.model.name")) {
        call.model = Some(source.model(model));
    }
    if let Some(details) = object(key!("langfuse.observation.usage_details")) {
        call.usage = usage::of_buckets(&details);
    }
    if let Some(usd) =
        object(key!("langfuse.observation.cost_details")).and_then(|c| money::total(&c))
    {
        call.cost = Cost::Declared(usd);
    }
    let first = source
        .str(key!("langfuse.observation.completion_start_time"))
        .and_then(|text| text.trim_matches('"').parse::<jiff::Timestamp>().ok());
    call.first_token_seconds = first.and_then(|first| {
        let start = i128::from(source.span.start.0);
        let nanos = first.as_nanosecond() - start;
        (nanos >= 0).then_some(nanos as f64 / 1e9)
    });
    kind
}
