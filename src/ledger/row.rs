//! A business fact as a row of the table that it belongs to.

use super::calls;
use super::cell::{Cell, Row};
use super::delivered::DeliveredFacts;
use super::table::Table;
use crate::model::Name;
use crate::model::fact::{Fact, Handoff, Turn, What, Workflow};
use crate::model::ids::{PartitionKey, SpanId};
use crate::verdict::DecidedFact;

/// Where corrections of a row begin.
const FIRST_VERSION: i64 = 1;

/// What rows say that their facts do not.
#[derive(Clone, Debug)]
pub(super) struct RowMaker {
    /// The ID of the log, in hexadecimal digits.
    pub(super) log: Name,
    /// The names of the dimensions of cohorts, in their order.
    pub(super) dimensions: Vec<Name>,
    /// That of all money.
    pub(super) currency: Name,
}

impl RowMaker {
    /// What the row of a fact begins with.
    fn place(&self, of: &DeliveredFacts, (ordinal, fact): &(u32, Fact)) -> Row {
        let session = match &fact.key {
            Some(PartitionKey::Session(session)) => Some(&session.id),
            _ => None,
        };
        let tenant = fact.key.as_ref().and_then(PartitionKey::tenant);
        let values = self.dimensions.iter().zip(fact.cohort.values());
        let cohort = values.filter(|(_, value)| !value.is_empty());
        let cohort = cohort.map(|(name, value)| (name.clone(), value.clone()));
        vec![
            Cell::Text(self.log.clone()),
            Cell::whole(of.partition),
            Cell::whole(of.position),
            Cell::whole(*ordinal),
            Cell::whole(of.decided.0),
            Cell::whole(fact.at.0),
            Cell::maybe(tenant, |tenant| Cell::Text(tenant.clone())),
            Cell::maybe(session, |session| Cell::Text(session.clone())),
            Cell::text(&fact.trace.to_string()),
            Cell::NamedTexts(cohort.collect()),
            Cell::whole(fact.weight()),
        ]
    }

    /// The row of a fact that has one by itself. `None`: it is one of many calls (see `calls.rs`), or has none.
    pub(super) fn row(&self, of: &DeliveredFacts, fact: &(u32, Fact)) -> Option<(Table, Row)> {
        let (table, own) = match &fact.1.what {
            What::Workflow(workflow) => (Table::Workflows, self.workflow(workflow)),
            What::Handoff(handoff) => (Table::Handoffs, handoff_row(handoff)),
            What::Turn(turn) => (Table::Turns, turn_row(turn)),
            What::Evaluation { name, score } => {
                let own = vec![
                    Cell::text("evaluation"),
                    Cell::word(name),
                    Cell::Null,
                    Cell::Null,
                    Cell::Real(*score),
                ];
                (Table::Scores, own)
            }
            What::Feedback {
                workflow,
                agent,
                score,
            } => {
                let own = vec![
                    Cell::text("feedback"),
                    Cell::Null,
                    Cell::word(workflow),
                    Cell::word(agent),
                    Cell::Real(*score),
                ];
                (Table::Scores, own)
            }
            what => (Table::Events, event_row(what)?),
        };
        let mut row = self.place(of, fact);
        if table.has_versions() {
            let verdict = DecidedFact::of(&fact.1, of.decided);
            row.push(Cell::maybe(verdict, |verdict| Cell::text(&verdict.id())));
            row.push(Cell::Whole(FIRST_VERSION));
        }
        row.extend(own);
        Some((table, row))
    }

    /// The rows of all calls of one delivery.
    pub(super) fn calls(&self, of: &DeliveredFacts) -> impl Iterator<Item = Row> {
        calls::rows(&of.facts).into_iter().map(|(first, own)| {
            let mut row = self.place(of, &of.facts[first]);
            row.extend(own);
            row.push(Cell::Text(self.currency.clone()));
            row
        })
    }

