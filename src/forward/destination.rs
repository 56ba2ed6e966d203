//! The loop of one destination: reads the spool at its cursor, sends several requests at a time, and moves the cursor.

use super::DestinationSettings;
use super::metrics::ExporterMetrics;
use super::sender::{GiveUpPolicy, RequestSender, Sent};
use crate::client::DestinationTarget;
use crate::clock::Clock;
use crate::log::Position;
use crate::model::time::Timestamp;
use crate::reload::Reload;
use crate::spool::{SpoolPayload, SpoolReader};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How long a destination waits after the disk could not be read.
const DISK_PAUSE: Duration = Duration::from_secs(1);

/// One destination, not running yet.
pub struct Destination {
    pub(super) name: String,
    pub(super) settings: DestinationSettings,
    pub(super) target: DestinationTarget,
    pub(super) metrics: ExporterMetrics,
    pub(super) clock: Clock,
    pub(super) reader: SpoolReader,
    pub(super) policy: GiveUpPolicy,
    /// When the oldest request was received that is read and not delivered; 0: there is none.
    pub(super) oldest: Arc<AtomicU64>,
}

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Destination")
            .field("name", &self.name)
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}

impl Destination {
    /// Its key in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is, for what sends there beside it.
    pub fn target(&self) -> &DestinationTarget {
        &self.target
    }

    /// What follows the files of its certificates and credentials.
    pub fn files(&self) -> impl Iterator<Item = Arc<dyn Reload>> {
        self.target.files()
    }

    /// Sends until `stop` is cancelled and the requests in flight are answered, or all is sent where it drains. It reads files: give it a
    /// thread of its own.
    pub async fn run(self, stop: CancellationToken) {
        let Self {
            name,
            settings,
            target,
            metrics,
            clock,
            mut reader,
            policy,
            oldest,
        } = self;
        let drains = policy.drains;
        let consumers = settings.sending_queue.num_consumers;
        let sender = RequestSender::new(&name, settings, target, metrics, (clock, policy));
        let mut flights = FuturesUnordered::new();
        let mut outstanding = Outstanding::default();
        let mut interrupted = false;
        loop {
            let stopping = stop.is_cancelled();
            let reads = !(interrupted || stopping && !drains);
            let mut is_empty = false;
            while reads && !is_empty && flights.len() < consumers {
                match read(&mut reader, &sender).await {
                    Some((at, payload)) => {
                        if let Some(request) = sender.prepare(payload) {
                            outstanding.begin(at, request.received);
                            let delivery = sender.deliver(request, &stop);
                            flights.push(async move { (at, delivery.await) });
                        }
                    }
                    None => is_empty = true,
                }
            }
            reader.delivered(outstanding.delivered(reader.position()));
            oldest.store(outstanding.oldest().0, Ordering::Relaxed);
            if stopping && flights.is_empty() {
                break;
            }
            let has_room = flights.len() < consumers;
            tokio::select! {
                biased;
                Some((at, sent)) = flights.next(), if !flights.is_empty() => match sent {
                    Sent::Settled => outstanding.end(at),
                    Sent::Interrupted => interrupted = true,
                },
                () = stop.cancelled(), if !stopping => {}
                () = reader.ready(), if reads && has_room => {}
            }
        }
        if interrupted && drains {
            let exporter = sender.name();
            warn!(
                exporter,
                "the destination does not accept requests at the end: not all that waited was sent"
            );
        }
    }
}

/// The next payload; `None`: there is none now.
async fn read(
    reader: &mut SpoolReader,
    sender: &RequestSender,
) -> Option<(Position, SpoolPayload)> {
    match reader.read() {
        Ok(next) => next,
        Err(error) => {
            let exporter = sender.name();
            warn!(exporter, %error, "the spool cannot be read: it is tried again");
            tokio::time::sleep(DISK_PAUSE).await;
            None
        }
    }
}

/// The requests in flight, by position.
#[derive(Debug, Default)]
struct Outstanding(BTreeMap<Position, Timestamp>);

impl Outstanding {
    fn begin(&mut self, at: Position, received: Timestamp) {
        self.0.insert(at, received);
    }

    fn end(&mut self, at: Position) {
        self.0.remove(&at);
    }

    /// The position up to which all is settled, where `read` is the last one that was read.
    fn delivered(&self, read: Position) -> Position {
        self.0
            .first_key_value()
            .map_or(read, |(first, _)| first - 1)
    }

    /// When the oldest of them was received; 0: there is none.
    fn oldest(&self) -> Timestamp {
        self.0.values().min().copied().unwrap_or(Timestamp(0))
    }
}
