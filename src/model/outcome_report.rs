//! An outcome that a system outside of the agents reports, such as a CRM or a payment service.

use super::Name;
use super::event::Outcome;
use super::ids::TenantScoped;
use super::time::Timestamp;

/// What became of one unit of business work, by somebody who knows.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeReport {
    pub outcome: Outcome,
    /// The value of the business transaction in the configured currency, where the report has one.
    pub value_usd: Option<f64>,
    /// When it was so: the work that began last before this time is meant.
    pub at: Timestamp,
    /// The system that reports it.
    pub source: Name,
    /// What tells it from other reports of its source, so that a repeat changes nothing. `None`: its content does.
    pub id: Option<Name>,
}

/// A report with the session that it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct AddressedReport {
    pub session: TenantScoped,
    pub report: OutcomeReport,
}

/// Why a request with reports is refused: the first item that cannot be taken. Texts are fixed, so that nothing of the payload is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeFault {
    /// Its number in the list, from 1. `None`: the whole body is wrong.
    pub item: Option<usize>,
    pub field: &'static str,
    pub problem: &'static str,
}

impl std::fmt::Display for OutcomeFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.item {
            Some(item) => write!(f, "item {item}, field {}: {}", self.field, self.problem),
            None => write!(f, "the body {}", self.problem),
        }
    }
}
