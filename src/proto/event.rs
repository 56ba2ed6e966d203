//! Conversion of events.

use super::field_numbers as field;
use super::fields::Fields;
use super::parts::{put_cost, put_requests, put_target, put_usage, requests_of, target_of};
use super::v1::event::Kind as Stored;
use super::{Invalid, name, rare, span, trace, v1};
use crate::model::compact::{CowArc, OptionBox};
use crate::model::event::{
    Event, HandoffSpan, Kind, ModelCall, Operation, SessionHint, SessionSource, SpanContext,
    ToolCall, Usage,
};
use crate::model::sketch::{Content, Sketch};
use crate::model::time::Timestamp;

/// An event as it is stored, a [`v1::Event`].
pub fn event(event: &Event) -> Vec<u8> {
    let mut fields = Fields::default();
    put(event, &context(&event.context), &mut fields);
    fields.into_bytes()
}

/// The fields of a span context, which many spans share. Its workflow ID and what is known of its tenant have greater numbers than fields of
/// the event and are written with them.
pub(super) fn context(context: &SpanContext) -> Vec<u8> {
    let SpanContext {
        session,
        user,
        tenant,
        has_authenticated_tenant: _,
        intent,
        cohort,
        value_usd,
        workflow_id: _,
    } = context;
    let mut to = Fields::default();
    if let Some(SessionHint { id, source }) = session {
        to.name(field::SESSION, Some(id));
        to.count(
            field::SESSION_OF_RESOURCE,
            *source == SessionSource::Resource,
        );
    }
    to.name(field::USER, user.as_ref());
    to.name(field::TENANT, tenant.as_ref());
    to.name(field::INTENT, intent.as_ref());
    for (number, value) in cohort {
        to.message(field::COHORT, |to| {
            to.count(field::dimension::NUMBER, *number);
            to.text(field::dimension::VALUE, value);
        });
    }
    to.double(field::VALUE_USD, *value_usd);
    to.into_bytes()
}

/// Writes an event in the order of its field numbers, with its [`context`] as written before.
pub(super) fn put(event: &Event, context: &[u8], to: &mut Fields) {
    let Event {
        trace,
        span,
        parent,
        start,
        end,
        error,
        agent,
        workflow,
        kind,
        content,
        context: shared,
        rare,
    } = event;
    to.bytes(field::TRACE, trace.as_bytes());
    to.bytes(field::SPAN, span.as_bytes());
    if let Some(parent) = parent {
        to.bytes(field::PARENT, parent.as_bytes());
    }
    rare::put_links(rare, to);
    if start.0 != 0 {
        to.fixed64(field::START, start.0);
    }
    if end.0 != 0 {
        to.fixed64(field::END, end.0);
    }
    to.count(field::ERROR, *error);
    to.name(field::AGENT, agent.as_ref());
    to.again(context);
    to.name(field::WORKFLOW, workflow.as_ref());
    to.name(field::WORKFLOW_ID, shared.workflow_id.as_ref());
    rare::put_declared(rare, to);
    if let Some(content) = content {
        put_content(content, to);
    }
    rare::put_unusable(rare, to);
    put_kind(kind, to);
    rare::put_marks(rare, to);
    to.count(field::AUTHENTICATED_TENANT, shared.has_authenticated_tenant);
}

fn put_content(content: &Content, to: &mut Fields) {
    let Content {
        input,
        output,
        asked,
    } = content;
    to.message(field::CONTENT, |to| {
        put_sketch(input.as_ref(), field::content::INPUT, to);
        put_sketch(output.as_ref(), field::content::OUTPUT, to);
        put_sketch(asked.as_ref(), field::content::ASKED, to);
    });
}

fn put_sketch(sketch: Option<&Sketch>, number: u32, to: &mut Fields) {
    if let Some(sketch) = sketch {
        to.message(number, |to| {
            to.packed(field::sketch::HASHES, sketch.hashes());
            to.count(field::sketch::FULL, sketch.is_full());
        });
    }
}

impl TryFrom<v1::Event> for Event {
    type Error = Invalid;

