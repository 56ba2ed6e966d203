//! The loop of one destination: at each interval it reads all metrics and sends what the destination does not have.
//!
//! It has no queue: a push rests on what the destination acknowledged of the one before. While it does not answer, one push waits, and what is
//! counted meanwhile goes with the next one.

use super::batches::batches;
use super::changes::{Changes, Temporality};
use super::checkpoint::Checkpoint;
use super::encode::metrics;
use super::sender::{BatchSender, PushOutcome, resource};
use super::settings::OtlpPushSettings;
use super::store::{CheckpointStore, LeftCheckpoints};
use crate::client::{DestinationStatus, OtlpClient, RetrySettings};
use crate::export::push::metrics::PushMetrics;
use crate::export::push::schedule::{point_time, state_is_complete};
use crate::export::{ExportError, Exporter, Feed, ServiceIdentity};
use crate::log::LogError;
use crate::log::disk::files::Files;
use crate::model::time::Timestamp;
use std::sync::Arc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Size of one request, roughly.
const MAX_REQUEST: usize = 1 << 20;

/// Where the metrics go.
pub struct OtlpPushTarget {
    /// The key of the exporter.
    pub name: String,
    /// The URL.
    pub endpoint: String,
    /// Which requests are retried, and when.
    pub retry: RetrySettings,
    /// Makes the client, inside the runtime of the exporter.
    pub connect: Box<dyn FnOnce() -> OtlpClient + Send>,
}

impl std::fmt::Debug for OtlpPushTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpPushTarget")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// An exporter that pushes metrics as OTLP, not running yet.
pub struct OtlpPushExporter {
    settings: OtlpPushSettings,
    target: OtlpPushTarget,
    identity: ServiceIdentity,
    /// Where checkpoints are kept; `None`: they end with the process, as the state does.
    files: Option<Arc<dyn Files>>,
    metrics: PushMetrics,
    /// What began to count before the first process that knows the destination is not news there.
    since: Timestamp,
}

impl std::fmt::Debug for OtlpPushExporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpPushExporter")
            .field("settings", &self.settings)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl OtlpPushExporter {
    /// An exporter of checked settings in a process that began at `since`. `files`: where checkpoints are kept; `None`: they end with the process, as
    /// the state does. Registers its metrics with the recorder in whose scope it is called.
    pub fn new(
        settings: OtlpPushSettings,
        target: OtlpPushTarget,
        identity: ServiceIdentity,
        files: Option<Arc<dyn Files>>,
        since: Timestamp,
    ) -> Self {
        Self {
            metrics: PushMetrics::new(&target.name, since),
            settings,
            target,
            identity,
            files,
            since,
        }
    }
}

impl Exporter for OtlpPushExporter {
    const NAME: &str = "OTLP push exporter";

    async fn run(self, feed: Feed, stop: CancellationToken) -> Result<(), ExportError> {
        let every = self.settings.interval;
        if !state_is_complete(&*feed.readiness, &stop).await {
            return Ok(());
        }
        let mut pusher = MetricsPusher::new(self, feed);
        if let Some(pending) = pusher.recall() {
            pusher.push(pending, None, &stop).await;
        }
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            let current = pusher.read();
            let next = pusher.feed.clock.now() + every;
            pusher.push(current, Some(next), &stop).await;
        }
        pusher.push_last(&stop).await;
        Ok(())
    }
}

/// Makes one push after the other.
struct MetricsPusher {
    feed: Feed,
    settings: OtlpPushSettings,
    sender: BatchSender,
    store: CheckpointStore,
    since: Timestamp,
    /// What the destination has.
    known: Checkpoint,
    /// The time of the last push.
    last: Timestamp,
    /// Baton stopped before a push was settled: the destination may have it or not, and the next process sends it before anything else.
    is_unsettled: bool,
}

