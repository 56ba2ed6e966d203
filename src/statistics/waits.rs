//! The median of durations, in constant memory.

use super::Statistic;
use super::grouped::{Grouped, group, groups};

/// The upper bound of the first bucket, in seconds.
const FIRST: f64 = 0.001;
/// How much wider each bucket is than the one before: 2 % is finer than anybody reads a wait.
const GROWTH: f64 = 1.02;
/// Up to more than 11 days.
const BUCKETS: usize = 1050;

/// How many durations lie in each of many narrow buckets, for each group of customers.
#[derive(Clone, Debug)]
pub struct WaitHistogram {
    /// `BUCKETS` for each group.
    counts: Vec<f32>,
    cases: u64,
}

impl Default for WaitHistogram {
    fn default() -> Self {
        Self {
            counts: vec![0.0; groups() * BUCKETS],
            cases: 0,
        }
    }
}

impl WaitHistogram {
    /// Takes a duration of a customer.
    pub fn add(&mut self, customer: u64, seconds: f64, weight: f64) {
        let bucket = ((seconds / FIRST).ln() / GROWTH.ln()).ceil();
        let bucket = (bucket.max(0.0) as usize).min(BUCKETS - 1);
        self.counts[group(customer) * BUCKETS + bucket] += weight as f32;
        self.cases += 1;
    }

    /// How many durations it has, each counted once.
    pub fn cases(&self) -> u64 {
        self.cases
    }

    /// The median, with an interval that knows of customers with several waits. `None`: it is empty.
    pub fn median(&self) -> Option<Statistic> {
        let mut all = vec![0.0; BUCKETS];
        for counts in self.counts.chunks(BUCKETS) {
            for (sum, count) in all.iter_mut().zip(counts) {
                *sum += f64::from(*count);
            }
        }
        let total: f64 = all.iter().sum();
        if total <= 0.0 {
            return None;
        }
        let mut upto = 0.0;
        let shares = all.iter().enumerate().map(|(bucket, count)| {
            upto += count;
            (FIRST * GROWTH.powi(bucket as i32), upto / total)
        });
        let shares: Vec<(f64, f64)> = shares.collect();
        let middle = shares.partition_point(|(_, share)| *share < 0.5);
        Some(Statistic::Median {
            cases: self.effective(middle),
            shares,
        })
    }

    /// The effective number of cases of the share up to a bucket.
    fn effective(&self, middle: usize) -> f64 {
        let mut sums = Grouped::<2>::default();
        for (customer, counts) in self.counts.chunks(BUCKETS).enumerate() {
            let sum = |counts: &[f32]| counts.iter().map(|count| f64::from(*count)).sum();
            let [below, all]: [f64; 2] = [sum(&counts[..=middle]), sum(counts)];
            sums.add(customer as u64, [below, all]);
        }
        match sums.counting(self.cases).rate(0, 1) {
            Some(Statistic::Rate { cases, .. }) => cases,
            _ => self.cases as f64,
        }
    }
}
