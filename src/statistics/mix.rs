//! A difference without the shift of the mix.

use super::Statistic;

/// One kind of case in two populations. A population that has no such case has no figure of it.
#[derive(Clone, Debug)]
pub struct Stratum {
    /// How many cases of this kind the first and the second population have.
    pub cases: [f64; 2],
    /// The figure of both.
    pub figures: [Option<Statistic>; 2],
}

/// A difference, taken apart: the effects of all strata and that of the mix add up to the plain difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardised {
    /// What each stratum adds: its mean share times its difference.
    pub effects: Vec<f64>,
    /// What the other shares of the strata add, at mean figures.
    pub mix: f64,
    /// The sum of the effects, with its interval: the difference at one mix.
    pub difference: Statistic,
}

/// Takes the difference of two populations (first less second) apart. `None`: one is empty.
pub fn standardised(strata: &[Stratum]) -> Option<Standardised> {
    let total = |side: usize| strata.iter().map(|s| s.cases[side]).sum::<f64>();
    let totals = [total(0), total(1)];
    if totals.iter().any(|total| *total <= 0.0) {
        return None;
    }
    let (mut effects, mut mix, mut variance) = (Vec::new(), 0.0, 0.0);
    for stratum in strata {
        let shares = [0, 1].map(|side| stratum.cases[side] / totals[side]);
        let mean_share = (shares[0] + shares[1]) / 2.0;
        let value = |side: usize| stratum.figures[side].as_ref().map(Statistic::value);
        let values = match [value(0), value(1)] {
            [Some(first), Some(second)] => [first, second],
            // What only one side has says nothing of a change: it is all mix.
            [one, other] => [one.or(other).unwrap_or(0.0); 2],
        };
        if let [Some(first), Some(second)] = &stratum.figures {
            variance += mean_share.powi(2) * (first.variance() + second.variance());
        }
        effects.push(mean_share * (values[0] - values[1]));
        mix += (values[0] + values[1]) / 2.0 * (shares[0] - shares[1]);
    }
    let difference = Statistic::Linear {
        value: effects.iter().sum(),
        error: variance.sqrt(),
        freedom: f64::MAX,
    };
    Some(Standardised {
        effects,
        mix,
        difference,
    })
}