    fn try_from(mut stored: v1::Event) -> Result<Self, Invalid> {
        let rare = rare::of(&mut stored)?;
        let source = if stored.session_of_resource {
            SessionSource::Resource
        } else {
            SessionSource::Span
        };
        let dimension = |dimension: v1::Dimension| {
            let number = u8::try_from(dimension.number).map_err(|_| Invalid("cohort"))?;
            Ok((number, dimension.value.into()))
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
            has_authenticated_tenant: stored.authenticated_tenant,
            intent: name(stored.intent),
            cohort: stored
                .cohort
                .into_iter()
                .map(dimension)
                .collect::<Result<_, _>>()?,
            value_usd: stored.value_usd,
            workflow_id: name(stored.workflow_id),
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
    use field::kind as number;
    match kind {
        Kind::Structure => to.number(number::STRUCTURE, true),
        Kind::Workflow => to.number(number::WORKFLOW_RUN, true),
        Kind::Agent { inferred } => to.message(number::AGENT_SPAN, |to| {
            to.count(field::agent_span::INFERRED, *inferred);
        }),
        Kind::Model(call) => to.message(number::MODEL_CALL, |to| put_call(call, to)),
        Kind::Tool(tool) => to.message(number::TOOL_CALL, |to| put_tool(tool, to)),
        Kind::Handoff(handoff) => to.message(number::HANDOFF, |to| put_handoff(handoff, to)),
        Kind::Retrieval { source } => to.message(number::RETRIEVAL, |to| {
            to.name(field::retrieval::SOURCE, source.as_ref());
        }),
        Kind::Note(id) => to.fixed64(number::NOTE, *id),
        Kind::Guardrail { triggered } => to.message(number::GUARDRAIL, |to| {
            to.count(field::guardrail::TRIGGERED, *triggered);
        }),
    }
}

fn put_tool(tool: &ToolCall, to: &mut Fields) {
    let ToolCall {
        name,
        call_id,
        hands_to,
        does_work,
        delegates,
        failed,
    } = tool;
    to.text(field::tool_call::NAME, name);
    to.name(field::tool_call::CALL_ID, call_id.as_ref());
    if let Some(target) = hands_to {
        put_target(target, field::tool_call::HANDS_TO, to);
    }
    to.count(field::tool_call::DOES_WORK, *does_work);
    to.count(field::tool_call::DELEGATES, *delegates);
    to.count(field::tool_call::FAILED, *failed);
}

fn put_handoff(handoff: &HandoffSpan, to: &mut Fields) {
    let HandoffSpan {
        from,
        to: target,
        delegates,
        failed,
    } = handoff;
    to.name(field::handoff::FROM, from.as_ref());
    put_target(target, field::handoff::TO, to);
    to.count(field::handoff::DELEGATES, *delegates);
    to.count(field::handoff::FAILED, *failed);
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
        Stored::Handoff(handoff) => Kind::Handoff(HandoffSpan {
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
    use field::model_call as number;
    let ModelCall {
        operation,
        provider,
        model,
        usage,
        cost,
        cache_savings,
        first_token_seconds,
        requests,
        answered,
        is_agent,
        failed,
        instrumentation,
        usage_is_cumulative,
        response,
        asked_tools,
        continues,
    } = call;
    to.count(number::EMBEDDINGS, *operation == Operation::Embeddings);
    to.name(number::PROVIDER, provider.as_ref());
    to.name(number::MODEL, model.as_ref());
    if let Some(usage) = usage {
        to.message(number::USAGE, |to| put_usage(usage, to));
    }
    put_cost(*cost, number::COST, to);
    to.double(number::FIRST_TOKEN_SECONDS, *first_token_seconds);
    put_requests(requests, number::REQUESTS, to);
    if let Some(answered) = *answered {
        to.number(number::ANSWERED, answered);
    }
    to.count(number::IS_AGENT, *is_agent);
    to.count(number::FAILED, *failed);
    if *instrumentation != 0 {
        to.fixed32(number::INSTRUMENTATION, *instrumentation);
    }
    to.count(number::USAGE_IS_CUMULATIVE, *usage_is_cumulative);
    if let Some(response) = response {
        to.fixed64(number::RESPONSE, *response);
    }
    to.count(number::ASKED_TOOLS, *asked_tools);
    if let Some(continues) = *continues {
        to.number(number::CONTINUES, continues);
    }
    to.double(number::CACHE_SAVINGS, *cache_savings);
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
        cache_savings: stored.cache_savings,
        first_token_seconds: stored.first_token_seconds,
        requests: requests_of(stored.requests)?,
        answered: stored.answered,
        is_agent: stored.is_agent,
        failed: stored.failed,
        instrumentation: stored.instrumentation,
        usage_is_cumulative: stored.usage_is_cumulative,
        response: stored.response,
        asked_tools: stored.asked_tools,
        continues: stored.continues,
    })
}
