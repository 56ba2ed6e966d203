//! Which tenants have a place: those that the configuration names, and so many others. A tenant without a place is refused where it comes in, so
//! that its series never have to share those of others.

use crate::clock::Clock;
use crate::model::Name;
use crate::model::tenant::HeldTenants;
use crate::model::time::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a tenant of which something is kept stays before that is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The tenants of a process. Nothing of it is stored: what is kept of tenants says after a restart who they are.
pub struct TenantRegistry {
    /// They always have a place.
    named: BTreeSet<Name>,
    max_others: usize,
    /// How long a tenant keeps its place after its last request, whatever is kept of it.
    keep: Duration,
    clock: Clock,
    held: Box<dyn Fn() -> HeldTenants + Send + Sync>,
    others: Mutex<TenantPlaces>,
}

#[derive(Debug, Default)]
struct TenantPlaces {
    /// Whether those of the last process are among them.
    is_begun: bool,
    taken: HashMap<Name, TenantPlace>,
    /// How many of them no sender has proved.
    unproved: usize,
}

#[derive(Clone, Copy, Debug)]
struct TenantPlace {
    /// Until when the tenant has it at least.
    until: Timestamp,
    /// Whether a request was authenticated as one of the tenant.
    is_proved: bool,
}

/// What says that there is a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantEvidence {
    /// The sender of a request was authenticated as the tenant.
    Sender,
    /// Attributes of an operator name it. Such names take at most half of the places: a mistake there leaves room for those who prove who they are.
    Attributes,
}

impl std::fmt::Debug for TenantRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TenantRegistry")
            .field("max_others", &self.max_others)
            .finish_non_exhaustive()
    }
}

impl TenantRegistry {
    /// `held` says of which tenants something is kept. It is asked at the first request, when all of the last process is known, and when a place is
    /// needed and some may be free.
    pub fn new(
        named: impl IntoIterator<Item = Name>,
        (max_others, keep): (usize, Duration),
        clock: Clock,
        held: impl Fn() -> HeldTenants + Send + Sync + 'static,
    ) -> Self {
        Self {
            named: named.into_iter().collect(),
            max_others,
            keep,
            clock,
            held: Box::new(held),
            others: Mutex::default(),
        }
    }

    /// Notes that a tenant sends something. Whether it has a place.
    pub fn admit(&self, tenant: &Name, evidence: TenantEvidence) -> bool {
        if self.named.contains(tenant) {
            return true;
        }
        let now = self.clock.now();
        let mut places = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if !places.is_begun {
            self.begin(&mut places, now);
        }
        if !places.taken.contains_key(tenant) {
            if !self.has_room(&places, evidence) {
                self.free(&mut places, now);
            }
            if !self.has_room(&places, evidence) {
                return false;
            }
        }
        places.take(tenant, now + self.keep, evidence == TenantEvidence::Sender);
        true
    }

    fn has_room(&self, places: &TenantPlaces, evidence: TenantEvidence) -> bool {
        let is_full = places.taken.len() >= self.max_others;
        match evidence {
            TenantEvidence::Sender => !is_full,
            TenantEvidence::Attributes => !is_full && places.unproved < self.max_others.div_ceil(2),
        }
    }

    /// Gives places to the tenants of the last process. Those that have series had one; sessions are also there of tenants that had none.
    fn begin(&self, places: &mut TenantPlaces, now: Timestamp) {
        let held = (self.held)();
        let is_other = |tenant: &&Name| !self.named.contains(*tenant);
        for tenant in held.with_series.iter().filter(is_other) {
            places.take(tenant, now, false);
        }
        for tenant in held.with_sessions.iter().filter(is_other) {
            if places.taken.len() < self.max_others {
                places.take(tenant, now, false);
            }
        }
        places.is_begun = true;
    }

    /// Takes places from tenants that send nothing and of which nothing is kept.
    fn free(&self, places: &mut TenantPlaces, now: Timestamp) {
        if places.taken.values().all(|place| place.until > now) {
            return;
        }
        let held = (self.held)();
        places.taken.retain(|tenant, place| {
            let is_held = held.with_series.contains(tenant) || held.with_sessions.contains(tenant);
            if place.until <= now && is_held {
                place.until = now + LOOK_AGAIN;
            }
            place.until > now
        });
        let unproved = places.taken.values().filter(|place| !place.is_proved);
        places.unproved = unproved.count();
    }
}

