//! The ingest of a running process: decode → normalise → route → append.

use super::scratch_pool::ScratchPool;
use super::span_counters::SpanCounters;
use super::{Appender, ExportRequest, Ingest, SubmitFuture};
use crate::model::event::Event;
use crate::normalise::{Normaliser, Scratch};
use crate::otlp::Limits;
use crate::otlp::view::{ScopeBatch, SpanSink};

/// Takes requests into the log.
#[derive(Debug)]
pub struct Pipeline {
    limits: Limits,
    normaliser: Normaliser,
    scratches: ScratchPool,
    span_counters: SpanCounters,
    appender: Appender,
}

impl Pipeline {
    /// Registers its metrics with the telemetry in whose scope it is called.
    pub fn new(limits: Limits, normaliser: Normaliser, appender: Appender) -> Self {
        Self {
            limits,
            span_counters: SpanCounters::new(&normaliser),
            normaliser,
            scratches: ScratchPool::default(),
            appender,
        }
    }
}

impl Ingest for Pipeline {
    fn submit(&self, request: ExportRequest) -> SubmitFuture {
        let mut sink = EventSink {
            normaliser: &self.normaliser,
            scratch: self.scratches.take(),
            events: Vec::new(),
        };
        let decoded = request.decode(&self.limits, &mut sink);
        let spans = sink.scratch.take_span_counts();
        self.scratches.give_back(sink.scratch);
        let counts = match decoded {
            Ok(counts) => counts,
            Err(malformed) => return Box::pin(std::future::ready(Err(malformed.into()))),
        };
        let appending = self.appender.append(sink.events);
        // The body is given up here, before the log is waited for.
        drop(request);
        let span_counters = self.span_counters.clone();
        Box::pin(async move {
            appending.await?;
            span_counters.add(&spans, &counts.unread);
            Ok(counts)
        })
    }
}

/// Collects the events of one request.
struct EventSink<'p> {
    normaliser: &'p Normaliser,
    scratch: Scratch,
    events: Vec<Box<Event>>,
}

impl SpanSink for EventSink<'_> {
    fn asks(&self, hash: u32, name: &[u8]) -> bool {
        self.normaliser.asks(hash, name)
    }

    fn add(&mut self, group: &ScopeBatch<'_>) {
        self.events
            .extend(self.normaliser.normalise(group, &mut self.scratch));
    }
}
