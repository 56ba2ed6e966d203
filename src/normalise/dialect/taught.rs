//! Spans of dialects that the configuration teaches: the standard reading, with what their expressions say in its place.

use super::{build, otel_genai};
use crate::expression::NoValue;
use crate::model::Name;
use crate::model::event::{
    Cost, Event, HandoffSpan, Kind, ModelCall, SessionHint, SessionSource, Target, Usage,
};
use crate::normalise::taught::{
    Field, Misreading, SpanParts, TaughtCounts, TaughtDialect, TaughtValue,
};
use crate::normalise::{SpanReader, declared, handoff, json, messages, usage};
use crate::otlp::attribute_key::{AttributeKeys, keys};
use crate::otlp::view::{Attributes, Value};
use cel::Context;

/// Names that stand where the dialect names none.
const AGENT: AttributeKeys = &keys(["gen_ai.agent.name", "agent.name"]);
const TOOL: AttributeKeys = &keys(["gen_ai.tool.name", "tool.name"]);

/// Whose work a span is, by its dialect.
#[derive(Debug, Default)]
pub(in crate::normalise) struct TaughtContext {
    pub(in crate::normalise) session: Option<SessionHint>,
    pub(in crate::normalise) user: Option<Name>,
    /// It says that a tool hands over.
    pub(in crate::normalise) hands_over: bool,
}

/// Reads a span in the first taught dialect that it is of, and returns the number of that dialect.
pub(in crate::normalise) fn read(
    dialects: &[TaughtDialect],
    source: &SpanReader<'_>,
    resource: &Attributes<'_>,
    event: &mut Event,
    counts: &mut [TaughtCounts],
) -> Option<TaughtContext> {
    let parts = SpanParts {
        resource,
        scope: source.scope,
        span: source.span,
    };
    let mut dialects = dialects.iter().zip(counts);
    dialects.find_map(|(dialect, counts)| {
        if !dialect.may_be(&parts) {
            return None;
        }
        counts.evaluated += 1;
        let (context, no_json) = dialect.context(&parts);
        match dialect.is(&context) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(_) => {
                counts.add(Field::When, Misreading::Evaluation);
                return None;
            }
        }
        counts.spans += 1;
        for field in no_json {
            counts.add(field, Misreading::Json);
        }
        let mut reading = Reading {
            source,
            dialect,
            context,
            counts,
        };
        Some(reading.read(event))
    })
}

/// The first taught dialect that a span is of.
pub(in crate::normalise) fn recognise<'t>(
    dialects: &'t [TaughtDialect],
    source: &SpanReader<'_>,
    resource: &Attributes<'_>,
) -> Option<&'t TaughtDialect> {
    let parts = SpanParts {
        resource,
        scope: source.scope,
        span: source.span,
    };
    let is = |dialect: &&TaughtDialect| {
        dialect.may_be(&parts) && dialect.is(&dialect.context(&parts).0) == Ok(true)
    };
    dialects.iter().find(is)
}

/// One span while it is read.
struct Reading<'r, 's> {
    source: &'r SpanReader<'s>,
    dialect: &'r TaughtDialect,
    context: Context<'static, 'static>,
    counts: &'r mut TaughtCounts,
}

impl Reading<'_, '_> {
    fn read(&mut self, event: &mut Event) -> TaughtContext {
        if let Some(failed) = self.flag(Field::Failed) {
            event.error = failed;
        }
        let agent = self.name(Field::Agent);
        self.kind(event, agent.as_deref());
        event.agent = agent.or(event.agent.take());
        if let Some(workflow) = self.name(Field::Workflow) {
            event.workflow = Some(workflow);
        }
        let failed = self.flag(Field::Failed);
        let mut hands_over = false;
        match &mut event.kind {
            Kind::Model(call) => self.call(call, failed),
            Kind::Tool(tool) => {
                if let Some(id) = self.id(Field::ToolCallId) {
                    tool.call_id = Some(id);
                }
                if let Some(target) = self.target(Field::HandoffTo) {
                    tool.hands_to = Some(target);
                    hands_over = true;
                    tool.does_work = false;
                    tool.delegates = self.flag(Field::Delegates).unwrap_or(tool.delegates);
                }
                tool.failed = failed.unwrap_or(tool.failed);
            }
            Kind::Handoff(span) => self.handoff(span, failed),
            Kind::Guardrail { triggered } => {
                *triggered = self.flag(Field::Triggered).unwrap_or(*triggered);
            }
            _ => {}
        }
        TaughtContext {
            session: self.id(Field::Session).map(|id| SessionHint {
                id,
                source: SessionSource::Span,
            }),
            user: self.id(Field::User),
            hands_over,
        }
    }

