//! Conversion of the state of a stitcher from and to protobuf.

use super::awaited_parts::AwaitedParts;
use super::contacts::Contacts;
use super::links::Links;
use super::outcomes::SessionOutcomes;
use super::session::{LastAnswer, SessionState};
use super::shared::SharedTrace;
use super::trace::{DecidedTrace, OpenTrace, Trace};
use super::user_messages::UserMessage;
use super::workflow::OpenWorkflow;
use super::{KeyState, Stitcher};
use crate::model::Name;
use crate::model::call_costs::CallCosts;
use crate::model::fact::{
    Evidence, Handoff, HandoffKind, HandoffPlace, HandoffResult, Retention, TurnResult,
};
use crate::model::ids::{PartitionKey, SpanId, TraceId};
use crate::model::sampling::Threshold;
use crate::model::small_map::SmallSet;
use crate::model::time::Timestamp;
use crate::proto::{Invalid, cohort, cohort_of, event, name, span, text, threshold, trace, v1};
use crate::turn::{
    CumulativeUsage, DEFAULT_WORKFLOW, HandoffState, LatestCall, SourceContext, TotalCost, Verdict,
    WorkflowSummary,
};
use prost::Message;
use std::time::Duration;

impl Stitcher {
    /// All keys, in no order.
    pub fn save(&self) -> impl Iterator<Item = v1::Slot> + '_ {
        self.keys.iter().map(|(_, key, state)| v1::Slot {
            key: Some(key.into()),
            bound: state.bound.as_ref().map(Into::into),
            conversation: state.session.as_deref().map(SessionState::save),
            contacts: state
                .contacts
                .as_deref()
                .map_or_else(Vec::new, Contacts::save),
            scheduled: state.scheduled.map(|at| at.0),
            idle_since: state.idle_since.map(|at| at.0),
            touched: state.touched.0,
            links: state.links.as_deref().map(Links::save),
            shared: state.shared.as_deref().map(SharedTrace::save),
        })
    }

    /// Takes one key of a snapshot.
    ///
    /// # Errors
    /// When it is none that a Baton wrote.
    pub fn restore(&mut self, stored: v1::Slot) -> Result<(), Invalid> {
        let key: PartitionKey = stored.key.ok_or(Invalid("key"))?.try_into()?;
        let session = stored.conversation.map(SessionState::restore);
        let session = session.transpose()?;
        let shared = match (key.trace(), stored.shared) {
            (Some(trace), Some(shared)) => Some(SharedTrace::restore((&key, trace), shared)?),
            _ => None,
        };
        let state = KeyState {
            bound: stored.bound.map(PartitionKey::try_from).transpose()?,
            session: session.map(Box::new),
            contacts: Contacts::restore(stored.contacts)?.map(Box::new),
            scheduled: stored.scheduled.map(Timestamp),
            idle_since: stored.idle_since.map(Timestamp),
            touched: Timestamp(stored.touched),
            links: stored.links.map(Links::restore).transpose()?.map(Box::new),
            shared: shared.map(Box::new),
        };
        let place = self.keys.open(key);
        let Some((key, held)) = self.keys.at(place) else {
            return Ok(());
        };
        if let Some(at) = state.scheduled {
            self.deadlines.insert(at, key, place);
        }
        if let Some(since) = state.idle_since {
            self.idle.insert(since, key, place);
        }
        self.weight += state.weight();
        *held = state;
        Ok(())
    }
}

impl SessionState {
    pub(super) fn save(&self) -> v1::Conversation {
        let open = |(id, trace): (&TraceId, &Trace)| {
            let open = trace.open.as_ref()?;
            Some(v1::OpenTrace {
                trace: id.as_bytes().to_vec(),
                events: open.save_events(),
                last_arrival: open.last_arrival.0,
            })
        };
        let decided = |(id, trace): (&TraceId, &Trace)| Some(trace.decided.as_ref()?.save(*id));
        let pending = |(due, state): &(Timestamp, HandoffState)| v1::Pending {
            due: due.0,
            verdict: Some(state.save()),
        };
        let message = |message: &UserMessage| v1::Said {
            words: Some((&message.words).into()),
            handed_over: message.handed_over,
            at: message.at.0,
        };
        let outcomes = self.outcomes.as_deref();
        v1::Conversation {
            open: self.traces.iter().filter_map(open).collect(),
            decided: self.traces.iter().filter_map(decided).collect(),
            workflow: self.workflow.as_deref().map(OpenWorkflow::save),
            cohort: cohort(&self.cohort),
            pending: self.pending.iter().map(pending).collect(),
            counted: self.counted,
            said: self.user_messages.0.iter().map(message).collect(),
            rows: self.usage.save(),
            opened: self.opened.0,
            last_arrival: self.last_arrival.0,
            last_answer: self.last_answer.as_deref().map(LastAnswer::save),
            shared: self.shared.save(),
            reports: outcomes.map_or_else(Vec::new, SessionOutcomes::save_reports),
            closed: outcomes.map_or_else(Vec::new, SessionOutcomes::save_closed),
        }
    }

