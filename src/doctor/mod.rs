//! Pure. What a recording shows of its emitters: what is read, what is not understood, and what is missing. The findings of `baton doctor`.
//!
//! | File | Content |
//! |---|---|
//! | `survey.rs` | takes decoded requests, and notes what each emitter sends |
//! | `emitter.rs` | one emitter: the spans of one service in one dialect |
//! | `figures.rs` | what metrics say, in the text format of Prometheus |
//! | `lacks.rs` | what their counters say is missing |
//! | `forwarding.rs` | what waits for destinations, and what is in the quarantine |
//! | `finding.rs` | what is missing, how much of it, and what to do |
//! | `instance.rs` | the metrics of a running instance, and a conversation to test it with |
//! | `sdks.rs` | which section of `docs/sdks.md` is about an emitter |
//! | `report.rs` | the findings as text and as JSON |

mod emitter;
mod figures;
mod finding;
mod forwarding;
mod instance;
mod lacks;
mod report;
mod sdks;
mod survey;

#[cfg(test)]
mod tests;

pub use figures::Figures;
pub use finding::{Finding, FindingKind};
pub use instance::{conversation, of_metrics};
pub use report::{Diagnosis, EmitterReport};
pub use survey::Survey;
