//! A span as dialects read it.

use super::interner::{NameInterners, trimmed};
use super::json_tape::Document;
use super::{
    Settings, declared, evaluation, exchange, handoff, json, model_name, outcome, tool_result,
    topics,
};
use crate::model::Name;
use crate::model::compact::{CowArc, OptionBox};
use crate::model::event::{Event, Kind, RareFields};
use crate::model::ids::{Link, SpanId, TraceId};
use crate::model::reject::{Unread, UnreadCounts};
use crate::model::time::Timestamp;
use crate::otlp::attribute_key::{AttributeKey, AttributeKeys, key, keys};
use crate::otlp::view::{Attributes, Scope, Span, Status};
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

/// What all readers share: what the operator added, and the interners.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadContext<'a> {
    pub(super) settings: &'a Settings,
    pub(super) names: &'a NameInterners,
}

/// A span with all that speaks about it.
pub(super) struct SpanReader<'a> {
    pub(super) context: ReadContext<'a>,
    pub(super) scope: &'a Scope<'a>,
    pub(super) span: &'a Span<'a>,
    /// What its attributes hold in JSON, by their names: messages are read for several reasons, but scanned once.
    documents: RefCell<Vec<(AttributeKey, ParsedDocument<'a>)>>,
}

/// What was read of an attribute that was there; `None`: it is no JSON.
type ParsedDocument<'a> = Option<Rc<Document<'a>>>;

impl<'a> SpanReader<'a> {
    pub(super) fn new(context: ReadContext<'a>, scope: &'a Scope<'a>, span: &'a Span<'a>) -> Self {
        Self {
            context,
            scope,
            span,
            documents: RefCell::default(),
        }
    }

    pub(super) fn name(&self, text: &str) -> Name {
        self.context.names.name(text)
    }

    pub(super) fn id(&self, text: &str) -> Name {
        self.context.names.id(text)
    }

    /// The name of a model, as it is reported.
    pub(super) fn model(&self, text: &str) -> Name {
        model_name::model(text, self.context.names)
    }

    pub(super) fn provider(&self, text: &str) -> Name {
        model_name::provider(text, self.context.names)
    }

    pub(super) fn attributes(&self) -> &'a Attributes<'a> {
        &self.span.attributes
    }

    #[inline]
    pub(super) fn str(&self, key: AttributeKey) -> Option<&'a str> {
        self.attributes().str(key)
    }

    /// The JSON that an attribute holds.
    pub(super) fn document(&self, key: AttributeKey) -> ParsedDocument<'a> {
        let value = self.attributes().get(key)?;
        let mut documents = self.documents.borrow_mut();
        if let Some((_, read)) = documents.iter().find(|(known, _)| *known == key) {
            return read.clone();
        }
        let read = Document::of_attribute(value).map(Rc::new);
        documents.push((key, read.clone()));
        read
    }

    /// As [`Self::document`], as a value of its own.
    pub(super) fn json(&self, key: AttributeKey) -> Option<serde_json::Value> {
        json::of_attribute(self.attributes().get(key)?)
    }

    /// The first of `keys` that says something, see [`declared::of_value`].
    pub(super) fn first_value(&self, keys: AttributeKeys) -> Option<Cow<'a, str>> {
        let values = keys.iter().filter_map(|key| self.attributes().get(*key));
        values.filter_map(declared::of_value).next()
    }

    /// The first of `keys` that is an id (S-6, S-10).
    pub(super) fn first_id(&self, keys: AttributeKeys) -> Option<Name> {
        let values = keys.iter().filter_map(|key| self.attributes().get(*key));
        let mut ids = values.filter_map(declared::id_of_value);
        ids.next().map(|id| self.id(&id))
    }

    pub(super) fn operation(&self) -> Option<&'a str> {
        self.str(key!("gen_ai.operation.name")).map(canonical)
    }

    /// The span's own error, without the control flow that some frameworks raise as exceptions.
    pub(super) fn failed(&self) -> bool {
        let error_type = self.str(key!("error.type")).is_some_and(|t| t != "_OK");
        (self.span.status == Status::Error || error_type) && !self.is_control_flow()
    }

    /// An exception was recorded and nobody judged it: instrumentations that set no status leave it at that.
    pub(super) fn raised(&self) -> bool {
        self.span.status == Status::Unset && self.excepted()
    }

    /// An exception was recorded that is no control flow.
    pub(super) fn excepted(&self) -> bool {
        let exception = self.span.events.iter().any(|e| e.name == "exception");
        exception && !self.is_control_flow()
    }

    /// LangGraph hands over by raising `ParentCommand`.
    pub(super) fn is_control_flow(&self) -> bool {
        let raised =
            |text: &str| text.contains("ParentCommand") || text.starts_with("Command(graph=");
        raised(self.span.status_message)
            || self
                .attributes()
                .first_str(topics::STATUS_MESSAGE)
                .is_some_and(raised)
            || self.span.events.iter().any(|event| {
                event
                    .attributes
                    .str(key!("exception.type"))
                    .is_some_and(|t| t.ends_with("ParentCommand"))
            })
    }

    pub(super) fn blank(&self) -> Event {
        let span = self.span;
        Event {
            parent: span.parent,
            start: span.start,
            error: self.failed(),
            ..blank(span.trace, span.id, span.end)
        }
    }

    /// The fields that few spans have, for an event that is complete otherwise: beside what its dialect said of them.
    pub(super) fn rare(&self, event: &mut Event) -> RareFields {
        let (span, attributes) = (self.span, self.attributes());
        let mut rare = RareFields {
            links: foreign_links(span).take(MAX_FOREIGN_LINKS).collect(),
            threshold: span.threshold,
            // A request without a parent span has its caller elsewhere too.
            remote_parent: match span.parent {
                Some(_) => span.caller.is_elsewhere(),
                None => span.caller.is_request,
            },
            is_exchange: event.rare.is_exchange || exchange::is_one(self, &event.kind),
            ..std::mem::take(&mut event.rare).into_inner()
        };
        for span_event in &span.events {
            rare.evaluations.extend(evaluation::of(
                span_event.name,
                &span_event.attributes,
                self.context.names,
            ));
        }
        if rare.evaluations.is_empty() {
            rare.evaluations.extend(evaluation::of(
                "gen_ai.evaluation.result",
                attributes,
                self.context.names,
            ));
        }
        rare.evaluations
            .extend(evaluation::flattened(attributes, self.context.names));
        self.identify(event, &mut rare);
        rare.evaluations.extend(evaluation::retention(attributes));
        rare.outcome = outcome::of_span(attributes, &event.kind, self.context.settings)
            .or_else(|| outcome::of_evaluations(&rare.evaluations));
        if let Kind::Tool(tool) = &mut event.kind
            && tool.hands_to.is_some()
        {
            rare.handoff_basis = handoff::basis(self, &tool.name);
            rare.delegate_returned = !event.error && tool_result::has_returned(self, tool);
        }
        if event.error || self.str(key!("error")).is_some() {
            rare.refused.extend(handoff::refusals(self));
        }
        rare
    }
}

