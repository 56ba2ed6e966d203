//! Deterministic requests: sessions of three agents, ten model calls, five tools and two handoffs; fresh ids in every request.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

/// Spans of one session.
const SESSION: u64 = 20;
/// Stand for the session's number until a request is made.
const TRACE: [u8; 8] = *b"\xf0TRACE\xf0\xf0";
const CONVERSATION: &[u8] = b"conversation-################";
const NOW: u64 = 1_790_000_000_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 0.6 to 1 KB a span, no content.
    Lean,
    /// 6 to 12 KB a span, with messages.
    Content,
}

impl Kind {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "lean" => Some(Self::Lean),
            "content" => Some(Self::Content),
            _ => None,
        }
    }
}

/// One encoded request, and where the ids in it are.
pub struct Payload {
    template: Vec<u8>,
    /// Place of an id, and the session of the request that it belongs to.
    traces: Vec<(usize, u64)>,
    conversations: Vec<(usize, u64)>,
    sessions: u64,
}

impl Payload {
    pub fn new(kind: Kind, batch: u64) -> Self {
        let sessions = batch / SESSION;
        let spans = (0..sessions).flat_map(|n| session(kind, n)).collect();
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource {
                    attributes: vec![
                        text("service.name", "support-desk"),
                        text("service.version", "4.2.0"),
                        text("deployment.environment.name", "production"),
                    ],
                    ..Resource::default()
                }),
                scope_spans: vec![ScopeSpans {
                    spans,
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        };
        let template = request.encode_to_vec();
        let place = |mark: &[u8]| -> Vec<(usize, u64)> {
            let found = template.windows(mark.len()).enumerate();
            let places = found.filter(|(_, bytes)| *bytes == mark).map(|(at, _)| at);
            let all: Vec<usize> = places.collect();
            let each = all.len() as u64 / sessions;
            let number = |(i, at): (u64, usize)| (at, i / each);
            (0..).zip(all).map(number).collect()
        };
        Self {
            traces: place(&TRACE),
            conversations: place(CONVERSATION),
            template,
            sessions,
        }
    }

    pub fn bytes(&self) -> usize {
        self.template.len()
    }

