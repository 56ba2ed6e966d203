//! The clock: the only caller of `now()`.

use crate::model::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The wall clock of the machine.
    System,
    /// A clock that tests move, in nanoseconds since the epoch.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the one place that asks for the time"
                )]
                let now = SystemTime::now();
                let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                Timestamp(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
            }
            Self::Manual(nanos) => Timestamp(nanos.load(Ordering::Acquire)),
        }
    }
}

/// The last sign of life of a thread.
#[derive(Clone, Debug)]
pub struct Pulse {
    clock: Clock,
    last: Arc<AtomicU64>,
}

impl Pulse {
    pub fn new(clock: &Clock) -> Self {
        Self {
            last: Arc::new(AtomicU64::new(clock.now().0)),
            clock: clock.clone(),
        }
    }

    pub fn beat(&self) {
        self.last.store(self.clock.now().0, Ordering::Relaxed);
    }

    /// How long ago the last one was.
    pub fn silent(&self) -> Duration {
        let last = Timestamp(self.last.load(Ordering::Relaxed));
        self.clock.now().since(last)
    }
}
