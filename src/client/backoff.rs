//! The waits between attempts: exponential, within a limit, and spread at random so that not all senders come back at once.

use super::settings::RetrySettings;
use std::time::Duration;

/// A destination that asks for a longer wait is asked again after this.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// The waits of one request.
#[derive(Debug)]
pub struct Backoff<'s> {
    settings: &'s RetrySettings,
    /// The next wait, before it is spread.
    interval: Duration,
}

impl<'s> Backoff<'s> {
    /// The waits of a new request.
    pub fn new(settings: &'s RetrySettings) -> Self {
        Self {
            settings,
            interval: settings.initial_interval,
        }
    }

    /// The wait before the next attempt of a request that failed, so long after its first one. `asked`: what the destination asks for. `None`: there
    /// is no further attempt.
    pub fn retry(&mut self, asked: Option<Duration>, elapsed: Duration) -> Option<Duration> {
        let wait = self.next(fastrand::f64(), asked);
        let limit = self.settings.max_elapsed_time;
        let is_within = limit.is_zero() || elapsed + wait <= limit;
        (self.settings.enabled && is_within).then_some(wait)
    }

    /// The next wait. `chance` is from 0 to 1; `asked`: what the destination asks for.
    pub(super) fn next(&mut self, chance: f64, asked: Option<Duration>) -> Duration {
        let RetrySettings {
            multiplier,
            max_interval,
            randomization_factor: spread,
            ..
        } = *self.settings;
        let wait = self.interval.mul_f64(1.0 + spread * (2.0 * chance - 1.0));
        let next = self.interval.as_secs_f64() * multiplier;
        self.interval =
            Duration::try_from_secs_f64(next).map_or(max_interval, |n| n.min(max_interval));
        asked.map_or(wait, |asked| wait.max(asked.min(LONGEST_ASKED)))
    }
}
