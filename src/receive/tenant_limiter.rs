//! Limits of requests for each tenant: whether it has a place, how many and how many bytes it may send, and how many bytes of it may be in flight.
//!
//! A rate is a bucket that fills with time up to a burst. A request needs a bucket that is not empty and may take more than there is, so that
//! a large one is never refused for ever.

use super::error::{ReceiveError, TenantOverload};
use crate::auth::{TenantLimits, TenantSettings};
use crate::catalogue::InternalMetric;
use crate::clock::Clock;
use crate::ingest::{TenantEvidence, TenantRegistry};
use crate::model::Name;
use crate::model::tenant::FOLDED_TENANT;
use crate::model::time::Timestamp;
use crate::telemetry::counter;
use metrics::Counter;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tenants that are remembered before those that send nothing are forgotten.
const MAX_TENANTS: usize = 10_000;

type Refused = [Counter; TenantOverload::ALL.len()];

/// The limits of all tenants, and what each uses of them.
#[derive(Debug)]
pub struct TenantLimiter {
    settings: TenantSettings,
    /// `None`: there are no tenants.
    registry: Option<Arc<TenantRegistry>>,
    clock: Clock,
    /// By the tenants that the configuration names. Those of others are counted together.
    refused: BTreeMap<String, Arc<Refused>>,
    uses: Mutex<HashMap<Name, Arc<TenantUse>>>,
}

/// What one tenant uses.
#[derive(Debug)]
pub(super) struct TenantUse {
    clock: Clock,
    buckets: Mutex<TokenBuckets>,
    in_flight: AtomicU64,
    max_in_flight: u64,
    refused: Arc<Refused>,
}

#[derive(Debug)]
struct TokenBuckets {
    requests: Option<TokenBucket>,
    bytes: Option<TokenBucket>,
}

#[derive(Debug)]
struct TokenBucket {
    /// Per second.
    rate: f64,
    burst: f64,
    level: f64,
    /// When it had this level.
    at: Timestamp,
}

impl TenantLimiter {
    /// Registers its metrics with the recorder in whose scope it is called.
    pub fn new(
        settings: Option<&TenantSettings>,
        registry: Option<Arc<TenantRegistry>>,
        clock: Clock,
    ) -> Self {
        let settings = settings.cloned().unwrap_or_default();
        let named = settings.named().cloned();
        let named: BTreeSet<String> = named.chain([FOLDED_TENANT.to_owned()]).collect();
        let counters = |tenant: String| {
            let refused = TenantOverload::ALL.map(|overload| {
                let labels = [&*tenant, overload.reason()];
                counter(InternalMetric::TenantRefusedRequests, &labels)
            });
            (tenant, Arc::new(refused))
        };
        Self {
            refused: named.into_iter().map(counters).collect(),
            settings,
            registry,
            clock,
            uses: Mutex::default(),
        }
    }

    /// Takes a request of a tenant, of which nothing but the head is known. Says what the tenant uses; `None`: its requests have no limit.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn begin(&self, tenant: &Name) -> Result<Option<Arc<TenantUse>>, ReceiveError> {
        if let Some(registry) = &self.registry
            && !registry.admit(tenant, TenantEvidence::Sender)
        {
            // It is none of those that are named.
            if let Some(refused) = self.refused.get(FOLDED_TENANT) {
                refused[TenantOverload::MaxTenants as usize].increment(1);
            }
            return Err(ReceiveError::Tenant(TenantOverload::MaxTenants));
        }
        let own = self.of(tenant);
        if let Some(own) = &own {
            own.begin()?;
        }
        Ok(own)
    }

    fn of(&self, tenant: &Name) -> Option<Arc<TenantUse>> {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = uses.get(tenant) {
            return Some(Arc::clone(known));
        }
        let limits = self.settings.by_tenant().of(tenant);
        if !limits.limits_requests() {
            return None;
        }
        if uses.len() >= MAX_TENANTS {
            uses.retain(|_, one| Arc::strong_count(one) > 1 || !one.is_rested());
        }
        let refused = self.refused.get(tenant.as_str());
        let refused = refused.or_else(|| self.refused.get(FOLDED_TENANT))?;
        let new = TenantUse::new(&limits, self.clock.clone(), Arc::clone(refused));
        let new = Arc::new(new);
        uses.insert(tenant.clone(), Arc::clone(&new));
        Some(new)
    }
}

