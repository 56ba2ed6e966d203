//! Handles an export request of either transport: reads, admits, decompresses and submits it, then counts and reports the result in one place.

use super::error::{ReceiveError, TenantOverload};
use super::{Admission, Listeners, Metrics, TenantLimiter, body};
use crate::auth::{AccessControl, Denial};
use crate::ingest::{Encoding, ExportRequest, Ingest, IngestError, OutcomeRequest, Signal};
use crate::model::Name;
use crate::model::reject::{RejectReason, Unread};
use crate::model::tenant::{Access, TENANT_HEADER};
use crate::net::{Peer, Server, Trouble};
use crate::otlp::Counts;
use crate::otlp::Limits;
use axum::extract::Request;
use axum::http::HeaderMap;
use bytes::Bytes;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The handler of a listener's requests. Clones share everything.
#[derive(Clone)]
pub(super) struct RequestHandler {
    server: Server,
    /// Who may send requests.
    pub(super) access: AccessControl,
    ingest: Arc<dyn Ingest>,
    metrics: Arc<Metrics>,
    pub(super) limits: Limits,
    pub(super) retry_after: Duration,
    /// The names of headers that stay with a request.
    forward_headers: Arc<[String]>,
    admission: Arc<Admission>,
    tenant_limiter: Arc<TenantLimiter>,
}

