//! Conversion of reported outcomes and closed workflows from and to protobuf.

use super::outcomes::{ClosedWorkflow, SessionOutcomes, Standing};
use crate::model::outcome_report::OutcomeReport;
use crate::model::sampling::Threshold;
use crate::model::time::Timestamp;
use crate::proto::{Invalid, cohort, cohort_of, threshold, trace, v1};

impl SessionOutcomes {
    pub(super) fn save_reports(&self) -> Vec<v1::HeldReport> {
        let held = |(arrival, report): &(Timestamp, OutcomeReport)| v1::HeldReport {
            arrival: arrival.0,
            report: Some(report.into()),
        };
        self.reports.iter().map(held).collect()
    }

    pub(super) fn save_closed(&self) -> Vec<v1::ClosedWorkflow> {
        self.closed.iter().map(ClosedWorkflow::save).collect()
    }

    /// `None`: nothing is known of it.
    pub(super) fn restore(
        reports: Vec<v1::HeldReport>,
        closed: Vec<v1::ClosedWorkflow>,
    ) -> Result<Option<Self>, Invalid> {
        let held = |stored: v1::HeldReport| {
            let report = stored.report.ok_or(Invalid("report"))?;
            Ok((Timestamp(stored.arrival), report.try_into()?))
        };
        let reports = reports.into_iter().map(held);
        let closed = closed.into_iter().map(ClosedWorkflow::restore);
        let restored = Self {
            reports: reports.collect::<Result<_, _>>()?,
            closed: closed.collect::<Result<_, _>>()?,
        };
        Ok((!restored.is_empty()).then_some(restored))
    }
}

impl ClosedWorkflow {
    fn save(&self) -> v1::ClosedWorkflow {
        v1::ClosedWorkflow {
            closed: self.closed.0,
            start: self.start.0,
            end: self.end.0,
            trace: self.trace.as_bytes().to_vec(),
            name: self.name.as_str().to_owned(),
            cohort: cohort(&self.cohort),
            threshold: self.threshold.map(Threshold::get),
            found: v1::Outcome::from(self.found.outcome).into(),
            found_value_nano: self.found.value.map(Into::into),
            counted: v1::Outcome::from(self.counted.outcome).into(),
            counted_value_nano: self.counted.value.map(Into::into),
        }
    }

    fn restore(stored: v1::ClosedWorkflow) -> Result<Self, Invalid> {
        let found = stored.found().known().ok_or(Invalid("outcome"))?;
        let counted = stored.counted().known().ok_or(Invalid("outcome"))?;
        Ok(Self {
            closed: Timestamp(stored.closed),
            start: Timestamp(stored.start),
            end: Timestamp(stored.end),
            trace: trace(&stored.trace)?,
            name: stored.name.into(),
            cohort: cohort_of(stored.cohort),
            threshold: threshold(stored.threshold),
            found: Standing {
                outcome: found,
                value: stored.found_value_nano.map(Into::into),
            },
            counted: Standing {
                outcome: counted,
                value: stored.counted_value_nano.map(Into::into),
            },
        })
    }
}
