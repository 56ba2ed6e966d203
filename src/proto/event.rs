//! Events.

use super::v1::event::Kind as Stored;
use super::v1::{cost, target};
use super::{Invalid, name, span, text, threshold, trace, v1};
use crate::model::event::{
    Cost, Evaluation, Event, Handoff, HandoffRequest, Kind, ModelCall, Operation, OutcomeEvidence,
    SessionHint, SessionSource, Target, ToolCall, Usage,
};
use crate::model::otlp::Link;
use crate::model::sampling::Threshold;
use crate::model::sketch::Content;
use crate::model::time::Timestamp;

impl From<&Event> for v1::Event {
    fn from(event: &Event) -> Self {
        let session = event.session.as_ref();
        let outcome = event.outcome.as_ref();
        let link = |link: &Link| v1::Link {
            trace: link.trace.as_bytes().to_vec(),
            span: link.span.as_bytes().to_vec(),
        };
        let dimension = |(number, value): &(u8, crate::model::Name)| v1::Dimension {
            number: u32::from(*number),
            value: value.as_ref().to_owned(),
        };
        let evaluation = |evaluation: &Evaluation| v1::Evaluation {
            name: evaluation.name.as_ref().to_owned(),
            score: evaluation.score,
            label: text(evaluation.label.as_ref()),
        };
        Self {
            trace: event.trace.as_bytes().to_vec(),
            span: event.span.as_bytes().to_vec(),
            parent: event.parent.map(|parent| parent.as_bytes().to_vec()),
            links: event.links.iter().map(link).collect(),
            start_unix_nano: event.start.0,
            end_unix_nano: event.end.0,
            threshold: event.threshold.map(Threshold::get),
            error: event.error,
            agent: text(event.agent.as_ref()),
            session: text(session.map(|hint| &hint.id)),
            session_of_resource: session.is_some_and(|h| h.source == SessionSource::Resource),
            user: text(event.user.as_ref()),
            tenant: text(event.tenant.as_ref()),
            intent: text(event.intent.as_ref()),
            cohort: event.cohort.iter().map(dimension).collect(),
            value_usd: event.value_usd,
            unconverted: text(event.unconverted.as_ref()),
            workflow: text(event.workflow.as_ref()),
            workflow_id: text(event.workflow_id.as_ref()),
            outcome: outcome
                .map_or(v1::Outcome::Unspecified, |proof| proof.outcome.into())
                .into(),
            evaluations: event.evaluations.iter().map(evaluation).collect(),
            requests: requests(&event.requests),
            refused: requests(&event.refused),
            content: event.content.as_ref().map(|content| v1::Content {
                input: content.input.as_ref().map(Into::into),
                output: content.output.as_ref().map(Into::into),
                asked: content.asked.as_ref().map(Into::into),
            }),
            kind: Some(kind(&event.kind)),
        }
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
        Ok(Self {
            trace: trace(&stored.trace)?,
            span: span(&stored.span)?,
            parent: stored.parent.as_deref().map(span).transpose()?,
            links: stored.links.iter().map(link).collect::<Result<_, _>>()?,
            start: Timestamp(stored.start_unix_nano),
            end: Timestamp(stored.end_unix_nano),
            threshold: threshold(stored.threshold),
            error: stored.error,
            agent: name(stored.agent),
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
            unconverted: name(stored.unconverted),
            workflow: name(stored.workflow),
            workflow_id: name(stored.workflow_id),
            outcome: outcome.map(|outcome| OutcomeEvidence { outcome }),
            evaluations: stored.evaluations.into_iter().map(evaluation).collect(),
            requests: requests_of(stored.requests)?,
            refused: requests_of(stored.refused)?,
            content: stored.content.map(content),
            kind: kind_of(stored.kind.ok_or(Invalid("kind"))?)?,
        })
    }
}

