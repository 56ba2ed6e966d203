//! The state of all partitions, given to another number of them while nothing else runs.
//!
//! The old partitions are brought to the end of the log, and what they sent to each other is applied until nothing is under way.
//! Then every session, trace and user goes to the partition that its key hashes to now, and every series to one by its name and
//! labels: they are added up over all partitions, so it does not matter which. Whoever has the log makes the new states take the
//! place of the old ones, at once.

use super::recover::{Recovered, recover};
use super::{FactPlace, FactSinks, Partition, Settings, addressed};
use crate::log::{Log, LogError, Position, Snapshots};
use crate::model::ids::PartitionKey;
use crate::model::record::{Frame, Origin};
use crate::model::time::Timestamp;
use crate::proto::Invalid;
use crate::proto::v1::{self, snapshot_part::Part};
use crate::stitch::Output;
use prost::Message;
use rapidhash::v3::rapidhash_v3;
use std::collections::VecDeque;

/// The same state in another number of partitions.
#[derive(Debug)]
pub struct Repartitioned {
    pub partitions: Vec<Partition>,
    /// Their position: greater than any that the log knows.
    pub position: Position,
    /// What was found of the old ones.
    pub recovered: Recovered,
}

/// Gives the state of all partitions to another number of them; `old` and `new` are the settings before and after. The log is what
/// it was. The sinks are told what is found out on the way: the new states do not find it out again, so they must not take the place of the old ones
/// before it is durable.
///
/// # Errors
/// When the state cannot be read.
pub fn repartition(
    parts: (&dyn Log, &dyn Snapshots),
    (old, new): (&Settings, &Settings),
    sinks: &FactSinks,
) -> Result<Repartitioned, LogError> {
    let mut partitions = Vec::with_capacity(old.partitions);
    let mut sends = VecDeque::new();
    let mut recovered = Recovered::default();
    for index in 0..old.partitions {
        let one = recover(old, parts, index, sinks)?;
        recovered += one.recovered;
        sends.extend(one.sends);
        partitions.push(one.partition);
    }
    // One more than anything that the old files know, so that no name is used twice.
    let position = settle(&mut partitions, sends, recovered.position, sinks) + 1;
    let partitions = distribute(partitions, new, position);
    Ok(Repartitioned {
        partitions: partitions.map_err(|what| LogError::Invalid(what.0))?,
        position,
        recovered,
    })
}

/// Applies what the partitions sent to each other, and what that makes them send, until nothing is under way. Returns the last
/// position.
fn settle(
    partitions: &mut [Partition],
    mut waiting: VecDeque<Frame>,
    mut position: Position,
    sinks: &FactSinks,
) -> Position {
    let count = partitions.len();
    // As late as what is in the log, and no later: the time in which no process ran is told to the new partitions.
    let arrival = log_time(partitions);
    while let Some(frame) = waiting.pop_front() {
        position += 1;
        let frame = Frame { arrival, ..frame };
        for (index, delivery) in frame.deliveries(position) {
            let Output { facts, sends } = partitions[index].apply(delivery);
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
                waiting.push_back(Frame::of(addressed(sends, count), arrival, Some(origin)));
            }
        }
    }
    position
}

/// The same state in other partitions. An old partition is gone before the next one is looked at.
fn distribute(
    old: Vec<Partition>,
    settings: &Settings,
    position: Position,
) -> Result<Vec<Partition>, Invalid> {
    let head = head(&old, position);
    let mut partitions = Vec::with_capacity(settings.partitions);
    for _ in 0..settings.partitions {
        let mut partition = Partition::new(settings);
        give(&mut partition, Part::Head(head))?;
        partitions.push(partition);
    }
    for partition in old {
        for part in partition.save(0) {
            match part.part {
                Some(Part::Slots(list)) => {
                    for slot in list.slots {
                        let key: PartitionKey =
                            slot.key.clone().ok_or(Invalid("key"))?.try_into()?;
                        let slots = v1::Slots { slots: vec![slot] };
                        give(
                            &mut partitions[key.partition(settings.partitions)],
                            Part::Slots(slots),
                        )?;
                    }
                }
                Some(Part::Series(list)) => {
                    for series in list.series {
                        let place = place(&series, settings.partitions);
                        let series = v1::SeriesList {
                            series: vec![series],
                        };
                        give(&mut partitions[place], Part::Series(series))?;
                    }
                }
                Some(Part::Head(_) | Part::End(_)) | None => {}
            }
        }
    }
    Ok(partitions)
}

fn log_time(partitions: &[Partition]) -> Timestamp {
    let times = partitions.iter().map(Partition::log_time);
    times.max().unwrap_or_default()
}

/// What all new partitions begin with. A series that was exposed with its value stays so: they are at the latest time of the old
/// ones, and hold series since a restart only where all old ones did, and none that one of them did not.
fn head(old: &[Partition], position: Position) -> v1::SnapshotHead {
    let heads = old
        .iter()
        .filter_map(|partition| match partition.save(0).next()?.part {
            Some(Part::Head(head)) => Some(head),
            _ => None,
        });
    let same = |one: v1::SnapshotHead, next: v1::SnapshotHead| {
        let is_same = one.held_since == next.held_since;
        v1::SnapshotHead {
            held_from: one.held_from.max(next.held_from),
            held_since: if is_same { one.held_since } else { 0 },
            ..one
        }
    };
    let held = heads.reduce(same).unwrap_or_default();
    v1::SnapshotHead {
        partition: 0,
        position,
        log_time: log_time(old).0,
        ..held
    }
}

fn give(partition: &mut Partition, part: Part) -> Result<(), Invalid> {
    partition.restore(v1::SnapshotPart { part: Some(part) })?;
    Ok(())
}

/// The partition of a series: the same for all that have its name and labels, so that they become one.
fn place(series: &v1::Series, partitions: usize) -> usize {
    let identity = v1::Series {
        metric: series.metric.clone(),
        labels: series.labels.clone(),
        ..v1::Series::default()
    };
    (rapidhash_v3(&identity.encode_to_vec()) % partitions as u64) as usize
}