    /// What the span is, by its dialect, else by the standard names.
    fn kind(&mut self, event: &mut Event, agent: Option<&str>) {
        let source = self.source;
        let word = self.text(Field::Kind);
        event.kind = match word.as_deref() {
            Some("agent") => {
                let named = agent.or_else(|| source.attributes().first_str(AGENT));
                return match named {
                    Some(agent) => build::agent(source, event, agent, false),
                    None => build::workflow(source, event, Some(source.span.name)),
                };
            }
            Some("workflow") => Kind::Workflow,
            Some("model") => build::model_kind(source),
            Some("embeddings") => build::embeddings_kind(source),
            Some("tool") => {
                let named = self.text(Field::Tool);
                let standard = || source.attributes().first_str(TOOL);
                let tool = named.as_deref().or_else(standard);
                build::tool(source, tool.unwrap_or(source.span.name))
            }
            Some("handoff") => build::handoff_kind(source, None),
            Some("retrieval") => Kind::Retrieval { source: None },
            Some("guardrail") => Kind::Guardrail { triggered: false },
            Some("none") => Kind::Structure,
            word => {
                if word.is_some() {
                    self.counts.add(Field::Kind, Misreading::Kind);
                }
                otel_genai::read(source, event);
                if let (Kind::Tool(_), Some(tool)) = (&event.kind, self.text(Field::Tool)) {
                    event.kind = build::tool(source, &tool);
                }
                return;
            }
        };
    }

    fn call(&mut self, call: &mut ModelCall, failed: Option<bool>) {
        let source = self.source;
        if let Some(model) = self.text(Field::Model) {
            call.model = Some(source.model(&model));
        }
        if let Some(provider) = self.text(Field::Provider) {
            call.provider = Some(source.provider(&provider));
        }
        call.usage = self.usage(call.usage);
        if let Some(amount) = self.number(Field::Cost) {
            call.cost = Cost::Declared(amount);
        }
        let seconds = self.number(Field::FirstTokenSeconds);
        call.first_token_seconds = seconds.or(call.first_token_seconds);
        if let Some(output) = self.value(Field::Output, |value| Some(value.json())) {
            let put_out = match output {
                serde_json::Value::String(text) => match json::parse(&text) {
                    Some(output) => messages::output_in(&output, source.context),
                    None => messages::output_of_text(&text, source.context),
                },
                output => messages::output_in(&output, source.context),
            };
            (call.requests, call.answered) = (put_out.requests, put_out.answered);
        }
        call.answered = self.flag(Field::Answered).or(call.answered);
        call.failed = failed.unwrap_or(call.failed);
    }

    /// The tokens of a call, where the dialect or the standard names say something of them.
    fn usage(&mut self, standard: Option<Usage>) -> Option<Usage> {
        let [input, output, read, written, reasoning] = [
            Field::InputTokens,
            Field::OutputTokens,
            Field::CacheReadTokens,
            Field::CacheWriteTokens,
            Field::ReasoningTokens,
        ]
        .map(|field| self.count(field));
        if standard.is_none() && input.is_none() && output.is_none() {
            return None;
        }
        let standard = standard.unwrap_or_default();
        Some(usage::inclusive(Usage {
            input: input.unwrap_or(standard.input),
            output: output.unwrap_or(standard.output),
            cache_read: read.or(standard.cache_read),
            cache_write: written.or(standard.cache_write),
            reasoning: reasoning.or(standard.reasoning),
        }))
    }

    fn handoff(&mut self, span: &mut HandoffSpan, failed: Option<bool>) {
        span.from = self.name(Field::HandoffFrom).or(span.from.take());
        if let Some(target) = self.target(Field::HandoffTo) {
            span.to = target;
        }
        span.delegates = self.flag(Field::Delegates).unwrap_or(span.delegates);
        span.failed = failed.unwrap_or(span.failed);
    }

    /// The first value that an expression of a field yields and that can stand there.
    fn value<T>(&mut self, field: Field, take: impl Fn(&TaughtValue) -> Option<T>) -> Option<T> {
        for value in self.dialect.values(field, &self.context) {
            match value {
                Ok(value) if value.is_nothing() => {}
                Ok(value) => match take(&value) {
                    Some(taken) => return Some(taken),
                    None => self.counts.add(field, Misreading::Type),
                },
                Err(NoValue::Unknown) => {}
                Err(NoValue::Failed) => self.counts.add(field, Misreading::Evaluation),
            }
        }
        None
    }

    /// A text. What programs write where they have no value is none.
    fn text(&mut self, field: Field) -> Option<String> {
        let text = self.value(field, |value| {
            let value = value.plain()?;
            let is_one = !matches!(value, Value::Array(_));
            is_one.then(|| declared::of_value(&value).map(String::from))
        });
        text.flatten()
    }

    fn name(&mut self, field: Field) -> Option<Name> {
        self.text(field).map(|text| self.source.name(&text))
    }

    fn target(&mut self, field: Field) -> Option<Target> {
        let text = self.text(field)?;
        Some(handoff::named(&text, self.source.context))
    }

    /// An id: a placeholder is none, and no fault.
    fn id(&mut self, field: Field) -> Option<Name> {
        let id = self.value(field, |value| {
            let value = value.plain()?;
            let is_one = !matches!(value, Value::Array(_) | Value::Bool(_));
            is_one.then(|| declared::id_of_value(&value).map(String::from))
        });
        id.flatten().map(|text| self.source.id(&text))
    }

    fn count(&mut self, field: Field) -> Option<u64> {
        self.value(field, |value| value.plain()?.as_count())
    }

    fn number(&mut self, field: Field) -> Option<f64> {
        let is_amount = |number: &f64| *number >= 0.0;
        self.value(field, |value| value.plain()?.as_f64().filter(is_amount))
    }

    fn flag(&mut self, field: Field) -> Option<bool> {
        self.value(field, |value| value.plain()?.as_bool())
    }
}
