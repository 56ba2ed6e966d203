//! Reports at their session, and workflows that close with them.

use super::outcomes::ClosedWorkflow;
use super::session::SessionState;
use super::workflow::OpenWorkflow;
use super::{KeyState, Output, Settings};
use crate::model::outcome_report::OutcomeReport;
use crate::model::record::Record;
use crate::model::time::Timestamp;

impl KeyState {
    /// Takes a report about its session, or sends it where that went.
    pub(super) fn report(
        &mut self,
        report: Box<OutcomeReport>,
        arrival: Timestamp,
        out: &mut Output,
    ) {
        match &self.bound {
            Some(to) => out.sends.push((to.clone(), Record::Outcome(report))),
            None => self
                .session_from(arrival)
                .take_report(*report, arrival, out),
        }
    }

    /// Counts the closed workflows that are forgotten with it before their time.
    pub(super) fn count_forgotten(&self, out: &mut Output) {
        let session = self.session.as_deref();
        if let Some(outcomes) = session.and_then(|session| session.outcomes.as_ref()) {
            outcomes.count_forgotten(out);
        }
    }

    /// Counts the reports that wait for a workflow and are forgotten with it.
    pub(super) fn give_up_reports(&self, out: &mut Output) {
        let session = self.session.as_deref();
        if let Some(outcomes) = session.and_then(|session| session.outcomes.as_ref()) {
            outcomes.give_up_reports(out);
        }
    }
}

impl SessionState {
    /// When the open workflow began.
    pub(super) fn open_since(&self) -> Option<Timestamp> {
        self.workflow.as_ref().map(|open| open.summary.start)
    }

    /// Takes a report about the session.
    pub(super) fn take_report(
        &mut self,
        report: OutcomeReport,
        arrival: Timestamp,
        out: &mut Output,
    ) {
        let open = self.open_since();
        let outcomes = self.outcomes.get_or_insert_default();
        outcomes.take(report, arrival, out);
        outcomes.correct(open, out);
    }

    /// Closes a workflow for good, and remembers it for reports that come later.
    pub(super) fn close_workflow(
        &mut self,
        ended: OpenWorkflow,
        now: Timestamp,
        settings: &Settings,
        out: &mut Output,
    ) {
        let open = self.open_since();
        let outcomes = self.outcomes.get_or_insert_default();
        let remember = |closed: ClosedWorkflow| outcomes.close(closed, open);
        ended.close(&settings.judge, now, remember, out);
        // What is known of it now may have been said of another one before.
        outcomes.correct(open, out);
    }
}
