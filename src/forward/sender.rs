//! Sends requests to one destination until each is accepted, rejected permanently, or given up.

use super::metrics::ExporterMetrics;
use super::record::{self, OutboundRequest};
use super::settings::{DestinationSettings, ForwardProtocol};
use super::{DroppedReason, convert};
use crate::client::{
    Accepted, Backoff, DestinationStatus, DestinationTarget, OtlpClient, SendError, SendFailure,
};
use crate::clock::Clock;
use crate::model::request::Encoding;
use crate::spool::{Quarantine, SpoolPayload};
use crate::verdict::VerdictForm;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How long a request in flight is waited for when Baton stops and the spool survives: it is sent again by the next process.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// What becomes of a request that is rejected.
const NOT_AGAIN: &str = "they are not sent again";

/// The sender of one destination.
pub(super) struct RequestSender {
    pub(super) settings: DestinationSettings,
    client: OtlpClient,
    pub(super) metrics: ExporterMetrics,
    clock: Clock,
    policy: GiveUpPolicy,
    status: DestinationStatus,
}

/// What becomes of requests that wait at the end, are not sent for long, or are rejected.
#[derive(Clone, Debug, Default)]
pub struct GiveUpPolicy {
    /// All is sent before the end, as long as the destination accepts it: nothing of it survives, or an operator asks for it.
    pub drains: bool,
    /// An older request is not sent; zero: no limit.
    pub max_age: Duration,
    /// Keeps what is rejected. `None`: it is dropped.
    pub quarantine: Option<Arc<Quarantine>>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The destination has it, or will never have it.
    Settled,
    /// Baton stops first.
    Interrupted,
}

impl RequestSender {
    /// A sender of checked settings. Call it inside a tokio runtime.
    pub(super) fn new(
        name: &str,
        settings: DestinationSettings,
        target: DestinationTarget,
        metrics: ExporterMetrics,
        (clock, policy): (Clock, GiveUpPolicy),
    ) -> Self {
        let client = settings.connect(target);
        Self {
            status: DestinationStatus::new(name, "requests"),
            settings,
            client,
            metrics,
            clock,
            policy,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.status.exporter()
    }

    /// The request in a payload, as this destination takes it; `None`: it does not get it.
    pub(super) fn prepare(&self, payload: SpoolPayload) -> Option<OutboundRequest> {
        let Some(mut request) = record::decode(payload) else {
            self.metrics.dropped(DroppedReason::Unreadable);
            return None;
        };
        if !self.takes(&request) {
            return None;
        }
        let converts = self.settings.protocol == ForwardProtocol::Grpc;
        if converts && request.encoding == Encoding::Json {
            let Some(body) = convert::protobuf(&request.body, request.signal) else {
                self.metrics.dropped(DroppedReason::NotConvertible);
                return None;
            };
            request.body = body;
            request.encoding = Encoding::Protobuf;
        }
        Some(request)
    }

    /// Whether the destination gets such requests.
    fn takes(&self, request: &OutboundRequest) -> bool {
        if !request.is_verdict {
            return self.settings.takes(request.signal);
        }
        let mut forms = VerdictForm::ALL.iter();
        let form = forms.find(|form| form.signal() == request.signal);
        form.is_some_and(|form| self.settings.takes_verdicts(*form))
    }

    /// Sends a request until it is settled. Once `stop` is cancelled, it is not sent again.
    pub(super) async fn deliver(&self, request: OutboundRequest, stop: &CancellationToken) -> Sent {
        let mut backoff = Backoff::new(&self.settings.retry_on_failure);
        let begun = self.clock.now();
        loop {
            let age = self.clock.now().since(request.received);
            if !self.policy.max_age.is_zero() && age > self.policy.max_age {
                self.metrics.dropped(DroppedReason::Expired);
                return Sent::Settled;
            }
            let answer = tokio::select! {
                biased;
                answer = self.attempt(&request) => answer,
                () = self.overdue(stop) => return Sent::Interrupted,
            };
            let error = match answer {
                Ok(accepted) => {
                    self.accepted(&request, accepted);
                    return Sent::Settled;
                }
                Err(error) => error,
            };
            self.metrics.failed(error.reason);
            if error.reason == SendFailure::Rejected {
                self.rejected(&request, &error);
                return Sent::Settled;
            }
            self.status.failed(&error);
            let elapsed = self.clock.now().since(begun);
            let Some(wait) = backoff.retry(error.wait, elapsed) else {
                self.metrics.dropped(DroppedReason::RetryLimit);
                return Sent::Settled;
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Sent::Interrupted,
                () = sleep(wait) => {}
            }
        }
    }

    /// Ends when an attempt has had its time after `stop`. Where all is sent before the end, the timeout of an attempt is its only limit.
    async fn overdue(&self, stop: &CancellationToken) {
        stop.cancelled().await;
        if self.policy.drains {
            std::future::pending::<()>().await;
        }
        sleep(STOP_WAIT).await;
    }

    pub(super) async fn attempt(&self, request: &OutboundRequest) -> Result<Accepted, SendError> {
        self.client.send(&request.otlp()).await
    }

    fn accepted(&self, request: &OutboundRequest, accepted: Accepted) {
        self.metrics.sent(request, accepted.rejected);
        self.status.told(accepted.is_untold);
        match accepted.partial(request.signal) {
            Some(answer) => {
                if self.keeps(request, &answer) {
                    self.metrics.quarantined();
                }
                self.status.rejected(&answer, NOT_AGAIN);
            }
            None => self.status.accepted_all(),
        }
        self.status.answered();
    }

    fn rejected(&self, request: &OutboundRequest, error: &SendError) {
        if self.keeps(request, &error.what) {
            self.metrics.quarantined();
        } else {
            self.metrics.dropped(DroppedReason::Rejected);
        }
        self.status.rejected(&error.what, NOT_AGAIN);
    }

    /// Keeps a request that was rejected as a whole or in part, if it can.
    fn keeps(&self, request: &OutboundRequest, answer: &str) -> bool {
        let Some(quarantine) = &self.policy.quarantine else {
            return false;
        };
        let now = self.clock.now();
        let content = record::quarantined(request, self.name(), answer, now);
        quarantine.keep(now.0, &content).unwrap_or_else(|error| {
            warn!(exporter = self.name(), %error, "a rejected request cannot be kept");
            false
        })
    }
}
