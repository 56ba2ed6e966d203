//! Limits of requests in flight: their number and the bytes of their bodies.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

/// The limits of all doors together.
#[derive(Debug)]
pub struct Budget {
    requests: AtomicUsize,
    max_requests: usize,
    bytes: AtomicUsize,
    max_bytes: usize,
}

impl Budget {
    pub fn new(max_requests: usize, max_bytes: usize) -> Self {
        Self {
            requests: AtomicUsize::new(0),
            max_requests,
            bytes: AtomicUsize::new(0),
            max_bytes,
        }
    }

    /// A place for one request until it is answered; `None`: there is none.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Held> {
        grow(&self.requests, 1, self.max_requests).then(|| Held {
            budget: Arc::clone(self),
            bytes: AtomicUsize::new(0),
            refused: AtomicBool::new(false),
        })
    }
}

fn grow(used: &AtomicUsize, more: usize, most: usize) -> bool {
    let room = |used: usize| used.checked_add(more).filter(|sum| *sum <= most);
    used.fetch_update(Ordering::AcqRel, Ordering::Acquire, room)
        .is_ok()
}

/// What one request holds of it.
#[derive(Debug)]
pub(super) struct Held {
    budget: Arc<Budget>,
    bytes: AtomicUsize,
    refused: AtomicBool,
}

impl Held {
    /// Takes bytes as they come; `false`: there is no room for them.
    fn take(&self, more: usize) -> bool {
        let taken = grow(&self.budget.bytes, more, self.budget.max_bytes);
        if taken {
            self.bytes.fetch_add(more, Ordering::AcqRel);
        } else {
            self.refused.store(true, Ordering::Release);
        }
        taken
    }

    /// Makes room for a body of this size after decompression.
    pub(super) fn unpack(&self, size: usize) -> bool {
        self.take(size.saturating_sub(self.bytes.load(Ordering::Acquire)))
    }

    /// Whether it ever found no room.
    pub(super) fn was_refused(&self) -> bool {
        self.refused.load(Ordering::Acquire)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let bytes = *self.bytes.get_mut();
        self.budget.bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.budget.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A body whose bytes are taken from the budget before anybody keeps them.
#[derive(Debug)]
pub(super) struct Metered<B> {
    body: B,
    held: Arc<Held>,
}

impl<B> Metered<B> {
    pub(super) fn new(body: B, held: Arc<Held>) -> Self {
        Self { body, held }
    }
}

impl<B> Body for Metered<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let frame = frame.map(|frame| frame.map_err(Into::into));
        let size = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            _ => 0,
        };
        Poll::Ready(if self.held.take(size) {
            frame
        } else {
            Some(Err("no room for more bytes of requests now".into()))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
