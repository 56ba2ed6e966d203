//! Rate-limited reports: the first trouble of each kind is logged at once, further ones are summarised once a minute.

use crate::clock::Clock;
use crate::model::time::Timestamp;
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::sleep;
use tracing::{info, warn};

/// How long further troubles of a kind are collected before they are summarised.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(60);
/// How often summaries that are due are looked for.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// What went wrong and what to do. Fixed texts: nothing that a sender wrote is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    pub listener: &'static str,
    /// As in the label of the metric that counts it.
    pub reason: &'static str,
    pub what: &'static str,
    pub advice: &'static str,
    /// It happens where all is well, so it is no warning.
    pub is_usual: bool,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ReportLine {
    trouble: Trouble,
    count: u64,
    /// The sender of the last one.
    from: Option<SocketAddr>,
    /// How long they were collected; `None` for the first one.
    since: Option<Duration>,
}

/// Troubles of one kind since its last line.
#[derive(Debug)]
struct TroubleCount {
    told: Timestamp,
    count: u64,
    from: Option<SocketAddr>,
}

/// Troubles of the last minute. Pure: the caller says what time it is.
#[derive(Debug, Default)]
struct RecentTroubles {
    seen: BTreeMap<Trouble, TroubleCount>,
}

impl RecentTroubles {
    /// Takes in `count` troubles of a kind; a line if they are the first.
    fn note(
        &mut self,
        now: Timestamp,
        trouble: Trouble,
        count: u64,
        from: Option<SocketAddr>,
    ) -> Option<ReportLine> {
        if let Some(seen) = self.seen.get_mut(&trouble) {
            seen.count += count;
            seen.from = from;
            return None;
        }
        let seen = TroubleCount {
            told: now,
            count: 0,
            from,
        };
        self.seen.insert(trouble, seen);
        Some(ReportLine {
            trouble,
            count,
            from,
            since: None,
        })
    }

    /// The summaries that are due. A kind that was silent for a window is forgotten: its next trouble is a first one.
    fn due(&mut self, now: Timestamp, window: Duration) -> Vec<ReportLine> {
        let mut lines = Vec::new();
        self.seen.retain(|trouble, seen| {
            let since = now.since(seen.told);
            if since < window {
                return true;
            }
            if seen.count == 0 {
                return false;
            }
            lines.push(ReportLine {
                trouble: *trouble,
                count: seen.count,
                from: seen.from,
                since: Some(since),
            });
            (seen.told, seen.count) = (now, 0);
            true
        });
        lines
    }
}

/// Rate-limited reports to the operator: what is refused, from whom and why.
#[derive(Clone, Debug)]
pub struct Reporter {
    recent: Arc<Mutex<RecentTroubles>>,
    clock: Clock,
}

impl Reporter {
    pub fn new(clock: Clock) -> Self {
        Self {
            recent: Arc::default(),
            clock,
        }
    }

    /// Reports `count` troubles of a kind.
    pub fn note(&self, trouble: Trouble, count: u64, from: Option<SocketAddr>) {
        let now = self.clock.now();
        let line = self.recent().note(now, trouble, count, from);
        line.iter().for_each(write);
    }

    /// Writes the summaries while they come due, and what is left when `stop` ends.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let mut stop = pin!(stop);
        loop {
            let stopping = tokio::select! {
                () = &mut stop => true,
                () = sleep(CHECK_INTERVAL) => false,
            };
            let window = if stopping {
                Duration::ZERO
            } else {
                SUMMARY_INTERVAL
            };
            let lines = self.recent().due(self.clock.now(), window);
            lines.iter().for_each(write);
            if stopping {
                return;
            }
        }
    }

    fn recent(&self) -> MutexGuard<'_, RecentTroubles> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(line: &ReportLine) {
    let Trouble {
        listener,
        reason,
        what,
        advice,
        is_usual,
    } = line.trouble;
    let from = line.from.map(tracing::field::display);
    let count = line.count;
    // Only the first line is of one sender alone.
    let (from, last_from, more) = match line.since {
        None => (from, None, String::new()),
        Some(since) => {
            let more = format!("{count} more in the last {} s: ", since.as_secs());
            (None, from, more)
        }
    };
    match is_usual {
        false => warn!(
            listener,
            reason, from, last_from, count, "{more}{what}; {advice}"
        ),
        true => info!(
            listener,
            reason, from, last_from, count, "{more}{what}; {advice}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Trouble = Trouble {
        listener: "grpc",
        reason: "queue_timeout",
        what: "refused a request",
        advice: "retry",
        is_usual: false,
    };

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000_000_000)
    }

    fn from(port: u16) -> Option<SocketAddr> {
        Some(SocketAddr::from(([10, 0, 0, 1], port)))
    }

    #[test]
    fn the_first_is_told_at_once_and_the_others_once_a_minute_with_their_number() {
        let mut recent = RecentTroubles::default();
        let first = recent.note(at(0), FULL, 1, from(1)).expect("the first");
        assert_eq!((first.count, first.since), (1, None));
        for second in 1..=40 {
            assert_eq!(recent.note(at(second), FULL, 2, from(2)), None);
        }
        assert_eq!(recent.due(at(59), SUMMARY_INTERVAL), []);
        let [summary] = &recent.due(at(60), SUMMARY_INTERVAL)[..] else {
            panic!("one summary");
        };
        assert_eq!((summary.count, summary.from), (80, from(2)));
        assert_eq!(summary.since, Some(SUMMARY_INTERVAL));
        assert_eq!(recent.due(at(61), SUMMARY_INTERVAL), [], "told once");
        recent.note(at(61), FULL, 1, from(3));
        assert_eq!(recent.due(at(119), SUMMARY_INTERVAL), [], "once a minute");
        assert_eq!(recent.due(at(120), SUMMARY_INTERVAL)[0].count, 1);
    }

    #[test]
    fn a_kind_that_was_silent_for_a_minute_is_told_at_once_again() {
        let mut recent = RecentTroubles::default();
        assert!(recent.note(at(0), FULL, 1, None).is_some());
        assert_eq!(recent.due(at(60), SUMMARY_INTERVAL), []);
        assert!(recent.note(at(61), FULL, 1, None).is_some());
    }

    #[test]
    fn each_listener_and_reason_is_told_alone() {
        let mut recent = RecentTroubles::default();
        let other = Trouble {
            listener: "http",
            ..FULL
        };
        let slow = Trouble {
            reason: "slow_body",
            ..FULL
        };
        for trouble in [FULL, other, slow] {
            assert!(recent.note(at(0), trouble, 1, None).is_some());
            assert!(recent.note(at(0), trouble, 1, None).is_none());
        }
        assert_eq!(recent.due(at(1), Duration::ZERO).len(), 3, "at the end");
    }
}