impl std::fmt::Debug for RequestHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestHandler")
            .field("server", &self.server)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl RequestHandler {
    pub(super) fn new(
        listeners: &Listeners,
        (server, access): (&Server, &AccessControl),
        ingest: Arc<dyn Ingest>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            server: server.clone(),
            access: access.clone(),
            ingest,
            metrics,
            limits: listeners.settings.limits(),
            retry_after: listeners.settings.retry_after,
            forward_headers: listeners.settings.forward_headers.as_slice().into(),
            admission: Arc::clone(&listeners.admission),
            tenant_limiter: Arc::clone(&listeners.tenant_limiter),
        }
    }

    /// Uploads that make no progress are not waited for.
    pub(super) fn stop(&self) {
        self.admission.stop();
    }

    /// Checks who sends a request, before anything else of it is looked at, and notes with it what it may reach.
    pub(super) async fn authenticate(&self, request: &mut Request) -> Result<(), ReceiveError> {
        let admitted = self.access.admit(request).await;
        let admitted = admitted.map_err(ReceiveError::Denied);
        if let Err(error) = admitted {
            let peer = request.extensions().get::<Peer>().copied();
            self.account(&Err(error), peer);
        }
        admitted
    }

    /// Takes in an export request. `unpack` makes the plain message of a body of at most `limit` bytes.
    pub(super) async fn take(
        &self,
        request: Request,
        limit: usize,
        unpack: impl FnOnce(Bytes) -> Result<Bytes, ReceiveError>,
        (signal, encoding): (Signal, Encoding),
    ) -> Result<Counts, ReceiveError> {
        let submit = |tenant, headers, body| {
            self.ingest.submit(ExportRequest {
                signal,
                encoding,
                tenant,
                headers,
                body,
            })
        };
        self.admit(request, limit, unpack, submit).await
    }

    /// Takes in a request with reported outcomes, as an export request; returns how many it has.
    pub(super) async fn take_outcomes(
        &self,
        request: Request,
        limit: usize,
        unpack: impl FnOnce(Bytes) -> Result<Bytes, ReceiveError>,
    ) -> Result<u64, ReceiveError> {
        let submit = |tenant, _, body| self.ingest.submit_outcomes(OutcomeRequest { tenant, body });
        self.admit(request, limit, unpack, submit).await
    }

    /// Reads a request within all limits, and holds its place until what it is submitted to ends.
    async fn admit<T, F: Future<Output = Result<T, IngestError>>>(
        &self,
        request: Request,
        limit: usize,
        unpack: impl FnOnce(Bytes) -> Result<Bytes, ReceiveError>,
        submit: impl FnOnce(Option<Name>, Vec<(String, String)>, Bytes) -> F,
    ) -> Result<T, ReceiveError> {
        // Nobody gets here without.
        let access = request.extensions().get::<Access>();
        let access = access.ok_or(ReceiveError::Denied(Denial::NoTenant))?;
        let tenant = access.tenant().cloned();
        let headers = self.forwarded(request.headers(), tenant.as_ref());
        let body = request.into_body();
        let begin = |tenant| self.tenant_limiter.begin(tenant);
        let own = match tenant.as_ref().map(begin).transpose() {
            Ok(own) => own.flatten(),
            Err(error) => {
                body::discard(body).await;
                return Err(error);
            }
        };
        let (body, mut held) = self.admission.read(body, limit, own).await?;
        held.place().await?;
        let body = unpack(body)?;
        held.unpack(body.len()).await?;
        held.spend(body.len());
        self.metrics.bytes.increment(body.len() as u64);
        Ok(submit(tenant, headers, body).await?)
    }

    /// The headers that stay with a request. Values that are no text are left out. The tenant is in its own header, whatever the sender says there.
    fn forwarded(&self, headers: &HeaderMap, tenant: Option<&Name>) -> Vec<(String, String)> {
        let own = tenant.map(|tenant| (TENANT_HEADER.to_owned(), tenant.to_string()));
        let names = self.forward_headers.iter();
        let names = names.filter(|name| own.is_none() || !name.eq_ignore_ascii_case(TENANT_HEADER));
        let values = names.flat_map(|name| headers.get_all(name).iter().map(move |v| (name, v)));
        values
            .filter_map(|(name, value)| Some((name.clone(), value.to_str().ok()?.to_owned())))
            .chain(own.clone())
            .collect()
    }

    /// Counts a result, and reports what was refused, malformed or rejected.
    pub(super) fn account(&self, result: &Result<Counts, ReceiveError>, peer: Option<Peer>) {
        let listener = self.server.name();
        let from = peer.map(|Peer(address)| address);
        match result {
            Ok(counts) => {
                self.metrics.taken(counts);
                self.report_rejects(counts, from);
                self.report_tenants(counts, from);
            }
            Err(error) => {
                self.metrics.failed(listener, *error);
                let what = if error.retryable() {
                    "refused a request with a retryable status"
                } else {
                    "rejected a request permanently"
                };
                let trouble = Trouble {
                    listener,
                    reason: error.reason(),
                    what,
                    advice: error.advice(),
                    is_usual: false,
                };
                self.server.reporter().note(trouble, 1, from);
            }
        }
    }

    fn report_rejects(&self, counts: &Counts, from: Option<SocketAddr>) {
        if counts.rejects.is_empty() {
            return;
        }
        for reason in RejectReason::ALL {
            let rejected = counts.rejects.iter().filter(|r| **r == reason).count();
            if rejected > 0 {
                let trouble = Trouble {
                    listener: self.server.name(),
                    reason: reason.as_str(),
                    what: "rejected spans or log records of a request permanently and accepted the others",
                    advice: advice(reason),
                    is_usual: false,
                };
                self.server.reporter().note(trouble, rejected as u64, from);
            }
        }
    }

    /// Reports tenants that attributes of an operator name and that have no place.
    fn report_tenants(&self, counts: &Counts, from: Option<SocketAddr>) {
        let refused = counts.unread.of(Unread::TenantOverLimit);
        if refused > 0 {
            let trouble = Trouble {
                listener: self.server.name(),
                reason: Unread::TenantOverLimit.as_str(),
                what: "counted spans or log records for no tenant, because there are as many tenants as there may be",
                advice: ReceiveError::Tenant(TenantOverload::MaxTenants).advice(),
                is_usual: false,
            };
            self.server.reporter().note(trouble, refused, from);
        }
    }
}

/// What to do about a reject.
fn advice(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::TooDeep => "raise receivers.otlp.max_depth, or send flatter attributes",
        RejectReason::TooLarge => "raise receivers.otlp.max_attributes, or send fewer attributes",
        RejectReason::InvalidTime => {
            "spans need a start time and an end time that is not before it: check the SDK of the sender"
        }
        _ => "check the SDK of the sender, or a processor between it and Baton",
    }
}