    pub(super) fn restore(stored: v1::Conversation) -> Result<Self, Invalid> {
        let mut restored = Self::new(Timestamp(stored.opened));
        for open in stored.open {
            let id = trace(&open.trace)?;
            let open = OpenTrace::restore(id, open.last_arrival, open.events)?;
            let trace = restored.traces.get_or_insert_with(id, Trace::default);
            trace.open = Some(Box::new(open));
        }
        for decided in stored.decided {
            let id = trace(&decided.trace)?;
            let known = DecidedTrace::restore(decided)?;
            let trace = restored.traces.get_or_insert_with(id, Trace::default);
            trace.decided = Some(Box::new(known));
        }
        for pending in stored.pending {
            let state = pending.verdict.ok_or(Invalid("verdict"))?;
            let state = HandoffState::restore(state)?;
            restored.pending.push((Timestamp(pending.due), state));
        }
        for said in stored.said {
            let words = said.words.ok_or(Invalid("words"))?;
            restored.user_messages.0.push(UserMessage {
                at: Timestamp(said.at),
                words: words.into(),
                handed_over: said.handed_over,
            });
        }
        restored.shared = AwaitedParts::restore(stored.shared)?;
        let workflow = stored.workflow.map(OpenWorkflow::restore).transpose()?;
        restored.workflow = workflow.map(Box::new);
        restored.usage = CumulativeUsage::restore(stored.rows)?;
        restored.cohort = cohort_of(stored.cohort);
        restored.counted = stored.counted;
        restored.last_arrival = Timestamp(stored.last_arrival);
        let answer = stored.last_answer.map(LastAnswer::restore);
        restored.last_answer = answer.map(Box::new);
        let outcomes = SessionOutcomes::restore(stored.reports, stored.closed)?;
        restored.outcomes = outcomes.map(Box::new);
        restored.weigh();
        Ok(restored)
    }
}

impl OpenTrace {
    /// Its events, each in its stored form.
    pub(super) fn save_events(&self) -> Vec<Vec<u8>> {
        self.events().map(|e| event(&e)).collect()
    }

    pub(super) fn restore(
        id: TraceId,
        last_arrival: u64,
        events: Vec<Vec<u8>>,
    ) -> Result<Self, Invalid> {
        let mut restored = Self::new(id, Timestamp(last_arrival));
        for event in events {
            let event = v1::Event::decode(event.as_slice()).map_err(|_| Invalid("event"))?;
            restored.take(event.try_into()?);
        }
        Ok(restored)
    }
}

impl LastAnswer {
    fn save(&self) -> v1::LastAnswer {
        v1::LastAnswer {
            at: self.at.0,
            agent: self.agent.as_str().to_owned(),
            workflow: self.workflow.as_str().to_owned(),
        }
    }

    fn restore(stored: v1::LastAnswer) -> Self {
        Self {
            at: Timestamp(stored.at),
            agent: stored.agent.into(),
            workflow: stored.workflow.into(),
        }
    }
}

impl DecidedTrace {
    fn save(&self, id: TraceId) -> v1::DecidedTrace {
        let owner = |(span, agent): (SpanId, Option<&Name>)| v1::Owner {
            span: span.as_bytes().to_vec(),
            agent: text(agent),
        };
        let note = |(span, note): &(SpanId, u64)| v1::Note {
            span: span.as_bytes().to_vec(),
            note: *note,
        };
        v1::DecidedTrace {
            trace: id.as_bytes().to_vec(),
            owners: self.owners.iter().map(owner).collect(),
            notes: self.notes.iter().map(note).collect(),
            threshold: self.threshold.map(Threshold::get),
            answering: text(self.answering.as_ref()),
            workflow: text(self.workflow.as_ref()),
            end: Some(self.end.0),
        }
    }

    fn restore(stored: v1::DecidedTrace) -> Result<Self, Invalid> {
        let owner = |owner: v1::Owner| Ok((span(&owner.span)?, name(owner.agent)));
        let note = |note: v1::Note| Ok((span(&note.span)?, note.note));
        let owners = stored.owners.into_iter().map(owner);
        let notes = stored.notes.into_iter().map(note);
        Ok(Self {
            owners: owners.collect::<Result<_, _>>()?,
            notes: notes.collect::<Result<_, _>>()?,
            threshold: threshold(stored.threshold),
            answering: name(stored.answering),
            workflow: name(stored.workflow),
            end: stored.end.map_or(Timestamp::MAX, Timestamp),
        })
    }
}

