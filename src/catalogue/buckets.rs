//! The upper bounds of the buckets of derived histograms.

/// Seconds of a conversation: from a tenth of a second to half an hour.
pub(super) const WAIT: &[f64] = &[
    0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
];
/// Seconds of one step: from five milliseconds to two minutes.
pub(super) const STEP: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
];
pub(super) const USD: &[f64] = &[
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Most scores run from 0 to 1, some to 5, 10 or 100.
pub(super) const SCORE: &[f64] = &[
    0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 100.0,
];

pub(super) const RATIO: &[f64] = &[0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0];
pub(super) const LENGTH: &[f64] = &[2.0, 3.0, 4.0, 6.0, 10.0];

/// Only sum and count: an average by many labels for the price of three series.
pub(super) const MEAN: &[f64] = &[];
