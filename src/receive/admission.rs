//! Admission: what requests may hold at once. Bytes from the first one on, a place for processing once the body is there.
//!
//! ```text
//! upload ──► body ──► queue ──────────► place ──► decoded, appended, answered
//!   │ bytes are counted as they come;      (first in, first out, for queue_timeout)
//!   └ cut by body_timeout, body_idle_timeout, or once it stalls and others need its bytes
//! ```

use super::error::{Overload, ReceiveError};
use super::tenant_limiter::TenantUse;
use crate::catalogue::InternalMetric;
use crate::telemetry::gauge;
use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use metrics::Gauge;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// What a request holds beside its body: it bounds the number of requests that upload or wait.
const REQUEST_BYTES: usize = 1 << 10;
/// An upload without progress for this long gives its bytes up as soon as others need them.
const STALLED_AFTER: Duration = Duration::from_secs(1);
/// How long to wait for the bytes of stalled uploads that were cut.
const CUT_WAIT: Duration = Duration::from_secs(1);

/// Limits of admission, of all listeners together.
#[derive(Clone, Copy, Debug)]
pub struct AdmissionLimits {
    /// Maximum number of requests that are processed at once.
    pub max_requests: usize,
    /// Maximum number of bytes of requests that upload, wait or are processed.
    pub max_bytes: usize,
    /// Maximum time of the upload of a body.
    pub body_timeout: Duration,
    /// Maximum time without a byte of it.
    pub body_idle_timeout: Duration,
    /// Maximum wait for a place.
    pub queue_timeout: Duration,
}

/// Admits requests.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    places: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    stalled: Mutex<Stalled>,
    waiting: Gauge,
    held: Gauge,
}

/// Uploads that make no progress, the largest last.
#[derive(Debug, Default)]
struct Stalled {
    uploads: BTreeMap<(usize, u64), Arc<Notify>>,
    numbered: u64,
    stopping: bool,
}

impl Admission {
    /// Registers its metrics with the recorder in whose scope it is called.
    pub fn new(limits: AdmissionLimits) -> Self {
        Self {
            places: Arc::new(Semaphore::new(
                limits.max_requests.min(Semaphore::MAX_PERMITS),
            )),
            // The largest request that is allowed fits into the bytes that are allowed.
            bytes: Arc::new(Semaphore::new(
                limits
                    .max_bytes
                    .saturating_add(REQUEST_BYTES)
                    .min(Semaphore::MAX_PERMITS),
            )),
            stalled: Mutex::default(),
            waiting: gauge(InternalMetric::ReceiverWaitingRequests, &[]),
            held: gauge(InternalMetric::ReceiverBytesInFlight, &[]),
            limits,
        }
    }

    /// Uploads that make no progress are cut from now on: a stop does not wait for them.
    pub(super) fn stop(&self) {
        let mut stalled = self.stalled();
        stalled.stopping = true;
        stalled
            .uploads
            .values()
            .for_each(|upload| upload.notify_one());
    }

    /// Reads a body of at most `limit` bytes. `tenant`: what its tenant uses, if that is limited.
    pub(super) async fn read<B>(
        self: &Arc<Self>,
        body: B,
        limit: usize,
        tenant: Option<Arc<TenantUse>>,
    ) -> Result<(Bytes, Permit), ReceiveError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let mut held = Permit::new(self, tenant);
        held.take(REQUEST_BYTES).await?;
        let reading = self.frames(body, limit, &mut held);
        let frames = timeout(self.limits.body_timeout, reading).await;
        let frames = frames.unwrap_or(Err(ReceiveError::SlowBody))?;
        Ok((joined(frames), held))
    }

    async fn frames<B>(
        &self,
        mut body: B,
        limit: usize,
        held: &mut Permit,
    ) -> Result<Vec<Bytes>, ReceiveError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        if body.size_hint().lower() > limit as u64 {
            return Err(ReceiveError::TooLarge);
        }
        let (mut frames, mut size) = (Vec::new(), 0);
        loop {
            let frame = self.patiently(held.bytes, body.frame()).await?;
            let Some(frame) = frame.transpose().map_err(|_| ReceiveError::Aborted)? else {
                return Ok(frames);
            };
            if let Ok(data) = frame.into_data() {
                size += data.len();
                if size > limit {
                    return Err(ReceiveError::TooLarge);
                }
                held.take(data.len()).await?;
                frames.push(data);
            }
        }
    }

    /// Waits for the next piece of an upload that holds so many bytes.
    async fn patiently<T>(
        &self,
        bytes: usize,
        next: impl Future<Output = T>,
    ) -> Result<T, ReceiveError> {
        let idle = self.limits.body_idle_timeout;
        let grace = STALLED_AFTER.min(idle / 2);
        let mut next = std::pin::pin!(next);
        if let Ok(done) = timeout(grace, next.as_mut()).await {
            return Ok(done);
        }
        let upload = self.enlist(bytes)?;
        tokio::select! {
            biased;
            done = next => Ok(done),
            () = upload.cut.notified() => Err(self.why_cut()),
            () = sleep(idle - grace) => Err(ReceiveError::SlowBody),
        }
    }

    /// Puts an upload among those that make no progress.
    fn enlist(&self, bytes: usize) -> Result<Enlisted<'_>, ReceiveError> {
        let mut stalled = self.stalled();
        if stalled.stopping {
            return Err(ReceiveError::STOPPING);
        }
        stalled.numbered += 1;
        let key = (bytes, stalled.numbered);
        let cut = Arc::new(Notify::new());
        stalled.uploads.insert(key, Arc::clone(&cut));
        drop(stalled);
        Ok(Enlisted {
            admission: self,
            key,
            cut,
        })
    }

    fn why_cut(&self) -> ReceiveError {
        if self.stalled().stopping {
            ReceiveError::STOPPING
        } else {
            ReceiveError::SlowBody
        }
    }

    /// Cuts the largest stalled uploads, if that makes enough room for so many more bytes.
    fn cut(&self, more: usize) -> bool {
        let mut stalled = self.stalled();
        let needed = more.saturating_sub(self.bytes.available_permits());
        let mut freed = 0;
        let largest = stalled.uploads.keys().rev();
        let enough: Vec<(usize, u64)> = largest
            .take_while(|(bytes, _)| {
                let wanted = freed < needed;
                freed += bytes;
                wanted
            })
            .copied()
            .collect();
        if enough.iter().map(|(bytes, _)| bytes).sum::<usize>() < needed {
            return false;
        }
        for key in enough {
            if let Some(upload) = stalled.uploads.remove(&key) {
                upload.notify_one();
            }
        }
        true
    }

    fn stalled(&self) -> MutexGuard<'_, Stalled> {
        self.stalled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pieces in one, each given up as it is copied.
