//! Forwarding: the requests as they were received, byte for byte, to the next receivers of OTLP.
//!
//! ```text
//! receive ─► Forwarding (Ingest) ─► ingest ─► log
//!                  └─► spool ─► Destination A, Destination B …     one task and one thread each
//! ```
//!
//! A destination that is slow or dead has its own cursor in the spool, its own thread and its own connections, so it delays neither figures
//! nor other destinations. Delivery is at least once: Baton sends a request again until the destination accepts it or rejects it permanently.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | the keys of an exporter `otlp`, with the names of the Collector |
//! | `forwarding.rs` | the ingest that writes what the log has taken to the spool |
//! | `record.rs` | a request in the spool |
//! | `destination.rs` | the loop of one destination |
//! | `sender.rs` | sends a request until it is settled |
//! | `convert.rs` | OTLP/JSON as protobuf for gRPC |
//! | `requeue.rs` | sends again what is in the quarantine |
//! | `verdict_queue.rs, verdict_writer.rs` | Baton's own verdicts, on their way from the partitions to the spool |
//! | `metrics.rs` | what a destination counts |

mod convert;
mod destination;
mod forwarding;
mod metrics;
mod record;
mod requeue;
mod sender;
mod settings;
mod verdict_queue;
mod verdict_writer;

#[cfg(test)]
mod tests;

pub use destination::Destination;
pub use forwarding::Forwarding;
pub use requeue::{QuarantinedFile, Requeue};
pub use sender::GiveUpPolicy;
pub use settings::{
    DestinationSettings, ForwardCompression, ForwardProtocol, QueueSettings, SentSignal, Settings,
};
pub use verdict_writer::{VerdictRouting, VerdictWriter};

use self::metrics::ExporterMetrics;
use self::verdict_queue::VerdictQueue;
use self::verdict_writer::VerdictMetrics;
use crate::catalogue::InternalMetric;
use crate::client::DestinationError;
use crate::clock::{Clock, Heartbeats};
use crate::ingest::{Ingest, Signal};
use crate::model::fact::Fact;
use crate::model::time::Timestamp;
use crate::spool::{Quarantine, Spool};
use crate::telemetry::gauge;
use crate::verdict::VerdictForm;
use ::metrics::Gauge;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Why a destination does not get a request. One more reason, a full spool, is counted by the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DroppedReason {
    /// The destination rejected it permanently.
    Rejected,
    /// `retry_on_failure` allows no further attempt.
    RetryLimit,
    /// OTLP/JSON that cannot be converted to protobuf.
    NotConvertible,
    /// The spool holds what this version cannot read.
    Unreadable,
    /// It is older than `spool.max_age`.
    Expired,
}

impl DroppedReason {
    const ALL: [Self; 5] = [
        Self::Rejected,
        Self::RetryLimit,
        Self::NotConvertible,
        Self::Unreadable,
        Self::Expired,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::RetryLimit => "retry_limit",
            Self::NotConvertible => "not_convertible",
            Self::Unreadable => "unreadable",
            Self::Expired => "expired",
        }
    }
}

/// All destinations and their spool, as the wiring holds them.
pub struct Forwarder {
    settings: Settings,
    spool: Spool,
    clock: Clock,
    /// The age of the oldest request of each destination, and when that was received.
    oldest: Vec<(Gauge, Arc<AtomicU64>)>,
    quarantine: Option<Arc<Quarantine>>,
    quarantine_bytes: Gauge,
    /// `None`: no destination takes verdicts.
    verdicts: Option<Arc<VerdictQueue>>,
    waiting_verdicts: Gauge,
    heartbeats: Heartbeats,
}

impl std::fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forwarder")
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
}

