//! Free space on the volume: how much stays free for the next two snapshots of every partition, and how long the log may become.
//!
//! The log gets shorter only after two more snapshots of every partition, so a volume that the log fills to the last byte stays
//! full for ever. The room is a threshold on the free space, not a file of zeros that is given back: it costs nothing, follows
//! the state as it grows, needs no preallocation (which copy-on-write file systems do not honour), and when another program takes
//! the space it comes back by itself as soon as that program frees it.

use crate::model::limit::{Bytes, Limit};
use std::fmt;

/// Always kept free: for headers, ticks, what partitions send to each other, and the blocks of the file system.
pub(super) const FLOOR: u64 = 1 << 20;
/// The greatest log where the operator gives no size.
const LARGEST_LOG: u64 = 8 << 30;
/// How much more than the room must be free before requests are taken again: one part in so many.
const MARGIN: u64 = 8;

/// What there is on the volume.
#[derive(Clone, Copy, Debug)]
pub(super) struct VolumeUsage {
    /// The directory was deleted: what is written now is lost with the process.
    pub(super) is_gone: bool,
    /// Free bytes; `None`: the file system does not say.
    pub(super) free: Option<u64>,
    /// Bytes of the log.
    pub(super) log: u64,
    /// Bytes of two more snapshots of every partition, by estimate.
    pub(super) snapshots: u64,
}

impl VolumeUsage {
    /// Free bytes below which nothing is taken from outside.
    pub(super) fn reserve(self) -> u64 {
        self.snapshots.saturating_add(FLOOR)
    }

    /// The greatest log: as configured, else half of what is free and of the log itself, so that it follows the volume.
    pub(super) fn max_log(self, configured: Option<u64>) -> u64 {
        let half = |free: u64| (free.saturating_add(self.log) / 2).min(LARGEST_LOG);
        configured.unwrap_or_else(|| self.free.map_or(LARGEST_LOG, half))
    }

    /// Whether snapshots should be written soon, because free space is less than twice the room and they would make some.
    pub(super) fn is_tight(self) -> bool {
        let tight = |free| free < self.reserve().saturating_mul(2);
        self.log > FLOOR && self.free.is_some_and(tight)
    }

    /// What forbids a group of `wanted` bytes; `was`: what forbade the one before.
    pub(super) fn shortage(
        self,
        configured: Option<u64>,
        wanted: u64,
        was: Option<Limit>,
    ) -> Option<Shortage> {
        if self.is_gone {
            return Some(Shortage::Gone);
        }
        // The volume first: with `auto`, a log on a full volume is longer than half of what is left, and the volume is the cause.
        self.short_of_space(wanted, was).or_else(|| {
            let max_log = self.max_log(configured);
            (self.log > max_log).then_some(Shortage::LogSize {
                log: self.log,
                max_log,
            })
        })
    }

    /// Whether the volume lacks room for a group of `wanted` bytes.
    fn short_of_space(self, wanted: u64, was: Option<Limit>) -> Option<Shortage> {
        let free = self.free?;
        // It ends with some more than it begins with, so that it does not begin and end all the time.
        let margin = match was {
            Some(Limit::Disk) => self.reserve() / MARGIN,
            _ => 0,
        };
        let needed = self.reserve().saturating_add(wanted.max(margin));
        (free < needed).then_some(Shortage::Space { free, needed })
    }
}

/// Why nothing is taken from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shortage {
    /// Free bytes of the volume, and those that are needed.
    Space { free: u64, needed: u64 },
    /// Bytes of the log, and the most that it may have.
    LogSize { log: u64, max_log: u64 },
    /// The directory was deleted.
    Gone,
}

impl Shortage {
    /// The file system had no room for a group, whatever it says of free space.
    pub(super) fn write_failed(usage: VolumeUsage, wanted: u64) -> Self {
        Self::Space {
            free: usage.free.unwrap_or(0),
            needed: usage.reserve().saturating_add(wanted),
        }
    }

