//! Constants of how values are kept and merged.

/// Sums are kept in billionths: nano-dollars, nanoseconds. Whole numbers add up in any order.
pub(super) const NANO: f64 = 1e9;
/// Neighbouring buckets that share one exemplar, the latest: one for each bucket would take four times the room of the counts.
pub(super) const BUCKETS_PER_EXEMPLAR: usize = 4;
