//! Which sessions are asked for: the parameters of a query, each checked.

use super::DisplaySettings;
use super::summary::{SessionSummary, corrected, id};
use crate::model::Name;
use crate::model::event::Outcome;
use crate::model::fact::{Fact, Handoff, HandoffResult, TurnResult, What};
use crate::model::harmless::harmless;
use crate::model::ids::{PartitionKey, TraceId};
use crate::model::time::Timestamp;
use std::time::Duration;

/// Sessions in a list where nobody says how many.
const DEFAULT_LISTED_SESSIONS: usize = 50;
/// Most sessions in a list.
const MAX_LISTED_SESSIONS: usize = 1_000;

/// The parameters with what they mean; the dimensions of cohorts are further ones.
pub const PARAMETERS: &[(&str, &str)] = &[
    ("id", "the session ID"),
    ("trace", "a trace ID of the session"),
    ("agent", "an agent that worked in it"),
    ("workflow", "the name of a closed workflow"),
    (
        "outcome",
        "how a workflow ended: resolved, escalated, failed, abandoned, unverified",
    ),
    ("turn", "how a turn ended: answered, failed"),
    ("result", "how a handoff ended: success, failed"),
    (
        "reason",
        "why a handoff failed: dropped, target_error, rejected, bounced, context_lost",
    ),
    ("from", "the source of a handoff"),
    ("to", "the target of a handoff"),
    ("model", "a model that was called"),
    ("tool", "a tool that was called"),
    ("failed_tool", "a tool that failed"),
    ("tenant", "the tenant"),
    (
        "since",
        "active since a time such as 2026-01-31T12:00:00Z, or for a duration such as 1h",
    ),
    ("limit", "most sessions to list (default: 50)"),
    ("format", "text or json"),
];

/// What is asked for. Values of one parameter are alternatives, different parameters all hold; those about handoffs hold for one
/// and the same handoff.
#[derive(Debug, Default)]
pub struct SessionFilter {
    wanted: Vec<(String, Vec<String>)>,
    since: Option<Timestamp>,
    pub limit: usize,
}

impl SessionFilter {
    /// All sessions.
    pub fn all() -> Self {
        Self {
            limit: usize::MAX,
            ..Self::default()
        }
    }

