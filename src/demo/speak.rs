//! The same steps in three dialects: OpenTelemetry GenAI, OpenInference, OpenLLMetry.

use super::desk::{Session, Step, Turn, What};
use opentelemetry::KeyValue;

/// Scope names by dialect.
pub(super) const SCOPES: [&str; 3] = [
    "support.agents",
    "openinference.instrumentation.openai_agents",
    "opentelemetry.instrumentation.openai_agents",
];

/// Name and attributes of a step.
pub(super) fn speak(session: &Session, turn: &Turn, step: &Step) -> (String, Vec<KeyValue>) {
    if let What::App = step.what {
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
    (name, attributes)
}

fn app(session: &Session, turn: &Turn) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("user.id", session.user.clone()),
        KeyValue::new("app.intent", turn.intent),
        KeyValue::new("app.customer.tier", turn.tier),
        KeyValue::new("app.channel", session.channel),
    ];
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

/// The output of a call as OpenTelemetry writes it.
fn output(asks: Option<&str>) -> String {
    let part = match asks {
        Some(tool) => {
            serde_json::json!({"type": "tool_call", "id": "call", "name": tool, "arguments": {}})
        }
        None => serde_json::json!({"type": "text", "content": "Done."}),
    };
    serde_json::json!([{"role": "assistant", "parts": [part]}]).to_string()
}

fn otel_genai(step: &Step) -> (String, Vec<KeyValue>) {
    match &step.what {
        What::App => unreachable!("the app speaks for itself"),
        What::Agent(agent) => (
            format!("invoke_agent {agent}"),
            vec![
                KeyValue::new("gen_ai.operation.name", "invoke_agent"),
                KeyValue::new("gen_ai.agent.name", *agent),
            ],
        ),
        What::Call {
            agent,
            provider,
            model,
            input,
            output: out,
            cached,
            asks,
            first_token,
        } => {
            let mut attributes = vec![
                KeyValue::new("gen_ai.operation.name", "chat"),
                KeyValue::new("gen_ai.agent.name", *agent),
                KeyValue::new("gen_ai.provider.name", *provider),
                KeyValue::new("gen_ai.request.model", *model),
            ];
            if !step.failed {
                attributes.extend([
                    count("gen_ai.usage.input_tokens", *input),
                    count("gen_ai.usage.output_tokens", *out),
                    count("gen_ai.usage.cache_read.input_tokens", *cached),
                    KeyValue::new(
                        "gen_ai.response.time_to_first_chunk",
                        *first_token as f64 / 1000.0,
                    ),
                    KeyValue::new("gen_ai.output.messages", output(*asks)),
                ]);
            }
            (format!("chat {model}"), attributes)
        }
        What::Tool { agent, name } => (
            format!("execute_tool {name}"),
            vec![
                KeyValue::new("gen_ai.operation.name", "execute_tool"),
                KeyValue::new("gen_ai.tool.name", *name),
                KeyValue::new("gen_ai.agent.name", *agent),
            ],
        ),
    }
}

fn openinference(step: &Step) -> (String, Vec<KeyValue>) {
    let kind = |kind: &'static str| KeyValue::new("openinference.span.kind", kind);
    match &step.what {
        What::App => unreachable!("the app speaks for itself"),
        What::Agent(agent) => (
            (*agent).to_owned(),
            vec![kind("AGENT"), KeyValue::new("agent.name", *agent)],
        ),
        What::Call {
            provider,
            model,
            input,
            output: out,
            cached,
            asks,
            ..
        } => {
            let mut attributes = vec![
                kind("LLM"),
                KeyValue::new("llm.model_name", *model),
                KeyValue::new("llm.provider", *provider),
            ];
            if !step.failed {
                attributes.extend([
                    count("llm.token_count.prompt", *input),
                    count("llm.token_count.completion", *out),
                    count("llm.token_count.prompt_details.cache_read", *cached),
                    KeyValue::new("llm.output_messages.0.message.role", "assistant"),
                ]);
                attributes.push(match asks {
                    Some(tool) => KeyValue::new(
                        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name",
                        *tool,
                    ),
                    None => KeyValue::new("llm.output_messages.0.message.content", "Done."),
                });
            }
            (String::from("response"), attributes)
        }
        What::Tool { name, .. } => (
            (*name).to_owned(),
            vec![kind("TOOL"), KeyValue::new("tool.name", *name)],
        ),
    }
}

fn openllmetry(step: &Step) -> (String, Vec<KeyValue>) {
    let (name, mut attributes) = otel_genai(step);
    match &step.what {
        What::Agent(agent) => {
            attributes.push(KeyValue::new("traceloop.span.kind", "agent"));
            (format!("{agent}.agent"), attributes)
        }
        What::Tool { name, .. } => {
            attributes.push(KeyValue::new("traceloop.span.kind", "tool"));
            (format!("{name}.tool"), attributes)
        }
        _ => (name, attributes),
    }
}
