//! Pure. How sure a figure and a comparison are: intervals, verdicts, and the shift of a mix shown apart.
//!
//! Every figure is a [`Statistic`]: a value, and an interval at any level. All comparisons are made of two of them in one way ([`Difference`]), so a new kind of
//! figure needs an interval only.
//!
//! | File | Content | Source |
//! |---|---|---|
//! | `quantile.rs` | quantiles of the normal and of Student's distribution | crate `statrs` |
//! | `statistic.rs` | a figure with its interval: rate, mean, ratio, total, median | Wilson 1927, JASA 22; Brown, Cai, DasGupta 2001, Stat. Sci. 16 |
//! | `grouped.rs` | sums of cases by group of customers, so that cases of one customer are no independent evidence, in constant memory | random groups and linearisation: Wolter 2007, ch. 2 and 6; effective number of cases: Korn, Graubard 1998, Surv. Meth. 24 |
//! | `difference.rs` | the difference of two figures, its p-value, the cases that it takes to tell | Newcombe 1998, Stat. Med. 17, method 10; Zou, Donner 2008, Stat. Med. 27 |
//! | `assess.rs` | better, worse, cannot tell; many rows | Holm 1979, Scand. J. Stat. 6 |
//! | `mix.rs` | a difference without the shift of the mix, and the shift | Kitagawa 1955, JASA 50 |
//! | `waits.rs` | the median of durations, from a histogram of each group | interval of the distribution function: Woodruff 1952, JASA 47 |

mod assess;
mod difference;
mod grouped;
mod mix;
mod quantile;
mod statistic;
mod waits;

#[cfg(test)]
mod tests;

pub use assess::{Assessment, Merit, TargetResult, assess, holm, target};
pub use difference::Difference;
pub use grouped::Grouped;
pub use mix::{Stratum, standardised};
pub use statistic::Statistic;
pub use waits::WaitHistogram;

/// The share of unchanged figures whose verdict may be wrong, and of intervals that may miss.
pub const ALPHA: f64 = 0.05;
