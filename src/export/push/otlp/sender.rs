//! Sends the batches of one push, one after the other, each until it is settled.

use super::data_point::point_count;
use super::encode::attribute;
use crate::client::{
    Accepted, Backoff, DestinationStatus, OtlpClient, OtlpRequest, RetrySettings, SendFailure,
};
use crate::clock::Clock;
use crate::export::ServiceIdentity;
use crate::export::push::metrics::{PushDropped, PushMetrics};
use crate::model::request::{Encoding, Signal};
use crate::model::time::Timestamp;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const SCOPE: &str = "baton";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The sender of one destination.
pub(super) struct BatchSender {
    pub(super) client: OtlpClient,
    pub(super) resource: Resource,
    pub(super) retry: RetrySettings,
    pub(super) metrics: PushMetrics,
    pub(super) clock: Clock,
    pub(super) status: DestinationStatus,
}

/// What becomes of a push.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PushOutcome {
    /// Every batch is settled. These points were not accepted.
    Settled(Vec<Metric>),
    /// The next push is due, and takes its place.
    Superseded,
    /// Baton stops first.
    Stopped,
}

/// What becomes of a batch.
enum BatchOutcome {
    Accepted,
    /// The destination rejected it, or there are no more attempts.
    Refused,
    Superseded,
    Stopped,
}

/// Who Baton is, as attributes of a resource.
pub(super) fn resource(identity: &ServiceIdentity) -> Resource {
    Resource {
        attributes: vec![
            attribute("service.name", &identity.service),
            attribute("service.instance.id", &identity.instance),
            attribute("service.version", VERSION),
        ],
        ..Resource::default()
    }
}

impl BatchSender {
    /// Sends batches until each is settled. `until`: when the next push takes the place of this one, if it can. Once `stop` is cancelled, nothing is
    /// sent again.
    pub(super) async fn push(
        &mut self,
        batches: Vec<Vec<Metric>>,
        until: Option<Timestamp>,
        stop: &CancellationToken,
    ) -> PushOutcome {
        let mut refused = Vec::new();
        let waiting: u64 = batches.iter().map(|batch| points(batch)).sum();
        self.metrics.queued(waiting);
        let mut outcome = None;
        for batch in batches {
            let count = points(&batch);
            let batch = match self.send((batch, count), until, stop).await {
                (BatchOutcome::Accepted, _) => Vec::new(),
                (BatchOutcome::Refused, batch) => batch,
                (BatchOutcome::Superseded, _) => {
                    outcome = Some(PushOutcome::Superseded);
                    break;
                }
                (BatchOutcome::Stopped, _) => {
                    outcome = Some(PushOutcome::Stopped);
                    break;
                }
            };
            refused.extend(batch);
        }
        self.metrics.settled(waiting);
        outcome.unwrap_or(PushOutcome::Settled(refused))
    }

    async fn send(
        &mut self,
        (batch, count): (Vec<Metric>, u64),
        until: Option<Timestamp>,
        stop: &CancellationToken,
    ) -> (BatchOutcome, Vec<Metric>) {
        let (body, batch) = self.request(batch);
        let retry = self.retry.clone();
        let mut backoff = Backoff::new(&retry);
        let begun = self.clock.now();
        let outcome = loop {
            // What was stopped before an attempt gets no further one.
            let is_last = stop.is_cancelled();
            let request = OtlpRequest {
                signal: Signal::Metrics,
                encoding: Encoding::Protobuf,
                headers: &[],
                body: &body,
            };
            let error = match self.client.send(&request).await {
                Ok(accepted) => {
                    self.accepted(count, accepted);
                    break BatchOutcome::Accepted;
                }
                Err(error) => error,
            };
            self.metrics.failed(error.reason);
            if error.reason == SendFailure::Rejected {
                let then = "the next push has what they count";
                self.status.rejected(&error.what, then);
                break BatchOutcome::Refused;
            }
            self.status.failed(&error);
            if is_last {
                break BatchOutcome::Stopped;
            }
            let elapsed = self.clock.now().since(begun);
            let Some(wait) = backoff.retry(error.wait, elapsed) else {
                break BatchOutcome::Refused;
            };
            if until.is_some_and(|until| self.clock.now() + wait >= until) {
                break BatchOutcome::Superseded;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = sleep(wait) => {}
            }
        };
        (outcome, batch)
    }

    /// The request of a batch, and the batch.
    fn request(&self, batch: Vec<Metric>) -> (bytes::Bytes, Vec<Metric>) {
        let scope = ScopeMetrics {
            scope: Some(InstrumentationScope {
                name: SCOPE.to_owned(),
                version: VERSION.to_owned(),
                ..InstrumentationScope::default()
            }),
            metrics: batch,
            schema_url: String::new(),
        };
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(self.resource.clone()),
                scope_metrics: vec![scope],
                schema_url: String::new(),
            }],
        };
        let body = request.encode_to_vec().into();
        let resources = request.resource_metrics.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_metrics);
        (body, scopes.flat_map(|scope| scope.metrics).collect())
    }

    fn accepted(&mut self, count: u64, accepted: Accepted) {
        let Accepted {
            rejected,
            is_untold,
        } = accepted;
        self.status.told(is_untold);
        self.metrics.sent(count.saturating_sub(rejected));
        self.metrics.dropped(PushDropped::Rejected, rejected);
        self.metrics.succeeded(self.clock.now());
        self.status.answered();
        if rejected > 0 {
            let answer = format!("{rejected} points rejected");
            self.status.rejected(&answer, "they are not sent again");
        } else {
            self.status.accepted_all();
        }
    }
}

fn points(batch: &[Metric]) -> u64 {
    batch.iter().map(point_count).sum::<usize>() as u64
}
