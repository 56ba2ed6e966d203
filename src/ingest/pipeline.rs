//! The ingest of a running process: decode → normalise → route → append.

use super::scratch_pool::ScratchPool;
use super::span_counters::SpanCounters;
use super::tenant_stamp::TenantStamp;
use super::{
    Appender, ExportRequest, Ingest, IngestError, OutcomeRequest, ReportFuture, SubmitFuture,
    TenantRegistry,
};
use crate::model::event::Event;
use crate::normalise::{Normaliser, Scratch};
use crate::otlp::Limits;
use crate::otlp::view::{ScopeBatch, SpanSink};
use std::sync::Arc;

/// Takes requests into the log.
#[derive(Debug)]
pub struct Pipeline {
    limits: Limits,
    normaliser: Normaliser,
    scratches: ScratchPool,
    span_counters: SpanCounters,
    appender: Appender,
    tenant_stamp: TenantStamp,
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
            tenant_stamp: TenantStamp::default(),
        }
    }

    /// There are tenants: writes that of each request to the cohort dimension of that name, if it is one of these. Of what operators say of tenants,
    /// those that have a place count.
    #[must_use]
    pub fn label_tenants(self, dimensions: &[String], registry: Arc<TenantRegistry>) -> Self {
        Self {
            tenant_stamp: TenantStamp::new(dimensions, registry),
            ..self
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
        let mut counts = match decoded {
            Ok(counts) => counts,
            Err(malformed) => return Box::pin(std::future::ready(Err(malformed.into()))),
        };
        let tenant = request.tenant.as_ref();
        let unread = self.tenant_stamp.apply(tenant, &mut sink.events);
        counts.unread.add_all(&unread);
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

    fn submit_outcomes(&self, request: OutcomeRequest) -> ReportFuture {
        let (tenant, now) = (request.tenant.as_ref(), self.appender.now());
        let reports = match self.normaliser.outcome_reports(&request.body, tenant, now) {
            Ok(reports) => reports,
            Err(fault) => {
                let error = IngestError::InvalidOutcome(fault);
                return Box::pin(std::future::ready(Err(error)));
            }
        };
        let count = reports.len() as u64;
        let appending = self.appender.append_outcomes(reports);
        Box::pin(async move {
            appending.await?;
            Ok(count)
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
