//! Conversion of events.

use super::fields::Fields;
use super::v1::event::Kind as Stored;
use super::v1::{cost, target};
use super::{Invalid, name, span, threshold, trace, v1};
use crate::model::List;
use crate::model::compact::{CowArc, OptionBox};
use crate::model::event::{
    Cost, Evaluation, Event, Handoff, HandoffRequest, Kind, ModelCall, Operation, OutcomeEvidence,
    RareFields, SessionHint, SessionSource, SpanContext, Target, ToolCall, Usage,
};
use crate::model::ids::Link;
use crate::model::sketch::{Content, Sketch};
use crate::model::time::Timestamp;

/// An event as it is stored, a [`v1::Event`].
pub fn event(event: &Event) -> Vec<u8> {
    let mut fields = Fields::default();
    put(event, &context(&event.context), &mut fields);
    fields.into_bytes()
}

/// The fields that spans of one case have alike, but for the id of its unit of work, which stands behind other fields.
pub(super) fn context(context: &SpanContext) -> Vec<u8> {
    let mut to = Fields::default();
    if let Some(session) = &context.session {
        to.name(9, Some(&session.id));
        to.count(10, session.source == SessionSource::Resource);
    }
    to.name(11, context.user.as_ref());
    to.name(12, context.tenant.as_ref());
    to.name(13, context.intent.as_ref());
    for (number, value) in context.cohort.iter() {
        to.message(14, |to| {
            to.count(1, *number);
            to.text(2, value);
        });
    }
    to.double(15, context.value_usd);
    to.into_bytes()
}

/// Writes an event, whose [`case`] was written before.
pub(super) fn put(event: &Event, context: &[u8], to: &mut Fields) {
    to.bytes(1, event.trace.as_bytes());
    to.bytes(2, event.span.as_bytes());
    if let Some(parent) = &event.parent {
        to.bytes(3, parent.as_bytes());
    }
    for link in &event.rare.links {
        to.message(4, |to| {
            to.bytes(1, link.trace.as_bytes());
            to.bytes(2, link.span.as_bytes());
        });
    }
    if event.start.0 != 0 {
        to.fixed64(5, event.start.0);
    }
    if event.end.0 != 0 {
        to.fixed64(6, event.end.0);
    }
    to.count(7, event.error);
    to.name(8, event.agent.as_ref());
    to.again(context);
    to.name(16, event.workflow.as_ref());
    to.name(17, event.context.workflow_id.as_ref());
    if let Some(proof) = &event.rare.outcome {
        to.count(18, v1::Outcome::from(proof.outcome) as u32);
    }
    for evaluation in &event.rare.evaluations {
        to.message(19, |to| {
            to.text(1, &evaluation.name);
            to.double(2, evaluation.score);
            to.name(3, evaluation.label.as_ref());
        });
    }
    put_requests(&event.rare.requests, 20, to);
    put_requests(&event.rare.refused, 21, to);
    if let Some(content) = &event.content {
        to.message(22, |to| {
            put_sketch(content.input.as_ref(), 1, to);
            put_sketch(content.output.as_ref(), 2, to);
            put_sketch(content.asked.as_ref(), 3, to);
        });
    }
    to.name(27, event.rare.unknown_outcome.as_ref());
    to.name(28, event.rare.unconverted.as_ref());
    if let Some(threshold) = event.rare.threshold {
        to.number(29, threshold.get());
    }
    put_kind(&event.kind, to);
}

fn put_sketch(sketch: Option<&Sketch>, field: u32, to: &mut Fields) {
    if let Some(sketch) = sketch {
        to.message(field, |to| {
            to.packed(1, sketch.hashes());
            to.count(2, sketch.is_full());
        });
    }
}

impl TryFrom<v1::Event> for Event {
    type Error = Invalid;