    /// The limit that senders are told.
    pub(super) fn limit(self) -> Limit {
        match self {
            Self::LogSize { .. } => Limit::LogSize,
            Self::Space { .. } | Self::Gone => Limit::Disk,
        }
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::LogSize { log, max_log } => write!(
                f,
                "the log has {} and may have {} (state.max_log_size): waiting for snapshots",
                Bytes(log),
                Bytes(max_log)
            ),
            Self::Space { free, needed } => write!(
                f,
                "the volume is nearly full: {} free, {} needed with the room kept for snapshots",
                Bytes(free),
                Bytes(needed)
            ),
            Self::Gone => f.write_str("the directory was deleted: restart Baton"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn usage(free: u64, log: u64, snapshots: u64) -> VolumeUsage {
        VolumeUsage {
            is_gone: false,
            free: Some(free * MIB),
            log: log * MIB,
            snapshots: snapshots * MIB,
        }
    }

    fn limit(usage: VolumeUsage, wanted: u64, was: Option<Limit>) -> Option<Limit> {
        let found = usage.shortage(Some(100 * MIB), wanted * MIB, was);
        found.map(Shortage::limit)
    }

    #[test]
    fn requests_are_taken_while_the_room_for_snapshots_stays_free() {
        // The room is 8 MiB and the floor.
        assert_eq!(limit(usage(20, 50, 8), 11, None), None);
        assert_eq!(limit(usage(20, 50, 8), 12, None), Some(Limit::Disk));
        assert_eq!(limit(usage(9, 50, 8), 0, None), None);
        assert_eq!(limit(usage(8, 50, 8), 0, None), Some(Limit::Disk));
        assert_eq!(limit(usage(20, 101, 8), 1, None), Some(Limit::LogSize));
        let unknown = VolumeUsage {
            free: None,
            ..usage(0, 50, 8)
        };
        assert_eq!(limit(unknown, 1000, None), None);
    }

    #[test]
    fn a_full_volume_is_the_cause_also_where_the_log_is_longer_than_what_is_left() {
        // With `auto` the log is then above its greatest size, too, but no operator has set one.
        let full = usage(0, 50, 8);
        for was in [None, Some(Limit::Disk), Some(Limit::LogSize)] {
            let short = full.shortage(None, 0, was).map(Shortage::limit);
            assert_eq!(short, Some(Limit::Disk), "{was:?}");
        }
    }

    #[test]
    fn a_shortage_ends_with_more_than_it_began_with() {
        assert_eq!(
            limit(usage(10, 50, 8), 0, Some(Limit::Disk)),
            Some(Limit::Disk)
        );
        assert_eq!(limit(usage(11, 50, 8), 0, Some(Limit::Disk)), None);
        assert_eq!(limit(usage(10, 50, 8), 0, Some(Limit::LogSize)), None);
    }

    #[test]
    fn the_greatest_log_follows_the_volume_unless_it_is_configured() {
        assert_eq!(usage(60, 40, 0).max_log(None), 50 * MIB);
        assert_eq!(usage(20, 40, 0).max_log(None), 30 * MIB);
        assert_eq!(usage(1 << 20, 0, 0).max_log(None), LARGEST_LOG);
        assert_eq!(usage(60, 40, 0).max_log(Some(7)), 7);
    }

    #[test]
    fn snapshots_come_early_where_they_make_room() {
        assert!(usage(17, 50, 8).is_tight());
        assert!(!usage(18, 50, 8).is_tight());
        // Nothing of the log could go.
        assert!(!usage(2, 1, 8).is_tight());
    }

    #[test]
    fn what_is_short_is_said_with_its_numbers() {
        let text = |usage: VolumeUsage, max| {
            let found = usage.shortage(Some(max), 0, None);
            found.expect("it is short").to_string()
        };
        assert_eq!(
            text(usage(3, 5, 8), 100 * MIB),
            "the volume is nearly full: 3.0 MiB free, 9.0 MiB needed with the room kept for snapshots"
        );
        assert_eq!(
            text(usage(99, 5, 8), 4 * MIB),
            "the log has 5.0 MiB and may have 4.0 MiB (state.max_log_size): waiting for snapshots"
        );
    }
}
