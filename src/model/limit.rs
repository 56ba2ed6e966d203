//! The limits at which Baton asks senders to wait, and sizes as people read them.

use std::fmt;

/// A limit that is reached: requests are refused with a retryable answer until there is room again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Events that wait to be applied: `engine.queue_events`.
    Queue,
    /// Memory of sessions and waiting events: `engine.soft_state_size`.
    Memory,
    /// Free space on the volume of the state directory.
    Disk,
    /// Size of the log on disk: `state.max_log_size`.
    LogSize,
    /// Size of the spool, or free space on its volume: `spool.max_size`.
    Spool,
}

impl Limit {
    /// Its name in labels of metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::LogSize => "log_size",
            Self::Spool => "spool",
        }
    }
}

/// A number of bytes, shown with one decimal place and a binary unit: `1.5 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = self.0 as f64;
        let mut unit = "B";
        for larger in ["KiB", "MiB", "GiB", "TiB"] {
            if value < 1024.0 {
                break;
            }
            value /= 1024.0;
            unit = larger;
        }
        if unit == "B" {
            return write!(f, "{} B", self.0);
        }
        write!(f, "{value:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_the_largest_unit_that_fits() {
        let shown = [0, 1023, 1024, 1536 << 20, 8 << 30, u64::MAX].map(|n| Bytes(n).to_string());
        assert_eq!(
            shown,
            [
                "0 B",
                "1023 B",
                "1.0 KiB",
                "1.5 GiB",
                "8.0 GiB",
                "16777216.0 TiB"
            ]
        );
    }
}
