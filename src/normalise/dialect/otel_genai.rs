//! OpenTelemetry GenAI semantic conventions, old and newest names, with the proposals for handoffs; also what reads emitters
//! that nobody knows.

use super::vocabulary::{PLAIN, SDK, STANDARD, Topic, own, terms};
use super::{Dialect, build};
use crate::model::event::{Event, Kind, Target};
use crate::normalise::{SpanReader, handoff, topics};
use crate::otlp::attribute_key::{AttributeKeys, key, keys};

/// The tool that is called.
const TOOL: AttributeKeys = &keys(["gen_ai.tool.name", "tool.name"]);

/// The agent at work.
const AGENT: AttributeKeys = &keys(["gen_ai.agent.name", "agent.name"]);

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "otel_genai",
    title: "OpenTelemetry GenAI",
    recognised_by: "`gen_ai.*`",
    reading: "`gen_ai.*`, old and new names, and the three proposals for handoffs",
    vocabulary: &[
        terms(
            Topic::Session,
            STANDARD,
            &["gen_ai.conversation.id", "session.id"],
        ),
        terms(
            Topic::Session,
            PLAIN,
            &[
                "conversation.id",
                "conversation_id",
                "session_id",
                "sessionId",
                "conversationId",
                "thread_id",
            ],
        ),
        terms(
            Topic::ResourceSession,
            STANDARD,
            &["gen_ai.conversation.id", "session.id", "conversation.id"],
        ),
        terms(Topic::User, STANDARD, &["user.id", "enduser.id"]),
        terms(Topic::User, PLAIN, &["user_id"]),
        terms(
            Topic::WorkflowId,
            STANDARD,
            &["gen_ai.workflow.id", "workflow.id", "baton.workflow.id"],
        ),
        terms(
            Topic::Exchange,
            PLAIN,
            &["turn.number", "turn_number", "turn.id", "turn_id"],
        ),
        terms(Topic::Workflow, STANDARD, &["gen_ai.workflow.name"]),
        terms(Topic::Workflow, PLAIN, &["workflow.name"]),
        terms(
            Topic::Outcome,
            STANDARD,
            &[
                "baton.outcome",
                "gen_ai.workflow.outcome",
                "workflow.outcome",
                "app.outcome",
                "session.outcome",
                "task.outcome",
            ],
        ),
        terms(Topic::Metadata, SDK + 1, &["gen_ai.agent.metadata"]),
        terms(Topic::Model, STANDARD, &["gen_ai.request.model"]),
        terms(Topic::Model, SDK - 2, &["gen_ai.response.model"]),
        terms(Topic::AnsweringModel, STANDARD, &["gen_ai.response.model"]),
        terms(
            Topic::Provider,
            STANDARD,
            &["gen_ai.provider.name", "gen_ai.system"],
        ),
        terms(Topic::FrameworkAsProvider, STANDARD, &["_other", "unknown"]),
        terms(
            Topic::FinishReason,
            STANDARD,
            &[
                "gen_ai.response.finish_reasons",
                "gen_ai.response.finish_reason",
            ],
        ),
        terms(Topic::InputMessages, STANDARD, &["gen_ai.input.messages"]),
        terms(Topic::OutputMessages, STANDARD, &["gen_ai.output.messages"]),
        terms(
            Topic::RequestingMessages,
            STANDARD,
            &["gen_ai.output.messages"],
        ),
        terms(
            Topic::ToolCallId,
            STANDARD,
            &["gen_ai.tool.call.id", "gen_ai.tool.call_id"],
        ),
        terms(
            Topic::ToolResult,
            STANDARD,
            &["gen_ai.tool.call.result", "gen_ai.tool.result"],
        ),
        terms(
            Topic::ToolArguments,
            STANDARD,
            &["gen_ai.tool.call.arguments"],
        ),
        terms(
            Topic::HandoffMode,
            STANDARD,
            &[
                "gen_ai.transfer.mode",
                "gen_ai.handoff.mode",
                "gen_ai.handoff.type",
            ],
        ),
        terms(
            Topic::HandoffSource,
            STANDARD,
            &[
                "gen_ai.handoff.from_agent",
                "gen_ai.agent.handoff.source.name",
                "gen_ai.transfer.source.name",
                "gen_ai.handoff.source.name",
                "gen_ai.handoff.source.agent.name",
                "gen_ai.handoff.from",
            ],
        ),
        terms(
            Topic::HandoffTarget,
            STANDARD,
            &[
                "gen_ai.handoff.to_agent",
                "gen_ai.agent.handoff.target.name",
                "gen_ai.transfer.target.name",
                "gen_ai.handoff.target.name",
                "gen_ai.handoff.target.agent.name",
                "gen_ai.handoff.to",
            ],
        ),
        terms(
            Topic::HandoffTargetType,
            STANDARD,
            &[
                "gen_ai.transfer.target.type",
                "gen_ai.agent.handoff.target.type",
                "gen_ai.handoff.target.type",
            ],
        ),
        terms(
            Topic::EvaluationScore,
            STANDARD,
            &["gen_ai.evaluation.score.value", "gen_ai.evaluation.score"],
        ),
        terms(
            Topic::ContextRetention,
            STANDARD,
            &[
                "gen_ai.handoff.context_retention",
                "handoff.context_retention",
                "app.context_retention",
            ],
        ),
        terms(
            Topic::IntentRetention,
            STANDARD,
            &[
                "gen_ai.handoff.intent_retention",
                "handoff.intent_retention",
                "app.intent_retention",
            ],
        ),
        terms(Topic::GraphNamespace, PLAIN, &["langgraph_checkpoint_ns"]),
        terms(Topic::GraphAgent, PLAIN, &["lc_agent_name"]),
        terms(
            Topic::TechnicalRequest,
            STANDARD,
            &["http.", "db.", "rpc.", "messaging.", "uri"],
        ),
        terms(Topic::BrowserResource, STANDARD, &["browser."]),
        own(&[
            "a2a.task.state",
            "agent.id",
            "content",
            "error",
            "error.message",
            "error.type",
            "event.name",
            "exception.message",
            "exception.type",
            "http.response.status_code",
            "rpc.grpc.status_code",
            "rpc.response.status_code",
            "gen_ai.agent.id",
            "gen_ai.agent.name",
            "gen_ai.caller.agent.id",
            "gen_ai.caller.agent.name",
            "gen_ai.data_source.id",
            "gen_ai.evaluation.name",
            "gen_ai.evaluation.score.label",
            "gen_ai.guardrail.triggered",
            "gen_ai.operation.name",
            "gen_ai.tool.name",
            "message",
            "outcome",
            "telemetry.sdk.language",
            "tool_calls",
        ]),
    ],
    recognises,
    read,
};

