//! Pure. The report that people act on: the rows of two periods of the ledger, compared and put into words.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | the keys of `report` |
//! | `period.rs` | days of a time zone as times |
//! | `tally.rs` | the sums of the rows of one period, in memory that does not grow with their number |
//! | `figure.rs` | one line of the report: a figure, its change, verdict and target |
//! | `report.rs` | the report: what both periods say |
//! | `words.rs` | numbers as text |
//! | `markdown.rs`, `html.rs`, `json.rs` | its three forms |

mod figure;
mod html;
mod json;
mod markdown;
mod period;
#[expect(clippy::module_inception, reason = "the report of the room of reports")]
mod report;
mod settings;
mod tally;
mod words;

#[cfg(test)]
mod tests;

pub use html::write as html;
pub use json::write as json;
pub use markdown::write as markdown;
pub use period::ReportPeriod;
pub use report::{BusinessReport, ReportContext};
pub use settings::{ReportBaseline, ReportTargets, Settings};
pub use tally::{PeriodTally, RowSource, TABLES, TableColumns};
