//! A figure with its interval.

use super::quantile::{normal, student};

/// A figure, and what its interval at any level is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Statistic {
    /// A share. Its interval is Wilson's, of an effective number of cases: with `z` the quantile, `p` the share and `n` the cases,
    /// `(p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)`.
    Rate { share: f64, cases: f64 },
    /// A mean or a total: `value ± t · error`.
    Linear {
        value: f64,
        error: f64,
        freedom: f64,
    },
    /// A ratio of two sums above 0, whose logarithm is nearer to normal: `value · exp(± t · error)`.
    Ratio {
        value: f64,
        log_error: f64,
        freedom: f64,
    },
    /// The median of a distribution, as pairs of a value and the share up to it. Its interval has the values whose shares are Wilson's interval of one half.
    Median { shares: Vec<(f64, f64)>, cases: f64 },
}

impl Statistic {
    /// The figure itself.
    pub fn value(&self) -> f64 {
        match self {
            Self::Rate { share, .. } => *share,
            Self::Linear { value, .. } | Self::Ratio { value, .. } => *value,
            Self::Median { shares, .. } => inverse(shares, 0.5),
        }
    }

    /// The interval that misses with the probability `alpha`.
    pub fn interval(&self, alpha: f64) -> (f64, f64) {
        match self {
            Self::Rate { share, cases } => wilson(*share, *cases, alpha),
            Self::Linear {
                value,
                error,
                freedom,
            } => {
                let reach = student(alpha, *freedom) * error;
                (value - reach, value + reach)
            }
            Self::Ratio {
                value,
                log_error,
                freedom,
            } => {
                let reach = (student(alpha, *freedom) * log_error).exp();
                (value / reach, value * reach)
            }
            Self::Median { shares, cases } => {
                let (low, high) = wilson(0.5, *cases, alpha);
                (inverse(shares, low), inverse(shares, high))
            }
        }
    }

    /// The square of the standard error: that of the interval at one standard error.
    pub fn variance(&self) -> f64 {
        match self {
            Self::Rate { share, cases } => share * (1.0 - share) / cases,
            Self::Linear { error, .. } => error * error,
            Self::Ratio {
                value, log_error, ..
            } => (value * log_error).powi(2),
            Self::Median { .. } => {
                let (low, high) = self.interval(super::ALPHA);
                ((high - low) / 2.0 / normal(super::ALPHA)).powi(2)
            }
        }
    }
}

fn wilson(share: f64, cases: f64, alpha: f64) -> (f64, f64) {
    let square = normal(alpha).powi(2);
    let whole = 1.0 + square / cases;
    let middle = (share + square / (2.0 * cases)) / whole;
    let inner = share * (1.0 - share) / cases + square / (4.0 * cases * cases);
    let reach = (square * inner).sqrt() / whole;
    ((middle - reach).max(0.0), (middle + reach).min(1.0))
}

/// The value up to which a share of a distribution lies, between its points by a straight line.
fn inverse(shares: &[(f64, f64)], share: f64) -> f64 {
    let after = shares.partition_point(|(_, upto)| *upto < share);
    let Some(&(value, upto)) = shares.get(after).or(shares.last()) else {
        return 0.0;
    };
    let (below, from) = match after.checked_sub(1) {
        Some(before) => shares[before],
        None => (value, 0.0),
    };
    match upto - from {
        step if step > 0.0 => below + (value - below) * ((share - from) / step).clamp(0.0, 1.0),
        _ => value,
    }
}
