//! AgentScope: standard names. A tool's failure stands in the state of its result alone, and a team's leader assigns work to its
//! members by a tool that the pipeline carries out between two replies of the leader.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::{SpanReader, json};
use crate::otlp::attribute_key::key;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "agentscope",
    title: "AgentScope",
    recognised_by: "scope `agentscope*`",
    reading: "standard names; failed tools by the state of their results; `TeamAssign` delegates to the member in its arguments",
    vocabulary: &[
        terms(
            Topic::CacheReadTokens,
            SDK,
            &["agentscope.usage.cache_input_tokens"],
        ),
        terms(
            Topic::CacheWriteTokens,
            SDK,
            &["agentscope.usage.cache_creation_input_tokens"],
        ),
        terms(Topic::User, SDK, &["agentscope.user.id"]),
        own(&["gen_ai.tool.call.result"]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.scope.name == "agentscope" || source.scope.name.starts_with("agentscope.")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    if let Kind::Tool(tool) = &mut event.kind {
        tool.failed |= has_failed(source);
    }
}

/// `"state": "error"` beside the content of a result.
fn has_failed(source: &SpanReader<'_>) -> bool {
    let result = source.str(key!("gen_ai.tool.call.result"));
    let result = result.and_then(json::parse);
    let state = result.as_ref().and_then(|r| json::first_str(r, &["state"]));
    state == Some("error")
}
