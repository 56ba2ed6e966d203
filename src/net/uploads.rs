//! Slow uploads: at the connection limit, the slowest upload of a listener gives its place to a new connection. Without this rule, senders that trickle
//! their bodies could hold all places for as long as a body may take.

use super::eviction::EvictionQueue;
use axum::body::{Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::sleep;

/// The window in which the bytes of an upload are counted.
const WINDOW: Duration = Duration::from_secs(1);
/// An upload of fewer bytes in a window is slow.
const SLOW_BYTES: u64 = 16 << 10;

/// The request bodies of one connection.
#[derive(Debug, Default)]
pub(super) struct UploadProgress {
    /// Bodies that have not arrived yet.
    uploading: AtomicU64,
    /// Bytes of bodies received so far.
    bytes: AtomicU64,
}

impl UploadProgress {
    /// Ends when another connection needs the place of this one, whose requests, so many, all upload slowly.
    pub(super) async fn cut(&self, in_flight: u64, uploads: &EvictionQueue) {
        let mut before = self.bytes.load(Ordering::Relaxed);
        sleep(WINDOW).await;
        loop {
            let bytes = self.bytes.load(Ordering::Relaxed);
            let received = bytes - before;
            before = bytes;
            if self.uploading.load(Ordering::Relaxed) < in_flight || received >= SLOW_BYTES {
                sleep(WINDOW).await;
                continue;
            }
            let slow = uploads.enter(received);
            tokio::select! {
                () = slow.evicted() => return,
                () = sleep(WINDOW) => {}
            }
        }
    }
}

/// A request body that counts what arrives of it.
#[derive(Debug)]
pub(super) struct CountedBody {
    body: Incoming,
    progress: Arc<UploadProgress>,
    /// The end has not arrived yet.
    is_uploading: bool,
}

impl CountedBody {
    pub(super) fn new(body: Incoming, progress: Arc<UploadProgress>) -> Self {
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
