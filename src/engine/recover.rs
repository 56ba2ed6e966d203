//! Recovery of one partition: loads the newest snapshot, then applies the log after it.

use super::{FactPlace, FactSinks, Partition, Settings, addressed};
use crate::log::{Log, LogError, Next, Position, Replay, Snapshot, Snapshots};
use crate::model::record::{Frame, Origin};
use crate::stitch::Output;
use std::collections::VecDeque;
use std::ops::AddAssign;
use std::time::Duration;
use tracing::{error, warn};

/// What recovery found, of all partitions that it brought to the end of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Deliveries that were applied again.
    pub deliveries: u64,
    /// Messages between partitions that were caused again and found in the log: they count once.
    pub known: u64,
    /// Those that were not in the log, and are sent again.
    pub sent: u64,
    /// Snapshots that were damaged.
    pub damaged: u64,
    /// The greatest position of any partition.
    pub position: Position,
    /// Partitions whose snapshot has seen more than the log has: what was acknowledged there is in some partitions only.
    pub lost: u64,
}

impl AddAssign for Recovered {
    fn add_assign(&mut self, other: Self) {
        self.deliveries += other.deliveries;
        self.known += other.known;
        self.sent += other.sent;
        self.damaged += other.damaged;
        self.position = self.position.max(other.position);
        self.lost += other.lost;
    }
}

/// One partition at the end of the log.
pub(super) struct RecoveredPartition {
    pub(super) partition: Partition,
    pub(super) replay: Box<dyn Replay>,
    /// What it sent and is not in the log, in order.
    pub(super) sends: Vec<Frame>,
    /// Its snapshots that were damaged.
    pub(super) damaged: Vec<Position>,
    pub(super) recovered: Recovered,
}

/// Brings a partition to the end of the log. The sinks are told what is found out on the way, once more.
pub(super) fn recover(
    settings: &Settings,
    (log, snapshots): (&dyn Log, &dyn Snapshots),
    index: usize,
    sinks: &FactSinks,
) -> Result<RecoveredPartition, LogError> {
    let (mut partition, damaged) = newest(settings, index, snapshots)?;
    let mut replay = log.replay(index, partition.position())?;
    let mut recovered = Recovered {
        damaged: damaged.len() as u64,
        ..Recovered::default()
    };
    // In order, until it is known to be in the log.
    let mut sent: VecDeque<(Position, Frame)> = VecDeque::new();
    let end = loop {
        let delivery = match replay.read(Duration::ZERO)? {
            Next::Delivery(delivery) => delivery,
            Next::CaughtUp(end) => break end,
            Next::Nothing => continue,
            Next::End => return Err(LogError::Closed),
        };
        let (position, arrival) = (delivery.position, delivery.arrival);
        recovered.deliveries += 1;
        let Output { facts, sends } = partition.apply(delivery);
        let place = FactPlace {
            partition: index,
            position,
            decided: arrival,
        };
        sinks.take(place, &facts);
        if !sends.is_empty() {
            let origin = Origin {
                partition: index,
                position,
            };
            let sends = addressed(sends, settings.partitions);
            sent.push_back((position, Frame::of(sends, arrival, Some(origin))));
        }
        recovered.known += forget_until(&mut sent, replay.forwarded());
        replay.commit(position);
    };
    recovered.known += forget_until(&mut sent, replay.forwarded());
    recovered.sent = sent.len() as u64;
    recovered.position = end.max(partition.position());
    if partition.position() > end {
        recovered.lost = 1;
        error!(
            partition = index,
            snapshot = partition.position(),
            log = end,
            "the end of the log is lost: its events are in the snapshots of some partitions only"
        );
    }
    Ok(RecoveredPartition {
        partition,
        replay,
        sends: sent.into_iter().map(|(_, frame)| frame).collect(),
        damaged,
        recovered,
    })
}

/// Forgets what was sent up to a position; returns how much that was.
fn forget_until(sent: &mut VecDeque<(Position, Frame)>, position: Position) -> u64 {
    let before = sent.len();
    while sent.front().is_some_and(|(at, _)| *at <= position) {
        sent.pop_front();
    }
    (before - sent.len()) as u64
}

/// The newest state of a partition that is whole, a new one where there is none; and the snapshots that are damaged.
fn newest(
    settings: &Settings,
    index: usize,
    snapshots: &dyn Snapshots,
) -> Result<(Partition, Vec<Position>), LogError> {
    let mut damaged = Vec::new();
    let mut below = Position::MAX;
    while let Some(snapshot) = snapshots.newest(index, below)? {
        let at = snapshot.at;
        if let Some(partition) = restored(settings, snapshot)? {
            for metric in partition.started_anew() {
                warn!(
                    partition = index,
                    metric,
                    "the buckets of a histogram differ from those in the snapshot: the histogram starts again at 0"
                );
            }
            return Ok((partition, damaged));
        }
        warn!(
            partition = index,
            position = at,
            "a snapshot is damaged: using the snapshot before it"
        );
        damaged.push(at);
        below = at;
    }
    Ok((Partition::new(settings), damaged))
}

/// The state in a snapshot; `None`: it is damaged.
fn restored(settings: &Settings, snapshot: Snapshot) -> Result<Option<Partition>, LogError> {
    let mut partition = Partition::new(settings);
    let mut whole = false;
    for part in snapshot.parts {
        let restored = part.and_then(|part| {
            let restored = partition.restore(part);
            restored.map_err(|what| LogError::Invalid(what.0))
        });
        match restored {
            Ok(is_last) => whole = is_last,
            Err(LogError::Corrupt(..) | LogError::Invalid(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(whole.then_some(partition))
}
