//! Checkpoints on disk, next to the state.
//!
//! ```text
//! before a request is sent     NAME.pending        what the destination has when all of it is accepted
//! after all of it is accepted  NAME.acknowledged   the same file, renamed
//! after some of it is refused  NAME.acknowledged   a new file, with what is accepted
//! ```
//!
//! After a crash in between, the next process makes the same request from both files, to the byte, and sends it again. A destination that has
//! it already sees the same points at the same times.

use super::checkpoint::Checkpoint;
use crate::log::LogError;
use crate::log::disk::files::Files;
use crate::log::disk::messages;
use crate::model::time::Timestamp;
use crate::proto::v1;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use prost::Message;
use std::sync::Arc;

/// Where the checkpoints of one destination are kept.
pub(super) struct CheckpointStore {
    /// `None`: the state ends with the process, and the checkpoints do too.
    pub(super) files: Option<Arc<dyn Files>>,
    /// The key of the exporter.
    pub(super) exporter: String,
    /// Of the checkpoints that count.
    pub(super) destination: String,
}

/// What the process before left.
#[derive(Debug, Default)]
pub(super) struct LeftCheckpoints {
    pub(super) acknowledged: Option<Checkpoint>,
    /// Sent, perhaps, after that.
    pub(super) pending: Option<Checkpoint>,
}

impl CheckpointStore {
    /// What the process before left; nothing where it was of another destination.
    ///
    /// # Errors
    /// When a file is damaged or cannot be read.
    pub(super) fn load(&self) -> Result<LeftCheckpoints, LogError> {
        let Some(files) = &self.files else {
            return Ok(LeftCheckpoints::default());
        };
        let names = files.list();
        let names = names.map_err(|error| LogError::Io(files.place(), error))?;
        let read = |name: String| match names.contains(&name) {
            true => self.read(&**files, &name),
            false => Ok(None),
        };
        let acknowledged = read(self.acknowledged())?;
        let pending = read(self.pending())?;
        // What was settled in part is noted as acknowledged, and stays pending too.
        let since = acknowledged.as_ref().map(|acknowledged| acknowledged.at);
        let pending = pending.filter(|pending| since.is_some_and(|since| pending.at > since));
        Ok(LeftCheckpoints {
            acknowledged,
            pending,
        })
    }

    fn read(&self, files: &dyn Files, name: &str) -> Result<Option<Checkpoint>, LogError> {
        let Some(stored) = messages::read::<v1::PushCheckpoint>(files, name)? else {
            return Err(LogError::Invalid("a damaged checkpoint of pushed metrics"));
        };
        if stored.destination != self.destination {
            return Ok(None);
        }
        let metrics = stored.metrics.iter();
        let metrics: Result<Vec<Metric>, _> =
            metrics.map(|metric| Metric::decode(&**metric)).collect();
        let metrics = metrics.map_err(|_| LogError::Invalid("a metric of a checkpoint"))?;
        let at = Timestamp(stored.time);
        Ok(Some(Checkpoint { at, metrics }))
    }

    /// Notes what the destination will have, before it is sent.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn note_pending(&self, pending: &Checkpoint) -> Result<(), LogError> {
        self.write(&self.pending(), pending)
    }

    /// Notes that the destination has all that was pending.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn acknowledge_pending(&self) -> Result<(), LogError> {
        let Some(files) = &self.files else {
            return Ok(());
        };
        let renamed = files.rename(&self.pending(), &self.acknowledged());
        let renamed = renamed.and_then(|()| files.sync());
        renamed.map_err(|error| LogError::Io(self.pending(), error))
    }

    /// Notes what the destination has, where it is not what was pending.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn note_acknowledged(&self, acknowledged: &Checkpoint) -> Result<(), LogError> {
        self.write(&self.acknowledged(), acknowledged)
    }

    fn write(&self, name: &str, checkpoint: &Checkpoint) -> Result<(), LogError> {
        let Some(files) = &self.files else {
            return Ok(());
        };
        let metrics = checkpoint.metrics.iter();
        let stored = v1::PushCheckpoint {
            destination: self.destination.clone(),
            time: checkpoint.at.0,
            metrics: metrics.map(Message::encode_to_vec).collect(),
        };
        messages::replace(&**files, name, stored)
    }

    fn pending(&self) -> String {
        format!("{}.pending", self.stem())
    }

    fn acknowledged(&self) -> String {
        format!("{}.acknowledged", self.stem())
    }

    fn stem(&self) -> String {
        self.exporter.replace('/', ".")
    }
}
