//! The same steps in three dialects: OpenTelemetry GenAI, OpenInference, OpenLLMetry.

use super::desk::Session;
use super::turn::{Call, Says, ScriptAction, ScriptStep, ScriptTurn};
use opentelemetry::KeyValue;

/// Scope names by dialect.
pub(super) const SCOPES: [&str; 3] = [
    "support.agents",
    "openinference.instrumentation.openai_agents",
    "opentelemetry.instrumentation.openai_agents",
];

/// Name and attributes of a step.
pub(super) fn speak(
    session: &Session,
    turn: &ScriptTurn,
    step: &ScriptStep,
) -> (String, Vec<KeyValue>) {
    if let ScriptAction::App = step.what {
        return (String::from("POST /support"), app(session, turn));
    }
    let (name, mut attributes) = match session.dialect {
        0 => otel_genai(step),
        1 => openinference(step),
        _ => openllmetry(step),
    };
    let session_key = [
        "gen_ai.conversation.id",
        "session.id",
        "traceloop.association.properties.session_id",
    ][session.dialect];
    attributes.push(KeyValue::new(session_key, session.id.clone()));
    if let ScriptAction::Agent(_) = step.what {
        attributes.push(KeyValue::new("app.intent", turn.intent));
    }
    (name, attributes)
}

fn app(session: &Session, turn: &ScriptTurn) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("app.intent", turn.intent),
        KeyValue::new("app.customer.tier", session.cohort.tier),
        KeyValue::new("app.channel", session.cohort.channel),
        KeyValue::new("app.tenant", session.cohort.tenant),
        KeyValue::new("workflow.name", session.cohort.workflow),
    ];
    attributes.extend(
        session
            .user
            .clone()
            .map(|user| KeyValue::new("user.id", user)),
    );
    attributes.extend(turn.value.map(|usd| count("app.transaction.value", usd)));
    attributes.extend(
        turn.outcome
            .map(|outcome| KeyValue::new("app.outcome", outcome)),
    );
    attributes
}

fn count(key: &'static str, count: u64) -> KeyValue {
    KeyValue::new(key, i64::try_from(count).unwrap_or(i64::MAX))
}

/// An evaluation as the attributes of its event.
pub(super) fn evaluation(name: &'static str, score: f64) -> Vec<KeyValue> {
    vec![
        KeyValue::new("gen_ai.evaluation.name", name),
        KeyValue::new("gen_ai.evaluation.score.value", score),
    ]
}

/// The state of a ticket as the attributes of its event.
pub(super) fn ticket(state: &'static str) -> Vec<KeyValue> {
    vec![
        KeyValue::new("gen_ai.evaluation.name", "ticket"),
        KeyValue::new("gen_ai.evaluation.score.label", state),
    ]
}

/// The input of a call as OpenTelemetry writes it.
fn input(call: &Call) -> String {
    let part = serde_json::json!({"type": "text", "content": call.heard});
    serde_json::json!([{"role": "user", "parts": [part]}]).to_string()
}

/// The output of a call as OpenTelemetry writes it.
fn output(step: &ScriptStep, call: &Call) -> String {
    let part = match call.says {
        Says::Tool(tool) => {
            let id = format!("call-{}", step.start);
            serde_json::json!({"type": "tool_call", "id": id, "name": tool, "arguments": {}})
        }
        Says::Text(text) => serde_json::json!({"type": "text", "content": text}),
    };
    serde_json::json!([{"role": "assistant", "parts": [part]}]).to_string()
}

fn otel_genai(step: &ScriptStep) -> (String, Vec<KeyValue>) {
    let operation = |name: &'static str| KeyValue::new("gen_ai.operation.name", name);
    match &step.what {
        ScriptAction::App => unreachable!("the app speaks for itself"),
        ScriptAction::Agent(agent) => (
            format!("invoke_agent {agent}"),
            vec![
                operation("invoke_agent"),
                KeyValue::new("gen_ai.agent.name", *agent),
            ],
        ),
        ScriptAction::Call(call) => {
            let mut attributes = vec![
                operation("chat"),
                KeyValue::new("gen_ai.agent.name", call.agent),
                KeyValue::new("gen_ai.provider.name", call.model.provider),
                KeyValue::new("gen_ai.request.model", call.model.name),
                KeyValue::new("gen_ai.input.messages", input(call)),
            ];
            if !step.failed && call.has_usage {
                attributes.extend([
                    count("gen_ai.usage.input_tokens", call.input),
                    count("gen_ai.usage.output_tokens", call.output),
                    count("gen_ai.usage.cache_read.input_tokens", call.cached),
                ]);
            }
            if !step.failed {
                attributes.extend([
                    KeyValue::new(
                        "gen_ai.response.time_to_first_chunk",
                        call.first_token as f64 / 1000.0,
                    ),
                    KeyValue::new("gen_ai.output.messages", output(step, call)),
                ]);
            }
            (format!("chat {}", call.model.name), attributes)
        }
        ScriptAction::Tool { agent, name } => (
            format!("execute_tool {name}"),
            vec![
                operation("execute_tool"),
                KeyValue::new("gen_ai.tool.name", *name),
                KeyValue::new("gen_ai.agent.name", *agent),
            ],
        ),
        ScriptAction::Search => (
            String::from("retrieval handbook"),
            vec![
                operation("retrieval"),
                KeyValue::new("gen_ai.data_source.id", "handbook"),
            ],
        ),
    }
}

fn openinference(step: &ScriptStep) -> (String, Vec<KeyValue>) {
    let kind = |kind: &'static str| KeyValue::new("openinference.span.kind", kind);
    match &step.what {
        ScriptAction::App => unreachable!("the app speaks for itself"),
        ScriptAction::Agent(agent) => (
            (*agent).to_owned(),
            vec![kind("AGENT"), KeyValue::new("agent.name", *agent)],
        ),
        ScriptAction::Call(call) => {
            let mut attributes = vec![
                kind("LLM"),
                KeyValue::new("llm.model_name", call.model.name),
                KeyValue::new("llm.provider", call.model.provider),
                KeyValue::new("llm.input_messages.0.message.role", "user"),
                KeyValue::new("llm.input_messages.0.message.content", call.heard.clone()),
            ];
            if !step.failed {
                attributes.extend([
                    count("llm.token_count.prompt", call.input),
                    count("llm.token_count.completion", call.output),
                    count("llm.token_count.prompt_details.cache_read", call.cached),
                    KeyValue::new("llm.output_messages.0.message.role", "assistant"),
                ]);
                attributes.push(match call.says {
                    Says::Tool(tool) => KeyValue::new(
                        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name",
                        tool,
                    ),
                    Says::Text(text) => {
                        KeyValue::new("llm.output_messages.0.message.content", text)
                    }
                });
            }
            (String::from("response"), attributes)
        }
        ScriptAction::Tool { name, .. } => (
            (*name).to_owned(),
            vec![kind("TOOL"), KeyValue::new("tool.name", *name)],
        ),
        ScriptAction::Search => (String::from("handbook"), vec![kind("RETRIEVER")]),
    }
}

fn openllmetry(step: &ScriptStep) -> (String, Vec<KeyValue>) {
    let (name, mut attributes) = otel_genai(step);
    match &step.what {
        ScriptAction::Agent(agent) => {
            attributes.push(KeyValue::new("traceloop.span.kind", "agent"));
            (format!("{agent}.agent"), attributes)
        }
        ScriptAction::Tool { name, .. } => {
            attributes.push(KeyValue::new("traceloop.span.kind", "tool"));
            (format!("{name}.tool"), attributes)
        }
        _ => (name, attributes),
    }
}
