//! Microsoft Agent 365: standard names, older ones with operations in CamelCase, and its own for session, user and caller.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, otel_genai};
use crate::model::event::Event;
use crate::normalise::SpanReader;
use crate::otlp::attribute_key::{AttributeKeys, keys};

/// The agent that called this one, by its name or else its id.
const CALLER: AttributeKeys = &keys([
    "microsoft.a365.caller.agent.name",
    "microsoft.a365.caller.agent.id",
]);

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "agent_365",
    title: "Microsoft Agent 365",
    recognised_by: "scope `Agent365Sdk`",
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
    source.scope.name == "Agent365Sdk" || source.scope.name.contains("Agents.A365")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    otel_genai::read(source, event);
    let caller = source.attributes().first_str(CALLER);
    if let Some(caller) = caller {
        event.rare.caller = Some(source.name(caller));
    }
}
