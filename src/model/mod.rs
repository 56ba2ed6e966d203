//! The words every room speaks: ids, time, spans as received, events, facts, metric families. Plain data.

pub mod cohort;
pub mod event;
pub mod fact;
pub mod ids;
pub mod key;
pub mod memo;
pub mod metric;
pub mod money;
pub mod otlp;
pub mod price;
pub mod record;
pub mod reject;
pub mod sampling;
pub mod sketch;
pub mod time;

use std::sync::Arc;

/// A short name (agent, tool, model …), cheap to clone.
pub type Name = Arc<str>;
