//! Appends the events of a request to the log: all or nothing, and nothing while the state takes more memory than it may.

use super::route::Router;
use crate::catalogue::InternalMetric;
use crate::clock::Clock;
use crate::log::{AppendFuture, Log, LogError};
use crate::model::event::Event;
use crate::model::ids::PartitionKey;
use crate::model::limit::Limit;
use crate::model::memory_limit::MemoryLimit;
use crate::model::outcome_report::AddressedReport;
use crate::model::record::{Entry, Frame, Record};
use crate::model::time::Timestamp;
use crate::telemetry::counter;
use metrics::Counter;
use std::sync::Arc;

/// Routes events to partitions and appends them.
pub struct Appender {
    router: Arc<Router>,
    log: Arc<dyn Log>,
    memory: MemoryLimit,
    clock: Clock,
    appended: Counter,
}

impl std::fmt::Debug for Appender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Appender")
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

impl Appender {
    /// An appender to the log of the partitions whose memory is limited. Registers its metric with the recorder in whose scope it is called.
    pub fn new(log: Arc<dyn Log>, memory: MemoryLimit, clock: Clock) -> Self {
        Self {
            router: Arc::new(Router::new(memory.partitions())),
            log,
            memory,
            clock,
            appended: counter(InternalMetric::LogEvents, &[]),
        }
    }

    /// The time by which the log goes.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Appends reported outcomes, all or nothing. Once it ends with `Ok`, they count.
    pub fn append_outcomes(&self, reports: Vec<AddressedReport>) -> AppendFuture {
        if reports.is_empty() {
            return Box::pin(std::future::ready(Ok(())));
        }
        if self.memory.is_exceeded(self.log.backlog().bytes) {
            return Box::pin(std::future::ready(Err(LogError::Full(Limit::Memory))));
        }
        let entry = |AddressedReport { session, report }| Entry {
            key: PartitionKey::Session(session),
            record: Record::Outcome(Box::new(report)),
        };
        let partitions = self.memory.partitions();
        let entries = reports.into_iter().map(entry);
        let entries = entries.map(|entry| entry.addressed(partitions));
        let frame = Frame::of(entries, self.clock.now(), None);
        self.log.append(frame)
    }

    /// Appends the events of one request, all or nothing. Once it ends with `Ok`, they count.
    pub fn append(&self, events: Vec<Box<Event>>) -> AppendFuture {
        if events.is_empty() {
            return Box::pin(std::future::ready(Ok(())));
        }
        if self.memory.is_exceeded(self.log.backlog().bytes) {
            return Box::pin(std::future::ready(Err(LogError::Full(Limit::Memory))));
        }
        let count = events.len() as u64;
        let routed = self.router.route(events);
        let frame = Frame::of(routed.entries, self.clock.now(), None);
        let appending = self.log.append(frame);
        let (router, appended) = (Arc::clone(&self.router), self.appended.clone());
        Box::pin(async move {
            appending.await?;
            router.taken(&routed.told);
            appended.increment(count);
            Ok(())
        })
    }
}