impl TenantUse {
    fn new(limits: &TenantLimits, clock: Clock, refused: Arc<Refused>) -> Self {
        let now = clock.now();
        let bucket = |rate: f64, burst: Option<f64>| TokenBucket {
            rate,
            burst: burst.unwrap_or(rate).max(1.0),
            level: burst.unwrap_or(rate).max(1.0),
            at: now,
        };
        let requests = limits.request_rate.map(|rate| {
            let burst = limits.request_burst_size.map(f64::from);
            bucket(f64::from(rate), burst)
        });
        let bytes = limits.ingestion_rate.map(|rate| {
            let burst = limits.ingestion_burst_size.map(|burst| burst.0 as f64);
            bucket(rate.0 as f64, burst)
        });
        Self {
            clock,
            buckets: Mutex::new(TokenBuckets { requests, bytes }),
            in_flight: AtomicU64::new(0),
            max_in_flight: limits.max_bytes_in_flight.map_or(u64::MAX, |max| max.0),
            refused,
        }
    }

    fn begin(&self) -> Result<(), ReceiveError> {
        let now = self.clock.now();
        let mut buckets = self.buckets();
        let is_open =
            |bucket: &mut Option<TokenBucket>| bucket.as_mut().is_none_or(|b| b.is_open(now));
        if !is_open(&mut buckets.bytes) {
            return Err(self.refuse(TenantOverload::IngestionRate));
        }
        if !is_open(&mut buckets.requests) {
            return Err(self.refuse(TenantOverload::RequestRate));
        }
        if let Some(requests) = &mut buckets.requests {
            requests.level -= 1.0;
        }
        Ok(())
    }

    /// Takes the plain bytes of a request that began.
    pub(super) fn spend(&self, bytes: usize) {
        if let Some(bucket) = &mut self.buckets().bytes {
            bucket.level -= bytes as f64;
        }
    }

    /// Holds bytes until they are released.
    pub(super) fn hold(&self, more: usize) -> Result<(), ReceiveError> {
        let before = self.in_flight.fetch_add(more as u64, Ordering::AcqRel);
        if before.saturating_add(more as u64) <= self.max_in_flight {
            return Ok(());
        }
        self.release(more);
        Err(self.refuse(TenantOverload::BytesInFlight))
    }

    pub(super) fn release(&self, bytes: usize) {
        self.in_flight.fetch_sub(bytes as u64, Ordering::AcqRel);
    }

    fn refuse(&self, overload: TenantOverload) -> ReceiveError {
        self.refused[overload as usize].increment(1);
        ReceiveError::Tenant(overload)
    }

    /// Whether it is as good as new.
    fn is_rested(&self) -> bool {
        let now = self.clock.now();
        let mut buckets = self.buckets();
        let TokenBuckets { requests, bytes } = &mut *buckets;
        let mut both = [requests, bytes].into_iter().flatten();
        both.all(|bucket| bucket.is_open(now) && bucket.level >= bucket.burst)
    }

    fn buckets(&self) -> MutexGuard<'_, TokenBuckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenBucket {
    /// Fills it up to now. Whether it is not empty.
    fn is_open(&mut self, now: Timestamp) -> bool {
        let more = self.rate * now.since(self.at).as_secs_f64();
        self.level = (self.level + more).min(self.burst);
        self.at = self.at.max(now);
        self.level >= 1.0
    }
}
