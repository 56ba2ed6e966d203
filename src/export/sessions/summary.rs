//! A session in one line: what happened in it, from its facts alone.

use super::DisplaySettings;
use crate::model::Name;
use crate::model::cohort::Cohort;
use crate::model::event::Outcome;
use crate::model::fact::{Fact, HUMAN, Handoff, TurnResult, What};
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::time::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Agents that a path shows; a longer one is cut.
const MAX_PATH_AGENTS: usize = 12;
/// Failed handoffs that a line of JSON lists.
const MAX_FAILED_HANDOFFS: usize = 20;

/// One session, as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionSummary {
    pub id: String,
    pub tenant: Option<Name>,
    /// A trace that no span binds to a session.
    pub is_trace: bool,
    pub start: Timestamp,
    pub last: Timestamp,
    pub turns: u64,
    pub failed_turns: u64,
    /// The agents in the order in which they had the user's request.
    pub path: Vec<Name>,
    pub path_is_cut: bool,
    /// The closed workflows with how they ended, in order.
    pub workflows: Vec<(Name, Outcome)>,
    pub handoffs: u64,
    pub failed: Vec<FailedHandoff>,
    pub failed_handoffs: u64,
    /// Money spent as far as it is known; `None` where none of it is.
    pub cost: Option<f64>,
    /// Calls whose cost is unknown.
    pub unpriced: u64,
    pub traces: u64,
    pub cohort: Cohort,
}

/// A handoff that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedHandoff {
    pub from: Name,
    pub to: Name,
    pub reason: &'static str,
    pub trace: TraceId,
}

/// The id of a session, or of a trace without one.
pub fn id(key: &PartitionKey) -> String {
    match key {
        PartitionKey::Session(owner) | PartitionKey::User(owner) => owner.id.to_string(),
        PartitionKey::Trace(trace) | PartitionKey::TenantTrace(_, trace) => trace.to_string(),
    }
}

impl SessionSummary {
    /// The session from all its facts; `None` where there are none.
    pub fn of(key: &PartitionKey, facts: &[Fact]) -> Option<Self> {
        let mut ordered: Vec<&Fact> = facts.iter().collect();
        ordered.sort_by_key(|fact| fact.at);
        let mut session = Self::begun(key, ordered.first()?.at, ordered.last()?.at);
        let mut traces = BTreeSet::new();
        for fact in ordered {
            // What comes later knows more of the user; nothing takes back what was declared.
            session.cohort = fact.cohort.or(&session.cohort);
            traces.insert(fact.trace);
            session.add(fact);
        }
        session.traces = traces.len() as u64;
        session.workflows = corrected(facts)
            .map(|(name, outcome)| (name.clone(), outcome))
            .collect();
        Some(session)
    }

    fn begun(key: &PartitionKey, start: Timestamp, last: Timestamp) -> Self {
        Self {
            id: id(key),
            tenant: key.tenant().cloned(),
            is_trace: key.trace().is_some(),
            start,
            last,
            turns: 0,
            failed_turns: 0,
            path: Vec::new(),
            path_is_cut: false,
            workflows: Vec::new(),
            handoffs: 0,
            failed: Vec::new(),
            failed_handoffs: 0,
            cost: None,
            unpriced: 0,
            traces: 0,
            cohort: Cohort::default(),
        }
    }

    fn add(&mut self, fact: &Fact) {
        match &fact.what {
            What::Turn(turn) => {
                self.turns += 1;
                self.failed_turns += u64::from(turn.result == TurnResult::Failed);
                let nanos = u64::try_from(turn.duration.as_nanos()).unwrap_or(u64::MAX);
                self.start = self.start.min(Timestamp(fact.at.0.saturating_sub(nanos)));
            }
            What::Agent(agent) => self.passes(&agent.agent),
            What::Model(call) => self.spend(call.cost.usd()),
            What::Action(action) => self.spend(Some(action.usd)),
            What::Handoff(handoff) => self.hand_over(handoff, fact.trace),
            _ => {}
        }
    }

    fn passes(&mut self, agent: &Name) {
        if self.path.last() == Some(agent) {
            return;
        }
        if self.path.len() == MAX_PATH_AGENTS {
            self.path_is_cut = true;
        } else {
            self.path.push(agent.clone());
        }
    }

    fn spend(&mut self, usd: Option<f64>) {
        match usd {
            Some(usd) => self.cost = Some(self.cost.unwrap_or(0.0) + usd),
            None => self.unpriced += 1,
        }
    }

