//! One emitter: the spans of one service in one dialect.

use crate::model::Name;
use crate::model::event::{Event, Kind, ModelCall};
use crate::model::harmless::harmless;
use crate::model::ids::TraceId;
use crate::otlp::view::{Attributes, Span};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The label of spans that no dialect recognises.
pub(super) const UNKNOWN: &str = "none";

/// Parts of names by which a span may be the work of agents, though no dialect reads it.
const AGENTIC: &[&str] = &[
    "llm",
    "gen_ai",
    "genai",
    "agent",
    "token",
    "prompt",
    "completion",
    "model",
    "tool",
    "chat",
];
/// Parts of names on spans of servers, databases and queues, which are parents at most.
const TECHNICAL: &[&str] = &["http.", "db.", "rpc.", "messaging.", "url.", "net."];

/// Verbs of tools that may hand over.
const HANDING: &[&str] = &[
    "route", "handoff", "hand_off", "handover", "transfer", "delegate", "forward", "assign",
    "switch", "redirect", "dispatch", "escalate", "pass_to", "send_to",
];

/// The attribute of the resource that names the language of the SDK of OpenTelemetry.
pub(super) const LANGUAGE: &str = "telemetry.sdk.language";

/// Names shown as examples.
pub(super) const MAX_EXAMPLES: usize = 5;

/// What the spans of one emitter are.
#[derive(Debug, Default)]
pub(super) struct Emitter {
    pub(super) spans: u64,
    pub(super) scopes: BTreeSet<String>,
    /// Languages of the SDKs of OpenTelemetry.
    pub(super) languages: BTreeSet<String>,
    pub(super) read: BTreeMap<&'static str, u64>,
    /// Spans of no dialect that may be the work of agents, with names of attributes that say so.
    pub(super) not_understood: u64,
    pub(super) examples: BTreeSet<String>,
    /// Traces in which it shows the work of agents.
    pub(super) traces: HashSet<TraceId>,
    /// Whether a span of a model call lacks its tokens. How many calls do is for the metrics to say: a call can have several spans.
    pub(super) lacks_usage: bool,
    /// Whether a trace of its agents' work names no user on one of its spans.
    pub(super) lacks_user: bool,
    /// Traces with model calls.
    pub(super) traces_with_calls: HashSet<TraceId>,
    /// Tools whose names sound like handoffs.
    pub(super) handing_tools: BTreeMap<Name, u64>,
    pub(super) unknown_outcomes: BTreeSet<Name>,
}

impl Emitter {
    /// Notes a span and what was read of it.
    pub(super) fn add(&mut self, scope: &str, span: &Span<'_>, event: &Event, is_known: bool) {
        self.spans += 1;
        if !scope.is_empty() {
            self.scopes.insert(harmless(scope).into());
        }
        *self.read.entry(kind(event)).or_default() += 1;
        self.unknown_outcomes
            .extend(event.rare.unknown_outcome.clone());
        if event.kind.is_agentic() {
            self.traces.insert(event.trace);
            self.lacks_user |= event.context.user.is_none();
        }
        match &event.kind {
            Kind::Model(call) => self.call(event, call),
            Kind::Tool(tool) if tool.hands_to.is_none() && sounds_like_handing(&tool.name) => {
                *self.handing_tools.entry(tool.name.clone()).or_default() += 1;
            }
            Kind::Structure if !is_known => self.unknown(&span.attributes),
            _ => {}
        }
    }

    /// What tells apart SDKs with one dialect: scopes, and languages as `telemetry.sdk.language=nodejs`.
    pub(super) fn origins(&self) -> Vec<String> {
        let languages = self.languages.iter();
        let languages = languages.map(|language| format!("{LANGUAGE}={language}"));
        self.scopes.iter().cloned().chain(languages).collect()
    }

    fn call(&mut self, event: &Event, call: &ModelCall) {
        self.traces_with_calls.insert(event.trace);
        let usage = call.usage.filter(|usage| usage.input + usage.output > 0);
        self.lacks_usage |= !call.failed && usage.is_none();
    }

    fn unknown(&mut self, attributes: &Attributes<'_>) {
        let lower = attributes.iter().map(|(name, _)| name.to_ascii_lowercase());
        let names: Vec<String> = lower.collect();
        let has = |name: &String, parts: &[&str]| parts.iter().any(|part| name.contains(part));
        if names.iter().any(|name| has(name, TECHNICAL)) {
            return;
        }
        let mut telling = names.iter().filter(|name| has(name, AGENTIC)).peekable();
        if telling.peek().is_some() {
            self.not_understood += 1;
            let room = MAX_EXAMPLES.saturating_sub(self.examples.len());
            self.examples
                .extend(telling.take(room).map(|name| String::from(harmless(name))));
        }
    }
}

/// What an event is, for people.
fn kind(event: &Event) -> &'static str {
    match &event.kind {
        Kind::Structure => "other spans",
        Kind::Workflow => "workflows",
        Kind::Agent { .. } => "agents",
        Kind::Model(_) => "model calls",
        Kind::Tool(tool) if tool.hands_to.is_some() => "handoffs",
        Kind::Tool(_) => "tool calls",
        Kind::Handoff(_) => "handoffs",
        Kind::Retrieval { .. } => "retrievals",
        Kind::Guardrail { .. } => "guardrails",
        Kind::Note(_) => "notes",
    }
}

fn sounds_like_handing(tool: &str) -> bool {
    let lower = tool.to_ascii_lowercase().replace(['-', ' ', '.'], "_");
    HANDING.iter().any(|verb| {
        lower.strip_prefix(verb).is_some_and(|rest| {
            rest.starts_with("_to_") || verb.ends_with("_to") && rest.starts_with('_')
        })
    })
}

/// The agent that such a tool may hand over to.
pub(super) fn target_in(tool: &str) -> Option<(&str, &str)> {
    let at = tool.to_ascii_lowercase().find("to_")? + "to_".len();
    let (front, target) = tool.split_at_checked(at)?;
    (!target.is_empty()).then_some((front, target))
}