    fn try_from(stored: v1::Event) -> Result<Self, Invalid> {
        let outcome = stored.outcome().known();
        let source = if stored.session_of_resource {
            SessionSource::Resource
        } else {
            SessionSource::Span
        };
        let link = |link: &v1::Link| {
            Ok(Link {
                trace: trace(&link.trace)?,
                span: span(&link.span)?,
            })
        };
        let dimension = |dimension: v1::Dimension| {
            let number = u8::try_from(dimension.number).map_err(|_| Invalid("cohort"))?;
            Ok((number, dimension.value.into()))
        };
        let evaluation = |evaluation: v1::Evaluation| Evaluation {
            name: evaluation.name.into(),
            score: evaluation.score,
            label: name(evaluation.label),
            by_record: false,
        };
        let content = |content: v1::Content| {
            Box::new(Content {
                input: content.input.map(Into::into),
                output: content.output.map(Into::into),
                asked: content.asked.map(Into::into),
            })
        };
        let context = SpanContext {
            session: name(stored.session).map(|id| SessionHint { id, source }),
            user: name(stored.user),
            tenant: name(stored.tenant),
            intent: name(stored.intent),
            cohort: stored
                .cohort
                .into_iter()
                .map(dimension)
                .collect::<Result<_, _>>()?,
            value_usd: stored.value_usd,
            workflow_id: name(stored.workflow_id),
        };
        let rare = RareFields {
            links: stored.links.iter().map(link).collect::<Result<_, _>>()?,
            threshold: threshold(stored.threshold),
            unknown_outcome: name(stored.unknown_outcome),
            unconverted: name(stored.unconverted),
            outcome: outcome.map(|outcome| OutcomeEvidence { outcome }),
            evaluations: stored.evaluations.into_iter().map(evaluation).collect(),
            requests: requests_of(stored.requests)?,
            refused: requests_of(stored.refused)?,
        };
        Ok(Self {
            trace: trace(&stored.trace)?,
            span: span(&stored.span)?,
            parent: stored.parent.as_deref().map(span).transpose()?,
            start: Timestamp(stored.start_unix_nano),
            end: Timestamp(stored.end_unix_nano),
            error: stored.error,
            agent: name(stored.agent),
            workflow: name(stored.workflow),
            kind: kind_of(stored.kind.ok_or(Invalid("kind"))?)?,
            content: stored.content.map(content),
            context: CowArc::new(context),
            rare: OptionBox::new(rare),
        })
    }
}

fn put_kind(kind: &Kind, to: &mut Fields) {
    match kind {
        Kind::Structure => to.number(30, true),
        Kind::Workflow => to.number(31, true),
        Kind::Agent { inferred } => to.message(32, |to| to.count(1, *inferred)),
        Kind::Model(call) => to.message(33, |to| put_call(call, to)),
        Kind::Tool(tool) => to.message(34, |to| {
            to.text(1, &tool.name);
            to.name(2, tool.call_id.as_ref());
            if let Some(target) = &tool.hands_to {
                put_target(target, 3, to);
            }
            to.count(4, tool.does_work);
            to.count(5, tool.delegates);
            to.count(6, tool.failed);
        }),
        Kind::Handoff(handoff) => to.message(35, |to| {
            to.name(1, handoff.from.as_ref());
            put_target(&handoff.to, 2, to);
            to.count(3, handoff.delegates);
            to.count(4, handoff.failed);
        }),
        Kind::Retrieval { source } => to.message(36, |to| to.name(1, source.as_ref())),
        Kind::Note(id) => to.fixed64(37, *id),
        Kind::Guardrail { triggered } => to.message(38, |to| to.count(1, *triggered)),
    }
}

fn kind_of(stored: Stored) -> Result<Kind, Invalid> {
    Ok(match stored {
        Stored::Structure(_) => Kind::Structure,
        Stored::WorkflowRun(_) => Kind::Workflow,
        Stored::AgentSpan(agent) => Kind::Agent {
            inferred: agent.inferred,
        },
        Stored::ModelCall(call) => Kind::Model(Box::new(model_call_of(call)?)),
        Stored::ToolCall(tool) => Kind::Tool(ToolCall {
            name: tool.name.into(),
            call_id: name(tool.call_id),
            hands_to: tool.hands_to.map(target_of).transpose()?,
            does_work: tool.does_work,
            delegates: tool.delegates,
            failed: tool.failed,
        }),
        Stored::Handoff(handoff) => Kind::Handoff(Handoff {
            from: name(handoff.from),
            to: target_of(handoff.to.ok_or(Invalid("target"))?)?,
            delegates: handoff.delegates,
            failed: handoff.failed,
        }),
        Stored::Retrieval(retrieval) => Kind::Retrieval {
            source: name(retrieval.source),
        },
        Stored::Note(id) => Kind::Note(id),
        Stored::Guardrail(guardrail) => Kind::Guardrail {
            triggered: guardrail.triggered,
        },
    })
}

