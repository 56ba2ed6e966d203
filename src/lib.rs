//! Baton turns the spans of multi-agent LLM systems into business metrics.
//!
//! The rooms stand in the order in which a span walks through them:
//!
//! ```text
//! receive ─► normalise ─► engine (log) ─► stitch ─► derive ─► export
//! ```
//!
//! Who may import whom: every room imports `model` and itself; what rests on disk is written in the words of `proto`, what the operator
//! says of outcomes in those of `rules`; only `engine` joins the pure rooms (`normalise`, `stitch`, `derive`) to the log and the clock; only
//! `app` and `cli` join rooms. `tests/house.rs` keeps these arrows.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod derive;
pub mod engine;
pub mod export;
pub mod model;
pub mod normalise;
pub mod proto;
pub mod receive;
pub mod rules;
pub mod shutdown;
pub mod state;
pub mod stitch;
pub mod telemetry;
