//! MLflow in its own form: values are JSON, also texts, usage and cost are objects, and agents are known by the names of their spans,
//! which each integration makes in its own way. With its option for standard names it keeps the types that have no operation.

use super::vocabulary::{SDK, Topic, own, terms};
use super::{Dialect, build, langgraph, otel_genai};
use crate::model::event::{Cost, Event, HandoffSpan, Kind, Operation};
use crate::normalise::declared::unquoted;
use crate::normalise::{SpanReader, handoff, json, messages};
use crate::otlp::attribute_key::{AttributeKey, AttributeKeys, key, keys};
use serde_json::Value;

/// The agent that works.
const AGENT: AttributeKeys = &keys(["gen_ai.agent.name", "agent_name", "name", "role"]);
/// How integrations end the names of spans that are a method of an agent.
const METHODS: &[&str] = &[
    ".run",
    ".arun",
    ".run_sync",
    ".run_stream",
    ".invoke",
    ".ainvoke",
    ".execute_task",
    ".kickoff",
    ".on_messages",
    ".on_messages_stream",
];
/// Classes that stand where the name of an agent would: the agent has none.
const CLASSES: &[&str] = &[
    "Agent",
    "AgentExecutor",
    "AgentRunner",
    "AgentWorkflow",
    "CodeAgent",
    "Crew",
    "FunctionAgent",
    "LiteAgent",
    "MultiStepAgent",
    "ReActAgent",
    "Team",
    "ToolCallingAgent",
    "Agent workflow",
];

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: "mlflow",
    title: "MLflow",
    recognised_by: "`mlflow.spanType`, scope `mlflow*`",
    reading: "values as JSON; agents from the names of spans and from LangGraph's metadata; also with standard names",
    vocabulary: &[
        terms(Topic::Session, SDK, &["mlflow.trace.session"]),
        terms(Topic::User, SDK, &["mlflow.trace.user"]),
        terms(Topic::MetadataEntries, SDK, &["mlflow.traceTag."]),
        terms(Topic::Model, SDK, &["mlflow.llm.model"]),
        terms(Topic::Provider, SDK, &["mlflow.llm.provider"]),
        terms(Topic::RawUsage, SDK, &["mlflow.chat.tokenUsage"]),
        terms(Topic::InputMessages, SDK + 1, &["mlflow.spanInputs"]),
        terms(Topic::OutputMessages, SDK + 1, &["mlflow.spanOutputs"]),
        terms(Topic::RequestingMessages, SDK + 1, &["mlflow.spanOutputs"]),
        terms(Topic::ToolCallId, SDK, &["tool_call_id"]),
        terms(Topic::ToolArguments, SDK, &["mlflow.spanInputs"]),
        own(&[
            "agent_name",
            "gen_ai.tool.call.result",
            "mlflow.llm.cost",
            "mlflow.spanType",
            "name",
            "role",
        ]),
    ],
    recognises,
    read,
};

fn recognises(source: &SpanReader<'_>) -> bool {
    source.str(key!("mlflow.spanType")).is_some() || source.scope.name.starts_with("mlflow")
}

pub(super) fn read(source: &SpanReader<'_>, event: &mut Event) {
    let place = langgraph::place(source);
    let of_place = place.as_ref().and_then(|place| place.agent.as_deref());
    event.agent = of_place.map(|agent| source.name(agent));
    let operation = source.operation().unwrap_or_default();
    let kind = source.str(key!("mlflow.spanType")).unwrap_or(operation);
    let span = source.span.name;
    event.kind = match &*unquoted(kind) {
        "LLM" | "CHAT_MODEL" => call(source, Operation::Chat),
        "EMBEDDING" => call(source, Operation::Embeddings),
        "RETRIEVER" => Kind::Retrieval { source: None },
        "TOOL" | "execute_tool" => tool(source, span.strip_prefix("execute_tool ").unwrap_or(span)),
        "GUARDRAIL" => guardrail(source),
        "AGENT" | "invoke_agent" if place.is_none() => return agent(source, event),
        "AGENT" | "invoke_agent" | "CHAIN" | "WORKFLOW" | "TASK" if place.is_some() => {
            let is_node = place.is_some_and(|place| place.is_node);
            if !is_node {
                return;
            }
            Kind::Agent { inferred: true }
        }
        "CHAIN" if span == "Handoff" => handed_over(source),
        "CHAIN" | "WORKFLOW" if source.span.parent.is_none() => {
            let named = (span != "CHAIN" && span != "WORKFLOW").then_some(span);
            return build::workflow(source, event, named);
        }
        "CHAIN" | "WORKFLOW" | "TASK" | "PARSER" | "MEMORY" | "RERANKER" | "EVALUATOR" => return,
        // Other instrumentations send their spans through MLflow's provider, which gives them no type.
        _ => return standard(source, event),
    };
}