fn joined(mut frames: Vec<Bytes>) -> Bytes {
    if frames.len() < 2 {
        return frames.pop().unwrap_or_default();
    }
    let size = frames.iter().map(Bytes::len).sum();
    let mut whole = Vec::with_capacity(size);
    for frame in frames {
        whole.extend_from_slice(&frame);
    }
    whole.into()
}

/// A stalled upload, until it goes on or ends.
struct Enlisted<'a> {
    admission: &'a Admission,
    key: (usize, u64),
    cut: Arc<Notify>,
}

impl Drop for Enlisted<'_> {
    fn drop(&mut self) {
        self.admission.stalled().uploads.remove(&self.key);
    }
}

/// What one request holds until it is answered.
#[derive(Debug)]
pub(super) struct Permit {
    admission: Arc<Admission>,
    /// What its tenant uses, if that is limited.
    tenant: Option<Arc<TenantUse>>,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
    place: Option<OwnedSemaphorePermit>,
}

impl Permit {
    fn new(admission: &Arc<Admission>, tenant: Option<Arc<TenantUse>>) -> Self {
        Self {
            admission: Arc::clone(admission),
            tenant,
            permit: None,
            bytes: 0,
            place: None,
        }
    }

    /// Takes bytes as they come. Where there is no room, stalled uploads make it.
    async fn take(&mut self, more: usize) -> Result<(), ReceiveError> {
        if let Some(tenant) = &self.tenant {
            tenant.hold(more)?;
        }
        let taken = self.take_of_all(more).await;
        if let (Err(_), Some(tenant)) = (&taken, &self.tenant) {
            tenant.release(more);
        }
        taken
    }

    async fn take_of_all(&mut self, more: usize) -> Result<(), ReceiveError> {
        let full = ReceiveError::Overloaded(Overload::Bytes);
        let permits = u32::try_from(more).map_err(|_| full)?;
        let bytes = Arc::clone(&self.admission.bytes);
        let taken = match Arc::clone(&bytes).try_acquire_many_owned(permits) {
            Ok(taken) => taken,
            Err(_) if !self.admission.cut(more) => return Err(full),
            Err(_) => {
                let waited = timeout(CUT_WAIT, bytes.acquire_many_owned(permits)).await;
                waited.map_err(|_| full)?.map_err(|_| full)?
            }
        };
        match &mut self.permit {
            Some(permit) => permit.merge(taken),
            None => self.permit = Some(taken),
        }
        self.bytes += more;
        self.admission.held.increment(more as f64);
        Ok(())
    }

    /// Makes room for a body of this size after decompression.
    pub(super) async fn unpack(&mut self, size: usize) -> Result<(), ReceiveError> {
        let more = size.saturating_sub(self.bytes.saturating_sub(REQUEST_BYTES));
        self.take(more).await
    }

    /// Counts the plain bytes of the request for its tenant.
    pub(super) fn spend(&self, bytes: usize) {
        if let Some(tenant) = &self.tenant {
            tenant.spend(bytes);
        }
    }

    /// Waits for a place to be processed.
    pub(super) async fn place(&mut self) -> Result<(), ReceiveError> {
        let admission = Arc::clone(&self.admission);
        let places = Arc::clone(&admission.places);
        self.place = Arc::clone(&places).try_acquire_owned().ok();
        if self.place.is_none() {
            let _waiting = Waiting::begin(&admission.waiting);
            let queued = timeout(admission.limits.queue_timeout, places.acquire_owned()).await;
            let full = ReceiveError::Overloaded(Overload::Queue);
            self.place = Some(queued.map_err(|_| full)?.map_err(|_| full)?);
        }
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.held.decrement(self.bytes as f64);
        if let Some(tenant) = &self.tenant {
            tenant.release(self.bytes);
        }
    }
}

/// Counts a request while it waits.
struct Waiting<'m>(&'m Gauge);

impl<'m> Waiting<'m> {
    fn begin(waiting: &'m Gauge) -> Self {
        waiting.increment(1.0);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
