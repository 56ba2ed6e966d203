//! The clock: the only caller of `now()`.

use crate::model::time::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Log time: the time that stamps what enters the log. It never falls, neither within a process nor across a restart on the same log.
///
/// It is the wall clock as long as that only goes forward. When the wall clock is set back, log time goes on at the pace of the
/// monotonic clock and stays ahead; it joins the wall clock again when that has caught up. Clones share one time.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    /// The greatest distance so far between the wall clock and the monotonic one, in nanoseconds.
    ahead: Arc<AtomicU64>,
}

#[derive(Clone, Debug)]
enum Source {
    /// The clocks of the machine; the monotonic one counts from here.
    System(Instant),
    /// A wall clock that tests move, in nanoseconds since the epoch, and its reading when the process began: what has passed since is
    /// the monotonic clock, as tests set the wall clock back between processes only.
    Manual(Arc<AtomicU64>, u64),
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that asks for the time"
        )]
        let origin = Instant::now();
        Self::of(Source::System(origin))
    }

    /// A clock that tests move, in nanoseconds since the epoch.
    pub fn manual(nanos: Arc<AtomicU64>) -> Self {
        let origin = nanos.load(Ordering::Acquire);
        Self::of(Source::Manual(nanos, origin))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            ahead: Arc::default(),
        }
    }

    /// Log time now.
    pub fn now(&self) -> Timestamp {
        let (wall, monotonic) = self.source.read();
        self.at(wall, monotonic)
    }

    /// Makes log time go on at `known` or later: what the log already holds.
    pub fn advance_to(&self, known: Timestamp) {
        let (_, monotonic) = self.source.read();
        self.at(known.0, monotonic);
    }

    /// Log time at this reading of both clocks, the greatest of: the wall clock, and what was told before plus what has passed since.
    fn at(&self, wall: u64, monotonic: u64) -> Timestamp {
        let distance = wall.saturating_sub(monotonic);
        let before = self.ahead.fetch_max(distance, Ordering::AcqRel);
        Timestamp(monotonic.saturating_add(before.max(distance)))
    }
}

impl Source {
    /// The wall clock and the monotonic clock, both in nanoseconds.
    fn read(&self) -> (u64, u64) {
        match self {
            Self::System(origin) => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the one place that asks for the time"
                )]
                let (wall, monotonic) = (SystemTime::now(), origin.elapsed());
                let since = wall.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                (nanos(since), nanos(monotonic))
            }
            Self::Manual(wall, origin) => {
                let wall = wall.load(Ordering::Acquire);
                (wall, wall.saturating_sub(*origin))
            }
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A thread whose last sign of life is older than this is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(15);

/// The sign of life of one thread, for [`Heartbeats`].
#[derive(Clone, Debug)]
pub struct Heartbeat {
    clock: Clock,
    /// When the last one was. The thread writes, readiness reads.
    last: Arc<AtomicU64>,
}

impl Heartbeat {
    pub fn beat(&self) {
        self.last.store(self.clock.now().0, Ordering::Relaxed);
    }
}

/// The signs of life of all threads that have to get on. Clones are the same.
#[derive(Clone, Debug)]
pub struct Heartbeats {
    clock: Clock,
    /// By the name of the thread; one that has ended is looked for no more.
    heartbeats: Arc<Mutex<Vec<WatchedThread>>>,
}

/// The name of a thread, and its last sign of life while it lives.
type WatchedThread = (String, Weak<AtomicU64>);

impl Heartbeats {
    pub fn new(clock: &Clock) -> Self {
        Self {
            clock: clock.clone(),
            heartbeats: Arc::default(),
        }
    }

    /// The heartbeat of a thread, as long as the thread has it.
    pub fn begin(&self, name: String) -> Heartbeat {
        let last = Arc::new(AtomicU64::new(self.clock.now().0));
        let mut heartbeats = self
            .heartbeats
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        heartbeats.retain(|(_, known)| known.strong_count() > 0);
        heartbeats.push((name, Arc::downgrade(&last)));
        Heartbeat {
            clock: self.clock.clone(),
            last,
        }
    }

    /// The threads without a sign of life for longer than `STUCK_AFTER`.
    pub fn stuck(&self) -> Vec<String> {
        let now = self.clock.now();
        let heartbeats = self
            .heartbeats
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let silent = |(name, last): &WatchedThread| {
            let last = Timestamp(last.upgrade()?.load(Ordering::Relaxed));
            (now.since(last) > STUCK_AFTER).then(|| name.clone())
        };
        heartbeats.iter().filter_map(silent).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Log time at each reading of (wall, monotonic).
    fn told(readings: &[(u64, u64)]) -> Vec<u64> {
        let clock = Clock::manual(Arc::default());
        let told = readings.iter().map(|(wall, mono)| clock.at(*wall, *mono).0);
        told.collect()
    }

    #[test]
    fn log_time_is_the_wall_clock_while_that_goes_forward() {
        let readings = [(1000, 0), (1010, 10), (5000, 20), (5010, 30)];
        assert_eq!(told(&readings), [1000, 1010, 5000, 5010], "leaps included");
    }

    #[test]
    fn a_wall_clock_set_back_neither_turns_log_time_back_nor_stops_it() {
        let readings = [(1000, 0), (100, 10), (110, 20), (1030, 30), (2000, 40)];
        assert_eq!(told(&readings), [1000, 1010, 1020, 1030, 2000]);
    }

    #[test]
    fn a_restart_goes_on_where_the_log_ends() {
        let wall = Arc::new(AtomicU64::new(500));
        let clock = Clock::manual(Arc::clone(&wall));
        clock.advance_to(Timestamp(900));
        assert_eq!(clock.now(), Timestamp(900));
        wall.store(550, Ordering::Release);
        assert_eq!(clock.now(), Timestamp(950), "time does not stand still");
        clock.advance_to(Timestamp(10));
        assert_eq!(clock.now(), Timestamp(950), "the past changes nothing");
    }

    #[test]
    fn a_thread_without_a_sign_of_life_is_named_as_long_as_it_should_have_one() {
        let wall = Arc::new(AtomicU64::new(0));
        let heartbeats = Heartbeats::new(&Clock::manual(Arc::clone(&wall)));
        let threads = ["one", "two"].map(|name| heartbeats.begin(name.to_owned()));
        wall.store(16_000_000_000, Ordering::Release);
        threads[1].beat();
        assert_eq!(heartbeats.stuck(), ["one"]);
        drop(threads);
        wall.store(90_000_000_000, Ordering::Release);
        assert!(heartbeats.stuck().is_empty(), "they have ended");
    }
}
