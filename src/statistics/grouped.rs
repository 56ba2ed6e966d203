//! Sums of cases by group.
//!
//! What one customer does is one piece of evidence, however many cases it is. Keeping the sums of each customer would take memory without bound. So customers
//! are dealt into a fixed number of random groups by a hash, and the spread between groups says how sure a figure is (the method of random groups).
//! Groups are independent because customers are, and a sum over a group is linearised like one over a customer.

use super::quantile::{normal, student};
use super::{ALPHA, Statistic};

/// Number of groups. The relative error of an estimated standard error is 1/√(2·511), 3 %.
const GROUPS: usize = 512;

/// Sums of `K` things of all cases, by group.
#[derive(Clone, Debug)]
pub struct Grouped<const K: usize> {
    sums: Vec<[f64; K]>,
    /// Cases, however many each stands for.
    cases: u64,
}

impl<const K: usize> Default for Grouped<K> {
    fn default() -> Self {
        Self {
            sums: vec![[0.0; K]; GROUPS],
            cases: 0,
        }
    }
}

impl<const K: usize> Grouped<K> {
    /// Takes a case of a customer, known by a hash.
    pub fn add(&mut self, customer: u64, amounts: [f64; K]) {
        self.cases += 1;
        let sums = &mut self.sums[group(customer)];
        for (sum, amount) in sums.iter_mut().zip(amounts) {
            *sum += amount;
        }
    }

    /// Adds to one sum of a customer, without another case.
    pub fn add_to(&mut self, customer: u64, sum: usize, amount: f64) {
        self.sums[group(customer)][sum] += amount;
    }

    /// How many cases it has, each counted once.
    pub fn cases(&self) -> u64 {
        self.cases
    }

    /// The sums of all cases.
    pub fn total(&self) -> [f64; K] {
        let mut total = [0.0; K];
        for sums in &self.sums {
            for (all, sum) in total.iter_mut().zip(sums) {
                *all += sum;
            }
        }
        total
    }

    /// The same, of sums that were made of so many cases before.
    pub(super) fn counting(self, cases: u64) -> Self {
        Self { cases, ..self }
    }

    /// The share of one sum in another, both of which count cases. `None`: there are none.
    pub fn rate(&self, hits: usize, of: usize) -> Option<Statistic> {
        let total = self.total();
        let share = total[hits] / total[of];
        if total[of] <= 0.0 {
            return None;
        }
        let (square, groups) = self.residues(|sums| sums[hits] - share * sums[of]);
        let spread = share * (1.0 - share);
        let plain = self.cases as f64;
        // A share of 0 or 1 has no spread between groups: its cases count as they are.
        let effective = match square > 0.0 {
            true => spread * total[of].powi(2) / square,
            false => plain,
        };
        let cases = match effective < plain {
            // Korn and Graubard: the error is estimated from few groups.
            true => effective * (normal(ALPHA) / student(ALPHA, groups - 1.0)).powi(2),
            false => plain,
        };
        Some(Statistic::Rate { share, cases })
    }

    /// The ratio of two sums above 0, by the delta method: the variance of `a/b` is that of the sums of `a − (a/b)·b` over the groups. `None`: one is 0.
    pub fn ratio(&self, above: usize, below: usize) -> Option<Statistic> {
        let total = self.total();
        if total[above] <= 0.0 || total[below] <= 0.0 {
            return None;
        }
        let value = total[above] / total[below];
        let (square, groups) = self.residues(|sums| sums[above] - value * sums[below]);
        Some(Statistic::Ratio {
            value,
            log_error: square.sqrt() / total[above],
            freedom: groups - 1.0,
        })
    }

    /// The mean of something over something else, which may be 0 or below. `None`: it is of nothing.
    pub fn mean(&self, of: usize, over: usize) -> Option<Statistic> {
        let total = self.total();
        if total[over] <= 0.0 {
            return None;
        }
        let value = total[of] / total[over];
        let (square, groups) = self.residues(|sums| sums[of] - value * sums[over]);
        Some(Statistic::Linear {
            value,
            error: square.sqrt() / total[over],
            freedom: groups - 1.0,
        })
    }

    /// A total. How many customers come is part of its chance, so its variance is that of a compound Poisson sum: groups times the variance between them.
    pub fn sum(&self, amount: impl Fn(&[f64; K]) -> f64) -> Statistic {
        let value: f64 = self.sums.iter().map(&amount).sum();
        let mean = value / GROUPS as f64;
        let squares = self.sums.iter().map(|sums| (amount(sums) - mean).powi(2));
        let square = squares.sum::<f64>() * GROUPS as f64 / (GROUPS as f64 - 1.0);
        Statistic::Linear {
            value,
            error: square.sqrt(),
            freedom: GROUPS as f64 - 1.0,
        }
    }

    /// The variance of a sum of residues, and how many groups have cases.
    fn residues(&self, residue: impl Fn(&[f64; K]) -> f64) -> (f64, f64) {
        let full = self
            .sums
            .iter()
            .filter(|sums| sums.iter().any(|x| *x != 0.0));
        let (mut square, mut groups) = (0.0, 0.0);
        for sums in full {
            square += residue(sums).powi(2);
            groups += 1.0;
        }
        let groups = f64::max(groups, 2.0);
        (square * groups / (groups - 1.0), groups)
    }
}

/// The group of a customer.
pub(super) fn group(customer: u64) -> usize {
    (customer % GROUPS as u64) as usize
}

/// How many groups there are.
pub(super) const fn groups() -> usize {
    GROUPS
}
