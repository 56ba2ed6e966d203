//! The words every room speaks: ids, time, spans as received, events, facts, metric families. Plain data.

pub mod cohort;
pub mod event;
pub mod fact;
pub mod ids;
pub mod key;
pub mod memo;
pub mod metric;
pub mod money;
mod names;
pub mod otlp;
pub mod parts;
pub mod price;
pub mod record;
pub mod reject;
pub mod sampling;
pub mod sketch;
pub mod time;

/// A short name (agent, tool, model …), cheap to clone and one word wide: of events there are many, and each has many names.
pub type Name = arcstr::ArcStr;

/// A list that is mostly empty, and then one word wide.
pub type List<T> = thin_vec::ThinVec<T>;
#[cfg(test)]
pub use thin_vec::thin_vec as list;
