//! Timestamps: nanoseconds since the Unix epoch, provided by the caller.

use std::time::Duration;

/// Nanoseconds since 1970-01-01T00:00:00Z. The whole range of OTLP (to the year 2554) fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The later end of all timers: nothing is due after it.
    pub const MAX: Self = Self(u64::MAX);

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since the epoch, as Prometheus writes them.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    /// Saturates: a timer past the end of time never fires.
    fn add(self, wait: Duration) -> Self {
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}
