//! One connection: HTTP/1 or HTTP/2, cut by its time-outs, ended gracefully when the process stops.

use super::Settings;
use super::listener::{ListenerState, Peer, Protocol};
use super::metrics::CloseReason;
use super::report::Trouble;
use super::slow_peers::{CountedBody, PeerProgress, UnreadAnswer};
use crate::tls::{ClientCertificate, HandshakeFault};
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{Request, Response};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use metrics::Gauge;
use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tower_service::Service;

/// How long a connection that was asked to close, and has nothing in flight, may take to say good-bye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a connection has for its handshake, and then for the head of its first request, before it may have to give way to another one. A client that
/// means it needs less.
const BEGIN_TIME: Duration = Duration::from_millis(500);
/// Most bytes of an HTTP/1 request head, and of the buffer through which bodies are read.
const MAX_BUFFER_BYTES: usize = 64 << 10;
/// Most calls of one HTTP/2 connection at once.
const MAX_STREAMS: u32 = 256;

/// The requests of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Activity {
    begun: u64,
    in_flight: u64,
}

impl Activity {
    fn ended(self) -> u64 {
        self.begun - self.in_flight
    }
}

/// Who is at the other end of a connection.
#[derive(Clone)]
struct Client {
    address: SocketAddr,
    /// Where the listener asks for one.
    certificate: Option<Arc<ClientCertificate>>,
}

/// Serves a connection to its end.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    shared: &ListenerState,
    mut stopping: watch::Receiver<bool>,
) {
    // A connection that is gone already tells when it is read.
    let _ = stream.set_nodelay(true);
    let _open = OpenConnection::begin(&shared.metrics.open);
    let Some(tls) = &shared.tls else {
        let client = Client {
            address: peer,
            certificate: None,
        };
        return serve_requests(stream, client, router, shared, stopping).await;
    };
    let accepted = tokio::select! {
        accepted = timeout(shared.settings.header_timeout, tls.accept(stream)) => accepted,
        () = gives_way(shared) => return shared.metrics.closed(CloseReason::Limit),
        _ = stopping.wait_for(|stopping| *stopping) => return,
    };
    let (stream, certificate) = match accepted {
        Ok(Ok(accepted)) => accepted,
        Ok(Err(error)) => {
            return failed(
                shared,
                peer,
                CloseReason::TlsHandshake,
                HandshakeFault::of(&error),
            );
        }
        Err(_) => {
            return failed(
                shared,
                peer,
                CloseReason::HeaderTimeout,
                HandshakeFault::Late,
            );
        }
    };
    let client = Client {
        address: peer,
        certificate: certificate.map(Arc::new),
    };
    serve_requests(stream, client, router, shared, stopping).await;
}

/// Counts and reports a handshake that failed.
fn failed(shared: &ListenerState, peer: SocketAddr, reason: CloseReason, fault: HandshakeFault) {
    shared.metrics.closed(reason);
    let trouble = Trouble {
        listener: shared.name,
        reason: reason.as_str(),
        what: fault.what(),
        advice: fault.advice(),
        is_usual: fault.is_usual(),
    };
    shared.reporter.note(trouble, 1, Some(peer));
}

/// Serves the requests of a connection, after the handshake.
async fn serve_requests<S>(
    stream: S,
    client: Client,
    router: Router,
    shared: &ListenerState,
    mut stopping: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(watch::Sender::new(Activity::default()));
    let mut watched = activity.subscribe();
    let progress = Arc::new(PeerProgress::default());
    let counted = Arc::clone(&progress);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let request = request.map(|body| CountedBody::new(body, Arc::clone(&counted)));
        let in_flight = InFlight::begin(&activity, &counted);
        answer(request, client.clone(), router.clone(), in_flight)
    });
    let builder = builder(shared.protocol, &shared.settings);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let closed = tokio::select! {
        ended = connection.as_mut() => {
            let silent = ended.is_err_and(|error| is_timeout(&*error));
            Some(silent.then_some(CloseReason::KeepaliveTimeout))
        }
        reason = expired(&mut watched, &progress, shared) => Some(Some(reason)),
        _ = stopping.wait_for(|stopping| *stopping) => None,
    };
    if let Some(Some(reason)) = closed {
        shared.metrics.closed(reason);
    }
    let is_graceful = match closed {
        None | Some(Some(CloseReason::IdleTimeout)) => true,
        // Who has sent no request yet waits for nothing.
        Some(Some(CloseReason::Limit)) => watched.borrow().begun > 0,
        Some(_) => false,
    };
    if is_graceful {
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection => {}
            () = drained(&mut watched, shared.settings.request_timeout) => {}
        }
    }
}