impl CumulativeUsage {
    fn save(&self) -> Vec<v1::Row> {
        let row = |((trace, around), row): (&(TraceId, Option<SpanId>), &LatestCall)| v1::Row {
            trace: trace.as_bytes().to_vec(),
            around: around.map(|span| span.as_bytes().to_vec()),
            start: row.at.0.0,
            end: row.at.1.0,
            span: row.at.2.as_bytes().to_vec(),
            usage: Some(row.usage.into()),
            cost: row.cost.into(),
            own: row.own,
            usage_is_cumulative: row.usage_is_cumulative,
            cache_savings: row.cache_savings,
        };
        self.calls().map(row).collect()
    }

    fn restore(stored: Vec<v1::Row>) -> Result<Self, Invalid> {
        let row = |row: v1::Row| {
            let around = row.around.as_deref().map(span).transpose()?;
            let known = LatestCall {
                at: (Timestamp(row.start), Timestamp(row.end), span(&row.span)?),
                usage: row.usage.ok_or(Invalid("usage"))?.into(),
                cost: row.cost.into(),
                own: row.own,
                usage_is_cumulative: row.usage_is_cumulative,
                cache_savings: row.cache_savings,
            };
            Ok(((trace(&row.trace)?, around), known))
        };
        let rows = stored.into_iter().map(row);
        rows.collect()
    }
}

impl HandoffState {
    fn save(&self) -> v1::Verdict {
        let handoff = &self.handoff;
        let latency = handoff.latency.map(|latency| latency.as_nanos());
        v1::Verdict {
            at: self.at.0,
            trace: self.trace.as_bytes().to_vec(),
            from: handoff.from.as_str().to_owned(),
            to: handoff.to.as_str().to_owned(),
            kind: kind(handoff.kind).into(),
            result: result(handoff.result).into(),
            latency_nano: latency.map(|nanos| u64::try_from(nanos).unwrap_or(u64::MAX)),
            retention: handoff.retention.map(|retention| retention.ratio),
            evidence: handoff
                .retention
                .map_or(v1::Evidence::Unspecified, |r| evidence(r.evidence))
                .into(),
            phantom: handoff.phantom,
            escalated: self.escalated,
            cohort: cohort(&self.cohort),
            threshold: self.threshold.map(Threshold::get),
            facts: self.source.facts.as_ref().map(Into::into),
            input_tokens: self.source.input_tokens,
            declared: self.source.declared,
            intent: text(self.source.intent.as_ref()),
            intent_kept: self.source.intent_kept,
            workflow: handoff.workflow.as_str().to_owned(),
            basis: v1::Basis::from(handoff.basis).into(),
            span: handoff.place.span.map(|span| span.as_bytes().to_vec()),
            ordinal: handoff.place.ordinal,
        }
    }

    /// Only what waits for its target is kept.
    fn restore(stored: v1::Verdict) -> Result<Self, Invalid> {
        let evidence = evidence_of(stored.evidence());
        let basis = stored.basis().into();
        let retention = stored.retention.zip(evidence);
        Ok(Self {
            at: Timestamp(stored.at),
            trace: trace(&stored.trace)?,
            handoff: Handoff {
                kind: kind_of(stored.kind()).ok_or(Invalid("handoff kind"))?,
                result: result_of(stored.result()).ok_or(Invalid("handoff result"))?,
                from: stored.from.into(),
                to: stored.to.into(),
                latency: stored.latency_nano.map(Duration::from_nanos),
                retention: retention.map(|(ratio, evidence)| Retention { ratio, evidence }),
                // Nothing is known of a target that has not come.
                intent: None,
                phantom: stored.phantom,
                basis,
                workflow: workflow_of(stored.workflow),
                place: HandoffPlace {
                    span: stored.span.as_deref().map(span).transpose()?,
                    ordinal: stored.ordinal,
                },
            },
            pending: true,
            escalated: stored.escalated,
            cohort: cohort_of(stored.cohort),
            threshold: threshold(stored.threshold),
            source: SourceContext {
                facts: stored.facts.map(Into::into),
                input_tokens: stored.input_tokens,
                declared: stored.declared,
                intent: name(stored.intent),
                intent_kept: stored.intent_kept,
            },
        })
    }
}

