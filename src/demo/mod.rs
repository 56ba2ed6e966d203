//! The support desk of `baton demo`: agents of several dialects with seeded failures and escalations, sent as real OTLP.

mod desk;
mod plan;
mod script;
mod send;
mod speak;
mod truth;
mod turn;
mod words;

pub use desk::{Desk, Session};
pub use send::Sender;
pub use truth::Truth;

/// Baton's configuration for the desk.
pub const CONFIGURATION: &str = include_str!("../../config/demo.yaml");