impl TenantPlaces {
    /// Gives a tenant a place, or lets it have its own for longer.
    fn take(&mut self, tenant: &Name, until: Timestamp, is_proved: bool) {
        match self.taken.get_mut(tenant) {
            Some(place) => {
                place.until = place.until.max(until);
                self.unproved -= usize::from(is_proved && !place.is_proved);
                place.is_proved |= is_proved;
            }
            None => {
                self.unproved += usize::from(!is_proved);
                let place = TenantPlace { until, is_proved };
                self.taken.insert(tenant.clone(), place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    const KEEP: Duration = Duration::from_secs(3600);

    /// A registry with room for so many, its clock, and what is kept of tenants.
    struct RegistryScene {
        registry: TenantRegistry,
        nanos: Arc<AtomicU64>,
        held: Arc<Mutex<HeldTenants>>,
        asked: Arc<AtomicU64>,
    }

    impl RegistryScene {
        fn new(max_others: usize, held: HeldTenants) -> Self {
            let nanos = Arc::new(AtomicU64::new(1));
            let (held, asked) = (Arc::new(Mutex::new(held)), Arc::default());
            let (kept, count) = (Arc::clone(&held), Arc::<AtomicU64>::clone(&asked));
            let look = move || {
                count.fetch_add(1, Ordering::AcqRel);
                kept.lock().expect("no panic").clone()
            };
            let clock = Clock::manual(Arc::clone(&nanos));
            let named = ["named".into()];
            Self {
                registry: TenantRegistry::new(named, (max_others, KEEP), clock, look),
                nanos,
                held,
                asked,
            }
        }

        fn admits(&self, tenant: &str) -> bool {
            let sender = TenantEvidence::Sender;
            self.registry.admit(&tenant.into(), sender)
        }

        fn pass(&self, time: Duration) {
            self.nanos
                .fetch_add(time.as_nanos() as u64, Ordering::AcqRel);
        }
    }

    fn held(with_series: &[&str], with_sessions: &[&str]) -> HeldTenants {
        let names = |names: &[&str]| names.iter().map(|name| Name::from(*name)).collect();
        HeldTenants {
            with_series: names(with_series),
            with_sessions: names(with_sessions),
        }
    }

    #[test]
    fn so_many_tenants_have_a_place_and_those_that_are_named_always_have_one() {
        let scene = RegistryScene::new(2, HeldTenants::default());
        assert!(scene.admits("a") && scene.admits("b") && scene.admits("a"));
        for _ in 0..3 {
            assert!(!scene.admits("c"));
            assert!(scene.admits("named") && scene.admits("b"));
        }
        assert_eq!(scene.asked.load(Ordering::Acquire), 1, "only at the start");
        let scene = RegistryScene::new(0, HeldTenants::default());
        assert!(scene.admits("named") && !scene.admits("a"));
    }

    #[test]
    fn a_tenant_that_sends_nothing_keeps_its_place_while_something_is_kept_of_it() {
        let scene = RegistryScene::new(2, HeldTenants::default());
        assert!(scene.admits("a") && scene.admits("b"));
        *scene.held.lock().expect("no panic") = held(&["a"], &[]);
        scene.pass(KEEP - Duration::from_secs(1));
        assert!(scene.admits("b") && !scene.admits("c"));
        scene.pass(Duration::from_secs(1));
        assert!(!scene.admits("c"), "a has series, b sent something");
        let asked = scene.asked.load(Ordering::Acquire);
        assert!(!scene.admits("c"));
        assert_eq!(scene.asked.load(Ordering::Acquire), asked, "not each time");
        *scene.held.lock().expect("no panic") = held(&[], &["a"]);
        scene.pass(LOOK_AGAIN);
        assert!(!scene.admits("c"), "a has sessions");
        *scene.held.lock().expect("no panic") = HeldTenants::default();
        scene.pass(LOOK_AGAIN);
        assert!(scene.admits("c") && !scene.admits("a") && scene.admits("b"));
    }

    #[test]
    fn tenants_of_the_last_process_have_their_places_again() {
        // More than there are places for: the limit was higher.
        let scene = RegistryScene::new(2, held(&["a", "b", "c", "named"], &["d"]));
        for tenant in ["e", "d"] {
            assert!(!scene.admits(tenant), "{tenant}");
        }
        assert!(["a", "b", "c"].iter().all(|tenant| scene.admits(tenant)));
        // Sessions are there of tenants that had no place, too.
        let scene = RegistryScene::new(2, held(&["b"], &["a", "b", "d"]));
        assert!(!scene.admits("d"));
        assert!(scene.admits("a") && scene.admits("b"));
    }

    #[test]
    fn names_in_attributes_leave_half_of_the_places_to_senders() {
        let scene = RegistryScene::new(4, held(&["a"], &[]));
        let named = |tenant: &str| {
            let evidence = TenantEvidence::Attributes;
            scene.registry.admit(&tenant.into(), evidence)
        };
        // Of that of the last process it is not known.
        assert!(named("b") && named("named"));
        assert!(!named("c") && named("a"));
        // A sender proves it.
        assert!(scene.admits("a"));
        assert!(named("c") && !named("d"));
        assert!(scene.admits("d") && named("d"));
        assert!(!scene.admits("e"));
        // Those that are gone leave room for others.
        *scene.held.lock().expect("no panic") = HeldTenants::default();
        scene.pass(KEEP);
        assert!(named("e") && named("f") && !named("g"));
    }
}
