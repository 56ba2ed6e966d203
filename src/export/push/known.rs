//! Which series a receiver knows.
//!
//! `increase()` does not see the first value of a series that was not there before. Therefore a series is pushed as 0 until the receiver has
//! acknowledged a point of it, however many pushes and processes that takes. What it has acknowledged is noted before the first value is pushed:
//! a process that ends in between pushes 0 once more, which changes nothing.

use super::points::{SeriesBirth, SeriesHash};
use crate::log::LogError;
use crate::log::disk::files::Files;
use crate::log::disk::messages;
use crate::model::metric::{Family, Point};
use crate::model::time::Timestamp;
use crate::proto::v1;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tracing::warn;

/// The series that a receiver knows, each with the time at which it began to count.
type SeriesStarts = HashMap<SeriesHash, Timestamp>;

/// The series that one receiver knows.
pub(super) struct KnownSeries {
    store: KnownStore,
    /// What began to count before the first process that pushes to the receiver is not news there.
    since: Timestamp,
    /// `None`: nothing was read yet.
    starts: Option<SeriesStarts>,
}

impl KnownSeries {
    pub(super) fn new(store: KnownStore, since: Timestamp) -> Self {
        Self {
            store,
            since,
            starts: None,
        }
    }

    /// Makes 0 of every point whose series the receiver does not know, and returns these series. `hashes`: those of all series. `acknowledged`: what it knows since the last call.
    pub(super) fn hold(
        &mut self,
        families: &mut [Family],
        hashes: &[SeriesHash],
        acknowledged: Vec<SeriesBirth>,
    ) -> SeriesStarts {
        let is_first = self.starts.is_none();
        let known = self.starts.take();
        let mut known = known.unwrap_or_else(|| self.recall(families, hashes));
        let is_news = !acknowledged.is_empty();
        let acknowledged = acknowledged.into_iter();
        known.extend(acknowledged.map(|birth| (birth.series, birth.start)));
        let mut births = SeriesStarts::new();
        let present: HashSet<&SeriesHash> = hashes.iter().collect();
        let all = families.iter_mut().flat_map(|family| &mut family.series);
        for (series, hash) in all.zip(hashes) {
            let counts = !matches!(series.point, Point::Gauge(_));
            // A later start is that of another series of the same name: the one before has ended.
            let is_known = known.get(hash).is_some_and(|known| *known >= series.start);
            if counts && !is_known {
                series.point = series.point.zero();
                births.insert(*hash, series.start);
            }
        }
        known.retain(|hash, _| present.contains(hash));
        if is_first || is_news {
            self.store.note(&known);
        }
        self.starts = Some(known);
        births
    }

    /// What the receiver knows at the start of a process.
    fn recall(&self, families: &[Family], hashes: &[SeriesHash]) -> SeriesStarts {
        let since = match self.store.load() {
            Ok(Some(known)) => return known,
            Ok(None) => self.since,
            Err(error) => {
                let exporter = &*self.store.exporter;
                warn!(exporter, %error, "which series the receiver knows cannot be read: the first values of new ones may be missing there");
                Timestamp(u64::MAX)
            }
        };
        let starts = families.iter().flat_map(|family| &family.series);
        let starts = starts.map(|series| series.start);
        let series = hashes.iter().copied().zip(starts);
        series.filter(|(_, start)| *start < since).collect()
    }
}

/// Where is kept what one receiver knows.
pub(super) struct KnownStore {
    /// `None`: the state ends with the process, and this does too.
    pub(super) files: Option<Arc<dyn Files>>,
    /// The key of the exporter.
    pub(super) exporter: String,
    /// Whose knowledge it is.
    pub(super) destination: String,
}

impl KnownStore {
    /// What the process before noted; `None`: nothing, or of another receiver.
    fn load(&self) -> Result<Option<SeriesStarts>, LogError> {
        let Some(files) = &self.files else {
            return Ok(None);
        };
        let names = files.list();
        let names = names.map_err(|error| LogError::Io(files.place(), error))?;
        if !names.contains(&self.name()) {
            return Ok(None);
        }
        let Some(stored) = messages::read::<v1::PushKnownSeries>(&**files, &self.name())? else {
            return Err(LogError::Invalid("a damaged list of pushed series"));
        };
        if stored.destination != self.destination {
            return Ok(None);
        }
        let series = stored.series.into_iter().map(SeriesHash);
        let starts = stored.starts.into_iter().map(Timestamp);
        Ok(Some(series.zip(starts).collect()))
    }

    fn note(&self, known: &SeriesStarts) {
        let Some(files) = &self.files else {
            return;
        };
        let stored = v1::PushKnownSeries {
            destination: self.destination.clone(),
            series: known.keys().map(|hash| hash.0).collect(),
            starts: known.values().map(|start| start.0).collect(),
        };
        if let Err(error) = messages::replace(&**files, &self.name(), stored) {
            let exporter = &*self.exporter;
            warn!(exporter, %error, "which series the receiver knows cannot be noted: after a restart, new ones may count twice there");
        }
    }

    fn name(&self) -> String {
        format!("{}.known", self.exporter.replace('/', "."))
    }
}
