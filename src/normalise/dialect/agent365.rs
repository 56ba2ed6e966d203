//! Microsoft Agent 365: standard names, older ones with operations in CamelCase, and its own for session, user and caller.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, otel_genai};
use crate::model::event::{Event, Kind, Usage};
use crate::normalise::{SpanReader, json};
use crate::otlp::attribute_key::{AttributeKeys, key, keys};

/// The agent that called this one, by its name or else its id.
const CALLER: AttributeKeys = &keys([
    "microsoft.a365.caller.agent.name",
    "microsoft.a365.caller.agent.id",
]);

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "agent_365",
    title: "Microsoft Agent 365",
    recognised_by: "scope `Agent365Sdk`, `*Agents.A365*`, `microsoft_agents_a365*`",
    reading: "standard names; operations in CamelCase (`InvokeAgent`, `ExecuteInference`); `microsoft.session.id`",
    vocabulary: &[
        terms(
            Topic::Session,
            SDK,
            &["microsoft.session.id", "microsoft.conversation.id"],
        ),
        terms(
            Topic::User,
            SDK,
            &[
                "microsoft.user.id",
                "gen_ai.caller.id",
                "gen_ai.caller.userid",
            ],
        ),
        terms(Topic::ToolArguments, SDK, &["gen_ai.tool.arguments"]),
        own(&[
            "microsoft.a365.caller.agent.id",
            "microsoft.a365.caller.agent.name",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    let scope = source.scope.name;
    scope == "Agent365Sdk"
        || scope.contains("Agents.A365")
        || scope.starts_with("microsoft_agents_a365")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    if source.str(key!("gen_ai.agent.name")).is_none() {
        unname(source, event);
    }
    if let Kind::Model(call) = &mut event.kind {
        call.usage = call.usage.map(|usage| detailed(source, usage));
    }
    let caller = source.attributes().first_str(CALLER);
    if let Some(caller) = caller {
        event.rare.caller = Some(source.name(caller));
    }
}

/// Takes the id for no agent's where no span has a name beside it: it is that of the application, and the same on all spans.
fn unname(source: &SpanReader<'_>, event: &mut Event) {
    let named = source.span.name.strip_prefix("invoke_agent ");
    let agent = named.map(|agent| source.name(agent));
    if agent.is_some() || !matches!(event.kind, Kind::Agent { .. }) {
        event.rare.agent_id.clone_from(&agent);
        event.agent = agent;
    }
}

/// Usage with the parts that only the response shows, which is put whole where messages belong.
fn detailed(source: &SpanReader<'_>, usage: Usage) -> Usage {
    let responses = source
        .str(key!("gen_ai.output.messages"))
        .filter(|text| text.contains("_tokens_details"))
        .and_then(json::parse);
    let count = |path| responses.as_ref()?.pointer(path)?.as_u64();
    Usage {
        cache_read: usage
            .cache_read
            .or(count("/0/usage/input_tokens_details/cached_tokens")),
        reasoning: usage
            .reasoning
            .or(count("/0/usage/output_tokens_details/reasoning_tokens")),
        ..usage
    }
}
