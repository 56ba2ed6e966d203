//! Exporters that push: at each interval they read all metrics, and send them as points of one time.
//!
//! ```text
//! Feed ─► PushExporter (one set of points for each interval) ─► one queue for each shard ─► PushProtocol ─► receiver
//! ```
//!
//! A series always has the same shard, and a shard has one request in flight, so that the points of a series arrive in their order. While the
//! receiver does not answer, requests wait in the queues; when these are full, the oldest are dropped. At the end, the last figures are sent.
//! A further protocol implements [`PushProtocol`].
//!
//! | File | Content |
//! |---|---|
//! | `exporter.rs` | the loop of one exporter |
//! | `schedule.rs` | when metrics are read, and the times of their points |
//! | `protocol.rs` | the trait of protocols, and what they give and answer |
//! | `points.rs` | one set of points, with the series that have ended since the last one |
//! | `known.rs` | which series a receiver knows: the others are pushed as 0 |
//! | `delivery.rs` | sends what a shard has until each request is settled |
//! | `queue.rs` | the queue of a shard |
//! | `metrics.rs` | what an exporter counts |
//! | `remote_write/` | the protocol of Prometheus |
//! | `otlp/` | OTLP, by a loop of its own: what is sent rests on what was acknowledged |

mod delivery;
mod exporter;
mod known;
mod metrics;
pub mod otlp;
mod points;
mod protocol;
mod queue;
pub mod remote_write;
mod schedule;

#[cfg(test)]
mod tests;

pub use exporter::{PushExporter, PushSettings};
pub use points::{PointSet, SeriesBirth, SeriesHash};
pub use protocol::{PushAnswer, PushBatch, PushProtocol};
