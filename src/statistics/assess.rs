//! Verdicts.

use super::{ALPHA, Difference, Statistic};

/// Fewer cases than these give no verdict.
const MIN_CASES: u64 = 20;

/// Which way a figure should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merit {
    /// More is better.
    Up,
    /// Less is better.
    Down,
}

/// What can be said of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assessment {
    Better,
    Worse,
    /// It may be chance. So many cases in each period would tell a change of this size; `None`: no number would, or more than a billion.
    CannotTell {
        needed: Option<u64>,
    },
}

/// Holm's adjusted p-values: below `alpha` are those whose change may be told, with at most `alpha` for one false verdict among all.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut least: f64 = 0.0;
    for (place, index) in order.into_iter().enumerate() {
        let times = (p_values.len() - place) as f64;
        least = least.max((p_values[index] * times).min(1.0));
        adjusted[index] = least;
    }
    adjusted
}

/// The verdict of a change, with its p-value adjusted for the rows beside it, of figures of so many cases.
pub fn assess(change: &Difference, adjusted: f64, merit: Merit, cases: [u64; 2]) -> Assessment {
    let [now, before] = cases;
    if adjusted > ALPHA || now.min(before) < MIN_CASES {
        let times = change.times_needed();
        // It is a matter of more cases than there are: those of today and of the rule for many rows do not decide it.
        let times = times.map(|times| times.max(1.0));
        let needed = times.map(|times| (times * now.max(before).max(MIN_CASES) as f64).ceil());
        return Assessment::CannotTell {
            needed: needed.map(|cases| cases as u64),
        };
    }
    match (change.value() > 0.0) == (merit == Merit::Up) {
        true => Assessment::Better,
        false => Assessment::Worse,
    }
}

/// Whether a figure meets its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetResult {
    Met,
    Missed,
    /// The target lies within the interval.
    CannotTell,
}

/// Whether a figure is surely on the right side of its target.
pub fn target(figure: &Statistic, target: f64, merit: Merit) -> TargetResult {
    let (low, high) = figure.interval(ALPHA);
    let (above, below) = (low >= target, high <= target);
    match (merit, above, below) {
        (Merit::Up, true, _) | (Merit::Down, _, true) => TargetResult::Met,
        (Merit::Up, _, true) | (Merit::Down, true, _) => TargetResult::Missed,
        _ => TargetResult::CannotTell,
    }
}
