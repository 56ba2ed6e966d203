//! Remarks: scores, feedback and outcomes in a trace of their own, in which no agent works. They speak about the session (S-11).

use super::Output;
use super::session::{LastAnswer, SessionState};
use crate::model::Name;
use crate::model::event::Event;
use crate::model::fact::{Fact, Ignored, What};
use crate::model::time::Timestamp;
use crate::turn::{self, DEFAULT_WORKFLOW, WorkflowSummary};

impl SessionState {
    /// Remembers who answered in a decided turn.
    pub(super) fn note_answer(&mut self, summary: &WorkflowSummary, agent: Option<&Name>) {
        let Some(agent) = agent.filter(|_| summary.last_result.is_some()) else {
            return;
        };
        let answer = Box::new(LastAnswer {
            at: summary.start,
            agent: agent.clone(),
            workflow: summary.name.clone(),
        });
        self.last_answer = self.last_answer.take().max(Some(answer));
    }

    /// Counts the remarks of a trace: for the agent of the span that it links to, else for the one that answered last.
    pub(super) fn count_remarks(&mut self, events: &[Event], now: Timestamp, out: &mut Output) {
        for event in events {
            let linked = event.rare.links.iter().find_map(|link| {
                let about = self.traces.get(&link.trace)?.decided.as_ref()?;
                about.owners.of(link.span).or(about.answering.as_ref())
            });
            let last = self.last_answer.as_deref();
            let agent = event.agent.as_ref().or(linked);
            let agent = agent.or_else(|| self.agent_of_response(event));
            let agent = agent.or(last.map(|answer| &answer.agent));
            let unnamed = Name::from(DEFAULT_WORKFLOW);
            let workflow = last.map_or(&unnamed, |answer| &answer.workflow);
            let facts = turn::evaluation_facts(event, agent, workflow, turn::RULES_READ_LATE);
            out.facts.extend(facts.chain(turn::unusable_facts(event)));
            self.declare(event, now, out);
        }
    }

    /// The agent that gave the response which a remark names, in whichever trace of the session.
    fn agent_of_response(&self, event: &Event) -> Option<&Name> {
        event.rare.about?;
        let mut traces = self.traces.values();
        traces.find_map(|trace| trace.decided.as_ref()?.agent_about(event))
    }

    /// An outcome that was declared apart from its turn counts for the open workflow, unless that began later, and so does the value
    /// that is declared with it (W-6).
    pub(super) fn declare(&mut self, event: &Event, now: Timestamp, out: &mut Output) {
        let Some(verdict) = turn::declared_verdict(event) else {
            return;
        };
        let (at, trace) = (verdict.at, event.trace);
        match &mut self.workflow {
            Some(open) if open.summary.start <= at => {
                open.summary.outcome = open.summary.outcome.take().max(Some(verdict));
                open.summary.value = open.summary.value.max(turn::declared_value(event));
                open.touched = open.touched.max(now);
            }
            _ => {
                let what = What::Ignored {
                    reason: Ignored::OutcomeAfterClose,
                    events: 1,
                };
                out.facts.push(Fact::new(at, trace, what));
            }
        }
    }
}
