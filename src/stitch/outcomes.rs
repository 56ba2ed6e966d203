//! Outcomes that systems outside of the agents report, and the closed workflows that they can still correct (O-1 to O-7).
//!
//! What holds is computed anew over everything that is held, after each change. So it is the same in whichever order reports and
//! workflows come.

use super::Output;
use crate::model::Name;
use crate::model::cohort::Cohort;
use crate::model::correction::{Correction, ReportResult};
use crate::model::event::Outcome;
use crate::model::fact::{Fact, What};
use crate::model::ids::TraceId;
use crate::model::outcome_report::OutcomeReport;
use crate::model::sampling::Threshold;
use crate::model::time::Timestamp;
use crate::turn::{WorkflowSummary, nano};
use std::time::Duration;

/// Closed workflows of one session that are remembered; the one that began first is forgotten first.
const MAX_CLOSED_PER_SESSION: usize = 64;

/// Reports of one session that are held. More are not taken.
const MAX_REPORTS_PER_SESSION: usize = 256;

/// What is known of the outcomes of one session.
#[derive(Debug, Default)]
pub(super) struct SessionOutcomes {
    /// With their arrival, by [`rank`]. Written as they come, cleared with the workflow that they are about, or when none came in time.
    pub(super) reports: Vec<(Timestamp, OutcomeReport)>,
    /// By their start. Written when a workflow closes, cleared after `outcomes.window`.
    pub(super) closed: Vec<ClosedWorkflow>,
}

/// What a closed workflow leaves, so that its outcome can be corrected.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ClosedWorkflow {
    /// The arrival time at which it closed.
    pub(super) closed: Timestamp,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) trace: TraceId,
    pub(super) name: Name,
    pub(super) cohort: Cohort,
    pub(super) threshold: Option<Threshold>,
    /// What spans, rules and Baton say of it.
    pub(super) found: Standing,
    /// What the metrics say of it, with all corrections.
    pub(super) counted: Standing,
}

/// The outcome of a workflow, and its value in nano-dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) outcome: Outcome,
    pub(super) value: Option<i128>,
}

/// What reports say of one workflow.
#[derive(Debug, Default)]
struct ReportedStanding<'r> {
    /// The latest report (O-3).
    outcome: Option<&'r OutcomeReport>,
    /// The latest one that has a value.
    value: Option<i128>,
}

impl ReportedStanding<'_> {
    /// What holds, where this was found without reports (O-2).
    fn over(&self, found: Standing) -> Standing {
        Standing {
            outcome: self.outcome.map_or(found.outcome, |report| report.outcome),
            value: self.value.or(found.value),
        }
    }
}

/// The order of reports: the last one counts (O-3).
fn rank(report: &OutcomeReport) -> impl Ord + use<'_> {
    let value = report.value_usd.map(nano);
    (report.at, &report.source, &report.id, report.outcome, value)
}

impl SessionOutcomes {
    /// Roughly the bytes that it holds in memory.
    pub(super) fn weight(&self) -> usize {
        const NAMES: usize = 96;
        size_of::<Self>()
            + self.reports.len() * (size_of::<(Timestamp, OutcomeReport)>() + NAMES)
            + self.closed.len() * (size_of::<ClosedWorkflow>() + NAMES)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reports.is_empty() && self.closed.is_empty()
    }

    /// Takes a report, unless it is known (O-4).
    pub(super) fn take(&mut self, report: OutcomeReport, arrival: Timestamp, out: &mut Output) {
        let is_repeat = |(_, known): &(Timestamp, OutcomeReport)| match &report.id {
            Some(id) => known.source == report.source && known.id.as_ref() == Some(id),
            None => *known == report,
        };
        let result = match self.reports.iter().any(is_repeat) {
            true => ReportResult::Duplicate,
            false if self.reports.len() == MAX_REPORTS_PER_SESSION => ReportResult::OverLimit,
            false => ReportResult::Accepted,
        };
        out.facts.push(reported(&report, result));
        if result == ReportResult::Accepted {
            self.insert(arrival, report);
        }
    }

    fn insert(&mut self, arrival: Timestamp, report: OutcomeReport) {
        let place = self
            .reports
            .partition_point(|(_, known)| rank(known) <= rank(&report));
        self.reports.reserve_exact(1);
        self.reports.insert(place, (arrival, report));
    }

    /// Takes over what another session held that is the same one (S-2).
    pub(super) fn merge(&mut self, other: Self) {
        for (arrival, report) in other.reports {
            let is_known = |(_, known): &(Timestamp, OutcomeReport)| *known == report;
            if !self.reports.iter().any(is_known) {
                self.insert(arrival, report);
            }
        }
        self.closed.extend(other.closed);
        self.sort();
    }

    /// Remembers a workflow that closes; what is known of its outcome decides it. Returns what to count, and who reports it.
    pub(super) fn close(
        &mut self,
        mut closed: ClosedWorkflow,
        open: Option<Timestamp>,
    ) -> (Standing, Option<Name>) {
        // Most sessions have one, and growing by itself a list makes room for four.
        self.closed.reserve_exact(1);
        self.closed.push(closed.clone());
        self.sort();
        let place = self.closed.iter().position(|known| *known == closed);
        let said = self.said_of(place, open);
        let source = said.outcome.map(|report| report.source.clone());
        closed.counted = said.over(closed.found);
        let counted = closed.counted;
        if let Some(place) = place {
            self.closed[place] = closed;
        }
        (counted, source)
    }

    fn sort(&mut self) {
        self.closed.sort_by(|a, b| {
            (a.start, a.end, a.trace, &a.name).cmp(&(b.start, b.end, b.trace, &b.name))
        });
    }

