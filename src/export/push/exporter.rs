//! The loop of one exporter: reads all metrics at each interval, and queues them as requests.

use super::delivery::ShardDelivery;
use super::known::{KnownSeries, KnownStore};
use super::metrics::{PushDropped, PushMetrics};
use super::points::{PointSet, SeriesHash};
use super::protocol::PushProtocol;
use super::queue::ShardQueue;
use super::schedule::{point_time, state_is_complete};
use crate::client::{DestinationStatus, RetrySettings};
use crate::export::{ExportError, Exporter, Feed, ServiceIdentity};
use crate::log::disk::files::Files;
use crate::model::metric::Family;
use crate::model::time::Timestamp;
use futures_util::future::join_all;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// What an exporter that pushes is told, whatever its protocol is.
#[derive(Clone, Debug)]
pub struct PushSettings {
    /// Its key in the configuration.
    pub name: String,
    /// The URL of the receiver.
    pub endpoint: String,
    /// From one set of points to the next.
    pub interval: Duration,
    /// Which requests are retried, and when.
    pub retry: RetrySettings,
    /// Maximum number of requests that wait in all shards together.
    pub queue_size: usize,
    /// Maximum number of requests in flight.
    pub shards: usize,
}

/// An exporter that pushes, not running yet.
pub struct PushExporter<P> {
    settings: PushSettings,
    identity: ServiceIdentity,
    protocol: P,
    /// Where is kept which series the receiver knows; `None`: it ends with the process, as the state does.
    files: Option<Arc<dyn Files>>,
    metrics: PushMetrics,
    /// What began to count before the first process that pushes to the receiver is not news there.
    since: Timestamp,
}

impl<P> std::fmt::Debug for PushExporter<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushExporter")
            .field("settings", &self.settings)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl<P: PushProtocol> PushExporter<P> {
    /// An exporter of checked settings in a process that began at `since`. `files`: where is kept which series the receiver knows; `None`: it ends
    /// with the process, as the state does. Registers its metrics with the recorder in whose scope it is called.
    pub fn new(
        settings: PushSettings,
        identity: ServiceIdentity,
        protocol: P,
        files: Option<Arc<dyn Files>>,
        since: Timestamp,
    ) -> Self {
        Self {
            metrics: PushMetrics::new(&settings.name, since),
            settings,
            identity,
            protocol,
            files,
            since,
        }
    }
}

impl<P: PushProtocol> Exporter for PushExporter<P> {
    const NAME: &str = "push exporter";

    async fn run(self, feed: Feed, stop: CancellationToken) -> Result<(), ExportError> {
        let shards = self.settings.shards.max(1);
        let capacity = (self.settings.queue_size / shards).max(1);
        let queues: Vec<ShardQueue> = (0..shards).map(|_| ShardQueue::new(capacity)).collect();
        let ServiceIdentity { service, instance } = &self.identity;
        let store = KnownStore {
            files: self.files,
            destination: format!("{} {service} {instance}", self.settings.endpoint),
            exporter: self.settings.name.clone(),
        };
        let delivery = ShardDelivery {
            status: DestinationStatus::new(&self.settings.name, "points"),
            protocol: self.protocol,
            retry: self.settings.retry,
            metrics: self.metrics,
            clock: feed.clock.clone(),
            acknowledged: Mutex::default(),
            closed: CancellationToken::new(),
        };
        let mut reader = PointReader {
            feed,
            identity: self.identity,
            delivery: &delivery,
            queues: &queues,
            known: KnownSeries::new(store, self.since),
            before: Vec::new(),
            last: Timestamp(0),
        };
        let read = async {
            reader.run(self.settings.interval, &stop).await;
            delivery.closed.cancel();
        };
        let sent = join_all(queues.iter().map(|queue| delivery.run(queue)));
        tokio::join!(read, sent);
        Ok(())
    }
}

/// Makes sets of points.
struct PointReader<'d, P> {
    feed: Feed,
    identity: ServiceIdentity,
    delivery: &'d ShardDelivery<P>,
    queues: &'d [ShardQueue],
    known: KnownSeries,
    /// The set before.
    before: Vec<Family>,
    /// Its time.
    last: Timestamp,
}

impl<P: PushProtocol> PointReader<'_, P> {
    /// Reads at each interval until `stop` is cancelled, and then the last figures.
    async fn run(&mut self, every: Duration, stop: &CancellationToken) {
        if !state_is_complete(&*self.feed.readiness, stop).await {
            return;
        }
        let mut ticks = interval(every);
        // After a long pause there is one set, not one for each interval of it.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = ticks.tick() => self.read(),
            }
        }
        self.read();
    }

    /// Queues all metrics as they are now.
    fn read(&mut self) {
        let at = point_time(&self.feed.clock, self.last);
        let mut families = self.feed.families.exact();
        families.extend(self.feed.families.internal());
        let hashes = SeriesHash::of_all(&families);
        let acknowledged = self.delivery.acknowledged();
        let births = self.known.hold(&mut families, &hashes, acknowledged);
        let points = PointSet {
            at,
            families: &families,
            hashes: &hashes,
            before: &self.before,
            births: &births,
        };
        let protocol = &self.delivery.protocol;
        let metrics = &self.delivery.metrics;
        for batch in protocol.batches(&points, &self.identity, self.queues.len()) {
            metrics.queued(batch.points);
            let Some(queue) = self.queues.get(batch.shard) else {
                unreachable!("a batch is of one of the shards");
            };
            if let Some(oldest) = queue.push(batch) {
                metrics.settled(oldest.points);
                metrics.dropped(PushDropped::QueueFull, oldest.points);
            }
        }
        (self.before, self.last) = (families, at);
    }
}
