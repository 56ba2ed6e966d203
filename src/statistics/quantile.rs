//! Quantiles of distributions.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// How many standard errors a two-sided interval reaches that misses with the probability `alpha`.
pub(super) fn normal(alpha: f64) -> f64 {
    Normal::standard().inverse_cdf(1.0 - alpha.clamp(1e-15, 1.0) / 2.0)
}

/// The probability of a value at least so many standard errors away, on both sides.
pub(super) fn normal_tails(errors: f64) -> f64 {
    2.0 * Normal::standard().sf(errors.abs())
}

/// With more degrees of freedom than these, Student's distribution is the normal one to seven digits.
const MAX_FREEDOM: f64 = 1e7;

/// As [`normal`], for an error that is estimated with so many degrees of freedom.
pub(super) fn student(alpha: f64, freedom: f64) -> f64 {
    let upper = 1.0 - alpha.clamp(1e-15, 1.0) / 2.0;
    match StudentsT::new(0.0, 1.0, freedom.max(1.0)) {
        Ok(distribution) if freedom < MAX_FREEDOM => distribution.inverse_cdf(upper),
        _ => normal(alpha),
    }
}