    /// The request of this number, with ids of its own.
    pub fn request(&self, number: u64) -> Bytes {
        let mut body = self.template.clone();
        for (at, session) in &self.traces {
            let id = number * self.sessions + session + 1;
            body[*at..at + 8].copy_from_slice(&id.to_be_bytes());
        }
        for (at, session) in &self.conversations {
            let id = number * self.sessions + session + 1;
            let name = format!("conversation-{id:016x}");
            body[*at..at + CONVERSATION.len()].copy_from_slice(name.as_bytes());
        }
        body.into()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

const AGENTS: [&str; 3] = ["triage", "refunds", "billing"];
const TOOLS: [&str; 5] = [
    "search_orders",
    "read_policy",
    "check_stock",
    "make_label",
    "send_mail",
];

/// The spans of one session: each agent after the other, its calls and tools inside it.
fn session(kind: Kind, n: u64) -> Vec<Span> {
    let mut spans = Vec::new();
    for (a, agent) in AGENTS.iter().enumerate() {
        let root = spans.len() as u64 + 1;
        let begin = a as u64 * 10_000;
        let own = [
            text("gen_ai.operation.name", "invoke_agent"),
            number("gen_ai.usage.input_tokens", 4200),
        ];
        let mut all = vec![span(
            root,
            0,
            (begin, begin + 9_000),
            agent,
            n,
            own.to_vec(),
        )];
        let calls = [4, 3, 3][a];
        for call in 0..calls {
            let start = begin + 100 + call * 2_000;
            let id = root + all.len() as u64;
            let own = model_call(kind, n, call);
            all.push(span(id, root, (start, start + 900), agent, n, own));
            let tool = match (call + 1 == calls, AGENTS.get(a + 1)) {
                (true, Some(next)) => format!("transfer_to_{next}"),
                (true, None) => continue,
                (false, _) if a == 0 || call == 0 => TOOLS[(a + call as usize) % 5].to_owned(),
                (false, _) => continue,
            };
            let id = root + all.len() as u64;
            let own = vec![
                text("gen_ai.operation.name", "execute_tool"),
                text("gen_ai.tool.name", &tool),
                text("gen_ai.tool.call.id", &format!("call_{n}_{id}")),
                text("gen_ai.tool.type", "function"),
            ];
            all.push(span(id, root, (start + 910, start + 950), agent, n, own));
        }
        spans.extend(all);
    }
    debug_assert_eq!(spans.len() as u64, SESSION);
    spans
}

fn model_call(kind: Kind, n: u64, call: u64) -> Vec<KeyValue> {
    let mut own = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4o"),
        text("gen_ai.response.model", "gpt-4o-2024-08-06"),
        text("gen_ai.response.id", &format!("chatcmpl-{n:012}-{call:04}")),
        text("gen_ai.output.type", "text"),
        number("gen_ai.usage.input_tokens", 1000 + (n % 700) as i64),
        number("gen_ai.usage.output_tokens", 80),
        number("gen_ai.usage.cache_read.input_tokens", 512),
        number("gen_ai.request.max_tokens", 1024),
        attribute("gen_ai.request.temperature", Value::DoubleValue(0.2)),
        attribute(
            "gen_ai.response.time_to_first_chunk",
            Value::DoubleValue(0.35),
        ),
    ];
    if kind == Kind::Content {
        let part = |role: &str, text: &str| serde_json::json!({"role": role, "parts": [{"type": "text", "content": text}]});
        let asked = format!(
            "My order 4471-{n} arrived broken on 2026-03-0{}, I paid 129.90 USD.",
            n % 9 + 1
        );
        let story = "The customer service desk looks the parcel up, compares it with the policy and answers. ";
        let mut messages = vec![part("system", &story.repeat(20)), part("user", &asked)];
        for turn in 0..=call {
            messages.push(part(
                "assistant",
                &format!("Step {turn} of {n}: {}", story.repeat(12)),
            ));
            messages.push(part(
                "user",
                &format!("Item {turn}-{n} please. {}", story.repeat(8)),
            ));
        }
        own.push(text(
            "gen_ai.input.messages",
            &serde_json::Value::from(messages).to_string(),
        ));
        let output = serde_json::json!([part("assistant", &story.repeat(10))]);
        own.push(text("gen_ai.output.messages", &output.to_string()));
    }
    own
}

fn span(
    id: u64,
    parent: u64,
    (start, end): (u64, u64),
    agent: &str,
    n: u64,
    mut attributes: Vec<KeyValue>,
) -> Span {
    let conversation = std::str::from_utf8(CONVERSATION).expect("text");
    attributes.extend([
        text("gen_ai.conversation.id", conversation),
        text("gen_ai.agent.name", agent),
        text("gen_ai.agent.id", &format!("asst_{agent}_0001")),
        text(
            "customer.tier",
            ["free", "gold", "silver"][(n % 3) as usize],
        ),
        text(
            "user.intent",
            ["refund", "billing", "delivery"][(n % 3) as usize],
        ),
        text("customer.channel", "web"),
        text("server.address", "api.example.com"),
        number("server.port", 443),
        text("thread.name", "worker-7"),
        text("code.function.name", "support.desk.run_step"),
        text("app.request.id", &format!("req-{n:08}-{id:04}-7f3a9c")),
        text("app.release", "2026.11.2"),
    ]);
    let bytes = |id: u64| match id {
        0 => Vec::new(),
        id => id.to_be_bytes().to_vec(),
    };
    Span {
        trace_id: [TRACE, *b"\x01benched"].concat(),
        span_id: bytes(id),
        parent_span_id: bytes(parent),
        name: format!(
            "{} {agent}",
            ["chat", "invoke_agent"][usize::from(parent == 0)]
        ),
        kind: 1,
        start_time_unix_nano: NOW + start * 1_000_000,
        end_time_unix_nano: NOW + end * 1_000_000,
        attributes,
        ..Span::default()
    }
}