impl MetricsPusher {
    fn new(exporter: OtlpPushExporter, feed: Feed) -> Self {
        let OtlpPushExporter {
            settings,
            target,
            identity,
            files,
            metrics,
            since,
        } = exporter;
        let (service, instance) = (&identity.service, &identity.instance);
        let temporality = settings.temporality_preference;
        let store = CheckpointStore {
            files,
            destination: format!("{temporality:?} {} {service} {instance}", target.endpoint),
            exporter: target.name.clone(),
        };
        let sender = BatchSender {
            status: DestinationStatus::new(&target.name, "metrics"),
            client: (target.connect)(),
            resource: resource(&identity),
            retry: target.retry,
            metrics,
            clock: feed.clock.clone(),
        };
        Self {
            feed,
            settings,
            sender,
            store,
            since,
            known: Checkpoint::default(),
            last: Timestamp(0),
            is_unsettled: false,
        }
    }

    /// Recalls what the destination has. Returns the push that the process before has not settled.
    fn recall(&mut self) -> Option<Checkpoint> {
        let (known, pending) = match self.store.load() {
            Ok(LeftCheckpoints {
                acknowledged: Some(known),
                pending,
            }) => (known, pending),
            Ok(_) => (Checkpoint::begin(&self.read(), self.since), None),
            Err(error) => {
                let exporter = self.sender.status.exporter();
                warn!(exporter, %error, "what the destination has cannot be read: what was counted since the last push is not sent as deltas");
                (self.read(), None)
            }
        };
        if pending.is_none() {
            self.note(self.store.note_acknowledged(&known));
        }
        let latest = pending.as_ref().map_or(known.at, |pending| pending.at);
        self.last = self.last.max(latest);
        self.known = known;
        pending
    }

    /// All metrics as they are now.
    fn read(&mut self) -> Checkpoint {
        self.last = point_time(&self.feed.clock, self.last);
        let mut families = self.feed.families.exact();
        families.extend(self.feed.families.internal());
        let aggregation = self.settings.default_histogram_aggregation;
        Checkpoint {
            at: self.last,
            metrics: metrics(&families, self.last, aggregation),
        }
    }

    /// Sends what the destination does not have of `current`. Deltas are sent until they are settled: nobody knows whether the destination has
    /// what it did not answer. A cumulative push is worth nothing once there is a next one. `true`: some series were sent as 0.
    async fn push(
        &mut self,
        current: Checkpoint,
        next: Option<Timestamp>,
        stop: &CancellationToken,
    ) -> bool {
        let temporality = self.settings.temporality_preference;
        let changes = Changes::between(&self.known, &current, temporality);
        let next = match temporality {
            Temporality::Delta => {
                self.note(self.store.note_pending(&current));
                None
            }
            Temporality::Cumulative => next,
        };
        let batches = batches(changes.metrics, MAX_REQUEST);
        let refused = match self.sender.push(batches, next, stop).await {
            PushOutcome::Settled(refused) => refused,
            PushOutcome::Superseded => return false,
            PushOutcome::Stopped => {
                self.is_unsettled = true;
                return false;
            }
        };
        let is_whole = refused.is_empty();
        self.known = std::mem::take(&mut self.known).after(current, &refused);
        let noted = match temporality {
            Temporality::Delta if is_whole => self.store.acknowledge_pending(),
            Temporality::Cumulative if !changes.has_births => Ok(()),
            _ => self.store.note_acknowledged(&self.known),
        };
        self.note(noted);
        changes.has_births
    }

    /// The last figures. What is sent as 0 first, because it is new, is sent with its value too.
    async fn push_last(&mut self, stop: &CancellationToken) {
        if self.is_unsettled {
            return;
        }
        let current = self.read();
        if self.push(current, None, stop).await {
            let current = self.read();
            self.push(current, None, stop).await;
        }
    }

    fn note(&self, noted: Result<(), LogError>) {
        if let Err(error) = noted {
            let exporter = self.sender.status.exporter();
            warn!(exporter, %error, "what the destination has cannot be noted: after a restart it may get points twice");
        }
    }
}