impl Forwarder {
    /// The forwarder of checked settings and its destinations. Registers its metrics with the recorder in whose scope it is called.
    ///
    /// # Errors
    /// When a destination has certificates or credentials that cannot be used.
    pub fn new(
        settings: &Settings,
        spool: Spool,
        policy: GiveUpPolicy,
        clock: Clock,
    ) -> Result<(Self, Vec<Destination>), DestinationError> {
        let mut destinations = Vec::new();
        let mut oldest = Vec::new();
        for (name, settings) in settings.forwarded() {
            let Some(target) = settings.target(name)? else {
                continue;
            };
            let received = Arc::new(AtomicU64::new(0));
            let age = gauge(InternalMetric::SpoolOldest, &[name]);
            oldest.push((age, Arc::clone(&received)));
            destinations.push(Destination {
                metrics: ExporterMetrics::new(name),
                reader: spool.reader(name),
                name: name.clone(),
                settings: settings.clone(),
                target,
                clock: clock.clone(),
                policy: policy.clone(),
                oldest: received,
            });
        }
        let forwarder = Self {
            settings: settings.clone(),
            spool,
            heartbeats: Heartbeats::new(&clock),
            clock,
            oldest,
            quarantine: policy.quarantine,
            quarantine_bytes: gauge(InternalMetric::SpoolQuarantineBytes, &[]),
            verdicts: settings.takes_verdicts().then(Arc::default),
            waiting_verdicts: gauge(InternalMetric::VerdictsWaiting, &[]),
        };
        Ok((forwarder, destinations))
    }

    /// An ingest that forwards what the other one takes.
    pub fn ingest(&self, ingest: Arc<dyn Ingest>) -> Forwarding {
        let takers = Signal::ALL.map(|signal| {
            let takers = self.settings.0.iter();
            let takers = takers.filter(|(_, destination)| destination.takes(signal));
            takers.map(|(name, _)| name.clone()).collect()
        });
        let (spool, verdicts) = (self.spool.clone(), self.verdicts.clone());
        Forwarding::new(ingest, spool, takers, self.clock.clone(), verdicts)
    }

    /// What writes verdicts to the spool. `None`: no destination takes any. Registers its metrics with the recorder in whose scope it is called.
    pub fn verdict_writer(&self, routing: VerdictRouting) -> Option<VerdictWriter> {
        let takers = VerdictForm::ALL.map(|form| (form, self.settings.verdict_takers(form)));
        let takers = takers.into_iter();
        Some(VerdictWriter {
            queue: Arc::clone(self.verdicts.as_ref()?),
            spool: self.spool.clone(),
            clock: self.clock.clone(),
            routing,
            takers: takers.filter(|(_, names)| !names.is_empty()).collect(),
            metrics: VerdictMetrics::new(),
        })
    }

    /// Takes the verdicts among facts of a partition that were decided at this time of the log. It never waits.
    pub fn take_facts(&self, partition: usize, decided: Timestamp, facts: &[Fact]) {
        if let Some(queue) = &self.verdicts {
            queue.put(partition, decided, facts);
        }
    }

    /// Whether all verdicts of a partition are as durable as the spool promises, or dropped by its policy; waits for it at most so long, and not at all while the spool has no room.
    pub fn has_written(&self, partition: usize, wait: Duration) -> bool {
        let queue = self.verdicts.as_ref();
        queue.is_none_or(|queue| queue.is_durable(partition, wait))
    }

    /// Whether any destination takes verdicts.
    pub fn has_verdicts(&self) -> bool {
        self.verdicts.is_some()
    }

    /// The signs of life of the spool, for readiness.
    pub fn heartbeats(&self) -> &Heartbeats {
        &self.heartbeats
    }

    /// Brings the gauges up to date, before they are read.
    pub fn measure(&self) {
        self.spool.measure();
        let quarantine = self.quarantine.as_ref();
        let bytes = quarantine.map_or(0, |quarantine| quarantine.look());
        self.quarantine_bytes.set(bytes as f64);
        let verdicts = self.verdicts.as_ref();
        let verdicts = verdicts.map_or(0, |queue| queue.outstanding());
        self.waiting_verdicts.set(verdicts as f64);
        let now = self.clock.now();
        for (age, received) in &self.oldest {
            let seconds = match received.load(Ordering::Relaxed) {
                0 => 0.0,
                received => now.since(Timestamp(received)).as_secs_f64(),
            };
            age.set(seconds);
        }
    }

    /// The requests that wait for each destination.
    pub fn waiting(&self) -> Vec<(String, u64)> {
        self.spool.waiting()
    }

    /// Why requests are refused now; `None`: there is room, or they are dropped.
    pub fn shortage(&self) -> Option<String> {
        let queue = self.verdicts.as_ref();
        let is_full = queue.is_some_and(|queue| queue.is_full());
        let verdicts = is_full.then(|| "verdicts wait for room in the spool".to_owned());
        self.spool.shortage().or(verdicts)
    }

    /// Says that nothing more comes and all destinations have stopped.
    pub fn end(&self) {
        self.spool.end();
    }
}