/// By what every convention of GenAI spans has had.
fn recognises(source: &SpanReader<'_>) -> bool {
    let has = |key| source.attributes().get(key).is_some();
    has(key!("gen_ai.operation.name"))
        || has(key!("gen_ai.provider.name"))
        || has(key!("gen_ai.system"))
        || has(key!("gen_ai.tool.name"))
        || has(key!("gen_ai.agent.name"))
}

/// Reads a span by the standard names.
pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let attributes = source.attributes();
    let operation = source.operation().unwrap_or_default();
    // The official instrumentation of the OpenAI Agents SDK puts one constant name, with the id "agent", on all spans but agents.
    let placeholder =
        source.str(key!("gen_ai.agent.id")) == Some("agent") && operation != "invoke_agent";
    event.agent = attributes
        .first_str(AGENT)
        .filter(|_| !placeholder)
        .or_else(|| source.agent_id())
        .map(|text| source.name(text));
    event.workflow = attributes
        .first_str(topics::WORKFLOW)
        .map(|text| source.name(text));
    event.kind = match operation {
        "chat" | "generate_content" | "text_completion" | "completion" | "response"
        | "responses" | "llm_call" => build::model_kind(source),
        "embeddings" | "embedding" => build::embeddings_kind(source),
        "retrieval" | "retrieve" => retrieval(source),
        "invoke_agent" | "agent" | "agent_call" => return agent(source, event),
        "execute_tool" | "tool" | "tool_call" => tool(source),
        "invoke_workflow" | "workflow" | "invoke_swarm" | "invoke_graph" | "invoke_team" => {
            Kind::Workflow
        }
        "handoff" | "agent_handoff" | "transfer" | "agent_transfer" | "transfer_agent" => {
            build::handoff_kind(source, None)
        }
        "goto" => goto(source),
        "guardrail" | "guardrail_check" | "apply_guardrail" => guardrail(source),
        _ if is_handoff(source) => build::handoff_kind(source, None),
        "" => match source.span.name.strip_prefix("invoke_agent ") {
            Some(named) if event.agent.is_none() => {
                return build::agent(source, event, named, false);
            }
            _ => by_attributes(source),
        },
        _ => by_evidence(source),
    };
}

