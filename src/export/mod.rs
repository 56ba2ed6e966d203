//! Metric output: to Prometheus by scrape, and as text, JSON or tables for people and scripts.
//!
//! | File | Content |
//! |---|---|
//! | `server.rs` | the HTTP server of `/metrics`, `/healthz`, `/readyz` and `/sessions/ID` |
//! | `prometheus.rs` | Prometheus text 0.0.4 and OpenMetrics 1.0 |
//! | `internal.rs` | Baton's own metrics in OpenMetrics format |
//! | `json.rs` | metric families as JSON |
//! | `table.rs` | metric families as tables |
//! | `summary.rs` | the figures for executives; unknown figures are `None`, never 0 |
//! | `story.rs` | the story of one session: a paragraph per turn and per workflow |
//! | `sentence.rs` | one fact as a sentence |

mod filter;
mod internal;
pub mod json;
mod people;
pub mod prometheus;
pub mod protobuf;
mod sentence;
pub mod server;
pub mod session;
pub mod sessions;
pub mod story;
mod story_json;
pub mod summary;
pub mod table;

pub use filter::Filter;
pub use story_json::write as story_json;

#[cfg(test)]
mod tests;
