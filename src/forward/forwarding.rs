//! The ingest of a Baton that forwards: what the log has taken goes to the spool, and is acknowledged when both have it.

use super::record;
use super::verdict_queue::VerdictQueue;
use crate::clock::Clock;
use crate::ingest::{
    ExportRequest, Ingest, IngestError, OutcomeRequest, ReportFuture, Signal, SubmitFuture,
};
use crate::model::limit::Limit;
use crate::otlp::Counts;
use crate::spool::{Admitted, Spool};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// An ingest that forwards.
pub struct Forwarding {
    ingest: Arc<dyn Ingest>,
    spool: Spool,
    /// The keys of the destinations that take each signal.
    takers: [Vec<String>; Signal::ALL.len()],
    clock: Clock,
    /// Verdicts that wait for the spool; `None`: nobody takes any.
    verdicts: Option<Arc<VerdictQueue>>,
}

impl std::fmt::Debug for Forwarding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forwarding")
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
}

impl Forwarding {
    pub(super) fn new(
        ingest: Arc<dyn Ingest>,
        spool: Spool,
        takers: [Vec<String>; Signal::ALL.len()],
        clock: Clock,
        verdicts: Option<Arc<VerdictQueue>>,
    ) -> Self {
        Self {
            ingest,
            spool,
            takers,
            clock,
            verdicts,
        }
    }
}

impl Ingest for Forwarding {
    /// As the ingest behind it, which does not see metrics. The room in the spool is reserved first: a request that finds none leaves no trace
    /// in the log. What the log refuses at once leaves none in the spool. Then both write at the same time.
    fn submit(&self, request: ExportRequest) -> SubmitFuture {
        if self.verdicts.as_ref().is_some_and(|queue| queue.is_full()) {
            return Box::pin(std::future::ready(Err(IngestError::Full(Limit::Spool))));
        }
        let takers = &self.takers[request.signal as usize];
        if takers.is_empty() {
            return self.ingest.submit(request);
        }
        let place = match self.spool.reserve(record::max_size(&request)) {
            Ok(Admitted::Place(place)) => Some(place),
            Ok(Admitted::Dropped) => None,
            Err(error) => return Box::pin(std::future::ready(Err(error.into()))),
        };
        if place.is_none() {
            takers.iter().for_each(|taker| self.spool.dropped(taker));
        }
        let payload = place.map(|place| (place, record::encode(&request, self.clock.now())));
        let mut submitted: SubmitFuture = match request.signal {
            Signal::Metrics => Box::pin(std::future::ready(Ok(Counts::default()))),
            Signal::Traces | Signal::Logs => self.ingest.submit(request),
        };
        Box::pin(async move {
            let Some((place, payload)) = payload else {
                return submitted.await;
            };
            match poll_fn(|context| Poll::Ready(submitted.as_mut().poll(context))).await {
                Poll::Ready(Err(error)) => Err(error),
                Poll::Ready(Ok(counts)) => Ok((counts, place.write(payload).await?).0),
                Poll::Pending => {
                    let written = async { Ok(place.write(payload).await?) };
                    Ok(tokio::try_join!(submitted, written)?.0)
                }
            }
        })
    }

    /// Outcomes are not forwarded: no receiver of OTLP takes them.
    fn submit_outcomes(&self, request: OutcomeRequest) -> ReportFuture {
        if self.verdicts.as_ref().is_some_and(|queue| queue.is_full()) {
            return Box::pin(std::future::ready(Err(IngestError::Full(Limit::Spool))));
        }
        self.ingest.submit_outcomes(request)
    }
}
