//! Accepts connections up to a limit, and survives faults of `accept`.

use super::Settings;
use super::connection;
use super::eviction::EvictionQueue;
use super::listener::{ListenerState, Protocol};
use super::metrics::ListenerMetrics;
use super::report::{Reporter, Trouble};
use crate::tls::TlsListener;
use axum::Router;
use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

/// Connections that the kernel keeps until they are accepted, if `net.core.somaxconn` allows. What is beyond it is reset when many come at once.
const BACKLOG: u32 = 4096;
/// How long a connection that should make room has for it before another one must.
const ROOM_WAIT: Duration = Duration::from_millis(250);
/// How long a listener rests after a fault of `accept` that another attempt would meet at once, such as EMFILE.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// Listens on an address with room for a burst of connections; port 0 takes a free one. Call it inside a tokio runtime.
///
/// # Errors
/// When the address cannot be bound.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // As tokio and std do: a restart need not wait for old connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves a router on a listener, within limits.
#[derive(Clone, Debug)]
pub struct Server(Arc<ListenerState>);

impl Server {
    /// Registers its metrics with the recorder in whose scope it is called.
    pub fn new(
        name: &'static str,
        protocol: Protocol,
        settings: Settings,
        (tls, reporter): (Option<TlsListener>, Reporter),
    ) -> Self {
        Self(Arc::new(ListenerState {
            name,
            protocol,
            tls,
            settings,
            metrics: ListenerMetrics::new(name),
            reporter,
            places: Arc::new(Semaphore::new(
                settings.max_connections.min(Semaphore::MAX_PERMITS),
            )),
            make_room: Notify::new(),
            unfinished: EvictionQueue::default(),
            slow_peers: EvictionQueue::default(),
        }))
    }

    /// The name of its listener.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// Whether its connections have TLS.
    pub fn has_tls(&self) -> bool {
        self.0.tls.is_some()
    }

    /// Where troubles of this listener are reported.
    pub fn reporter(&self) -> &Reporter {
        &self.0.reporter
    }

    /// Serves until `stop` ends; then accepts no more, and ends when the requests in flight are answered. Starts one task for each
    /// connection.
    pub async fn serve(
        self,
        listener: TcpListener,
        router: Router,
        stop: impl Future<Output = ()>,
    ) {
        let shared = self.0;
        let stopping = watch::Sender::new(false);
        let connections = TaskTracker::new();
        let mut stop = pin!(stop);
        loop {
            let next = async {
                let place = shared.place().await;
                let (stream, peer) = shared.accept(|| listener.accept()).await;
                (place, stream, peer)
            };
            let (place, stream, peer) = tokio::select! {
                next = next => next,
                () = &mut stop => break,
            };
            let (shared, router) = (Arc::clone(&shared), router.clone());
            let stopping = stopping.subscribe();
            connections.spawn(async move {
                connection::serve(stream, peer, router, &shared, stopping).await;
                drop(place);
            });
        }
        drop(listener);
        stopping.send_replace(true);
        connections.close();
        connections.wait().await;
    }
}

impl ListenerState {
    /// A place for one more connection. At the limit new connections wait in the kernel's backlog, and one is closed to make room:
    /// the oldest one that has sent no request yet, or else the one that has been idle for longest, or else the one whose peer is slowest.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let places = Arc::clone(&self.places);
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            return Some(place);
        }
        self.metrics.at_limit.increment(1);
        self.reporter.note(
            Trouble {
                listener: self.name,
                reason: "connection_limit",
                what: "max_connections is reached; new connections wait",
                advice: "raise max_connections, or let senders share connections through an OpenTelemetry Collector",
                is_usual: false,
            },
            1,
            None,
        );
        if !self.unfinished.evict_first() {
            self.make_room.notify_one();
        }
        loop {
            match timeout(ROOM_WAIT, Arc::clone(&places).acquire_owned()).await {
                // Never closed.
                Ok(place) => return place.ok(),
                Err(_) => self.unfinished.evict_first() || self.slow_peers.evict_first(),
            };
        }
    }

    /// The next connection. A fault of one connection is its own; any other one is reported, and tried again after a pause.
    async fn accept<F>(&self, mut next: impl FnMut() -> F) -> (TcpStream, SocketAddr)
    where
        F: Future<Output = std::io::Result<(TcpStream, SocketAddr)>>,
    {
        loop {
            match next().await {
                Ok((stream, peer)) => {
                    self.metrics.accepted.increment(1);
                    return (stream, peer);
                }
                Err(error) if is_of_the_connection(error.kind()) => {}
                Err(_) => {
                    self.metrics.accept_errors.increment(1);
                    self.reporter.note(
                        Trouble {
                            listener: self.name,
                            reason: "accept_error",
                            what: "cannot accept connections",
                            advice: "raise the limit of open files of this process (ulimit -n, LimitNOFILE), or lower max_connections",
                            is_usual: false,
                        },
                        1,
                        None,
                    );
                    self.make_room.notify_one();
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

fn is_of_the_connection(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use std::cell::Cell;

    #[tokio::test]
    async fn faults_of_accept_neither_stop_the_listener_nor_make_it_spin() {
        const EMFILE: i32 = 24;
        let reporter = Reporter::new(Clock::system());
        let server = Server::new(
            "test",
            Protocol::Http,
            Settings::default(),
            (None, reporter),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let _client = TcpStream::connect(address).await.expect("it listens");
        let attempts = Cell::new(0);
        let mut accepting = pin!(server.0.accept(async || {
            attempts.set(attempts.get() + 1);
            match attempts.get() {
                1 => Err(ErrorKind::ConnectionAborted.into()),
                2 => Err(std::io::Error::from_raw_os_error(EMFILE)),
                _ => listener.accept().await,
            }
        }));
        tokio::select! {
            biased;
            _ = &mut accepting => panic!("it rests after the second attempt"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(attempts.get(), 2);
        let (_, peer) = accepting.await;
        assert!(peer.ip().is_loopback());
    }
}
