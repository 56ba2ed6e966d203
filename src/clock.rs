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