impl OpenWorkflow {
    fn save(&self) -> v1::OpenWorkflow {
        v1::OpenWorkflow {
            name: self.summary.name.as_str().to_owned(),
            id: text(self.summary.id.as_ref()),
            start: self.summary.start.0,
            end: self.summary.end.0,
            spend_nano_usd: self
                .summary
                .cost
                .known
                .then(|| self.summary.cost.nano_usd.into()),
            outcome: self.summary.outcome.as_ref().map(|verdict| v1::Verified {
                at: verdict.at.0,
                outcome: v1::Outcome::from(verdict.outcome).into(),
                rule: text(verdict.rule.as_ref()),
            }),
            steps: texts(&self.summary.steps),
            agents: texts(&self.summary.agents),
            models: texts(&self.summary.models),
            calls_known: self.summary.cost.calls.known,
            calls_without_usage: self.summary.cost.calls.no_usage,
            calls_without_price: self.summary.cost.calls.no_price,
            turns: self.summary.turns,
            handoffs: self.summary.handoffs,
            failed_handoffs: self.summary.failed_handoffs,
            escalated: self.summary.escalated,
            last_failed: self.summary.last_result == Some(TurnResult::Failed),
            broken: self.summary.last_broke,
            trace: self.summary.trace.as_bytes().to_vec(),
            span: self.summary.span.map(|span| span.as_bytes().to_vec()),
            cohort: cohort(&self.summary.cohort),
            threshold: self.summary.threshold.map(Threshold::get),
            user: text(self.summary.user.as_ref()),
            tenant: text(self.summary.tenant.as_ref()),
            intent: text(self.summary.intent.as_ref()),
            value: self.summary.value.map(|(at, nano)| v1::Declared {
                at: at.0,
                nano_usd: Some(nano.into()),
            }),
            opened: self.opened.0,
            touched: self.touched.0,
        }
    }

    fn restore(stored: v1::OpenWorkflow) -> Result<Self, Invalid> {
        let outcome = |verified: v1::Verified| {
            let outcome = verified.outcome().known();
            Ok(Verdict {
                at: Timestamp(verified.at),
                outcome: outcome.ok_or(Invalid("outcome"))?,
                rule: name(verified.rule),
            })
        };
        let value = |declared: v1::Declared| {
            let nano = declared.nano_usd.ok_or(Invalid("value"))?;
            Ok((Timestamp(declared.at), nano.into()))
        };
        let summary = WorkflowSummary {
            name: stored.name.into(),
            id: name(stored.id),
            start: Timestamp(stored.start),
            end: Timestamp(stored.end),
            cost: TotalCost {
                known: stored.spend_nano_usd.is_some(),
                nano_usd: stored.spend_nano_usd.map_or(0, Into::into),
                calls: CallCosts {
                    known: stored.calls_known,
                    no_usage: stored.calls_without_usage,
                    no_price: stored.calls_without_price,
                },
            },
            outcome: stored.outcome.map(outcome).transpose()?,
            steps: stored.steps.into_iter().map(Name::from).collect(),
            agents: stored.agents.into_iter().map(Name::from).collect(),
            models: stored.models.into_iter().map(Name::from).collect(),
            turns: stored.turns,
            handoffs: stored.handoffs,
            failed_handoffs: stored.failed_handoffs,
            escalated: stored.escalated,
            last_result: Some(if stored.last_failed {
                TurnResult::Failed
            } else {
                TurnResult::Answered
            }),
            last_broke: stored.broken,
            trace: trace(&stored.trace)?,
            span: stored.span.as_deref().map(span).transpose()?,
            cohort: cohort_of(stored.cohort),
            threshold: threshold(stored.threshold),
            user: name(stored.user),
            tenant: name(stored.tenant),
            intent: name(stored.intent),
            value: stored.value.map(value).transpose()?,
        };
        Ok(Self {
            summary,
            opened: Timestamp(stored.opened),
            touched: Timestamp(stored.touched),
        })
    }
}

/// An older Baton did not keep it.
fn workflow_of(stored: String) -> Name {
    if stored.is_empty() {
        return Name::from(DEFAULT_WORKFLOW);
    }
    stored.into()
}

fn texts(names: &SmallSet<Name>) -> Vec<String> {
    names.iter().map(|name| name.as_str().to_owned()).collect()
}

/// Two functions that translate a closed set there and back.
macro_rules! translate {
    ($there:ident, $back:ident: $model:ident { $($variant:ident),* }) => {
        fn $there(value: $model) -> v1::$model {
            match value {
                $($model::$variant => v1::$model::$variant,)*
            }
        }

        fn $back(stored: v1::$model) -> Option<$model> {
            match stored {
                v1::$model::Unspecified => None,
                $(v1::$model::$variant => Some($model::$variant),)*
            }
        }
    };
}

translate!(kind, kind_of: HandoffKind { Transfer, Delegation, Resume });
translate!(result, result_of: HandoffResult { Success, Dropped, TargetError, Rejected, Bounced, ContextLost, Unknown });
translate!(evidence, evidence_of: Evidence { Declared, Content, Tokens });
