//! Writes verdicts to the spool, from which destinations get them like requests that were received.

use super::record::{self, OutboundRequest};
use super::verdict_queue::{VerdictBatch, VerdictQueue};
use crate::catalogue::InternalMetric;
use crate::clock::Clock;
use crate::log::LogError;
use crate::model::Name;
use crate::model::request::Encoding;
use crate::model::tenant::TENANT_HEADER;
use crate::spool::{Admitted, Spool, SpoolPayload};
use crate::telemetry::counter;
use crate::verdict::{self, DecidedFact, Subject, VerdictForm};
use ::metrics::Counter;
use http::HeaderValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long the writer waits for room in the spool before it looks again.
const FULL_PAUSE: Duration = Duration::from_millis(200);

/// What a verdict says beside its fact, and where it goes.
#[derive(Clone, Debug)]
pub struct VerdictRouting {
    /// The names of the dimensions of cohorts, in their order.
    pub dimensions: Vec<String>,
    /// Requests have the header of their tenant, so verdicts get it.
    pub has_tenant_header: bool,
}

/// The one writer of verdicts, not running yet.
pub struct VerdictWriter {
    pub(super) queue: Arc<VerdictQueue>,
    pub(super) spool: Spool,
    pub(super) clock: Clock,
    pub(super) routing: VerdictRouting,
    /// The keys of the destinations that take each form.
    pub(super) takers: Vec<(VerdictForm, Vec<String>)>,
    pub(super) metrics: VerdictMetrics,
}

impl std::fmt::Debug for VerdictWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerdictWriter")
            .field("routing", &self.routing)
            .finish_non_exhaustive()
    }
}

impl VerdictWriter {
    /// Writes until `stop` is cancelled and all is written, or the spool takes nothing more: the next process finds out again what is not in it.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let batch = self.queue.next();
            if batch.0.is_empty() {
                if stop.is_cancelled() {
                    return;
                }
                tokio::select! {
                    () = self.queue.ready() => {}
                    () = stop.cancelled() => {}
                }
                continue;
            }
            if !self.write(&batch, &stop).await {
                let verdicts = self.queue.outstanding();
                warn!(verdicts, "the spool took not all verdicts before the end");
                return;
            }
            self.queue.settle(&batch);
        }
    }

    /// Writes a batch, one request for each tenant and form. `false`: not all of it was written.
    async fn write(&self, batch: &VerdictBatch, stop: &CancellationToken) -> bool {
        let mut by_tenant: BTreeMap<Option<&Name>, Vec<DecidedFact>> = BTreeMap::new();
        for (_, verdict) in &batch.0 {
            let tenant = verdict.tenant().filter(|_| self.routing.has_tenant_header);
            by_tenant.entry(tenant).or_default().push(verdict.clone());
        }
        for (tenant, verdicts) in &by_tenant {
            for (form, takers) in &self.takers {
                let route = (*form, *tenant, takers.as_slice());
                if self.write_group(verdicts, route, stop).await.is_err() {
                    return false;
                }
            }
        }
        self.metrics
            .written(batch.0.iter().map(|(_, verdict)| verdict));
        true
    }

    /// Writes verdicts as one request. Where a nearly full spool has no room for that, as one request each: all together may be larger than
    /// the whole spool.
    async fn write_group(
        &self,
        verdicts: &[DecidedFact],
        (form, tenant, takers): (VerdictForm, Option<&Name>, &[String]),
        stop: &CancellationToken,
    ) -> Result<(), LogError> {
        let together = self.put(self.payload(form, tenant, verdicts)).await;
        let single = matches!(together, Err(LogError::Full(_)));
        let stored = if single { Ok(true) } else { together };
        if !stored? {
            self.dropped(takers, verdicts);
        }
        for verdict in verdicts.iter().filter(|_| single) {
            let one = std::slice::from_ref(verdict);
            if !self.store(self.payload(form, tenant, one), stop).await? {
                self.dropped(takers, one);
            }
        }
        Ok(())
    }

    /// Puts a payload into the spool. `false`: the policy is to drop, and there is no room.
    async fn put(&self, payload: SpoolPayload) -> Result<bool, LogError> {
        match self.spool.reserve(payload.size())? {
            Admitted::Place(place) => place.write(payload).await.map(|()| true),
            Admitted::Dropped => Ok(false),
        }
    }

    fn payload(
        &self,
        form: VerdictForm,
        tenant: Option<&Name>,
        verdicts: &[DecidedFact],
    ) -> SpoolPayload {
        let body = verdict::request(form, verdicts, &self.routing.dimensions);
        let header = tenant.filter(|tenant| HeaderValue::from_str(tenant).is_ok());
        let header = header.map(|tenant| (TENANT_HEADER.to_owned(), tenant.to_string()));
        record::stored(OutboundRequest {
            signal: form.signal(),
            encoding: Encoding::Protobuf,
            received: self.clock.now(),
            headers: header.into_iter().collect(),
            body: body.into(),
            is_verdict: true,
        })
    }

    /// The same, but waits for room where the policy is to refuse.
    async fn store(
        &self,
        payload: SpoolPayload,
        stop: &CancellationToken,
    ) -> Result<bool, LogError> {
        let mut is_told = false;
        loop {
            match self.put(payload.clone()).await {
                Err(LogError::Full(_)) if !stop.is_cancelled() => {}
                stored => {
                    if is_told {
                        self.queue.set_blocked(false);
                        info!("the spool takes verdicts again");
                    }
                    return stored;
                }
            }
            if !is_told {
                self.queue.set_blocked(true);
                warn!("verdicts wait for room in the spool, and snapshots for them");
                is_told = true;
            }
            tokio::select! {
                () = tokio::time::sleep(FULL_PAUSE) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    fn dropped(&self, takers: &[String], verdicts: &[DecidedFact]) {
        takers.iter().for_each(|taker| self.spool.dropped(taker));
        self.metrics.dropped.increment(verdicts.len() as u64);
    }
}

/// What is counted of verdicts.
pub(super) struct VerdictMetrics {
    written: [Counter; Subject::ALL.len()],
    /// There was no room in the spool.
    dropped: Counter,
}

impl VerdictMetrics {
    /// Registers with the recorder in whose scope it is called.
    pub(super) fn new() -> Self {
        Self {
            written: Subject::ALL
                .map(|subject| counter(InternalMetric::Verdicts, &[subject.as_str()])),
            dropped: counter(InternalMetric::VerdictsDropped, &["spool_full"]),
        }
    }

    fn written<'a>(&self, verdicts: impl Iterator<Item = &'a DecidedFact>) {
        for verdict in verdicts {
            self.written[verdict.subject() as usize].increment(1);
        }
    }
}