    fn hand_over(&mut self, handoff: &Handoff, trace: TraceId) {
        self.handoffs += 1;
        let (result, reason) = handoff.result.labels();
        if result == "failed" {
            self.failed_handoffs += 1;
            if self.failed.len() < MAX_FAILED_HANDOFFS {
                self.failed.push(FailedHandoff {
                    from: handoff.from.clone(),
                    to: handoff.to.clone(),
                    reason,
                    trace,
                });
            }
        } else if *handoff.to == *HUMAN {
            self.passes(&handoff.to);
        }
    }

    /// Where its story is, relative to the server's root.
    pub fn href(&self) -> String {
        href(&self.id, self.tenant.as_deref())
    }

    /// The values of the cohort by the names of their dimensions.
    pub fn cohorts<'s>(
        &'s self,
        display: &'s DisplaySettings,
    ) -> impl Iterator<Item = (&'s str, &'s str)> {
        let named = display.dimensions.iter().enumerate();
        named
            .map(|(number, name)| (name.as_str(), self.cohort.value(number)))
            .filter(|(_, value)| !value.is_empty())
    }

    /// The session for scripts.
    pub fn json(&self, display: &DisplaySettings) -> Value {
        let named = |(workflow, outcome): &(Name, Outcome)| json!({"workflow": &**workflow, "outcome": outcome.as_str()});
        let failed = |failed: &FailedHandoff| {
            json!({
                "from": &*failed.from,
                "to": &*failed.to,
                "reason": failed.reason,
                "trace_id": failed.trace.to_string(),
            })
        };
        let cohort: Map<String, Value> = self
            .cohorts(display)
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        json!({
            "id": self.id,
            "kind": if self.is_trace { "trace" } else { "session" },
            "tenant": self.tenant.as_deref(),
            "start": iso(self.start),
            "last": iso(self.last),
            "turns": self.turns,
            "failed_turns": self.failed_turns,
            "agents": self.path.iter().map(|agent| &**agent).collect::<Vec<_>>(),
            "workflows": self.workflows.iter().map(named).collect::<Vec<_>>(),
            "handoffs": self.handoffs,
            "failed_handoffs": self.failed_handoffs,
            "failures": self.failed.iter().map(failed).collect::<Vec<_>>(),
            "cost": self.cost,
            "calls_of_unknown_cost": self.unpriced,
            "currency": &*display.currency,
            "traces": self.traces,
            "cohort": cohort,
            "href": self.href(),
        })
    }
}

/// The closed workflows by their end, each with the outcome that holds after all corrections (O-5).
pub(super) fn corrected(facts: &[Fact]) -> impl Iterator<Item = (&Name, Outcome)> {
    let closed = facts.iter().filter_map(|fact| match &fact.what {
        What::Workflow(workflow) => Some((fact, workflow)),
        _ => None,
    });
    let mut closed: Vec<_> = closed.collect();
    closed.sort_by_key(|(fact, _)| fact.at);
    closed.into_iter().map(|(closing, workflow)| {
        let mut later = facts.iter().rev();
        let moved = later.find_map(|fact| match &fact.what {
            What::Correction(moved) => {
                let is_it = (fact.at, fact.trace) == (closing.at, closing.trace)
                    && moved.workflow == workflow.workflow;
                is_it.then_some(moved.to)
            }
            _ => None,
        });
        (&workflow.workflow, moved.unwrap_or(workflow.outcome))
    })
}

/// Where a story is, relative to the server's root.
pub fn href(id: &str, tenant: Option<&str>) -> String {
    // A path of dots would be taken for another one.
    let mut href = if id.bytes().all(|b| b == b'.') {
        format!("sessions?id={}", encoded(id))
    } else {
        format!("sessions/{}", encoded(id))
    };
    if let Some(tenant) = tenant {
        let join = if href.contains('?') { '&' } else { '?' };
        href.push_str(&format!("{join}tenant={}", encoded(tenant)));
    }
    href
}

/// All but letters, digits, `-`, `_`, `.` and `~` as `%2F`.
fn encoded(text: &str) -> impl std::fmt::Display + '_ {
    const KEPT: percent_encoding::AsciiSet = percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    percent_encoding::utf8_percent_encode(text, &KEPT)
}

/// A time in ISO 8601, UTC, in whole seconds.
pub fn iso(at: Timestamp) -> String {
    let whole = Duration::from_nanos(at.0).as_secs();
    let time = i64::try_from(whole)
        .ok()
        .and_then(|s| jiff::Timestamp::from_second(s).ok());
    time.map_or_else(|| whole.to_string(), |time| time.to_string())
}
