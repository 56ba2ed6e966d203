//! Recovery: loads the newest snapshots, then applies the log after them.

use super::{Engine, Partition, Settings, addressed, read, write};
use crate::log::LogError;
use crate::log::disk::journal::Journal;
use crate::log::disk::snapshots::Snapshots;
use crate::model::record::{Frame, Origin};
use crate::proto::v1;
use prost::Message;
use std::collections::VecDeque;
use tracing::{error, warn};

/// What recovery found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Frames of the log that were applied again.
    pub frames: u64,
    /// Records between partitions that were caused again and found in the log: they count once.
    pub known: u64,
    /// Those that were not in the log, and are sent again.
    pub sent: u64,
    /// Snapshots that were damaged.
    pub damaged: u64,
    /// The last position of the log.
    pub position: u64,
    /// Positions that snapshots have seen and the log has lost: what was acknowledged in them is in some partitions only.
    pub lost: u64,
}

/// All partitions at the end of the log.
pub(super) struct Replayed {
    pub(super) partitions: Vec<Partition>,
    /// What they sent to each other and is not in the log, in order.
    pub(super) sends: Vec<Frame>,
    /// Snapshots that were damaged, by partition and position.
    damaged: Vec<(usize, u64)>,
    pub(super) recovered: Recovered,
}

impl Replayed {
    /// The greatest position that is in a state or in the log.
    pub(super) fn end(&self, journal: &Journal) -> u64 {
        let positions = self.partitions.iter().map(Partition::position);
        positions.max().unwrap_or(0).max(journal.next() - 1)
    }
}

/// Reads the newest snapshots, and the log after them.
pub(super) fn replay(
    settings: &Settings,
    (journal, snapshots): (&Journal, &Snapshots),
) -> Result<Replayed, LogError> {
    let mut damaged = Vec::new();
    let mut partitions = Vec::with_capacity(settings.partitions);
    for index in 0..settings.partitions {
        partitions.push(newest(settings, index, snapshots, &mut damaged)?);
    }
    let positions = partitions.iter().map(Partition::position);
    let from = positions.min().map_or(1, |position| position + 1);
    if from < journal.first() {
        return Err(LogError::Missing(from));
    }
    let mut replayed = Replayed {
        partitions,
        sends: Vec::new(),
        damaged,
        recovered: Recovered::default(),
    };
    replayed.sends = apply(&mut replayed, journal, from)?;
    let end = replayed.end(journal);
    let recovered = &mut replayed.recovered;
    recovered.damaged = replayed.damaged.len() as u64;
    recovered.sent = replayed.sends.len() as u64;
    recovered.position = end;
    recovered.lost = end + 1 - journal.next();
    if recovered.lost > 0 {
        error!(
            positions = recovered.lost,
            "the end of the log is lost: its events are in the snapshots of some partitions only"
        );
    }
    Ok(replayed)
}

/// The newest state of a partition that is whole; a new one where there is none.
fn newest(
    settings: &Settings,
    index: usize,
    snapshots: &Snapshots,
    damaged: &mut Vec<(usize, u64)>,
) -> Result<Partition, LogError> {
    for position in snapshots.of(index).into_iter().rev() {
        let mut partition = Partition::new(settings);
        let mut whole = false;
        let read = snapshots.read(index, position, |part| {
            whole = partition
                .restore(part)
                .map_err(|what| LogError::Invalid(what.0))?;
            Ok(())
        });
        match read {
            Ok(true) if whole => {
                for metric in partition.started_anew() {
                    warn!(
                        partition = index,
                        metric,
                        "the buckets of a histogram differ from those in the snapshot: the histogram starts again at 0"
                    );
                }
                return Ok(partition);
            }
            Ok(_) | Err(LogError::Invalid(_)) => {
                warn!(
                    partition = index,
                    position, "a snapshot is damaged: using the snapshot before it"
                );
                snapshots.forget(index, position);
                damaged.push((index, position));
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(Partition::new(settings))
}

/// Applies the log; returns what was sent and is not in it.
fn apply(replayed: &mut Replayed, journal: &Journal, from: u64) -> Result<Vec<Frame>, LogError> {
    let Replayed {
        partitions,
        recovered,
        ..
    } = replayed;
    let count = partitions.len();
    // By the partition that sent them, in order, until they are met in the log.
    let mut sent: Vec<VecDeque<(u64, Frame)>> = vec![VecDeque::new(); count];
    journal.replay(from, |position, payload| {
        let stored = v1::Frame::decode(payload).map_err(|_| LogError::Invalid("frame"))?;
        let frame = Frame::try_from(stored).map_err(|what| LogError::Invalid(what.0))?;
        recovered.frames += 1;
        if let Some(origin) = frame.origin {
            let sent = sent.get_mut(origin.partition);
            let sent = sent.ok_or(LogError::Invalid("partition"))?;
            while sent.front().is_some_and(|(at, _)| *at <= origin.position) {
                sent.pop_front();
                recovered.known += 1;
            }
        }
        let arrival = frame.arrival;
        for (index, delivery) in frame.deliveries(position) {
            let partition = partitions.get_mut(index);
            let partition = partition.ok_or(LogError::Invalid("partition"))?;
            let sends = partition.apply(delivery).sends;
            if !sends.is_empty() {
                let origin = Origin {
                    partition: index,
                    position,
                };
                let frame = Frame::of(addressed(sends, count), arrival, Some(origin));
                sent[index].push_back((position, frame));
            }
        }
        Ok(())
    })?;
    let mut sends: Vec<_> = sent.into_iter().flatten().collect();
    sends.sort_by_key(|(position, _)| *position);
    Ok(sends.into_iter().map(|(_, frame)| frame).collect())
}

impl Engine {
    /// Brings all partitions to the end of the log. Call it before anything is offered.
    ///
    /// # Errors
    /// When the state before a crash cannot be had again.
    pub fn recover(
        &self,
        journal: &mut Journal,
        snapshots: &Snapshots,
    ) -> Result<Recovered, LogError> {
        let replayed = replay(&self.settings, (journal, snapshots))?;
        let recovered = replayed.recovered;
        let slots = self.partitions.iter().enumerate();
        for ((index, slot), partition) in slots.zip(replayed.partitions) {
            self.memory.set(index, partition.weight());
            *write(&slot.partition) = partition;
        }
        if recovered.lost > 0 {
            self.go_on_after(recovered.position, journal, snapshots)?;
        }
        // Nothing enters the log with an earlier time than what is in it, wherever the wall clock of this process stands.
        for slot in &self.partitions {
            self.clock.advance_to(read(&slot.partition).log_time());
        }
        let restart = Frame::restart(self.partitions.len(), self.clock.now());
        self.log.forward(restart);
        for frame in replayed.sends {
            // As late as what is in the log: it goes on behind it.
            let arrival = self.clock.now();
            self.log.forward(Frame { arrival, ..frame });
        }
        // Not sooner: where recovery fails, another Baton may read what this one cannot.
        self.metrics.damaged_snapshots.increment(recovered.damaged);
        for (index, position) in replayed.damaged {
            snapshots.remove(index, position)?;
        }
        Ok(recovered)
    }

    /// Positions are never used twice: keeps all states at the greatest one, and begins the log anew after it.
    fn go_on_after(
        &self,
        position: u64,
        journal: &mut Journal,
        snapshots: &Snapshots,
    ) -> Result<(), LogError> {
        for (index, slot) in self.partitions.iter().enumerate() {
            let mut partition = write(&slot.partition);
            partition.skip_to(position);
            snapshots.write(index, position, partition.save(index))?;
        }
        journal.restart(position + 1)
    }
}
