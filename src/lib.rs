//! Baton turns the spans of multi-agent LLM systems into business metrics.
//!
//! The modules are called rooms. A span passes through them in this order:
//!
//! ```text
//! receive ─► ingest (otlp, normalise) ─► log ─► engine (stitch with turn, derive) ─► export
//!    └─► spool ─► forward
//! ```
//!
//! Every room may import `model` and `setting`. `otlp`, `normalise`, `turn`, `stitch`, `derive`, `rules` and `proto` are pure: no I/O, no clock, no tasks. Only `ingest` and `engine` connect the pure
//! rooms to the log and the clock. Only `app` and `cli` connect all rooms. `docs/architecture.md` has the list of allowed imports, and `tests/house.rs` checks it.

pub mod app;
pub mod auth;
pub mod catalogue;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod demo;
pub mod derive;
pub mod dns;
pub mod doctor;
pub mod engine;
pub mod export;
pub mod expression;
pub mod forward;
pub mod ingest;
pub mod ledger;
pub mod log;
pub mod machine;
pub mod model;
pub mod net;
pub mod normalise;
pub mod otlp;
pub mod proto;
pub mod receive;
pub mod reload;
pub mod report;
pub mod rules;
pub mod setting;
pub mod shutdown;
pub mod spool;
pub mod statistics;
pub mod stitch;
pub mod telemetry;
pub mod tls;
pub mod turn;
pub mod verdict;

/// The names of attributes that are read by their whole name: the vocabularies of all dialects. The decoder gives each a number. It is told
/// them here, at compile time, so that `otlp` does not know the dialects.
const ATTRIBUTE_NAMES: &[&str] = normalise::ATTRIBUTE_NAMES;