fn kind(kind: &Kind) -> Stored {
    match kind {
        Kind::Structure => Stored::Structure(true),
        Kind::Workflow => Stored::WorkflowRun(true),
        Kind::Agent { weak } => Stored::AgentSpan(v1::AgentSpan { weak: *weak }),
        Kind::Model(call) => Stored::ModelCall(model_call(call)),
        Kind::Tool(tool) => Stored::ToolCall(v1::ToolCall {
            name: tool.name.as_ref().to_owned(),
            call_id: text(tool.call_id.as_ref()),
            hands_to: tool.hands_to.as_ref().map(target),
            works: tool.works,
            delegates: tool.delegates,
            failed: tool.failed,
        }),
        Kind::Handoff(handoff) => Stored::Handoff(v1::HandoffSpan {
            from: text(handoff.from.as_ref()),
            to: Some(target(&handoff.to)),
            delegates: handoff.delegates,
            failed: handoff.failed,
        }),
        Kind::Retrieval { source } => Stored::Retrieval(v1::Retrieval {
            source: text(source.as_ref()),
        }),
        Kind::Note(id) => Stored::Note(*id),
        Kind::Guardrail { triggered } => Stored::Guardrail(v1::Guardrail {
            triggered: *triggered,
        }),
    }
}

fn kind_of(stored: Stored) -> Result<Kind, Invalid> {
    Ok(match stored {
        Stored::Structure(_) => Kind::Structure,
        Stored::WorkflowRun(_) => Kind::Workflow,
        Stored::AgentSpan(agent) => Kind::Agent { weak: agent.weak },
        Stored::ModelCall(call) => Kind::Model(Box::new(model_call_of(call)?)),
        Stored::ToolCall(tool) => Kind::Tool(ToolCall {
            name: tool.name.into(),
            call_id: name(tool.call_id),
            hands_to: tool.hands_to.map(target_of).transpose()?,
            works: tool.works,
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

fn model_call(call: &ModelCall) -> v1::ModelCall {
    let cost = match call.cost {
        Cost::Declared(usd) => Some(cost::Cost::Declared(usd)),
        Cost::Computed(usd) => Some(cost::Cost::Computed(usd)),
        Cost::Unpriced => Some(cost::Cost::Unpriced(true)),
        Cost::Unknown => None,
    };
    v1::ModelCall {
        embeddings: call.operation == Operation::Embeddings,
        provider: text(call.provider.as_ref()),
        model: text(call.model.as_ref()),
        usage: call.usage.map(|usage| v1::Usage {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            reasoning: usage.reasoning,
        }),
        cost: cost.map(|cost| v1::Cost { cost: Some(cost) }),
        first_token_seconds: call.first_token_seconds,
        requests: requests(&call.requests),
        answered: call.answered,
        is_agent: call.is_agent,
        failed: call.failed,
        shown_by: call.shown_by,
        goes_on: call.goes_on,
    }
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
        usage: stored.usage.map(|usage| Usage {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            reasoning: usage.reasoning,
        }),
        cost: match stored.cost.and_then(|cost| cost.cost) {
            Some(cost::Cost::Declared(usd)) => Cost::Declared(usd),
            Some(cost::Cost::Computed(usd)) => Cost::Computed(usd),
            Some(cost::Cost::Unpriced(_)) => Cost::Unpriced,
            None => Cost::Unknown,
        },
        first_token_seconds: stored.first_token_seconds,
        requests: requests_of(stored.requests)?,
        answered: stored.answered,
        is_agent: stored.is_agent,
        failed: stored.failed,
        shown_by: stored.shown_by,
        goes_on: stored.goes_on,
    })
}

fn target(target: &Target) -> v1::Target {
    let target = match target {
        Target::Agent(name) => target::Target::Agent(name.as_ref().to_owned()),
        Target::Human => target::Target::Human(true),
        Target::Unknown => target::Target::Unknown(true),
    };
    v1::Target {
        target: Some(target),
    }
}

fn target_of(stored: v1::Target) -> Result<Target, Invalid> {
    Ok(match stored.target.ok_or(Invalid("target"))? {
        target::Target::Agent(name) => Target::Agent(name.into()),
        target::Target::Human(_) => Target::Human,
        target::Target::Unknown(_) => Target::Unknown,
    })
}

fn requests(requests: &[HandoffRequest]) -> Vec<v1::HandoffRequest> {
    let request = |request: &HandoffRequest| v1::HandoffRequest {
        target: Some(target(&request.target)),
        call_id: text(request.call_id.as_ref()),
    };
    requests.iter().map(request).collect()
}

fn requests_of(stored: Vec<v1::HandoffRequest>) -> Result<Vec<HandoffRequest>, Invalid> {
    let request = |request: v1::HandoffRequest| {
        Ok(HandoffRequest {
            target: target_of(request.target.ok_or(Invalid("target"))?)?,
            call_id: name(request.call_id),
        })
    };
    stored.into_iter().map(request).collect()
}
