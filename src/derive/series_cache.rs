//! Series cache: all series that facts of one kind with the same labels change, found with one lookup.

use super::series_key::put;
use crate::catalogue::Metric;
use crate::model::cohort::Cohort;
use rapidhash::RapidHashMap as HashMap;

/// The rows met so far. They say where series are, not what they hold: to forget them costs time only.
#[derive(Debug, Default)]
pub(super) struct SeriesCache {
    by_key: HashMap<Vec<u8>, usize>,
    /// The series of each row, in the order in which they are changed: the metric, and the place in it.
    rows: Vec<Vec<Option<(Metric, u32)>>>,
    /// The row at work, and how many of its series were changed.
    at: Option<(usize, usize)>,
    /// The key under construction.
    scratch: Vec<u8>,
}

/// What kind of facts a row is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum RowKind {
    Turn,
    Workflow,
    WorkflowModel,
    Model,
    Totals,
    Handoff,
}

/// More are forgotten at once.
const MAX_CACHED_ROWS: usize = 4096;

/// A series of a row.
pub(super) type CachedStep = Option<(usize, usize)>;

impl SeriesCache {
    /// Begins with the row of a fact. Kind, shape, labels and cohort say which series it changes, and in which order; the shape is
    /// what of that the labels do not say.
    pub(super) fn begin(&mut self, kind: RowKind, shape: u8, labels: &[&str], cohort: &Cohort) {
        self.scratch.clear();
        self.scratch.extend([kind as u8, shape]);
        let cohort = cohort.values().iter().map(|value| &**value);
        for value in labels.iter().copied().chain(cohort) {
            put(&mut self.scratch, value);
        }
        let row = match self.by_key.get(self.scratch.as_slice()) {
            Some(row) => *row,
            None => {
                if self.rows.len() == MAX_CACHED_ROWS {
                    self.forget();
                }
                let row = self.rows.len();
                self.rows.push(Vec::new());
                self.by_key.insert(self.scratch.clone(), row);
                row
            }
        };
        self.at = Some((row, 0));
    }

    /// What comes is in no row, until [`SeriesCache::go_on`] takes up again what was left.
    pub(super) fn leave(&mut self) -> CachedStep {
        self.at.take()
    }

    pub(super) fn go_on(&mut self, row: CachedStep) {
        self.at = row;
    }

    /// The next series of the row at work.
    #[inline]
    pub(super) fn step(&mut self) -> CachedStep {
        let (row, place) = self.at?;
        self.at = Some((row, place + 1));
        Some((row, place))
    }

    /// Where that series is, if it was there before. A step of another metric says nothing: the shape of the row missed something.
    #[inline]
    pub(super) fn place(&self, step: CachedStep, metric: Metric) -> Option<usize> {
        let (row, place) = step?;
        let (known, place) = (*self.rows.get(row)?.get(place)?)?;
        (known == metric).then_some(place as usize)
    }

    /// Says where it is.
    pub(super) fn is_at(&mut self, step: CachedStep, metric: Metric, place: usize) {
        if let Some((row, step)) = step
            && let Some(row) = self.rows.get_mut(row)
        {
            if row.len() <= step {
                row.resize(step + 1, None);
            }
            row[step] = u32::try_from(place).ok().map(|place| (metric, place));
        }
    }

    /// Series have gone, and the places of others are not what they were.
    pub(super) fn forget(&mut self) {
        self.by_key.clear();
        self.rows.clear();
        self.at = None;
    }
}
