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
use tracing::warn;

/// How long further troubles of a kind are collected before they are summarised.
const WINDOW: Duration = Duration::from_secs(60);
/// How often summaries that are due are looked for.
const TICK: Duration = Duration::from_secs(5);

/// What went wrong and what to do. Fixed texts: nothing that a sender wrote is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    pub listener: &'static str,
    /// As in the label of the metric that counts it.
    pub reason: &'static str,
    pub what: &'static str,
    pub advice: &'static str,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    trouble: Trouble,
    count: u64,
    /// The sender of the last one.
    from: Option<SocketAddr>,
    /// How long they were collected; `None` for the first one.
    since: Option<Duration>,
}

/// What was seen of one kind of trouble since its last line.
#[derive(Debug)]
struct Seen {
    told: Timestamp,
    count: u64,
    from: Option<SocketAddr>,
}

/// The troubles of the last minute. Pure: the caller says what time it is.
#[derive(Debug, Default)]
struct Recent {
    seen: BTreeMap<Trouble, Seen>,
}

impl Recent {
    /// Takes in `count` troubles of a kind; a line if they are the first.
    fn note(
        &mut self,
        now: Timestamp,
        trouble: Trouble,
        count: u64,
        from: Option<SocketAddr>,
    ) -> Option<Line> {
        if let Some(seen) = self.seen.get_mut(&trouble) {
            seen.count += count;
            seen.from = from;
            return None;
        }
        let seen = Seen {
            told: now,
            count: 0,
            from,
        };
        self.seen.insert(trouble, seen);
        Some(Line {
            trouble,
            count,
            from,
            since: None,
        })
    }

    /// The summaries that are due. A kind that was silent for a window is forgotten: its next trouble is a first one.
    fn due(&mut self, now: Timestamp, window: Duration) -> Vec<Line> {
        let mut lines = Vec::new();
        self.seen.retain(|trouble, seen| {
            let since = now.since(seen.told);
            if since < window {
                return true;
            }
            if seen.count == 0 {
                return false;
            }
            lines.push(Line {
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

/// Tells the operator what is refused, from whom and why, without flooding the log.
#[derive(Clone, Debug)]
pub struct Reporter {
    recent: Arc<Mutex<Recent>>,
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
                () = sleep(TICK) => false,
            };
            let window = if stopping { Duration::ZERO } else { WINDOW };
            let lines = self.recent().due(self.clock.now(), window);
            lines.iter().for_each(write);
            if stopping {
                return;
            }
        }
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(line: &Line) {
    let Trouble {
        listener,
        reason,
        what,
        advice,
    } = line.trouble;
    let from = line.from.map(tracing::field::display);
    let count = line.count;
    match line.since {
        None => warn!(listener, reason, from, count, "{what}; {advice}"),
        Some(since) => {
            let seconds = since.as_secs();
            warn!(
                listener,
                reason,
                last_from = from,
                count,
                "{count} more in the last {seconds} s: {what}; {advice}"
            );
        }
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
    };

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000_000_000)
    }

    fn from(port: u16) -> Option<SocketAddr> {
        Some(SocketAddr::from(([10, 0, 0, 1], port)))
    }

    #[test]
    fn the_first_is_told_at_once_and_the_others_once_a_minute_with_their_number() {
        let mut recent = Recent::default();
        let first = recent.note(at(0), FULL, 1, from(1)).expect("the first");
        assert_eq!((first.count, first.since), (1, None));
        for second in 1..=40 {
            assert_eq!(recent.note(at(second), FULL, 2, from(2)), None);
        }
        assert_eq!(recent.due(at(59), WINDOW), []);
        let [summary] = &recent.due(at(60), WINDOW)[..] else {
            panic!("one summary");
        };
        assert_eq!((summary.count, summary.from), (80, from(2)));
        assert_eq!(summary.since, Some(WINDOW));
        assert_eq!(recent.due(at(61), WINDOW), [], "told once");
        recent.note(at(61), FULL, 1, from(3));
        assert_eq!(recent.due(at(119), WINDOW), [], "once a minute");
        assert_eq!(recent.due(at(120), WINDOW)[0].count, 1);
    }

    #[test]
    fn a_kind_that_was_silent_for_a_minute_is_told_at_once_again() {
        let mut recent = Recent::default();
        assert!(recent.note(at(0), FULL, 1, None).is_some());
        assert_eq!(recent.due(at(60), WINDOW), []);
        assert!(recent.note(at(61), FULL, 1, None).is_some());
    }

    #[test]
    fn each_listener_and_reason_is_told_alone() {
        let mut recent = Recent::default();
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