/// A span with standard names.
fn standard(source: &SpanReader<'_>, event: &mut Event) {
    let of_place = event.agent.take();
    otel_genai::read(source, event);
    event.agent = of_place.or(event.agent.take());
}

/// A tool, whose failure may be in its answer only: LangGraph's tool nodes catch it.
fn tool(source: &SpanReader<'_>, named: &str) -> Kind {
    let tool = source.str(key!("gen_ai.tool.name")).map(unquoted);
    let mut kind = build::tool(source, tool.as_deref().unwrap_or(named));
    if let Kind::Tool(call) = &mut kind {
        let results = [key!("mlflow.spanOutputs"), key!("gen_ai.tool.call.result")];
        let mut results = results.into_iter().filter_map(|key| object(source, key));
        call.failed |= results.any(|result| {
            json::first_str(&result, &["status"]) == Some("error")
                && json::first_str(&result, &["type"]) == Some("tool")
        });
    }
    kind
}

fn object(source: &SpanReader<'_>, key: AttributeKey) -> Option<Value> {
    source.str(key).and_then(json::parse)
}

fn call(source: &SpanReader<'_>, operation: Operation) -> Kind {
    let mut call = build::model(source, operation);
    if let Some(Value::String(answer)) = object(source, key!("mlflow.spanOutputs")) {
        let output = messages::output_of_text(&answer, source.context);
        (call.requests, call.answered) = (output.requests, output.answered);
    }
    if let Some(cost) = object(source, key!("mlflow.llm.cost")) {
        let amount = |key: &str| cost.get(key).and_then(Value::as_f64);
        let parts = || Some(amount("input_cost")? + amount("output_cost")?);
        let total = amount("total_cost").or_else(parts);
        call.cost = total.map_or(Cost::Unknown, Cost::Declared);
    }
    Kind::Model(Box::new(call))
}

fn guardrail(source: &SpanReader<'_>) -> Kind {
    let output = object(source, key!("mlflow.spanOutputs"));
    let triggered = output.and_then(|output| output.get("triggered")?.as_bool());
    Kind::Guardrail {
        triggered: triggered.unwrap_or(source.failed()),
    }
}

/// `Handoff` of the OpenAI Agents SDK: the input has the source, the output the target.
fn handed_over(source: &SpanReader<'_>) -> Kind {
    let of = |key, name| {
        let object = object(source, key)?;
        Some(json::first_str(&object, &[name])?.to_owned())
    };
    let from = of(key!("mlflow.spanInputs"), "from_agent");
    let to = of(key!("mlflow.spanOutputs"), "to_agent");
    match to {
        Some(to) => Kind::Handoff(HandoffSpan {
            from: from.map(|from| source.name(&from)),
            to: handoff::named(&to, source.context),
            delegates: false,
            failed: source.failed(),
        }),
        None => Kind::Structure,
    }
}

/// An agent by its attribute or by its span's name; one without a name is a run.
fn agent(source: &SpanReader<'_>, event: &mut Event) {
    let span = source.span.name;
    let named = source.attributes().first_str(AGENT).map(unquoted);
    let span = span.strip_prefix("invoke_agent ").unwrap_or(span);
    let method = METHODS.iter().find_map(|method| span.strip_suffix(method));
    let of_span = method.unwrap_or(span).trim();
    let of_span = Some(of_span).filter(|name| !CLASSES.contains(name) && !name.contains('.'));
    let named = named.as_deref().filter(|name| !name.trim().is_empty());
    match named.or(of_span) {
        Some(agent) => build::agent(source, event, agent, false),
        None => build::workflow(source, event, Some(span)),
    }
}
