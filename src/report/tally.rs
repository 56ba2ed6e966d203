//! The sums of the rows of one period.

use super::ReportPeriod;
use crate::model::time::Timestamp;
use crate::statistics::{Grouped, WaitHistogram};
use rapidhash::v3::rapidhash_v3;
use std::collections::BTreeMap;

/// Kinds of case, pairs of agents and reasons that are kept apart; further ones are together as `other`.
const MAX_KEPT_APART: usize = 200;
/// Sessions that a kind of case shows.
const SHOWN_SESSIONS: usize = 3;

/// A table and the columns that a report reads of it.
pub type TableColumns = (&'static str, &'static [&'static str]);

/// What a report reads.
pub const TABLES: &[TableColumns] = &[
    (
        "workflows",
        &[
            "log_time",
            "session_id",
            "trace_id",
            "weight",
            "cohort",
            "workflow",
            "outcome",
            "evidence",
            "rule",
            "value",
        ],
    ),
    (
        "calls",
        &["log_time", "session_id", "trace_id", "weight", "cost"],
    ),
    (
        "turns",
        &[
            "log_time",
            "session_id",
            "trace_id",
            "weight",
            "duration_ns",
        ],
    ),
    (
        "handoffs",
        &[
            "log_time",
            "session_id",
            "trace_id",
            "weight",
            "from_agent",
            "to_agent",
            "result",
            "reason",
            "retention",
        ],
    ),
    (
        "events",
        &[
            "log_time",
            "session_id",
            "trace_id",
            "weight",
            "kind",
            "outcome",
        ],
    ),
];

/// One row of the ledger, by the names of its columns.
pub trait RowSource {
    /// A text; empty where it is not known.
    fn text(&self, column: &str) -> &str;
    /// A whole number.
    fn whole(&self, column: &str) -> Option<i64>;
    /// A real number.
    fn real(&self, column: &str) -> Option<f64>;
    /// An amount of money, in billionths.
    fn money(&self, column: &str) -> Option<i128>;
    /// The text of a name in a map; empty where it has none.
    fn text_of(&self, map: &str, name: &str) -> &str;
}

/// The places of the sums of cases.
pub(super) mod of {
    pub(in crate::report) const ALL: usize = 0;
    pub(in crate::report) const RESOLVED: usize = 1;
    pub(in crate::report) const DURABLE: usize = 2;
    pub(in crate::report) const CONTAINED: usize = 3;
    pub(in crate::report) const ESCALATED: usize = 4;
    pub(in crate::report) const COST: usize = 5;
    pub(in crate::report) const COMPLETED: usize = 6;
    pub(in crate::report) const AT_RISK: usize = 7;
}

/// One kind of case.
#[derive(Clone, Debug, Default)]
pub(super) struct CaseKind {
    /// Cases and those that were resolved.
    pub(super) sums: Grouped<2>,
    /// Sessions that were resolved, and sessions that were not: those with the least hash, so that the order of files does not matter.
    pub(super) sessions: [BTreeMap<u64, String>; 2],
}

/// The sums of the rows of one period.
#[derive(Debug)]
pub struct PeriodTally {
    pub(super) period: ReportPeriod,
    pub(super) cases: Grouped<8>,
    /// Handoffs whose result is known, and those that succeeded.
    pub(super) handoffs: Grouped<2>,
    /// Handoffs whose share of context is known, and the sum of the shares.
    pub(super) context: Grouped<2>,
    pub(super) waits: WaitHistogram,
    /// Exact, in billionths: what was spent, what was completed, what is at risk.
    pub(super) money: [i128; 3],
    pub(super) kinds: BTreeMap<String, CaseKind>,
    /// Cases and resolved ones of each day.
    pub(super) days: Vec<[f64; 2]>,
    pub(super) escalations: BTreeMap<String, u64>,
    pub(super) lost: BTreeMap<String, u64>,
    /// Cases by what their outcome rests on.
    pub(super) evidence: BTreeMap<String, u64>,
}

impl PeriodTally {
    /// Without rows yet.
    pub fn new(period: &ReportPeriod) -> Self {
        Self {
            period: period.clone(),
            cases: Grouped::default(),
            handoffs: Grouped::default(),
            context: Grouped::default(),
            waits: WaitHistogram::default(),
            money: [0; 3],
            kinds: BTreeMap::new(),
            days: vec![[0.0; 2]; period.length()],
            escalations: BTreeMap::new(),
            lost: BTreeMap::new(),
            evidence: BTreeMap::new(),
        }
    }

    /// Takes a row of a table. One that was decided in another period changes nothing.
    pub fn take(&mut self, table: &str, row: &impl RowSource) {
        let time = row.whole("log_time").unwrap_or_default();
        let Some(day) = self.period.day(Timestamp(time.max(0) as u64)) else {
            return;
        };
        // A customer is known by the session: the ledger names no users.
        let customer = match row.text("session_id") {
            "" => row.text("trace_id"),
            session => session,
        };
        let customer = rapidhash_v3(customer.as_bytes());
        let weight = row.whole("weight").unwrap_or(1).max(1) as u64;
        match table {
            "workflows" => self.case(row, day, customer, weight),
            "calls" => {
                let cost = row.money("cost").unwrap_or(0) * i128::from(weight);
                self.money[0] += cost;
                self.cases.add_to(customer, of::COST, units(cost));
            }
            "turns" => {
                let seconds = row.whole("duration_ns").unwrap_or_default() as f64 / 1e9;
                self.waits.add(customer, seconds, weight as f64);
            }
            "handoffs" => self.handoff(row, customer, weight),
            _ => {
                if (row.text("kind"), row.text("outcome")) == ("recontact", "resolved") {
                    self.cases.add_to(customer, of::DURABLE, -(weight as f64));
                }
            }
        }
    }

    fn case(&mut self, row: &impl RowSource, day: usize, customer: u64, weight: u64) {
        let outcome = row.text("outcome");
        let value = row.money("value").unwrap_or(0) * i128::from(weight);
        let is = |wanted: &str| f64::from(u8::from(outcome == wanted)) * weight as f64;
        let resolved = outcome == "resolved";
        let mut sums = [0.0; 8];
        sums[of::ALL] = weight as f64;
        sums[of::RESOLVED] = is("resolved");
        sums[of::DURABLE] = is("resolved");
        sums[of::CONTAINED] = is("unverified");
        sums[of::ESCALATED] = is("escalated");
        sums[if resolved { of::COMPLETED } else { of::AT_RISK }] = units(value);
        self.cases.add(customer, sums);
        self.money[if resolved { 1 } else { 2 }] += value;
        self.days[day][0] += weight as f64;
        self.days[day][1] += is("resolved");
        if outcome == "escalated" {
            count(&mut self.escalations, row.text("rule"), weight);
        }
        count(&mut self.evidence, row.text("evidence"), weight);
        let kind = match row.text_of("cohort", "intent") {
            "" => row.text("workflow"),
            intent => intent,
        };
        let kind = self.kinds.entry(kept_apart(&self.kinds, kind)).or_default();
        kind.sums.add(customer, [weight as f64, is("resolved")]);
        let sessions = &mut kind.sessions[usize::from(!resolved)];
        let session = row.text("session_id");
        if !session.is_empty() {
            sessions.insert(customer, session.to_owned());
            if sessions.len() > SHOWN_SESSIONS {
                sessions.pop_last();
            }
        }
    }

    fn handoff(&mut self, row: &impl RowSource, customer: u64, weight: u64) {
        let result = row.text("result");
        if result != "unknown" {
            let success = f64::from(u8::from(result == "success"));
            let weight = weight as f64;
            self.handoffs.add(customer, [weight, success * weight]);
        }
        if let Some(retention) = row.real("retention") {
            let weight = weight as f64;
            self.context.add(customer, [weight, retention * weight]);
        }
        if row.text("reason") == "context_lost" {
            let pair = format!("{} → {}", row.text("from_agent"), row.text("to_agent"));
            count(&mut self.lost, &pair, weight);
        }
    }
}

/// An amount of billionths in whole units.
pub(super) fn units(billionths: i128) -> f64 {
    billionths as f64 / 1e9
}

/// A name that has a place of its own, or that of all others.
fn kept_apart<T>(known: &BTreeMap<String, T>, name: &str) -> String {
    match known.contains_key(name) || known.len() < MAX_KEPT_APART {
        true => name.to_owned(),
        false => "other".to_owned(),
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str, more: u64) {
    *counts.entry(kept_apart(counts, name)).or_default() += more;
}
