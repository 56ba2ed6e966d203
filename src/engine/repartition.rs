//! The state of a directory, given to another number of partitions while nothing else runs.
//!
//! The old partitions are brought to the end of the log, and what they sent to each other is applied until nothing is under way.
//! Then every session, trace and user goes to the partition that its key hashes to now, and every series to one by its name and
//! labels: they are added up over all partitions, so it does not matter which. The new states are written beside the old ones
//! and take their place at once ([`layout`]).

use super::recover::{Recovered, Replayed, replay};
use super::{Partition, Settings, addressed};
use crate::log::LogError;
use crate::log::disk::files::Files;
use crate::log::disk::journal::Journal;
use crate::log::disk::layout;
use crate::log::disk::snapshots::Snapshots;
use crate::model::ids::PartitionKey;
use crate::model::record::{Frame, Origin};
use crate::model::time::Timestamp;
use crate::proto::Invalid;
use crate::proto::v1::{self, snapshot_part::Part};
use prost::Message;
use rapidhash::v3::rapidhash_v3;
use std::collections::VecDeque;

/// Changes the number of partitions of a directory; `old` and `new` are the settings before and after. Returns what the
/// directory is now: it must be opened again.
///
/// # Errors
/// When the state cannot be read or written: the directory is what it was.
pub fn repartition(
    files: &dyn Files,
    meta: v1::Meta,
    (old, new): (&Settings, &Settings),
    (journal, snapshots): (&Journal, &Snapshots),
) -> Result<(v1::Meta, Recovered), LogError> {
    let mut replayed = replay(old, (journal, snapshots))?;
    let recovered = replayed.recovered;
    // One more than anything that the old files know, so that no name is used twice.
    let position = settle(&mut replayed, journal) + 1;
    let invalid = |what: Invalid| LogError::Invalid(what.0);
    let partitions = distribute(replayed.partitions, new, position).map_err(invalid)?;
    for (index, partition) in partitions.iter().enumerate() {
        layout::stage(files, index, position, partition.save(index))?;
    }
    let meta = v1::Meta {
        partitions: new.partitions as u32,
        since: position,
        ..meta
    };
    layout::change(files, meta)?;
    Ok((meta, recovered))
}

/// Applies what the partitions sent to each other, and what that makes them send, until nothing is under way. Returns the last
/// position.
fn settle(replayed: &mut Replayed, journal: &Journal) -> u64 {
    let mut position = replayed.end(journal);
    let count = replayed.partitions.len();
    // As late as what is in the log, and no later: the time in which no process ran is told to the new partitions.
    let arrival = log_time(&replayed.partitions);
    let mut waiting = VecDeque::from(std::mem::take(&mut replayed.sends));
    while let Some(frame) = waiting.pop_front() {
        position += 1;
        let frame = Frame { arrival, ..frame };
        for (index, delivery) in frame.deliveries(position) {
            let sends = replayed.partitions[index].apply(delivery).sends;
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
    position: u64,
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
fn head(old: &[Partition], position: u64) -> v1::SnapshotHead {
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
