//! The simulated support desk of `baton demo`: agents in several dialects with seeded failures and escalations. They send real OTLP.
//!
//! | File | Content |
//! |---|---|
//! | `plan.rs` | what happens in each session, from the seed |
//! | `desk.rs` | all sessions of a seed, each with its true results |
//! | `words.rs` | invented messages of customers |
//! | `script.rs` | a turn while it is written, with its true results |
//! | `turn.rs` | a finished turn: agents, calls and tools, independent of any dialect |
//! | `speak.rs` | the same turn in three dialects: OpenTelemetry GenAI, OpenInference, OpenLLMetry |
//! | `send.rs` | sends spans with the OpenTelemetry SDK and its OTLP exporter |
//! | `truth.rs` | the true results, for comparison with the metrics that Baton derives |

mod desk;
mod plan;
mod script;
mod send;
mod speak;
mod truth;
mod turn;
mod words;

pub use desk::{DemoCohort, Desk, Session};
pub use send::Sender;
pub use truth::Truth;

/// Baton's configuration for the desk.
pub const CONFIGURATION: &str = include_str!("../../config/demo.yaml");
