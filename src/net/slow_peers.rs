//! Slow peers: at the connection limit, the connection whose peer sends its requests or reads its answers slowest gives its place to a new one. Without
//! this rule, peers that trickle, or that read nothing, could hold all places for as long as a request may take.

use super::eviction::EvictionQueue;
use super::metrics::CloseReason;
use axum::body::{Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::sleep;

/// The window in which the bytes of bodies are counted.
const WINDOW: Duration = Duration::from_secs(1);
/// A connection with fewer bytes in a window is slow.
const SLOW_BYTES: u64 = 16 << 10;

/// The bodies of one connection, in both directions.
#[derive(Debug, Default)]
pub(super) struct PeerProgress {
    /// Bodies of requests that have not arrived yet.
    uploading: AtomicU64,
    /// Answers that have not been read to their end yet.
    unread: AtomicU64,
    /// Bytes of bodies received and sent so far.
    bytes: AtomicU64,
}

impl PeerProgress {
    /// Ends when another connection needs the place of this one, all of whose requests `in_flight` wait for a slow peer. Requests that begin meanwhile change
    /// nothing.
    pub(super) async fn cut(
        &self,
        in_flight: impl Fn() -> u64,
        slow_peers: &EvictionQueue,
    ) -> CloseReason {
        let mut before = self.bytes.load(Ordering::Relaxed);
        sleep(WINDOW).await;
        loop {
            let bytes = self.bytes.load(Ordering::Relaxed);
            let moved = bytes - before;
            before = bytes;
            let waits = || self.waits(in_flight());
            if waits().is_none() || moved >= SLOW_BYTES {
                sleep(WINDOW).await;
                continue;
            }
            let slow = slow_peers.enter(moved);
            tokio::select! {
                // If it is not slow any more, the next one gives way soon.
                () = slow.evicted() => if let Some(reason) = waits() {
                    return reason;
                },
                () = sleep(WINDOW) => {}
            }
        }
    }

    /// Which slowness all of so many requests wait for; `None`: Baton works on one of them, or there are none.
    fn waits(&self, in_flight: u64) -> Option<CloseReason> {
        let uploading = self.uploading.load(Ordering::Relaxed);
        let unread = self.unread.load(Ordering::Relaxed);
        match (uploading, unread) {
            _ if in_flight == 0 || uploading + unread < in_flight => None,
            (_, 0) => Some(CloseReason::SlowUpload),
            _ => Some(CloseReason::UnreadAnswer),
        }
    }

    /// An answer begins; the guard ends it.
    pub(super) fn answer(self: &Arc<Self>) -> UnreadAnswer {
        self.unread.fetch_add(1, Ordering::Relaxed);
        UnreadAnswer(Arc::clone(self))
    }
}

/// An answer that is not read to its end yet.
#[derive(Debug)]
pub(super) struct UnreadAnswer(Arc<PeerProgress>);

impl UnreadAnswer {
    /// Counts what the connection took of it.
    pub(super) fn sent(&self, frame: &Frame<Bytes>) {
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for UnreadAnswer {
    fn drop(&mut self) {
        self.0.unread.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request body that counts what arrives of it.
#[derive(Debug)]
pub(super) struct CountedBody {
    body: Incoming,
    progress: Arc<PeerProgress>,
    /// The end has not arrived yet.
    is_uploading: bool,
}

impl CountedBody {
    pub(super) fn new(body: Incoming, progress: Arc<PeerProgress>) -> Self {
        let is_uploading = !body.is_end_stream();
        let uploading = u64::from(is_uploading);
        progress.uploading.fetch_add(uploading, Ordering::Relaxed);
        Self {
            body,
            progress,
            is_uploading,
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.is_uploading) {
            self.progress.uploading.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for CountedBody {
    fn drop(&mut self) {
        self.end();
    }
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                self.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            Poll::Ready(None | Some(Err(_))) => self.end(),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