    /// Corrects what was counted and holds no more (O-5).
    pub(super) fn correct(&mut self, open: Option<Timestamp>, out: &mut Output) {
        for place in 0..self.closed.len() {
            let said = self.said_of(Some(place), open);
            let closed = &self.closed[place];
            let holds = said.over(closed.found);
            if holds != closed.counted {
                let source = said.outcome.map(|report| report.source.clone());
                out.facts.push(closed.correction(holds, source));
                self.closed[place].counted = holds;
            }
        }
        while self.closed.len() > MAX_CLOSED_PER_SESSION {
            self.forget(0, open);
            out.facts.push(forgotten(1));
        }
    }

    /// The place of the workflow that a report is about: the last one that began at or before its time (O-1). `None`: the open one, or none.
    fn subject_of(&self, at: Timestamp, open: Option<Timestamp>) -> Option<usize> {
        let begun = self.closed.partition_point(|closed| closed.start <= at);
        let last = begun.checked_sub(1)?;
        let is_open = open.is_some_and(|start| start <= at && start >= self.closed[last].start);
        (!is_open).then_some(last)
    }

    fn said_of(&self, place: Option<usize>, open: Option<Timestamp>) -> ReportedStanding<'_> {
        let mut said = ReportedStanding::default();
        for (_, report) in &self.reports {
            if place.is_some() && self.subject_of(report.at, open) == place {
                said.outcome = Some(report);
                said.value = report.value_usd.map(nano).or(said.value);
            }
        }
        said
    }

    /// Forgets a closed workflow with all that is said of it.
    fn forget(&mut self, place: usize, open: Option<Timestamp>) {
        let reports = std::mem::take(&mut self.reports);
        let others = reports.into_iter();
        self.reports = others
            .filter(|(_, report)| self.subject_of(report.at, open) != Some(place))
            .collect();
        self.closed.remove(place);
    }

    /// Whether a report is about no workflow that is known.
    fn is_unmatched(&self, report: &OutcomeReport, open: Option<Timestamp>) -> bool {
        let is_of_open = open.is_some_and(|start| start <= report.at);
        !is_of_open && self.subject_of(report.at, open).is_none()
    }

    /// When [`SessionOutcomes::expire`] has something to do next.
    pub(super) fn due(&self, open: Option<Timestamp>, window: Duration) -> Option<Timestamp> {
        let closed = self.closed.iter().map(|closed| closed.closed);
        let unmatched = self.reports.iter();
        let unmatched = unmatched.filter(|(_, report)| self.is_unmatched(report, open));
        let oldest = closed.chain(unmatched.map(|(arrival, _)| *arrival)).min();
        oldest.map(|oldest| oldest + window)
    }

    /// Forgets what nothing can correct any more, and reports that matched nothing in time (O-6).
    pub(super) fn expire(
        &mut self,
        open: Option<Timestamp>,
        (now, window): (Timestamp, Duration),
        out: &mut Output,
    ) {
        let is_over = |since: Timestamp| since + window <= now;
        while let Some(place) = self.closed.iter().position(|c| is_over(c.closed)) {
            self.forget(place, open);
        }
        for (arrival, report) in std::mem::take(&mut self.reports) {
            if is_over(arrival) && self.is_unmatched(&report, open) {
                out.facts.push(reported(&report, ReportResult::Unmatched));
            } else {
                self.reports.push((arrival, report));
            }
        }
    }

    /// Counts the workflows that are forgotten before their time, because memory is short (O-7).
    pub(super) fn count_forgotten(&self, out: &mut Output) {
        if !self.closed.is_empty() {
            out.facts.push(forgotten(self.closed.len() as u64));
        }
    }

    /// Counts the reports that wait for a workflow and are forgotten before their time (O-7).
    pub(super) fn give_up_reports(&self, out: &mut Output) {
        let reports = self.reports.iter();
        let unmatched = reports.filter(|(_, report)| self.is_unmatched(report, None));
        let facts = unmatched.map(|(_, report)| reported(report, ReportResult::Forgotten));
        out.facts.extend(facts);
    }
}

impl ClosedWorkflow {
    /// What is left of a workflow for which this was found.
    pub(super) fn new(summary: &WorkflowSummary, found: Standing, closed: Timestamp) -> Self {
        Self {
            closed,
            start: summary.start,
            end: summary.end,
            trace: summary.trace,
            name: summary.name.clone(),
            cohort: summary.cohort.clone(),
            threshold: summary.threshold,
            found,
            counted: found,
        }
    }

    fn correction(&self, holds: Standing, source: Option<Name>) -> Fact {
        let counted = self.counted;
        let what = What::Correction(Correction {
            workflow: self.name.clone(),
            from: counted.outcome,
            to: holds.outcome,
            value_from: amount(counted.value),
            value_to: amount(holds.value),
            source,
        });
        Fact {
            cohort: self.cohort.clone(),
            threshold: self.threshold,
            ..Fact::new(self.end, self.trace, what)
        }
    }
}

/// Nano-dollars in units of the configured currency.
pub(super) fn amount(nano: Option<i128>) -> Option<f64> {
    nano.map(|nano| nano as f64 / 1e9)
}

fn reported(report: &OutcomeReport, result: ReportResult) -> Fact {
    let source = report.source.clone();
    let what = What::Reported { source, result };
    Fact::new(report.at, TraceId::UNKNOWN, what)
}

fn forgotten(workflows: u64) -> Fact {
    let what = What::Forgotten { workflows };
    Fact::new(Timestamp::default(), TraceId::UNKNOWN, what)
}