/// Counts a connection while it is open.
struct OpenConnection<'m>(&'m Gauge);

impl<'m> OpenConnection<'m> {
    fn begin(open: &'m Gauge) -> Self {
        open.increment(1.0);
        Self(open)
    }
}

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn builder(protocol: Protocol, settings: &Settings) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    if protocol == Protocol::Http2 {
        builder = builder.http2_only();
    }
    builder
        .http1()
        .timer(TokioTimer::new())
        // `expired` cuts heads; hyper's own time-out would also close connections that wait for their next request.
        .header_read_timeout(None)
        .max_buf_size(MAX_BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(settings.keepalive_interval)
        .keep_alive_timeout(settings.keepalive_timeout);
    builder
}

/// Whether a connection ended because its peer did not answer a PING.
fn is_timeout(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    error
        .downcast_ref::<hyper::Error>()
        .is_some_and(hyper::Error::is_timeout)
}

/// Ends when another connection needs the place of one that has not sent the head of a request yet.
async fn gives_way(shared: &ListenerState) {
    sleep(BEGIN_TIME).await;
    shared.unfinished.enter(0).evicted().await;
}

/// Ends when a connection has outlived a time-out, or another one needs its place.
async fn expired(
    activity: &mut watch::Receiver<Activity>,
    progress: &PeerProgress,
    shared: &ListenerState,
) -> CloseReason {
    let settings = &shared.settings;
    let watched = activity.clone();
    let in_flight = || watched.borrow().in_flight;
    let mut cut = pin!(progress.cut(in_flight, &shared.slow_peers));
    let mut deadline = pin!(sleep(settings.header_timeout));
    let mut before = Activity::default();
    loop {
        let now = *activity.borrow_and_update();
        let idle = now.begun > 0 && now.in_flight == 0;
        let (limit, reason) = if now.in_flight > 0 {
            (settings.request_timeout, CloseReason::RequestTimeout)
        } else if idle {
            (settings.idle_timeout, CloseReason::IdleTimeout)
        } else {
            (settings.header_timeout, CloseReason::HeaderTimeout)
        };
        // A request that begins gives those before it no more time.
        if now.in_flight == 0 || before.in_flight == 0 || before.ended() < now.ended() {
            deadline.set(sleep(limit));
        }
        before = now;
        tokio::select! {
            biased;
            changed = activity.changed() => {
                if changed.is_err() {
                    // Nobody is left to begin a request: the connection ends by itself.
                    return reason;
                }
            }
            () = gives_way(shared), if now.begun == 0 => return CloseReason::Limit,
            () = shared.make_room.notified(), if idle => return CloseReason::Limit,
            reason = &mut cut => return reason,
            () = &mut deadline => return reason,
        }
    }
}

/// Ends when what was in flight has ended, or makes no progress.
async fn drained(activity: &mut watch::Receiver<Activity>, request_timeout: Duration) {
    loop {
        let in_flight = activity.borrow_and_update().in_flight;
        let limit = if in_flight > 0 {
            request_timeout
        } else {
            CLOSE_TIMEOUT
        };
        tokio::select! {
            biased;
            changed = activity.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = sleep(limit) => return,
        }
    }
}

async fn answer(
    request: Request<CountedBody>,
    client: Client,
    mut router: Router,
    in_flight: InFlight,
) -> Result<Response<TrackedBody>, Infallible> {
    let mut request = request.map(Body::new);
    let about = request.extensions_mut();
    about.insert(Peer(client.address));
    client
        .certificate
        .map(|certificate| about.insert(certificate));
    let response = router.call(request).await?;
    Ok(response.map(|body| TrackedBody {
        body,
        unread: in_flight.progress.answer(),
        _in_flight: in_flight,
    }))
}

/// A request from its head to the last byte of its answer.
#[derive(Debug)]
struct InFlight {
    activity: Arc<watch::Sender<Activity>>,
    progress: Arc<PeerProgress>,
}

impl InFlight {
    fn begin(activity: &Arc<watch::Sender<Activity>>, progress: &Arc<PeerProgress>) -> Self {
        activity.send_modify(|activity| {
            activity.begun += 1;
            activity.in_flight += 1;
        });
        Self {
            activity: Arc::clone(activity),
            progress: Arc::clone(progress),
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.activity
            .send_modify(|activity| activity.in_flight -= 1);
    }
}

/// The body of an answer, which is in flight until it is sent.
#[derive(Debug)]
struct TrackedBody {
    body: Body,
    unread: UnreadAnswer,
    _in_flight: InFlight,
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.unread.sent(frame);
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
