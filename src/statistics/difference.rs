//! The difference of two independent figures.

use super::Statistic;
use super::quantile::{normal, normal_tails};

/// Chance to tell a difference that is there: four times of five.
const POWER: f64 = 0.8;
/// More cases than this are no help to anybody.
const MAX_NEEDED: f64 = 1e9;

/// One figure less another.
///
/// With `a` and `b` the figures and `l`, `u` the ends of their intervals, the interval is from `d − √((a−lₐ)² + (u_b−b)²)` to `d + √((uₐ−a)² + (b−l_b)²)`.
/// For two rates with Wilson's intervals this is Newcombe's. The p-value is the level at which the interval begins to exclude 0, so that interval and verdict
/// never disagree.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    now: Statistic,
    before: Statistic,
}

impl Difference {
    pub fn new(now: &Statistic, before: &Statistic) -> Self {
        Self {
            now: now.clone(),
            before: before.clone(),
        }
    }

    pub fn value(&self) -> f64 {
        self.now.value() - self.before.value()
    }

    /// The interval that misses with the probability `alpha`.
    pub fn interval(&self, alpha: f64) -> (f64, f64) {
        let (now, before) = (self.now.value(), self.before.value());
        let (now_low, now_high) = self.now.interval(alpha);
        let (before_low, before_high) = self.before.interval(alpha);
        let difference = now - before;
        (
            difference - (now - now_low).hypot(before_high - before),
            difference + (now_high - now).hypot(before - before_low),
        )
    }

    /// How probable a difference at least as great is where nothing changed.
    pub fn p_value(&self) -> f64 {
        p_value(self.value(), |alpha| self.interval(alpha))
    }

    /// How many times as many cases would tell this difference four times of five. `None`: no number would.
    pub fn times_needed(&self) -> Option<f64> {
        times_needed(self.p_value())
    }
}

/// The level at which an interval begins to exclude 0.
fn p_value(value: f64, interval: impl Fn(f64) -> (f64, f64)) -> f64 {
    let excludes = |alpha: f64| {
        let (low, high) = interval(alpha);
        low > 0.0 || high < 0.0
    };
    if value == 0.0 || !value.is_finite() {
        return 1.0;
    }
    // In standard errors the search is even.
    let (mut near, mut far) = (0.0, 8.0);
    if excludes(normal_tails(far)) {
        return normal_tails(far);
    }
    for _ in 0..32 {
        let middle = (near + far) / 2.0;
        if excludes(normal_tails(middle)) {
            near = middle;
        } else {
            far = middle;
        }
    }
    normal_tails(near)
}

/// Errors shrink with the root of the cases, so a difference of `z` errors needs `((z₀.₉₇₅ + z₀.₈)/z)²` times as many.
fn times_needed(p_value: f64) -> Option<f64> {
    let wanted = normal(super::ALPHA) + normal(2.0 * (1.0 - POWER));
    let errors = normal(p_value.min(1.0));
    let times = (wanted / errors).powi(2);
    (times < MAX_NEEDED).then_some(times)
}