fn put_call(call: &ModelCall, to: &mut Fields) {
    to.count(1, call.operation == Operation::Embeddings);
    to.name(2, call.provider.as_ref());
    to.name(3, call.model.as_ref());
    if let Some(usage) = &call.usage {
        to.message(4, |to| {
            to.count(1, usage.input);
            to.count(2, usage.output);
            let more = [usage.cache_read, usage.cache_write, usage.reasoning];
            for (field, count) in (3..).zip(more) {
                if let Some(count) = count {
                    to.number(field, count);
                }
            }
        });
    }
    match call.cost {
        Cost::Declared(usd) => to.message(5, |to| to.double(1, Some(usd))),
        Cost::Computed(usd) => to.message(5, |to| to.double(2, Some(usd))),
        Cost::Unpriced => to.message(5, |to| to.number(3, true)),
        Cost::Unknown => {}
    }
    to.double(6, call.first_token_seconds);
    put_requests(&call.requests, 7, to);
    if let Some(answered) = call.answered {
        to.number(8, answered);
    }
    to.count(9, call.is_agent);
    to.count(10, call.failed);
    if call.instrumentation != 0 {
        to.fixed32(11, call.instrumentation);
    }
    to.count(12, call.usage_is_cumulative);
}

fn model_call_of(stored: v1::ModelCall) -> Result<ModelCall, Invalid> {
    Ok(ModelCall {
        operation: if stored.embeddings {
            Operation::Embeddings
        } else {
            Operation::Chat
        },
        provider: name(stored.provider),
        model: name(stored.model),
        usage: stored.usage.map(Usage::from),
        cost: stored.cost.into(),
        first_token_seconds: stored.first_token_seconds,
        requests: requests_of(stored.requests)?,
        answered: stored.answered,
        is_agent: stored.is_agent,
        failed: stored.failed,
        instrumentation: stored.instrumentation,
        usage_is_cumulative: stored.usage_is_cumulative,
    })
}

impl From<Usage> for v1::Usage {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            reasoning: usage.reasoning,
        }
    }
}

impl From<v1::Usage> for Usage {
    fn from(stored: v1::Usage) -> Self {
        Self {
            input: stored.input,
            output: stored.output,
            cache_read: stored.cache_read,
            cache_write: stored.cache_write,
            reasoning: stored.reasoning,
        }
    }
}

impl From<Cost> for Option<v1::Cost> {
    fn from(cost: Cost) -> Self {
        let cost = match cost {
            Cost::Declared(usd) => cost::Cost::Declared(usd),
            Cost::Computed(usd) => cost::Cost::Computed(usd),
            Cost::Unpriced => cost::Cost::Unpriced(true),
            Cost::Unknown => return None,
        };
        Some(v1::Cost { cost: Some(cost) })
    }
}

impl From<Option<v1::Cost>> for Cost {
    fn from(stored: Option<v1::Cost>) -> Self {
        match stored.and_then(|cost| cost.cost) {
            Some(cost::Cost::Declared(usd)) => Self::Declared(usd),
            Some(cost::Cost::Computed(usd)) => Self::Computed(usd),
            Some(cost::Cost::Unpriced(_)) => Self::Unpriced,
            None => Self::Unknown,
        }
    }
}

fn put_target(target: &Target, field: u32, to: &mut Fields) {
    to.message(field, |to| match target {
        Target::Agent(name) => to.name(1, Some(name)),
        Target::Human => to.number(2, true),
        Target::Unknown => to.number(3, true),
    });
}

fn target_of(stored: v1::Target) -> Result<Target, Invalid> {
    Ok(match stored.target.ok_or(Invalid("target"))? {
        target::Target::Agent(name) => Target::Agent(name.into()),
        target::Target::Human(_) => Target::Human,
        target::Target::Unknown(_) => Target::Unknown,
    })
}

fn put_requests(requests: &[HandoffRequest], field: u32, to: &mut Fields) {
    for request in requests {
        to.message(field, |to| {
            put_target(&request.target, 1, to);
            to.name(2, request.call_id.as_ref());
        });
    }
}

fn requests_of(stored: Vec<v1::HandoffRequest>) -> Result<List<HandoffRequest>, Invalid> {
    let request = |request: v1::HandoffRequest| {
        Ok(HandoffRequest {
            target: target_of(request.target.ok_or(Invalid("target"))?)?,
            call_id: name(request.call_id),
        })
    };
    stored.into_iter().map(request).collect()
}