    /// The filter of a query.
    ///
    /// # Errors
    /// What is wrong with which parameter.
    pub fn of_query<'q>(
        pairs: impl Iterator<Item = (std::borrow::Cow<'q, str>, std::borrow::Cow<'q, str>)>,
        display: &DisplaySettings,
        now: Timestamp,
    ) -> Result<Self, String> {
        let mut filter = Self {
            limit: DEFAULT_LISTED_SESSIONS,
            ..Self::default()
        };
        for (name, value) in pairs {
            filter.add(&name, &value, display, now)?;
        }
        Ok(filter)
    }

    fn add(
        &mut self,
        name: &str,
        value: &str,
        display: &DisplaySettings,
        now: Timestamp,
    ) -> Result<(), String> {
        let is_dimension = display.dimensions.iter().any(|known| known == name);
        if !is_dimension && !PARAMETERS.iter().any(|(known, _)| *known == name) {
            return Err(format!(
                "unknown parameter {name:?}; known parameters:\n{}",
                known(display)
            ));
        }
        if value.is_empty() {
            return Err(format!("the parameter {name} needs a value"));
        }
        match name {
            "format" => {}
            "limit" => {
                let limit = value
                    .parse()
                    .ok()
                    .filter(|n| (1..=MAX_LISTED_SESSIONS).contains(n));
                self.limit = limit.ok_or_else(|| {
                    format!("limit: expected a whole number from 1 to {MAX_LISTED_SESSIONS}")
                })?;
            }
            "since" => {
                let since = since(value, now);
                self.since = Some(since.ok_or(
                    "since: expected a time such as 2026-01-31T12:00:00Z or a duration such as 1h30m",
                )?);
            }
            "trace" => {
                let trace =
                    TraceId::from_hex(value).ok_or("trace: expected 32 hexadecimal digits")?;
                self.want(name, &trace.to_string());
            }
            _ => {
                if let Some(choices) = choices(name)
                    && !choices.contains(&value)
                {
                    return Err(format!("{name}: expected one of {}", choices.join(", ")));
                }
                self.want(name, value);
            }
        }
        Ok(())
    }

    /// Names are asked for as they are shown or as they were sent.
    fn want(&mut self, name: &str, value: &str) {
        let sent = harmless(value);
        let values = [
            Some(value.to_owned()),
            (sent != value).then(|| sent.into_owned()),
        ];
        let values = values.into_iter().flatten();
        match self.wanted.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => known.extend(values),
            None => self.wanted.push((name.to_owned(), values.collect())),
        }
    }

    /// Whether the value of a parameter is one of those that are asked for, if any are.
    fn takes(&self, name: &str, value: &str) -> bool {
        self.values(name)
            .is_none_or(|values| values.iter().any(|v| v == value))
    }

    fn values(&self, name: &str) -> Option<&[String]> {
        let found = self.wanted.iter().find(|(known, _)| known == name);
        found.map(|(_, values)| values.as_slice())
    }

    /// Whether the facts of a session are what is asked for, all but what sums them up.
    pub(super) fn wants(&self, key: &PartitionKey, facts: &[Fact]) -> bool {
        let asks_handoff = ["result", "reason", "from", "to"]
            .iter()
            .any(|p| self.values(p).is_some());
        self.takes("id", &id(key))
            && self.any(facts, &["trace"], |fact| self.takes("trace", &fact.trace.to_string()))
            && self.any(facts, &["agent"], |fact| {
                matches!(&fact.what, What::Agent(a) if self.takes("agent", &a.agent))
            })
            && self.takes_workflow(facts)
            && self.any(facts, &["turn"], |fact| {
                matches!(&fact.what, What::Turn(t) if self.takes("turn", t.result.as_str()))
            })
            && self.any(facts, &["model"], |fact| {
                matches!(&fact.what, What::Model(m) if self.takes("model", &m.model))
            })
            && self.any(facts, &["tool"], |fact| {
                matches!(&fact.what, What::Tool(t) if self.takes("tool", &t.tool))
            })
            && self.any(facts, &["failed_tool"], |fact| {
                matches!(&fact.what, What::Tool(t) if t.ending.is_error() && self.takes("failed_tool", &t.tool))
            })
            && (!asks_handoff
                || facts.iter().any(|fact| {
                    matches!(&fact.what, What::Handoff(handoff) if self.takes_handoff(handoff))
                }))
    }

    /// Whether a closed workflow is what is asked for, with its corrected outcome.
    fn takes_workflow(&self, facts: &[Fact]) -> bool {
        let asks = ["workflow", "outcome"]
            .iter()
            .any(|p| self.values(p).is_some());
        let takes = |(name, outcome): (&Name, Outcome)| {
            self.takes("workflow", name) && self.takes("outcome", outcome.as_str())
        };
        !asks || corrected(facts).any(takes)
    }

    /// Whether a fact is what these parameters ask for, if they ask for anything.
    fn any(&self, facts: &[Fact], names: &[&str], is_it: impl Fn(&Fact) -> bool) -> bool {
        names.iter().all(|name| self.values(name).is_none()) || facts.iter().any(is_it)
    }

    fn takes_handoff(&self, handoff: &Handoff) -> bool {
        let (result, reason) = handoff.result.labels();
        self.takes("result", result)
            && self.takes("reason", reason)
            && self.takes("from", &handoff.from)
            && self.takes("to", &handoff.to)
    }

    /// Whether a session is what is asked for, by what sums it up.
    pub(super) fn wants_session(
        &self,
        session: &SessionSummary,
        display: &DisplaySettings,
    ) -> bool {
        let value = |name: &str| session.cohorts(display).find(|(known, _)| *known == name);
        let in_cohort = |name: &str| self.takes(name, value(name).map_or("", |(_, value)| value));
        let tenant = session.tenant.as_deref();
        let of_tenant = tenant.is_some_and(|tenant| self.takes("tenant", tenant));
        let is_parameter = |name: &str| PARAMETERS.iter().any(|(known, _)| *known == name);
        let dimensions = display.dimensions.iter().filter(|name| !is_parameter(name));
        self.since.is_none_or(|since| session.last >= since)
            && (of_tenant || in_cohort("tenant"))
            && dimensions.map(String::as_str).all(in_cohort)
    }
}

/// The values of a parameter that knows only some.
fn choices(name: &str) -> Option<Vec<&'static str>> {
    let reasons = HandoffResult::ALL.iter().map(|result| result.labels().1);
    Some(match name {
        "outcome" => Outcome::ALL.iter().map(|o| o.as_str()).collect(),
        "turn" => TurnResult::ALL.iter().map(|r| r.as_str()).collect(),
        "result" => vec!["success", "failed", "unknown"],
        "reason" => reasons.filter(|reason| !reason.is_empty()).collect(),
        _ => return None,
    })
}

/// The parameters that may be asked for, one a line.
pub fn known(display: &DisplaySettings) -> String {
    let mut text: String = PARAMETERS
        .iter()
        .map(|(name, what)| format!("  {name:<12} {what}\n"))
        .collect();
    let further = display
        .dimensions
        .iter()
        .filter(|d| !PARAMETERS.iter().any(|(known, _)| known == d));
    for dimension in further {
        text.push_str(&format!(
            "  {dimension:<12} the value of this cohort dimension\n"
        ));
    }
    text
}

/// A time, or a duration before now.
fn since(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return u64::try_from(time.as_nanosecond()).ok().map(Timestamp);
    }
    // 5s, 1h30m and 2d, as in the configuration.
    let span: jiff::SignedDuration = match text.strip_suffix('d') {
        Some(days) => {
            jiff::SignedDuration::from_secs(days.parse::<i64>().ok()?.checked_mul(86_400)?)
        }
        None => text.parse().ok()?,
    };
    let back = Duration::try_from(span).ok()?;
    let nanos = u64::try_from(back.as_nanos()).ok()?;
    Some(Timestamp(now.0.saturating_sub(nanos)))
}