impl SpanReader<'_> {
    /// Counts what limits leave out of a span.
    pub(super) fn count_left_out(&self, rare: &RareFields, unread: &mut UnreadCounts) {
        if rare.links.len() == MAX_FOREIGN_LINKS {
            let more = foreign_links(self.span).count() - MAX_FOREIGN_LINKS;
            unread.add(Unread::LinksOverLimit, more as u64);
        }
        if rare.evaluations.len() >= evaluation::MAX_VERDICTS {
            let more = evaluation::verdicts_over_limit(self.attributes());
            unread.add(Unread::VerdictsOverLimit, more as u64);
        }
        let nameless = self.span.events.iter().filter(|event| {
            event.name == evaluation::EVENT
                && event.attributes.str(evaluation::EVALUATION).is_none()
        });
        unread.add(Unread::EvaluationWithoutName, nameless.count() as u64);
    }
}

/// An operation as the conventions write it; some SDKs of .NET write it as their code does.
fn canonical(operation: &str) -> &str {
    match operation {
        "Chat" | "ExecuteInference" | "InvokeModel" => "chat",
        "TextCompletion" => "text_completion",
        "GenerateContent" => "generate_content",
        "Embeddings" | "GenerateEmbeddings" => "embeddings",
        "InvokeAgent" => "invoke_agent",
        "CreateAgent" => "create_agent",
        "InvokeWorkflow" => "invoke_workflow",
        "ExecuteTool" => "execute_tool",
        "Retrieval" => "retrieval",
        "Handoff" => "handoff",
        "ApplyGuardrail" => "apply_guardrail",
        "OutputMessages" => "output_messages",
        operation => operation,
    }
}

impl<'a> SpanReader<'a> {
    /// The id of the agent at work. One official instrumentation has the constant `agent`.
    pub(super) fn agent_id(&self) -> Option<&'a str> {
        let id = self.attributes().first_str(AGENT_ID)?;
        let id = trimmed(id);
        (id != "agent" && declared::is_id(id) && !declared::is_placeholder(id)).then_some(id)
    }

    /// Who this agent is and who called it, where ids say so.
    fn identify(&self, event: &Event, rare: &mut RareFields) {
        let names = |id: &&str| event.agent.as_deref().is_some_and(|name| name != *id);
        if rare.agent_id.is_none() {
            rare.agent_id = self.agent_id().filter(names).map(|id| self.name(id));
        }
        let caller = self.attributes().first_str(CALLER);
        let caller = caller.filter(|text| !declared::is_placeholder(text));
        if rare.caller.is_none() {
            rare.caller = caller.map(|text| self.name(text));
        }
    }
}

/// The id of the agent at work.
const AGENT_ID: AttributeKeys = &keys(["gen_ai.agent.id", "agent.id"]);

/// The agent that called the one at work.
const CALLER: AttributeKeys = &keys(["gen_ai.caller.agent.name", "gen_ai.caller.agent.id"]);

/// An event of which nothing is known but its span.
pub(super) fn blank(trace: TraceId, span: SpanId, end: Timestamp) -> Event {
    Event {
        trace,
        span,
        parent: None,
        start: end,
        end,
        error: false,
        agent: None,
        workflow: None,
        kind: Kind::Structure,
        content: None,
        context: CowArc::default(),
        rare: OptionBox::default(),
    }
}

/// Links into other traces join turns; a few are enough, and some runtimes write hundreds.
const MAX_FOREIGN_LINKS: usize = 8;

fn foreign_links<'s>(span: &'s Span<'_>) -> impl Iterator<Item = Link> + 's {
    let links = span.links.iter().copied();
    links.filter(|link| link.trace != span.trace)
}
