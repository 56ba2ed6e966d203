//! Metrics as OTLP, to destinations whose `send` has `derived`.
//!
//! ```text
//! Feed ─► all series with their totals ─► minus what the destination has (Checkpoint) ─► batches ─► OtlpClient
//!                                              ▲                                            │ acknowledged
//!                                              └────────────────────────────────────────────┘
//! ```
//!
//! It does not use the queues of the other protocols, because what is sent rests on what was acknowledged. The spool is not used either: it holds
//! requests as they were received, for as long as a destination is away, while here one checkpoint is enough for any time.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | the section `derived` |
//! | `exporter.rs` | the loop of one destination |
//! | `sender.rs` | sends the batches of a push until each is settled |
//! | `encode.rs` | metric families as OTLP metrics with cumulative temporality |
//! | `data_point.rs` | what the kinds of data points have in common |
//! | `checkpoint.rs` | what a destination has: all series with their totals |
//! | `changes.rs` | what is sent: from what a destination has and what there is |
//! | `batches.rs` | requests of a size that receivers take |
//! | `store.rs` | checkpoints on disk |

mod batches;
mod changes;
mod checkpoint;
mod data_point;
mod encode;
mod exporter;
mod sender;
mod settings;
mod store;

#[cfg(test)]
mod tests;

pub use changes::Temporality;
pub use encode::HistogramAggregation;
pub use exporter::{OtlpPushExporter, OtlpPushTarget};
pub use settings::OtlpPushSettings;
