//! What outcomes that are reported from outside count.

use super::store::{Moment, Store};
use crate::catalogue::Metric;
use crate::model::correction::{Correction, ReportResult};
use crate::model::fact::What;

/// Counts what became of a report, or of what is remembered for reports.
pub(super) fn apply(store: &mut Store, what: &What, when: Moment<'_>) {
    match what {
        What::Correction(correction) => apply_correction(store, correction, when),
        What::Reported { source, result } => apply_report(store, source, *result, when),
        What::Forgotten { workflows } => {
            store.count(Metric::ForgottenWorkflows, &[], *workflows, when);
        }
        _ => {}
    }
}

/// Moves the outcome and the value of a closed workflow: what went out and what came in are counted apart, so that no counter falls (O-5).
fn apply_correction(store: &mut Store, correction: &Correction, when: Moment<'_>) {
    let workflow = &*correction.workflow;
    let (from, to) = (correction.from.as_str(), correction.to.as_str());
    if from != to {
        store.count(Metric::Corrections, &[workflow, from, to], 1, when);
    }
    let sides = [
        (from, "out", correction.value_from),
        (to, "in", correction.value_to),
    ];
    for (outcome, direction, value) in sides {
        if let Some(usd) = value {
            let labels = [workflow, outcome, direction];
            store.add_up(Metric::ValueCorrections, &labels, usd, when);
        }
    }
}

/// Counts a report. The series of all results of a source are there from its first report on.
fn apply_report(store: &mut Store, source: &str, result: ReportResult, when: Moment<'_>) {
    for known in ReportResult::ALL {
        let counts = u64::from(known == result);
        let labels = [source, known.as_str()];
        store.count(Metric::OutcomeReports, &labels, counts, when);
    }
}
