//! What happened: under one seed, and under all of them.

use crate::simulation::figures::Figures;
use crate::simulation::rows::Rows;

/// What happened under one seed.
#[derive(Debug)]
pub struct Told {
    pub figures: Figures,
    /// Every workflow that was closed, by what the log tells.
    /// They are not told where the number of partitions changed: a log of two numbers is no fold any more.
    pub rows: Option<Rows>,
    pub waves: Vec<usize>,
    pub(super) crashes: u64,
    pub(super) faults: u64,
    pub(super) refused: u64,
    pub(super) short: u64,
    pub(super) snapshots: u64,
    pub(super) fallbacks: u64,
    pub(super) damages: u64,
    pub(super) changes: u64,
    /// Seconds without a process.
    pub(super) missed: u64,
}

/// What happened under all seeds.
#[derive(Debug, Default)]
pub struct Story {
    crashes: u64,
    faults: u64,
    refused: u64,
    short: u64,
    snapshots: u64,
    fallbacks: u64,
    damages: u64,
    changes: u64,
    missed: u64,
}

impl Story {
    pub fn add(&mut self, told: &Told) {
        self.crashes += told.crashes;
        self.faults += told.faults;
        self.refused += told.refused;
        self.short += told.short;
        self.snapshots += told.snapshots;
        self.fallbacks += told.fallbacks;
        self.damages += told.damages;
        self.changes += told.changes;
        self.missed += told.missed;
    }

    pub fn is_eventful(&self) -> bool {
        let all = [self.crashes, self.faults, self.refused, self.snapshots];
        let all = all
            .into_iter()
            .chain([self.fallbacks, self.damages])
            .chain([self.short, self.changes, self.missed]);
        all.collect::<Vec<_>>().iter().all(|n| *n > 0)
    }
}
