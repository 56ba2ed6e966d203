//! Spring AI's observations: standard names on model calls, names of its own on all else.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::{AttributeKeys, key, keys};

/// On a client, a tool, and a model that was offered tools.
const OWN: AttributeKeys = &keys([
    "spring.ai.kind",
    "spring.ai.tool.definition.name",
    "spring.ai.model.request.tool.names",
]);

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "spring_ai",
    title: "Spring AI",
    recognised_by: "`spring.ai.*`",
    reading: "standard names on model calls; tools by `spring.ai.tool.definition.name`; cumulative tokens in a sequence of calls",
    vocabulary: &[
        terms(
            Topic::Session,
            SDK,
            &["spring.ai.chat.client.conversation.id"],
        ),
        own(&[
            "spring.ai.kind",
            "spring.ai.model.request.tool.names",
            "spring.ai.tool.definition.name",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    let attributes = source.attributes();
    OWN.iter().any(|key| attributes.get(*key).is_some())
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    if let Some(tool) = source.str(key!("spring.ai.tool.definition.name")) {
        event.kind = build::tool(source, tool);
    }
    if let Kind::Model(call) = &mut event.kind {
        // A chat model that runs the tools itself calls itself again, and adds the tokens up.
        call.usage_is_cumulative = build::stopped(source, |reason| {
            reason.to_ascii_lowercase().contains("tool")
        });
    }
}
