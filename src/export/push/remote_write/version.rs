//! Which version of the protocol a receiver gets.

use crate::model::time::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// After a receiver did not know 2.0, one request is sent as 2.0 again: it may have been updated, or a proxy may have answered in its place.
const NEXT_TRY: Duration = Duration::from_secs(600);
/// 2.0 is what the receiver knows, as far as is known.
const V2: u64 = 0;
/// The operator says that it is 1.0.
const ALWAYS_V1: u64 = u64::MAX;

/// The version that is sent. All shards share it.
#[derive(Debug)]
pub(super) struct SpokenVersion {
    /// When 2.0 is tried next, in nanoseconds since the epoch.
    next_try: AtomicU64,
}

impl SpokenVersion {
    pub(super) fn new(is_legacy: bool) -> Self {
        let next_try = if is_legacy { ALWAYS_V1 } else { V2 };
        Self {
            next_try: AtomicU64::new(next_try),
        }
    }

    /// Whether a request is sent as 2.0. Where 2.0 is only tried, this is so for one request.
    pub(super) fn sends_v2(&self, now: Timestamp) -> bool {
        let due = self.next_try.load(Ordering::Relaxed);
        if due == V2 || now.0 < due {
            return due == V2;
        }
        let next = (now + NEXT_TRY).0;
        let claimed =
            self.next_try
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed);
        claimed.is_ok()
    }

    /// The receiver does not know 2.0. `true`: that is news.
    pub(super) fn knows_only_v1(&self, now: Timestamp) -> bool {
        let next = (now + NEXT_TRY).0;
        self.next_try.swap(next, Ordering::Relaxed) == V2
    }

    /// The receiver knows 2.0. `true`: that is news.
    pub(super) fn knows_v2(&self) -> bool {
        self.next_try.swap(V2, Ordering::Relaxed) != V2
    }

    /// The receiver does not know 1.0: the next request tries 2.0, unless the operator says otherwise.
    pub(super) fn refuses_v1(&self, now: Timestamp) {
        let tried = |due| (due != ALWAYS_V1 && due != V2).then_some(now.0);
        let (order, on_failure) = (Ordering::Relaxed, Ordering::Relaxed);
        // It stays where the operator says so.
        let _ = self.next_try.fetch_update(order, on_failure, tried);
    }
}

#[cfg(test)]
mod tests {
    use super::{NEXT_TRY, SpokenVersion};
    use crate::model::time::Timestamp;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);

    #[test]
    fn one_request_tries_version_2_again_after_a_while() {
        let version = SpokenVersion::new(false);
        assert!(version.sends_v2(NOW) && !version.knows_v2());
        assert!(version.knows_only_v1(NOW) && !version.knows_only_v1(NOW));
        assert!(!version.sends_v2(NOW));
        let later = NOW + NEXT_TRY;
        assert!(version.sends_v2(later));
        assert!(!version.sends_v2(later), "one tries");
        // An attempt without an answer changes nothing.
        assert!(!version.sends_v2(later));
        let last = later + NEXT_TRY;
        assert!(version.sends_v2(last) && version.knows_v2());
        assert!(version.sends_v2(last) && version.sends_v2(last));
    }

    #[test]
    fn version_1_of_the_operator_stays() {
        let version = SpokenVersion::new(true);
        version.refuses_v1(NOW);
        assert!(!version.sends_v2(Timestamp(u64::MAX - 1)));
    }

    #[test]
    fn a_receiver_that_refuses_version_1_gets_version_2() {
        let version = SpokenVersion::new(false);
        version.knows_only_v1(NOW);
        version.refuses_v1(NOW);
        assert!(version.sends_v2(NOW) && !version.sends_v2(NOW), "one tries");
        assert!(!version.knows_only_v1(NOW), "that is no news");
    }
}
