//! A tap of raw requests. It exists for what passes requests on as they were received, such as a forwarder: that must see the bytes, and
//! must know which requests Baton itself has taken, so that a sender that retries does not make it forward twice.

use super::{ExportRequest, Ingest, IngestError, SubmitFuture};
use crate::otlp::Counts;
use std::sync::Arc;

/// Sees every request once its outcome is known.
pub trait RequestTap: Send + Sync + 'static {
    /// Is given a request and what became of it. Called on the task of the request, before the sender is answered: it must not block.
    fn settled(&self, request: ExportRequest, outcome: &Result<Counts, IngestError>);
}

/// An ingest with a tap. Without one no request is kept beyond its decoding, so the tap is a wrapper and no part of the pipeline.
#[derive(Debug)]
pub struct Tapped<I, T> {
    ingest: I,
    tap: Arc<T>,
}

impl<I: Ingest, T: RequestTap> Tapped<I, T> {
    pub fn new(ingest: I, tap: Arc<T>) -> Self {
        Self { ingest, tap }
    }
}

impl<I: Ingest, T: RequestTap> Ingest for Tapped<I, T> {
    /// As the ingest behind it. A submission that is dropped before its end is not shown: its sender has no answer, and sends it again.
    fn submit(&self, request: ExportRequest) -> SubmitFuture {
        // The bytes are shared, not copied.
        let submitted = self.ingest.submit(request.clone());
        let tap = Arc::clone(&self.tap);
        Box::pin(async move {
            let outcome = submitted.await;
            tap.settled(request, &outcome);
            outcome
        })
    }
}