/// The event of an `invoke_agent` span; without a name it is the run of an agent that nobody names.
fn agent(source: &SpanReader<'_>, event: &mut Event) {
    let in_name = source.span.name.strip_prefix("invoke_agent ");
    let run = event.agent.is_none().then_some(in_name).flatten();
    match (&event.agent, run) {
        (Some(_), _) => event.kind = Kind::Agent { inferred: false },
        (None, Some(agent)) => build::agent(source, event, agent, false),
        (None, None) => {
            event
                .workflow
                .get_or_insert_with(|| source.name(source.span.name));
            event.kind = Kind::Agent { inferred: false };
        }
    }
}

fn tool(source: &SpanReader<'_>) -> Kind {
    let named = source
        .attributes()
        .first_str(TOOL)
        .or_else(|| source.span.name.strip_prefix("execute_tool "))
        .unwrap_or(source.span.name);
    build::tool(source, named)
}

fn retrieval(source: &SpanReader<'_>) -> Kind {
    Kind::Retrieval {
        source: source
            .str(key!("gen_ai.data_source.id"))
            .map(|text| source.name(text)),
    }
}

fn guardrail(source: &SpanReader<'_>) -> Kind {
    Kind::Guardrail {
        triggered: source.attributes().bool(key!("gen_ai.guardrail.triggered")) == Some(true),
    }
}

/// LangGraph's move of control, as OpenLLMetry shows it.
fn goto(source: &SpanReader<'_>) -> Kind {
    let to = source
        .str(key!("langgraph.command.goto_node"))
        .filter(|node| *node != "__end__")
        .map(|node| handoff::named(node, source.context));
    match to {
        Some(to) => build::handoff_kind(source, Some(to)),
        None => Kind::Structure,
    }
}

fn is_handoff(source: &SpanReader<'_>) -> bool {
    let explicit = matches!(
        build::declared_target(source),
        Some(Target::Agent(_) | Target::Human)
    );
    explicit
        && source
            .operation()
            .is_none_or(|o| !matches!(o, "chat" | "execute_tool"))
}

/// Spans whose operation nobody knows, e.g. of a later edition of the conventions or of a framework: a call of a model has
/// tokens and a model, a call of a tool has an id.
fn by_evidence(source: &SpanReader<'_>) -> Kind {
    let has = |key| source.attributes().get(key).is_some();
    if has(key!("gen_ai.tool.call.id")) || has(key!("gen_ai.tool.call_id")) {
        return tool(source);
    }
    let model = has(key!("gen_ai.request.model")) || has(key!("gen_ai.response.model"));
    if model && has(key!("gen_ai.usage.input_tokens")) {
        return build::model_kind(source);
    }
    Kind::Structure
}

/// Spans of emitters that set no operation name.
fn by_attributes(source: &SpanReader<'_>) -> Kind {
    let attributes = source.attributes();
    let has = |key| attributes.get(key).is_some();
    // A span that ended before its attributes were set still has its name.
    if has(key!("gen_ai.tool.name")) || source.span.name.starts_with("execute_tool ") {
        return tool(source);
    }
    let is_call = (has(key!("gen_ai.request.model"))
        || has(key!("gen_ai.response.model"))
        || has(key!("llm.request.model")))
        && (has(key!("gen_ai.system"))
            || has(key!("gen_ai.provider.name"))
            || has(key!("gen_ai.usage.input_tokens"))
            || has(key!("llm.request.type")));
    if is_call {
        let embeds = attributes
            .str(key!("llm.request.type"))
            .is_some_and(|t| t.starts_with("embed"));
        return if embeds {
            build::embeddings_kind(source)
        } else {
            build::model_kind(source)
        };
    }
    if has(key!("gen_ai.agent.name")) && source.span.name.starts_with("invoke_agent") {
        return Kind::Agent { inferred: false };
    }
    Kind::Structure
}
