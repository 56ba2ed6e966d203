//! Laminar: standard names on calls, kinds by `lmnr.span.type`. Of the OpenAI Agents SDK it marks handoffs, turns and guardrails; an
//! agent is known by its description, which is the input of its span.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build, otel_genai};
use crate::model::event::{Event, Kind};
use crate::normalise::{SpanReader, json};
use crate::otlp::attribute_key::{AttributeKeys, key, keys};
use serde_json::Value;

/// The agent that a span speaks about.
const AGENT: AttributeKeys = &keys(["openai.agents.turn.agent_name", "gen_ai.agent.name"]);

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "laminar",
    title: "Laminar",
    recognised_by: "`lmnr.span.type`",
    reading: "standard names on calls; handoffs by `openai.agents.handoff.*`; agents by the description in their input",
    vocabulary: &[
        terms(
            Topic::Session,
            SDK,
            &["lmnr.association.properties.session_id"],
        ),
        terms(
            Topic::Session,
            SDK + 2,
            &["lmnr.association.properties.metadata.openai.agents.group_id"],
        ),
        terms(Topic::User, SDK, &["lmnr.association.properties.user_id"]),
        terms(
            Topic::ReasoningTokens,
            SDK,
            &["gen_ai.usage.reasoning_output_tokens"],
        ),
        terms(Topic::HandoffSource, SDK, &["openai.agents.handoff.from"]),
        terms(Topic::HandoffTarget, SDK, &["openai.agents.handoff.to"]),
        terms(Topic::ToolArguments, SDK, &["lmnr.span.input"]),
        terms(Topic::WholeInput, SDK, &["lmnr.span.input"]),
        own(&[
            "lmnr.span.input",
            "lmnr.span.type",
            "openai.agents.guardrail.name",
            "openai.agents.guardrail.triggered",
            "openai.agents.turn.agent_name",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.str(key!("lmnr.span.type")).is_some()
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let attributes = source.attributes();
    let span = source.span.name;
    let has = |key| attributes.get(key).is_some();
    event.agent = attributes.first_str(AGENT).map(|text| source.name(text));
    event.kind = match source.str(key!("lmnr.span.type")).unwrap_or_default() {
        _ if has(key!("openai.agents.handoff.from")) || has(key!("openai.agents.handoff.to")) => {
            build::handoff_kind(source, None)
        }
        _ if has(key!("openai.agents.guardrail.name")) => Kind::Guardrail {
            triggered: attributes.bool(key!("openai.agents.guardrail.triggered")) == Some(true),
        },
        "LLM" if source.operation().is_none() => build::model_kind(source),
        "TOOL" if source.operation().is_none() => {
            // A list of the tools of a server is no call of one.
            if span.starts_with("agents.mcp") {
                return;
            }
            build::tool(source, source.str(key!("gen_ai.tool.name")).unwrap_or(span))
        }
        "DEFAULT" if source.operation().is_none() => return around(source, event),
        "EVALUATION" | "EVALUATOR" | "EXECUTOR" => return,
        _ => return otel_genai::read(source, event),
    };
}

/// A span around calls: an agent, or the run itself.
fn around(source: &SpanReader<'_>, event: &mut Event) {
    let span = source.span.name;
    if describes_agent(source) {
        build::agent(source, event, span, false);
    } else if source.span.parent.is_none() {
        build::workflow(source, event, Some(span));
    } else if event.agent.is_none() {
        otel_genai::read(source, event);
    }
}

/// `{"name": "desk", "handoffs": […], "tools": […], "output_type": "str"}` on a span of that name.
fn describes_agent(source: &SpanReader<'_>) -> bool {
    let input = source.str(key!("lmnr.span.input")).and_then(json::parse);
    let Some(Value::Object(input)) = input else {
        return false;
    };
    let is_known =
        |key: &String| matches!(key.as_str(), "name" | "handoffs" | "tools" | "output_type");
    let named = input.get("name").and_then(Value::as_str);
    named == Some(source.span.name) && input.len() > 1 && input.keys().all(is_known)
}