    fn workflow(&self, workflow: &Workflow) -> Row {
        vec![
            Cell::Text(workflow.workflow.clone()),
            Cell::text(workflow.outcome.as_str()),
            Cell::text(workflow.basis.as_str()),
            Cell::Text(workflow.because.clone()),
            nanos(workflow.duration),
            Cell::maybe(workflow.cost_usd, Cell::money),
            Cell::maybe(workflow.value_usd, Cell::money),
            Cell::Text(self.currency.clone()),
            Cell::Texts(workflow.models.clone()),
            Cell::whole(workflow.calls.known),
            Cell::whole(workflow.calls.no_usage),
            Cell::whole(workflow.calls.no_price),
            Cell::Flag(workflow.has_user),
            span(workflow.span),
        ]
    }
}

fn nanos(time: std::time::Duration) -> Cell {
    Cell::whole(time.as_nanos())
}

fn span(span: Option<SpanId>) -> Cell {
    let span = span.filter(|span| *span != SpanId::OF_TRACE);
    Cell::maybe(span, |span| Cell::text(&span.to_string()))
}

fn handoff_row(handoff: &Handoff) -> Row {
    let (result, reason) = handoff.result.labels();
    let intent = handoff.intent.as_ref();
    let sides = intent.and_then(|intent| intent.sides.as_ref());
    let retention = handoff.retention;
    vec![
        Cell::Text(handoff.workflow.clone()),
        Cell::Text(handoff.from.clone()),
        Cell::Text(handoff.to.clone()),
        Cell::text(handoff.kind.as_str()),
        Cell::text(result),
        Cell::word(&Name::from(reason)),
        Cell::text(handoff.basis.as_str()),
        Cell::maybe(handoff.latency, nanos),
        Cell::maybe(retention, |retention| Cell::Real(retention.ratio)),
        Cell::maybe(retention, |retention| {
            Cell::text(retention.evidence.as_str())
        }),
        Cell::maybe(intent, |intent| Cell::Flag(intent.kept)),
        Cell::maybe(sides, |(from, _)| Cell::Text(from.clone())),
        Cell::maybe(sides, |(_, to)| Cell::Text(to.clone())),
        Cell::Flag(handoff.phantom),
        span(handoff.place.span),
        Cell::whole(handoff.place.ordinal),
    ]
}

fn turn_row(turn: &Turn) -> Row {
    let agents = turn.by_agent.iter();
    let agents = agents.map(|(agent, time)| {
        let nanos = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        (agent.clone(), nanos)
    });
    vec![
        Cell::Text(turn.workflow.clone()),
        Cell::text(turn.result.as_str()),
        nanos(turn.duration),
        Cell::maybe(turn.first_token, nanos),
        Cell::Flag(turn.is_assumed),
        Cell::NamedWholes(agents.collect()),
    ]
}

/// What happened beside the other tables: kind, workflow, agent, outcome, step, length.
fn event_row(what: &What) -> Option<Row> {
    let mut row = vec![Cell::Null; 6];
    let mut set = |place: usize, cell: Cell| row[place] = cell;
    let kind = match what {
        What::Session => "session",
        What::Recontact { workflow, outcome } => {
            set(1, Cell::word(workflow));
            set(3, Cell::text(outcome.as_str()));
            "recontact"
        }
        What::FunnelStep { workflow, step } => {
            set(1, Cell::word(workflow));
            set(4, Cell::word(step));
            "funnel_step"
        }
        What::Escalation { workflow, from } => {
            set(1, Cell::word(workflow));
            set(2, Cell::word(from));
            "escalation"
        }
        What::Repeat { workflow, agent } => {
            set(1, Cell::word(workflow));
            set(2, Cell::word(agent));
            "repeat"
        }
        What::Loop { agent, length } => {
            set(2, Cell::word(agent));
            set(5, Cell::whole(*length));
            "loop"
        }
        _ => return None,
    };
    set(0, Cell::text(kind));
    Some(row)
}
